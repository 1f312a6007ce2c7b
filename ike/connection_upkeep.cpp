#include "ike/connection_upkeep.h"

#include <algorithm>
#include <array>
#include <utility>

namespace viaduct::ike {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_wait = std::chrono::seconds(2);
constexpr milliseconds longest_wait = std::chrono::seconds(60);
/// An SA that lived shorter than this did not really come up.
constexpr auto stable_time = std::chrono::seconds(60);
constexpr std::size_t kept_messages = 16;

milliseconds wait_after(unsigned failures, Botan::RandomNumberGenerator& rng) {
    auto wait = first_wait;
    for (unsigned i = 1; i < failures && wait < longest_wait; ++i)
        wait *= 2;
    wait = std::min(wait, longest_wait);
    const auto quarter = wait.count() / 4;
    std::array<std::uint8_t, 2> drawn;
    rng.randomize(drawn);
    const auto fraction = std::int64_t{drawn[0]} << 8 | drawn[1];
    return wait - milliseconds(quarter) + milliseconds(2 * quarter * fraction / 65536);
}

} // namespace

ConnectionUpkeep::ConnectionUpkeep(ConnectionPtr connection, TimePoint now)
    : connection_(std::move(connection)), since_(now) {}

void ConnectionUpkeep::enter(TimePoint now, ConnectionState state) {
    if (state != state_)
        since_ = now;
    state_ = state;
}

void ConnectionUpkeep::note(TimePoint now, Cause why) {
    reason_ = std::move(why);
    reason_at_ = now;
}

void ConnectionUpkeep::adopt(TimePoint now, ConnectionPtr connection) {
    const auto before = std::exchange(connection_, std::move(connection));
    if (before->local_address != connection_->local_address ||
        before->peer_address != connection_->peer_address)
        obstacle_.reset(); // of another way
    ports_edited |= before->peer_ports != connection_->peer_ports;
    if (before->esp.proposals.empty())
        held_down_ = false; // by the kernel, which lacked the algorithms
    if (before->start == connection_->start)
        return;
    demand_.clear();
    held_down_ = false;
    if (connection_->start == policy::StartAction::initiate) {
        want(now);
    } else {
        wanted_ = false;
        next_attempt_.reset();
    }
}

void ConnectionUpkeep::want(TimePoint now) {
    wanted_ = true;
    held_down_ = false;
    not_before_.reset();
    failures_ = 0;
    if (established.empty() && !negotiation)
        next_attempt_ = now;
}

void ConnectionUpkeep::unwant(TimePoint now, Cause why) {
    wanted_ = false;
    demand_.clear();
    held_down_ = true;
    by_operator_ = std::holds_alternative<cause::ClosedByOperator>(why);
    next_attempt_.reset();
    note(now, std::move(why));
    if (established.empty())
        enter(now, ConnectionState::down);
}

bool ConnectionUpkeep::on_demand(TimePoint now, const policy::ChildSelectors& child) {
    if (held_down_ || connection_->start != policy::StartAction::on_demand)
        return false;
    demand_renewed_ = true;
    const bool known = std::ranges::contains(demand_, child);
    if (!known)
        demand_.push_back(child);
    // Without a path, the first packet's attempt has said so; the rest waits for the path.
    if (established.empty() && !negotiation && !next_attempt_ && !(known && obstacle_)) {
        next_attempt_ = not_before_ ? std::max(*not_before_, now) : now;
        enter(now, ConnectionState::waiting);
        return true;
    }
    return !known;
}

bool ConnectionUpkeep::demands(const policy::ChildSelectors& child) const {
    return wanted_ || std::ranges::any_of(
                          demand_, [&](const auto& each) { return policy::contains(each, child); });
}

void ConnectionUpkeep::on_demand_met(std::span<const policy::ChildSelectors> missing) {
    std::erase_if(demand_, [&](const auto& each) {
        return std::ranges::none_of(
            missing, [&](const auto& child) { return policy::contains(each, child); });
    });
}

void ConnectionUpkeep::on_attempt(TimePoint now) {
    next_attempt_.reset();
    demand_renewed_ = false;
    if (established.empty())
        enter(now, ConnectionState::negotiating);
}

void ConnectionUpkeep::on_path_blocked(TimePoint now, const PathObstacle& obstacle) {
    obstacle_ = obstacle;
    if (!established.empty())
        return;
    next_attempt_.reset();
    note(now, cause::NoPath{obstacle});
    reason_is_ours_ = true;
    enter(now, wanted() ? ConnectionState::waiting : ConnectionState::down);
}

void ConnectionUpkeep::on_path_open(TimePoint now) {
    obstacle_.reset();
    if (reason_ && std::holds_alternative<cause::NoPath>(*reason_)) {
        reason_.reset();
        reason_at_.reset();
        reason_is_ours_ = false;
    }
    try_now(now);
}

