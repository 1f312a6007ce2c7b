#include "ike/v2/ike_sa.h"

#include "ike/peer_address.h"
#include "ike/v2/auth_initiator.h"
#include "ike/v2/auth_responder.h"
#include "ike/v2/child_negotiation.h"
#include "ike/v2/delete_sa.h"
#include "ike/v2/established.h"
#include "ike/v2/exchange_order.h"
#include "ike/v2/fragmentation.h"
#include "ike/v2/liveness_check.h"
#include "ike/v2/rekey_child.h"
#include "ike/v2/rekey_ike.h"
#include "ike/v2/sa_init_initiator.h"
#include "ike/v2/timers.h"
#include "ike/v2/wanted_children.h"

#include <algorithm>
#include <utility>

namespace viaduct::ike::v2 {

namespace {

struct HandleMessage {
    Turn& turn;
    IkeSaFacts& facts;
    const Received& received;

    IkeSaState operator()(SaInitSent state) {
        return consume_sa_init_response(turn, facts, std::move(state), received);
    }
    IkeSaState operator()(AuthSent state) {
        return consume_auth_response(turn, facts, std::move(state), received);
    }
    IkeSaState operator()(AuthAwaited state) {
        return consume_auth_request(turn, facts, std::move(state), received);
    }
    IkeSaState operator()(Established state) {
        return v2::on_message(turn, facts, std::move(state), received);
    }
    IkeSaState operator()(Lingering state) {
        const auto& header = received.outer.header;
        if (header.response || header.message_id != state.answered || state.repeats_left == 0 ||
            !calls_for_repetition(received.outer)) {
            ++turn.dropped.unknown_sa;
            return state;
        }
        ++turn.dropped.repeated;
        --state.repeats_left;
        turn.send(facts.path, state.response);
        return state;
    }
    IkeSaState operator()(Gone state) { return state; }
};

struct HandleDeadline {
    Turn& turn;
    IkeSaFacts& facts;

    void release(const SaInitSent&) {}
    void release(const AuthSent& state) { release_offer(turn, state); }
    void send_again(SaInitSent& state) { turn.send(facts.path, state.request.messages); }
    void send_again(AuthSent& state) { v2::send_again(turn, facts, state.keys, state.request); }

