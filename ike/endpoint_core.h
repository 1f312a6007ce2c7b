// The inside of an endpoint: which IKE SA an input belongs to, and what its outcome means for the
// connection.
#pragma once

#include "ike/answer_budget.h"
#include "ike/child_spi_table.h"
#include "ike/connection_directory.h"
#include "ike/connection_upkeep.h"
#include "ike/cookies.h"
#include "ike/endpoint.h"
#include "ike/half_open_guard.h"
#include "ike/v2/ike_sa.h"
#include "ike/v2/sa_init_responder.h"
#include "ike/wire/header.h"
#include "policy/connection_changes.h"

#include <deque>
#include <functional>
#include <queue>
#include <unordered_map>

namespace viaduct::ike {

class Endpoint::Core {
public:
    Core(policy::ConnectionSet connections, Botan::RandomNumberGenerator& rng,
         EndpointSettings settings);

    void on_datagram(TimePoint now, const policy::UdpPath& path,
                     std::span<const std::uint8_t> octets);
    void on_command(TimePoint now, const Command& command);
    void on_kernel_event(TimePoint now, const KernelEvent& event);
    void on_effect_failed(TimePoint now, const EffectFailure& failure);
    void on_deadline(TimePoint now);

    std::optional<Effect> next_effect();
    std::optional<TimePoint> next_deadline() const;
    EndpointStatus status() const;

private:
    struct Entry {
        v2::IkeSa sa;
        /// The earliest time for which the entry stands in `deadlines_`.
        TimePoint scheduled = TimePoint::max();
    };
    using Table = std::unordered_map<wire::IkeSpi, Entry>;

    // From octets to an SA (endpoint_datagram.cpp).
    void on_message(TimePoint now, const policy::UdpPath& path,
                    std::span<const std::uint8_t> message);
    void on_first_request(TimePoint now, const policy::UdpPath& path,
                          const wire::OuterMessage& outer, std::span<const std::uint8_t> message);
    /// Whether the request may be taken on; else it is dropped or answered with a cookie.
    bool admit_first_request(TimePoint now, const policy::UdpPath& path,
                             const wire::OuterMessage& outer,
                             std::span<const std::uint8_t> message);
    void answer_in_clear(TimePoint now, const policy::UdpPath& path, const wire::Header& header,
                         wire::NotifyPayload notify);
    void refuse_first_request(TimePoint now, const policy::UdpPath& path,
                              v2::SaInitRefused refused);
    Table::iterator find(const wire::Header& header);

    // What the kernel tells of one child (endpoint_core.cpp).

    // Handling one SA and what comes of it (endpoint_core.cpp).
    using SaWork = std::function<void(v2::Turn&, v2::IkeSa&)>;
    void handle(TimePoint now, wire::IkeSpi spi, const SaWork& work);
    Turn make_turn(TimePoint now);
    /// `work` returns our SPI of the SA that it made or touched.
    void with_turn(TimePoint now, const std::function<wire::IkeSpi(v2::Turn&)>& work);
    void settle(TimePoint now, wire::IkeSpi spi, std::vector<v2::Outcome> outcomes);
    void end_retired_children(TimePoint now);
    /// Null unless it is established and not closing.
    v2::IkeSa* find_alive(wire::IkeSpi spi);
    bool has_other(const std::string& connection, wire::IkeSpi spi);
    bool hand_over(TimePoint now, const std::string& connection, wire::IkeSpi spi);
    void schedule(TimePoint now, wire::IkeSpi spi, Entry& entry);
    void note_messages(std::size_t first_effect, const std::optional<Ascription>& ascription);
    wire::IkeSpi draw_spi();