void ConnectionUpkeep::try_now(TimePoint now) {
    if (wanted_)
        want(now);
    else if (wanted() && established.empty() && !negotiation)
        next_attempt_ = now;
}

void ConnectionUpkeep::on_ike_sa(TimePoint now) {
    next_attempt_.reset();
    ports_edited = false;
    tried_way.reset();
    up_since_ = now;
}

void ConnectionUpkeep::on_up(TimePoint now) {
    on_ike_sa(now);
    held_down_ = false;
    reason_.reset();
    reason_at_.reset();
    reason_is_ours_ = false;
    enter(now, ConnectionState::up);
}

void ConnectionUpkeep::on_ike_only(TimePoint now) {
    on_ike_sa(now);
    if (state_ != ConnectionState::up)
        enter(now, ConnectionState::ike_only);
}

void ConnectionUpkeep::on_childless(TimePoint now, Cause why) {
    note(now, std::move(why));
    enter(now, ConnectionState::ike_only);
}

void ConnectionUpkeep::on_child_failed(TimePoint now, Role role, Cause why) {
    if (role == Role::responder) {
        on_peer_failed(now, std::move(why));
        return;
    }
    // Also of a connection that is up: one of its children is not.
    note(now, std::move(why));
    reason_is_ours_ = true;
}

void ConnectionUpkeep::on_child_up(TimePoint now) {
    reason_.reset();
    reason_at_.reset();
    reason_is_ours_ = false;
    enter(now, ConnectionState::up);
}

void ConnectionUpkeep::retry_later(TimePoint now, Botan::RandomNumberGenerator& rng) {
    ++failures_;
    const auto next = now + wait_after(failures_, rng);
    // For traffic that is still to come.
    if (connection_->start == policy::StartAction::on_demand)
        not_before_ = next;
    if (wanted())
        next_attempt_ = next;
}

void ConnectionUpkeep::on_attempt_failed(TimePoint now, Cause why,
                                         Botan::RandomNumberGenerator& rng) {
    note(now, std::move(why));
    reason_is_ours_ = true;
    // Each attempt is for packets that came before it or while it was under way.
    if (!demand_renewed_)
        demand_.clear();
    if (wanted() || renewing || connection_->start == policy::StartAction::on_demand)
        retry_later(now, rng);
    if (established.empty())
        enter(now, wanted() ? ConnectionState::waiting : ConnectionState::down);
}

void ConnectionUpkeep::on_peer_failed(TimePoint now, Cause why) {
    if (state_ == ConnectionState::up || (wanted() && reason_is_ours_))
        return;
    note(now, std::move(why));
}

void ConnectionUpkeep::on_down(TimePoint now, Cause why, bool others,
                               Botan::RandomNumberGenerator& rng) {
    if (others)
        return;
    const bool peer_dead = std::holds_alternative<cause::PeerDead>(why);
    // That the peer took the last child away comes to the same.
    const bool closed = std::holds_alternative<cause::ClosedByPeer>(why) ||
                        std::holds_alternative<cause::NoChildLeft>(why);
    note(now, std::move(why));
    if ((peer_dead && connection_->dpd.action == policy::DpdAction::clear) ||
        (closed && connection_->close == policy::CloseAction::clear))
        wanted_ = false;
    // Traffic asks again: its policies are those of the trap now.
    demand_.clear();
    if (obstacle_ && wanted_) {
        // What keeps it down now is that, whatever ended it.
        note(now, cause::NoPath{*obstacle_});
    } else if (!negotiation && (wanted_ || connection_->start == policy::StartAction::on_demand)) {
        if (now - up_since_ >= stable_time)
            failures_ = 0;
        if (!peer_dead)
            retry_later(now, rng);
        else if (wanted_)
            next_attempt_ = now;
    }
    enter(now, negotiation ? ConnectionState::negotiating
                           : (wanted_ ? ConnectionState::waiting : ConnectionState::down));
}

void ConnectionUpkeep::note_message(std::string arrow) {
    if (messages_.size() == kept_messages)
        messages_.pop_front();
    messages_.push_back(std::move(arrow));
}

ConnectionStatus ConnectionUpkeep::status() const {
    return {.name = connection_->name,
            .state = state_,
            .since = since_,
            .reason = reason_,
            .reason_at = reason_at_,
            .next_attempt = next_attempt_,
            .attempts = failures_,
            .ike_sas = {},
            .messages = {messages_.begin(), messages_.end()},
            .held_by_operator = held_down_ && by_operator_,
            .missing_children = {}};
}

} // namespace viaduct::ike
