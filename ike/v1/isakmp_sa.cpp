#include "ike/v1/isakmp_sa.h"

#include "ike/child_installation.h"
#include "ike/peer_address.h"
#include "ike/v1/aggressive_mode_initiator.h"
#include "ike/v1/aggressive_mode_responder.h"
#include "ike/v1/dead_peer_detection.h"
#include "ike/v1/delete_sa.h"
#include "ike/v1/established.h"
#include "ike/v1/failure_notification.h"
#include "ike/v1/main_mode_initiator.h"
#include "ike/v1/main_mode_responder.h"
#include "ike/v1/quick_mode_initiator.h"
#include "ike/v1/succession.h"
#include "ike/v1/timers.h"
#include "ike/v1/transport_mode.h"
#include "ike/wire/v1_message_rules.h"

#include <algorithm>
#include <concepts>
#include <utility>

namespace viaduct::ike::v1 {

namespace {

/// What waits for an answer of a responder's.
template <typename State>
concept Asking = requires(State state) { state.request; };
/// What waits for the next message of an initiator.
template <typename State>
concept Answering = requires(State state) { state.give_up; };

struct HandleMessage {
    Turn& turn;
    IkeSaFacts& facts;
    const Received& received;

    template <Asking State> IsakmpSaState operator()(State state) {
        return consume(turn, facts, std::move(state), received);
    }
    template <Answering State> IsakmpSaState operator()(State state) {
        if (std::ranges::equal(state.last.received, received.octets)) {
            ++turn.dropped.repeated;
            turn.send(received.path, state.last.answer);
            return state;
        }
        return consume(turn, facts, std::move(state), received);
    }
    IsakmpSaState operator()(Established state) {
        return v1::on_message(turn, facts, std::move(state), received);
    }
    template <typename State> IsakmpSaState operator()(State state) {
        ++turn.dropped.unknown_sa;
        return state;
    }
};

/// One that traffic goes on with, so that it is worth a phase 1 to be rekeyed under.
bool is_worth_a_phase_one(const Child& child) {
    return child.in_use() && !child.outdated;
}

TimePoint next_deadline_of(const Child& orphan) {
    return is_worth_a_phase_one(orphan) ? std::min(orphan.ends_at(), orphan.replace_at)
                                        : orphan.ends_at();
}

/// Orphans end in their own time, with nobody left to be told; those in use want a phase 1 before.
IsakmpSaState tend_orphans(Turn& turn, Orphaned state) {
    std::erase_if(state.children, [&](const Child& each) {
        if (each.ends_at() > turn.now)
            return false;
        remove_child(turn, state.connection->name, each, cause::LifetimeReached{});
        return true;
    });
    bool due = false;
    for (auto& each : state.children)
        if (is_worth_a_phase_one(each) && each.replace_at <= turn.now) {
            // Should nothing come of it, it is asked for again.
            each.replace_at = turn.now + rekey_again_time;
            due = true;
        }
    if (due)
        turn.outcomes.emplace_back(outcome::WantsReplacement{state.connection->name});
    return state.children.empty() ? IsakmpSaState(Gone{}) : IsakmpSaState(std::move(state));
}

struct HandleDeadline {
    Turn& turn;
    IkeSaFacts& facts;

    template <Asking State> IsakmpSaState operator()(State state) {
        auto& request = state.request;
        if (request.timer.on_deadline(turn.now) == Retransmission::Verdict::send_again) {
            turn.report(
                Retransmitted{state.connection->name, request.exchange, request.timer.attempts()});
            turn.send(facts.path, request.messages);
            return state;
        }
        turn.outcomes.emplace_back(outcome::Failed{
            state.connection->name, cause::NoResponse{request.exchange, request.timer.attempts()}});
        return Gone{};
    }
    template <Answering State> IsakmpSaState operator()(const State&) { return Gone{}; }
    IsakmpSaState operator()(Established state) {
        return v1::on_deadline(turn, facts, std::move(state));
    }
    IsakmpSaState operator()(Farewell state) {
        turn.send(facts.path, state.messages);
        return Gone{};
    }
    IsakmpSaState operator()(Orphaned state) { return tend_orphans(turn, std::move(state)); }
    IsakmpSaState operator()(Gone state) { return state; }
};

struct Deadline {
    using Result = std::optional<TimePoint>;
    template <Asking State> Result operator()(const State& state) {
        return state.request.timer.deadline();
    }
    template <Answering State> Result operator()(const State& state) { return state.give_up; }
    Result operator()(const Established& state) { return v1::next_deadline(state); }
    Result operator()(const Farewell& state) { return state.again_at; }
    Result operator()(const Orphaned& state) {
        return next_deadline_of(*std::ranges::min_element(state.children, {}, next_deadline_of));
    }
    Result operator()(const Gone&) { return std::nullopt; }
};

ChildSaStatus child_status(const Child& child) {
    return {.id = child.id,
            .inbound_spi = child.inbound_spi,
            .outbound_spi = child.outbound_spi,
            .suite = child.suite,
            .mode = child.mode,
            .local_selectors = child.local_selectors,
            .remote_selectors = child.remote_selectors,
            .encapsulation = child.encapsulation,
            .established = child.established,
            .replace_at = child.replace_at,
            .volume = child.volume};
}

struct DescribeState {
    IkeSaStatus& status;