    template <typename State> IkeSaState repeat(State state) {
        auto& request = state.request;
        if (request.timer.on_deadline(turn.now) == Retransmission::Verdict::send_again) {
            turn.report(
                Retransmitted{state.connection->name, request.exchange, request.timer.attempts()});
            send_again(state);
            return state;
        }
        release(state);
        turn.outcomes.emplace_back(outcome::Failed{
            state.connection->name, cause::NoResponse{request.exchange, request.timer.attempts()}});
        return Gone{};
    }
    IkeSaState operator()(SaInitSent state) { return repeat(std::move(state)); }
    IkeSaState operator()(AuthSent state) { return repeat(std::move(state)); }
    IkeSaState operator()(const AuthAwaited&) { return Gone{}; }
    IkeSaState operator()(Established state) {
        return v2::on_deadline(turn, facts, std::move(state));
    }
    IkeSaState operator()(const Lingering&) { return Gone{}; }
    IkeSaState operator()(Gone state) { return state; }
};

struct Deadline {
    using Result = std::optional<TimePoint>;
    Result operator()(const SaInitSent& state) { return state.request.timer.deadline(); }
    Result operator()(const AuthSent& state) { return state.request.timer.deadline(); }
    Result operator()(const AuthAwaited& state) { return state.give_up; }
    Result operator()(const Established& state) {
        // What is closing waits for the answer to its farewell and for nothing else.
        if (state.closing)
            return state.under_way ? state.under_way->timer.deadline() : TimePoint::min();
        return v2::next_deadline(state);
    }
    Result operator()(const Lingering& state) { return state.until; }
    Result operator()(const Gone&) { return std::nullopt; }
};

ChildSaStatus child_status(const ChildState& child) {
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

    bool operator()(const SaInitSent&) {
        status.state = "IKE_SA_INIT response awaited";
        return true;
    }
    bool operator()(const AuthSent& state) {
        status.state = "IKE_AUTH response awaited";
        status.suite = state.keys.suite;
        return true;
    }
    // Anybody can make one; how many there are is told elsewhere.
    bool operator()(const AuthAwaited&) { return false; }
    bool operator()(const Established& state) {
        const bool over = state.closing || state.standing == Standing::superseded;
        status.established = !over;
        status.state = over ? "closing" : "established";
        status.suite = state.keys.suite;
        status.peer = state.peer;
        status.since = state.established;
        status.replace_at = state.replace_at;
        status.last_heard = state.last_heard;
        for (const auto& child : state.children)
            status.children.push_back(child_status(child));
        return true;
    }
    bool operator()(const Lingering&) { return false; }
    bool operator()(const Gone&) { return false; }
};

} // namespace

IkeSa IkeSa::initiate(Turn& turn, ConnectionPtr connection, const policy::UdpPath& path,
                      wire::IkeSpi own_spi) {
    IkeSaFacts facts{.role = Role::initiator,
                     .initiator_spi = own_spi,
                     .responder_spi = {},
                     .path = path,
                     .first_path = path,
                     .nat = {},
                     .since = turn.now};
    auto state = begin_sa_init(turn, facts, std::move(connection));
    return {facts, std::move(state)};
}

void IkeSa::on_message(Turn& turn, const Received& received) {
    const auto first_effect = turn.effects.size();
    const auto path = facts_.path;
    const bool established = std::holds_alternative<Established>(state_);
    auto state = std::exchange(state_, Gone{});
    state_ = std::visit(
        [&](auto& each) { return HandleMessage{turn, facts_, received}(std::move(each)); }, state);
    if (auto* sa = std::get_if<Established>(&state_); sa && established && !sa->closing)
        move_children(turn, facts_, path, sa->connection->name, sa->children);
    note_sending(turn, facts_, first_effect);
    watch_children(turn);
}

void IkeSa::watch_children(const Turn& turn) {
    if (auto* sa = std::get_if<Established>(&state_))
        watch_emptiness(turn.now, *sa);
}

void IkeSa::on_deadline(Turn& turn) {
    const auto first_effect = turn.effects.size();
    facts_.fragments.on_deadline(turn.now);
    if (const auto due = std::visit(Deadline{}, state_); due && *due <= turn.now) {
        auto state = std::exchange(state_, Gone{});
        state_ = std::visit(
            [&](auto& each) { return HandleDeadline{turn, facts_}(std::move(each)); }, state);
    }
    note_sending(turn, facts_, first_effect);
    if (const auto* sa = std::get_if<Established>(&state_); sa && !sa->closing)
        if (std::ranges::none_of(sa->children, kernel_keeps_mapping_alive))
            keep_mapping_alive(turn, facts_, *sa->connection);
    watch_children(turn);
}

void IkeSa::close(Turn& turn, Cause why) {
    if (auto* sa = std::get_if<Established>(&state_)) {
        auto taken = std::move(*sa);
        state_ = close_ike_sa(turn, facts_, std::move(taken), std::move(why));
    } else if (!std::holds_alternative<Lingering>(state_)) {
        forget(turn, std::move(why));
    }
}

void IkeSa::forget(Turn& turn, Cause why) {
    if (auto* sa = std::get_if<Established>(&state_))
        report_closed(turn, facts_, *sa, std::move(why));
    else if (const auto* sent = std::get_if<AuthSent>(&state_))
        release_offer(turn, *sent);
    state_ = Gone{};
}

void IkeSa::on_child_refused(Turn& turn, policy::ChildSaId child, const std::string& reason) {
    auto* sa = std::get_if<Established>(&state_);
    if (!sa || sa->closing)
        return;
    close_child(turn, facts_, *sa, child, cause::KernelRefused{reason});
    // An IKE SA whose only child cannot be installed is of no use; whoever set it up tries again.
    if (sa->children.empty())
        close(turn, cause::KernelRefused{reason});
    else
        create_children_later(turn, *sa);
}

void IkeSa::on_hard_expired(Turn& turn, policy::ChildSpi inbound_spi) {
    auto* sa = std::get_if<Established>(&state_);
    if (!sa || sa->closing)
        return;
    const auto found = std::ranges::find(sa->children, inbound_spi, &ChildState::inbound_spi);
    if (found == sa->children.end())
        return;
    close_child(turn, facts_, *sa, found->id, cause::LifetimeReached{});
    v2::create_missing_children(turn, facts_, *sa);
    watch_children(turn);
}

void IkeSa::on_soft_expired(Turn& turn, policy::ChildSpi inbound_spi) {
    auto* sa = std::get_if<Established>(&state_);
    if (!sa || sa->closing)
        return;
    const auto found = std::ranges::find(sa->children, inbound_spi, &ChildState::inbound_spi);
    if (found == sa->children.end())
        return;
    rekey_child(turn, facts_, *sa, found->id);
    // The kernel says it once; what stands in the way of a rekey now is over soon.
    if (found->in_use())
        found->replace_at =
            std::min<TimePoint>(found->replace_at, turn.now + soft_limit_again_time);
}

void IkeSa::on_traffic_read(Turn& turn, policy::ChildSaId child, std::uint64_t inbound_packets) {
    if (auto* sa = std::get_if<Established>(&state_))
        note_traffic(turn, *sa, child, inbound_packets);
}

void IkeSa::rekey(Turn& turn, Rekey::What what) {
    auto* sa = std::get_if<Established>(&state_);
    if (!sa || sa->closing || sa->standing != Standing::carrying)
        return;
    if (what == Rekey::What::ike_sas) {
        rekey_ike_sa(turn, facts_, *sa);
        return;
    }
    std::vector<policy::ChildSaId> children;
    children.reserve(sa->children.size());
    for (const auto& each : sa->children)
        children.push_back(each.id);
    for (const auto each : children)
        rekey_child(turn, facts_, *sa, each);
}

void IkeSa::adopt(ConnectionPtr connection) {
    if (auto* sa = std::get_if<Established>(&state_))
        sa->connection = std::move(connection);
}

void IkeSa::create_missing_children(Turn& turn) {
    if (auto* sa = std::get_if<Established>(&state_))
        v2::create_missing_children(turn, facts_, *sa);
    watch_children(turn);
}

void IkeSa::inherit(Turn& turn, std::vector<ChildState> children,
                    std::vector<RequestPurpose> waiting) {
    v2::inherit(turn, facts_, std::get<Established>(state_), std::move(children),
                std::move(waiting));
    watch_children(turn);
}

void IkeSa::activate_children(Turn& turn) {
    if (auto* sa = std::get_if<Established>(&state_); sa && !sa->closing)
        for (const auto child : children_without_way(*sa))
            activate_child(turn, facts_, *sa, child);
}

bool IkeSa::alive() const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa && !sa->closing;
}

