// Whether a connection is wanted, when it is tried next, and why it is not up.
#pragma once

#include "ike/connection_directory.h"
#include "ike/established_sas.h"
#include "ike/report.h"
#include "ike/status.h"
#include "policy/child_selectors.h"

#include <botan/rng.h>

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace viaduct::ike {

/// One connection of one endpoint. Knows nothing of messages; is told what happened.
class ConnectionUpkeep {
public:
    ConnectionUpkeep(ConnectionPtr connection, TimePoint now);

    const policy::Connection& connection() const { return *connection_; }

    /// The endpoint starts now.
    void begin(TimePoint now) { since_ = now; }
    /// The configuration was edited. Whether it is wanted follows `start` where that changed.
    void adopt(TimePoint now, ConnectionPtr connection);
    /// It is to be brought up and kept up, from now on or until unwant().
    void want(TimePoint now);
    void unwant(TimePoint now, Cause why);
    /// Where it is wanted and down: without waiting any longer.
    void try_now(TimePoint now);
    /// Also for as long as there is traffic for children that an on-demand connection lacks.
    bool wanted() const { return wanted_ || !demand_.empty(); }

    /// A packet waits. False when that changes nothing: the operator closed the connection, or the
    /// same is asked for already. After a failure it is tried no sooner than one that we keep up.
    bool on_demand(TimePoint now, const policy::ChildSelectors& child);
    /// Whether the child between these selectors is to be made: of a connection that we do not keep
    /// up, only what there is traffic for.
    bool demands(const policy::ChildSelectors& child) const;
    /// A child came up; these are still to come.
    void on_demand_met(std::span<const policy::ChildSelectors> missing);

    void on_attempt(TimePoint now);
    /// Nothing is tried while there is an obstacle.
    void on_path_blocked(TimePoint now, const PathObstacle& obstacle);
    /// The way is open, or another: it is tried at once if it is wanted and has no SA.
    void on_path_open(TimePoint now);
    const std::optional<PathObstacle>& obstacle() const { return obstacle_; }
    void on_up(TimePoint now);
    /// It has an IKE SA, whose children are still to come.
    void on_ike_only(TimePoint now);
    /// Our attempt failed. Waits 2 s, doubled each time up to a minute, a quarter more or less at
    /// random, for ever.
    void on_attempt_failed(TimePoint now, Cause why, Botan::RandomNumberGenerator& rng);
    /// The peer's attempt failed. Anybody can make one fail: what we found out ourselves stays, and
    /// a connection that is up is not concerned.
    void on_peer_failed(TimePoint now, Cause why);
    /// An SA that was up ended; `others` are still up. A dead peer is tried at once, one that
    /// closed the SA soon after it came up is tried ever more slowly.
    void on_down(TimePoint now, Cause why, bool others, Botan::RandomNumberGenerator& rng);

    /// It has an IKE SA still, but no child SA any more.
    void on_childless(TimePoint now, Cause why);
    /// A child SA was refused, in an exchange that `role` began.
    void on_child_failed(TimePoint now, Role role, Cause why);
    /// Its IKE SA has a child SA again.
    void on_child_up(TimePoint now);

    std::optional<TimePoint> next_attempt() const { return next_attempt_; }
    /// As ConnectionStatus::attempts.
    unsigned failures() const { return failures_; }

    /// The last messages in arrow notation.
    void note_message(std::string arrow);

    /// All but the IKE SAs.
    ConnectionStatus status() const;

    // Who carries the connection now, by our SPIs.
    std::optional<wire::IkeSpi> negotiation;
    EstablishedSas established;
    /// To be closed when their successor is up.
    std::vector<wire::IkeSpi> to_replace;
    /// Those do not fit the configuration any more: a successor is tried until it is up, or until
    /// they are gone.
    bool renewing = false;
    bool resolving = false;
    /// The peer's ports were edited since an IKE SA came up: it is not where older ones have it.
    bool ports_edited = false;
    /// Where the last attempt began in the place of the first port, because an older SA goes there.
    std::optional<policy::UdpPath> tried_way;
    /// Of a peer that is not fixed, as the operator said.
    std::optional<policy::IpAddress> told_address;

private:
    void retry_later(TimePoint now, Botan::RandomNumberGenerator& rng);
    void on_ike_sa(TimePoint now);
    void enter(TimePoint now, ConnectionState state);
    void note(TimePoint now, Cause why);

    ConnectionPtr connection_;
    bool wanted_ = false;
    /// Traffic for which there is no child yet, of an on-demand connection.
    std::vector<policy::ChildSelectors> demand_;
    /// There was traffic since our attempt began, so that another may follow it.
    bool demand_renewed_ = false;
    /// The operator closed it: traffic does not bring it back.
    bool held_down_ = false;
    /// By the operator, and not for want of algorithms.
    bool by_operator_ = false;
    /// After a failure, the earliest time for another attempt.
    std::optional<TimePoint> not_before_;
    ConnectionState state_ = ConnectionState::down;
    TimePoint since_;
    std::optional<TimePoint> next_attempt_;
    unsigned failures_ = 0;
    std::optional<PathObstacle> obstacle_;
    TimePoint up_since_;
    std::optional<Cause> reason_;
    std::optional<TimePoint> reason_at_;
    /// From an attempt of ours.
    bool reason_is_ours_ = false;
    std::deque<std::string> messages_;
};

} // namespace viaduct::ike