    bool operator()(const MainModeSaSent&) { return awaited("main mode SA"); }
    bool operator()(const MainModeKeySent& state) {
        status.suite = state.suite;
        return awaited("main mode KE");
    }
    bool operator()(const MainModeAuthSent& state) {
        status.suite = state.keys.suite;
        return awaited("main mode HASH");
    }
    bool operator()(const AggressiveModeSent&) { return awaited("aggressive mode answer"); }
    bool operator()(const Established& state) {
        status.established = true;
        status.state = state.superseded ? "established, its children have moved" : "established";
        status.suite = state.keys.suite;
        status.peer = state.peer_id;
        status.vendor_ids = state.peer.names;
        status.since = state.established;
        status.replace_at = state.replace_at;
        status.last_heard = state.last_heard;
        return with(state.children);
    }
    bool operator()(const Orphaned& state) {
        status.state = "over, its children live on";
        status.peer = state.peer_id;
        return with(state.children);
    }
    // Anybody can make the others; how many there are is told elsewhere.
    template <typename State> bool operator()(const State&) { return false; }

private:
    bool awaited(std::string what) {
        status.state = std::move(what) + " awaited";
        return true;
    }
    bool with(const std::vector<Child>& children) {
        for (const auto& each : children)
            status.children.push_back(child_status(each));
        return true;
    }
};

struct ConnectionName {
    template <typename State>
        requires requires(const State& state) { state.connection->name; }
    std::string_view operator()(const State& state) {
        return state.connection->name;
    }
    template <typename State>
        requires requires(const State& state) { state.candidates; }
    std::string_view operator()(const State& state) {
        return state.candidates.size() == 1 ? std::string_view(state.candidates.front()->name)
                                            : std::string_view();
    }
    std::string_view operator()(const Farewell& state) { return state.connection; }
    std::string_view operator()(const Gone&) { return {}; }
};

auto find(std::vector<Child>& children, policy::ChildSpi inbound_spi) {
    return std::ranges::find(children, inbound_spi, &Child::inbound_spi);
}

} // namespace

IsakmpSa IsakmpSa::initiate(Turn& turn, ConnectionPtr connection, const policy::UdpPath& path,
                            wire::IkeSpi own_cookie) {
    IkeSaFacts facts{.role = Role::initiator,
                     .initiator_spi = own_cookie,
                     .responder_spi = {},
                     .path = path,
                     .first_path = path,
                     .nat = {},
                     .since = turn.now};
    auto state = connection->aggressive ? begin_aggressive_mode(turn, facts, std::move(connection))
                                        : begin_main_mode(turn, facts, std::move(connection));
    return {facts, std::move(state)};
}

void IsakmpSa::on_clear_informational(Turn& turn, const wire::v1::ClearMessage& message) {
    ++turn.dropped.unprotected;
    const auto said = wire::v1::read_unprotected_informational(message.chain);
    const auto* error = said ? first_error(said->notifies) : nullptr;
    if (!error)
        return;
    // Without keys there is no other way to be refused.
    const auto refused = [&](const auto& state) {
        auto why = peer_refusal(state.request.exchange, *error);
        if (error->type == wire::v1::NotifyType::no_proposal_chosen)
            why.our_proposals = state.connection->ike.proposals;
        turn.outcomes.emplace_back(outcome::Failed{state.connection->name, std::move(why)});
        state_ = Gone{};
    };
    if (const auto* sent = std::get_if<MainModeSaSent>(&state_))
        refused(MainModeSaSent(*sent));
    else if (auto* key_sent = std::get_if<MainModeKeySent>(&state_))
        refused(MainModeKeySent(std::move(*key_sent)));
    else if (auto* aggressive = std::get_if<AggressiveModeSent>(&state_))
        refused(AggressiveModeSent(std::move(*aggressive)));
    else if (auto* auth_sent = std::get_if<MainModeAuthSent>(&state_))
        doubt(turn, *auth_sent, peer_refusal(auth_sent->request.exchange, *error));
    else if (auto* answered = std::get_if<AggressiveModeAnswered>(&state_))
        doubt(turn, *answered, peer_refusal(wire::ExchangeType::aggressive, *error));
}

void IsakmpSa::on_message(Turn& turn, const Received& received) {
    const auto first_effect = turn.effects.size();
    const auto* clear = std::get_if<wire::v1::ClearMessage>(&received.message);
    if (clear && clear->header.exchange == wire::ExchangeType::informational_v1) {
        on_clear_informational(turn, *clear);
        return;
    }
    const auto path = facts_.path;
    const bool established = alive();
    auto state = std::exchange(state_, Gone{});
    state_ = std::visit(
        [&](auto& each) { return HandleMessage{turn, facts_, received}(std::move(each)); }, state);
    if (auto* sa = std::get_if<Established>(&state_); sa && established) {
        report_move(turn, facts_, path, sa->connection->name);
        v1::move_children(turn, facts_, *sa);
    }
    if (auto* sa = std::get_if<Established>(&state_))
        mind_message_ids(turn, *sa);
    note_sending(turn, facts_, first_effect);
}

void IsakmpSa::on_deadline(Turn& turn) {
    const auto first_effect = turn.effects.size();
    parts_.on_deadline(turn.now);
    if (const auto due = std::visit(Deadline{}, state_); due && *due <= turn.now) {
        auto state = std::exchange(state_, Gone{});
        state_ = std::visit(
            [&](auto& each) { return HandleDeadline{turn, facts_}(std::move(each)); }, state);
    }
    if (auto* sa = std::get_if<Established>(&state_))
        mind_message_ids(turn, *sa);
    note_sending(turn, facts_, first_effect);
    if (const auto* sa = std::get_if<Established>(&state_))
        if (std::ranges::none_of(sa->children, kernel_keeps_mapping_alive))
            keep_mapping_alive(turn, facts_, *sa->connection);
}

void IsakmpSa::close(Turn& turn, const Cause& why) {
    if (auto* sa = std::get_if<Established>(&state_)) {
        auto taken = std::move(*sa);
        state_ = close_isakmp_sa(turn, facts_, std::move(taken), why);
    } else if (!saying_goodbye()) {
        forget(turn, why);
    }
}

void IsakmpSa::forget(Turn& turn, const Cause& why) {
    if (auto* sa = std::get_if<Established>(&state_)) {
        auto taken = std::move(*sa);
        forget_isakmp_sa(turn, facts_, std::move(taken), why);
    } else if (const auto* orphans = std::get_if<Orphaned>(&state_)) {
        for (const auto& each : orphans->children)
            remove_child(turn, orphans->connection->name, each, why);
    }
    state_ = Gone{};
}

void IsakmpSa::on_child_refused(Turn& turn, policy::ChildSaId child, const std::string& reason) {
    auto* sa = std::get_if<Established>(&state_);
    if (!sa)
        return;
    close_child(turn, facts_, *sa, child, cause::KernelRefused{reason});
    std::erase_if(sa->answered, [&](const QuickModeAnswered& each) { return each.child == child; });
    turn.outcomes.emplace_back(outcome::ChildFailed{sa->connection->name, Role::initiator,
                                                    cause::KernelRefused{reason},
                                                    create_children_later(turn, *sa)});
    if (std::ranges::none_of(sa->children, &Child::in_use))
        turn.outcomes.emplace_back(
            outcome::Childless{sa->connection->name, cause::KernelRefused{reason}});
}

void IsakmpSa::on_hard_expired(Turn& turn, policy::ChildSpi inbound_spi) {
    if (auto* orphans = std::get_if<Orphaned>(&state_)) {
        if (const auto found = find(orphans->children, inbound_spi);
            found != orphans->children.end()) {
            found->expire_at = turn.now;
            state_ = tend_orphans(turn, Orphaned(std::move(*orphans)));
        }
        return;
    }
    auto* sa = std::get_if<Established>(&state_);
    if (!sa)
        return;
    const auto found = find(sa->children, inbound_spi);
    if (found == sa->children.end())
        return;
    close_child(turn, facts_, *sa, found->id, cause::LifetimeReached{});
    v1::create_missing_children(turn, facts_, *sa);
}

void IsakmpSa::on_soft_expired(Turn& turn, policy::ChildSpi inbound_spi) {
    if (auto* orphans = std::get_if<Orphaned>(&state_)) {
        if (const auto found = find(orphans->children, inbound_spi);
            found != orphans->children.end()) {
            found->replace_at = turn.now;
            state_ = tend_orphans(turn, Orphaned(std::move(*orphans)));
        }
        return;
    }
    auto* sa = std::get_if<Established>(&state_);
    if (!sa)
        return;
    const auto found = find(sa->children, inbound_spi);
    if (found == sa->children.end())
        return;
    const auto id = found->id;
    rekey_child(turn, facts_, *sa, id);
    // The kernel says it once; what stands in the way of a rekey now is over soon.
    if (const auto child = std::ranges::find(sa->children, id, &Child::id);
        child != sa->children.end())
        child->replace_at =
            std::min<TimePoint>(child->replace_at, turn.now + soft_limit_again_time);
}

void IsakmpSa::on_traffic_read(Turn& turn, policy::ChildSaId child, std::uint64_t inbound_packets) {
    if (auto* sa = std::get_if<Established>(&state_))
        note_traffic(turn, *sa, child, inbound_packets);
}

void IsakmpSa::rekey(Turn& turn, Rekey::What what) {
    auto* sa = std::get_if<Established>(&state_);
    if (!sa || sa->superseded)
        return;
    if (what == Rekey::What::ike_sas) {
        sa->replace_at = turn.now;
        return;
    }
    std::vector<policy::ChildSaId> children;
    children.reserve(sa->children.size());
    for (const auto& each : sa->children)
        children.push_back(each.id);
    for (const auto each : children)
        rekey_child(turn, facts_, *sa, each);
}

void IsakmpSa::adopt(ConnectionPtr connection) {
    if (auto* sa = std::get_if<Established>(&state_))
        sa->connection = std::move(connection);
    else if (auto* orphans = std::get_if<Orphaned>(&state_))
        orphans->connection = std::move(connection);
}

void IsakmpSa::outdate() {
    if (auto* sa = std::get_if<Established>(&state_))
        sa->outdated = true;
}

bool IsakmpSa::is_outdated() const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa && sa->outdated;
}