    // What an outcome means (endpoint_outcome.cpp).
    void apply(TimePoint now, wire::IkeSpi spi, v2::Outcome& outcome);
    void on_up(TimePoint now, wire::IkeSpi spi, const outcome::Up& outcome);
    void close_duplicates(TimePoint now, wire::IkeSpi spi, const ConnectionUpkeep& upkeep,
                          const outcome::Up& outcome);
    void close_replaced(TimePoint now, wire::IkeSpi spi, ConnectionUpkeep& upkeep);
    void close_superfluous(TimePoint now, wire::IkeSpi spi);
    void on_new_ike_sa(TimePoint now, v2::outcome::NewIkeSa& outcome);
    void on_bequeath(TimePoint now, wire::IkeSpi spi, v2::outcome::Bequeath& outcome);
    void on_child_failed(TimePoint now, wire::IkeSpi spi, const outcome::ChildFailed& outcome);
    void on_failed(TimePoint now, wire::IkeSpi spi, const outcome::Failed& outcome);
    void on_down(TimePoint now, wire::IkeSpi spi, const outcome::Down& outcome);
    void on_wants_replacement(TimePoint now, wire::IkeSpi spi);
    void on_childless(TimePoint now, wire::IkeSpi spi, const outcome::Childless& outcome);

    void note_unmatched(NegotiationFailed failed);

    // Connections (endpoint_connections.cpp).
    void initiate(TimePoint now, const Initiate& command);
    void terminate(TimePoint now, const Terminate& command);
    void rekey(TimePoint now, const Rekey& command);
    void reconfigure(TimePoint now, const Reconfigure& command);
    void shut_down(TimePoint now);
    void resolved(TimePoint now, const NameResolved& answer);
    void path_changed(TimePoint now, const PathChanged& command);
    /// A stranger may be a peer whose name stands for another address now. At most every 10 s.
    void resolve_peers(TimePoint now);
    void start(TimePoint now, ConnectionUpkeep& upkeep);
    void attempt(TimePoint now, ConnectionUpkeep& upkeep);
    void initiate(TimePoint now, ConnectionUpkeep& upkeep, const policy::IpAddress& peer);
    void report_failed(const ConnectionUpkeep& upkeep, const policy::UdpPath& path, Cause why);
    void attempt_failed(TimePoint now, ConnectionUpkeep& upkeep, const policy::UdpPath& path,
                        Cause why);
    void schedule(const ConnectionUpkeep& upkeep);
    void add(TimePoint now, const ConnectionPtr& connection);
    void change(TimePoint now, const policy::ChangedConnection& changed);
    /// New IKE SAs in place of those that there are.
    void renew(TimePoint now, ConnectionUpkeep& upkeep);
    void remove(TimePoint now, const std::string& name, const Cause& why);
    void close_all(TimePoint now, ConnectionUpkeep& upkeep, const Cause& why);
    ConnectionUpkeep* find(const std::string& name);

    EndpointSettings settings_;
    Botan::RandomNumberGenerator& rng_;
    ConnectionDirectory directory_;
    ChildSpiTable child_spis_;
    HalfOpenGuard half_open_;
    Cookies cookies_;
    AnswerBudget answers_;
    Table sas_;
    std::map<std::string, ConnectionUpkeep, std::less<>> upkeeps_;
    TimePoint peers_resolved_{};
    bool started_ = false;
    bool shut_down_ = false;

    using SaDeadline = std::pair<TimePoint, wire::IkeSpi>;
    using AttemptDeadline = std::pair<TimePoint, std::string>;
    /// May hold entries that are early or void; never lacks one.
    std::priority_queue<SaDeadline, std::vector<SaDeadline>, std::greater<>> deadlines_;
    std::priority_queue<AttemptDeadline, std::vector<AttemptDeadline>, std::greater<>> attempts_;

    /// IKE SAs that another one of the same peer makes superfluous.
    std::multimap<TimePoint, wire::IkeSpi> superfluous_;
    std::multimap<TimePoint, RetiredChild> retired_;

    std::deque<Effect> effects_;
    DropCounters dropped_;
    std::deque<NegotiationFailed> unmatched_;
};

} // namespace viaduct::ike