void IkeSa::check_liveness(Turn& turn) {
    auto* sa = std::get_if<Established>(&state_);
    if (sa && !sa->closing && !sa->under_way)
        request(turn, facts_, *sa, purpose::LivenessCheck{});
}

void IkeSa::send_again(Turn& turn) {
    if (const auto* sent = std::get_if<SaInitSent>(&state_)) {
        turn.send(facts_.path, sent->request.messages);
    } else if (auto* auth = std::get_if<AuthSent>(&state_)) {
        v2::send_again(turn, facts_, auth->keys, auth->request);
    } else if (auto* sa = std::get_if<Established>(&state_); sa && sa->under_way) {
        v2::send_again(turn, facts_, sa->keys, *sa->under_way);
    }
}

bool IkeSa::is_complete(TimePoint now,
                        const std::function<bool(const ChildSelectors&)>& is_demanded) const {
    const auto* sa = std::get_if<Established>(&state_);
    // The peer may not have our answer to its request for a further child yet.
    const auto is_fresh = [&](const ChildState& child) {
        return child.waiting_outbound && child.established != sa->established &&
               now - child.established < peer_deletion_time;
    };
    return sa && !sa->closing && std::ranges::none_of(sa->children, is_fresh) &&
           (sa->lastingly_refused || std::ranges::none_of(v2::missing_children(*sa), is_demanded));
}

std::vector<ChildSelectors> IkeSa::missing_children() const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa ? v2::missing_children(*sa) : std::vector<ChildSelectors>{};
}

bool IkeSa::protects(const ChildSelectors& selectors) const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa && std::ranges::any_of(sa->children, [&](const ChildState& child) {
               return child.in_use() && v2::protects(child, selectors);
           });
}

std::size_t IkeSa::child_count() const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa ? sa->children.size() : 0;
}

void IkeSa::on_demand(Turn& turn) {
    auto* sa = std::get_if<Established>(&state_);
    if (sa && !sa->create_children_at)
        v2::create_missing_children(turn, facts_, *sa);
}

bool IkeSa::carries_everything(
    const std::function<bool(const ChildSelectors&)>& is_demanded) const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa && !sa->closing && !carries_nothing(*sa) &&
           std::ranges::none_of(v2::missing_children(*sa), is_demanded) &&
           children_without_way(*sa).empty();
}

bool IkeSa::repeat_sa_init(Turn& turn, std::span<const std::uint8_t> message) const {
    const auto* awaited = std::get_if<AuthAwaited>(&state_);
    if (!awaited || !std::ranges::equal(awaited->first.request, message))
        return false;
    turn.send(facts_.path, awaited->first.response);
    return true;
}

std::optional<TimePoint> IkeSa::next_deadline() const {
    auto earliest = std::visit(Deadline{}, state_);
    const auto* sa = std::get_if<Established>(&state_);
    const bool sends_keepalives =
        sa && !sa->closing && std::ranges::none_of(sa->children, kernel_keeps_mapping_alive);
    for (const auto& each :
         {facts_.fragments.deadline(),
          sends_keepalives ? keepalive_due(facts_, *sa->connection) : std::nullopt})
        if (earliest && each)
            earliest = std::min(*earliest, *each);
    return earliest;
}

std::optional<TimePoint> IkeSa::established_at() const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa ? std::optional(sa->established) : std::nullopt;
}

bool IkeSa::saying_goodbye() const {
    const auto* sa = std::get_if<Established>(&state_);
    return sa && sa->closing;
}

std::string_view IkeSa::connection() const {
    if (const auto* sa = std::get_if<Established>(&state_))
        return sa->connection->name;
    if (const auto* sent = std::get_if<SaInitSent>(&state_))
        return sent->connection->name;
    if (const auto* sent = std::get_if<AuthSent>(&state_))
        return sent->connection->name;
    const auto* awaited = std::get_if<AuthAwaited>(&state_);
    return awaited && awaited->candidates.size() == 1
               ? std::string_view(awaited->candidates.front()->name)
               : std::string_view();
}

std::optional<IkeSaStatus> IkeSa::status() const {
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

} // namespace viaduct::ike::v2