void IsakmpSa::send_again(Turn& turn) {
    if (const auto* sa = std::get_if<Established>(&state_)) {
        if (sa->asked)
            turn.send(facts_.path, sa->asked->request.messages);
        for (const auto& each : sa->answered)
            turn.send(facts_.path, each.answer.messages);
        return;
    }
    std::visit(
        [&]<typename State>(const State& state) {
            if constexpr (Asking<State>)
                turn.send(facts_.path, state.request.messages);
        },
        state_);
}

void IsakmpSa::create_missing_children(Turn& turn) {
    if (auto* sa = std::get_if<Established>(&state_))
        v1::create_missing_children(turn, facts_, *sa);
}

void IsakmpSa::give_children(Turn& turn) {
    if (auto* sa = std::get_if<Established>(&state_)) {
        v1::give_children(turn, *sa);
    } else if (auto* orphans = std::get_if<Orphaned>(&state_)) {
        // Whether the peer has them still is not known: they are made anew at once.
        for (auto& each : orphans->children)
            each.replace_at = turn.now;
        turn.outcomes.emplace_back(outcome::Bequeath{
            orphans->connection->name, orphans->peer_id, std::move(orphans->children), {}});
        state_ = Gone{};
    }
}

void IsakmpSa::inherit(Turn& turn, std::vector<Child> children,
                       std::vector<QuickModeWanted> waiting) {
    auto& sa = std::get<Established>(state_);
    v1::inherit(turn, facts_, sa, std::move(children), std::move(waiting));
    v1::move_children(turn, facts_, sa);
}

void IsakmpSa::told_of_child(Turn& turn, policy::ChildSaId child, bool peer_has_it) {
    if (auto* sa = std::get_if<Established>(&state_))
        v1::told_of_child(turn, *sa, child, peer_has_it);
}

void IsakmpSa::activate_children(Turn& turn) {
    if (auto* sa = std::get_if<Established>(&state_))
        for (const auto child : children_without_way(*sa))
            activate_child(turn, *sa, child);
}

void IsakmpSa::delete_children(Turn& turn, const std::vector<policy::ChildSpi>& spis) {
    auto* sa = std::get_if<Established>(&state_);
    if (!sa)
        return;
    std::vector<policy::ChildSpi> ours;
    for (const auto spi : spis)
        if (std::ranges::contains(sa->children, spi, &Child::outbound_spi))
            ours.push_back(spi);
    children_deleted_by_peer(turn, *sa, ours);
}

bool IsakmpSa::repeat_first_answer(Turn& turn, std::span<const std::uint8_t> message) const {
    const LastAnswer* last = nullptr;
    if (const auto* main = std::get_if<MainModeSaAnswered>(&state_))
        last = &main->last;
    else if (const auto* aggressive = std::get_if<AggressiveModeAnswered>(&state_))
        last = &aggressive->last;
    if (!last || !std::ranges::equal(last->received, message))
        return false;
    turn.send(facts_.path, last->answer);
    return true;
}

bool IsakmpSa::half_open() const {
    return std::holds_alternative<MainModeSaAnswered>(state_) ||
           std::holds_alternative<MainModeKeyAnswered>(state_) ||
           std::holds_alternative<AggressiveModeAnswered>(state_);
}

std::optional<TimePoint> IsakmpSa::established_at() const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa ? std::optional(sa->established) : std::nullopt;
}

bool IsakmpSa::is_complete(TimePoint /*now*/,
                           const std::function<bool(const ChildSelectors&)>& is_demanded) const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa && (sa->create_failures > 0 ||
                  std::ranges::none_of(v1::missing_children(*sa), is_demanded));
}

std::vector<ChildSelectors> IsakmpSa::missing_children() const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa ? v1::missing_children(*sa) : std::vector<ChildSelectors>{};
}

bool IsakmpSa::protects(const ChildSelectors& selectors) const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa && std::ranges::any_of(sa->children, [&](const Child& child) {
               return child.in_use() && v1::protects(child, selectors);
           });
}

std::optional<policy::ChildSaId> IsakmpSa::carrier_of(const ChildSelectors& selectors) const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa ? v1::carrier_of(*sa, selectors) : std::nullopt;
}

std::size_t IsakmpSa::child_count() const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa ? sa->children.size() : 0;
}

void IsakmpSa::on_demand(Turn& turn) {
    auto* sa = std::get_if<Established>(&state_);
    if (sa && !sa->create_children_at)
        v1::create_missing_children(turn, facts_, *sa);
}

bool IsakmpSa::carries_everything(
    const std::function<bool(const ChildSelectors&)>& is_demanded) const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa && !sa->children.empty() &&
           std::ranges::none_of(v1::missing_children(*sa), is_demanded) &&
           children_without_way(*sa).empty();
}

void IsakmpSa::check_liveness(Turn& turn) {
    if (auto* sa = std::get_if<Established>(&state_)) {
        // What comes in from here on counts as an answer.
        read_traffic(turn, *sa);
        question_peer(turn, facts_, *sa);
    }
}

std::optional<TimePoint> IsakmpSa::next_deadline() const {
    auto earliest = std::visit(Deadline{}, state_);
    const auto* sa = std::get_if<Established>(&state_);
    const bool sends_keepalives =
        sa && std::ranges::none_of(sa->children, kernel_keeps_mapping_alive);
    for (const auto& each :
         {parts_.deadline(),
          sends_keepalives ? keepalive_due(facts_, *sa->connection) : std::nullopt})
        if (earliest && each)
            earliest = std::min(*earliest, *each);
    return earliest;
}

std::string_view IsakmpSa::connection() const {
    return std::visit(ConnectionName{}, state_);
}

const policy::Identity& IsakmpSa::peer() const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa ? sa->peer_id : std::get<Orphaned>(state_).peer_id;
}

std::optional<IkeSaStatus> IsakmpSa::status() const {
    IkeSaStatus status{.role = facts_.role,
                       .state = {},
                       .initiator_spi = facts_.initiator_spi,
                       .responder_spi = facts_.responder_spi,
                       .path = facts_.path,
                       .peer = {},
                       .suite = {},
                       .since = facts_.since,
                       .replace_at = {},
                       .last_heard = facts_.since,
                       .local_behind_nat = facts_.nat.local_behind_nat,
                       .remote_behind_nat = facts_.nat.remote_behind_nat,
                       .children = {}};
    if (!std::visit(DescribeState{status}, state_))
        return std::nullopt;
    return status;
}

} // namespace viaduct::ike::v1
