// The inside of an endpoint: which IKE SA an input belongs to, and what its outcome means for the
// connection.
#pragma once

#include "ike/answer_budget.h"
#include "ike/any_ike_sa.h"
#include "ike/child_spi_table.h"
#include "ike/connection_directory.h"
#include "ike/connection_upkeep.h"
#include "ike/cookies.h"
#include "ike/endpoint.h"
#include "ike/half_open_guard.h"
#include "ike/v1/main_mode_responder.h"
#include "ike/v2/sa_init_responder.h"
#include "ike/wire/header.h"
#include "ike/wire/v1_message.h"
#include "policy/connection_changes.h"

#include <deque>
#include <queue>
#include <set>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>

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
    std::vector<policy::ChildSelectors> missing_children(const ConnectionUpkeep& upkeep) const;

private:
    struct Entry {
        AnyIkeSa sa;
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

    // The same for IKEv1 (endpoint_v1.cpp).
    void on_v1_message(TimePoint now, const policy::UdpPath& path, const wire::Header& header,
                       std::span<const std::uint8_t> message);
    /// For an SA that is there; of fragments the one that completes a message.
    void on_v1_message(TimePoint now, wire::IkeSpi spi, const policy::UdpPath& path,
                       const wire::v1::Message& message, std::span<const std::uint8_t> octets);
    void on_v1_first_message(TimePoint now, const policy::UdpPath& path,
                             const wire::v1::ClearMessage& message,
                             std::span<const std::uint8_t> octets);
    void answer_v1_first_message(TimePoint now, const v1::Received& received,
                                 std::vector<ConnectionPtr> candidates);
    void refuse_v1_first_message(TimePoint now, const policy::UdpPath& path,
                                 v1::FirstMessageRefused refused);
    Table::iterator find_v1(const wire::Header& header);
    /// Children of other ISAKMP SAs with the same peer, and of those that are over, go to this one.
    void adopt_children(TimePoint now, wire::IkeSpi spi);
    bool v1_peer_is_elsewhere(const std::string& connection, const policy::Identity& peer,
                              const policy::IpAddress& address);
    std::optional<policy::ChildSaId> v1_carrier_elsewhere(const std::string& connection,
                                                          wire::IkeSpi spi,
                                                          const policy::ChildSelectors& selectors);
    /// Where an SA of the connection that goes through the port for NAT is reached at this address.
    std::optional<policy::UdpPath> floated_path(const ConnectionUpkeep& upkeep,
                                                const policy::IpAddress& peer) const;
    bool has_orphans(const std::string& connection) const;
    /// Whether a phase 1 may begin for children whose own is over.
    bool serves_orphans(const ConnectionUpkeep& upkeep) const;
    /// Children whose phase 1 is over want to be rekeyed.
    void start_phase_one_for_orphans(TimePoint now, const std::string& connection);

    // Handling one SA and what comes of it (endpoint_core.cpp).
    /// `work` takes the turn and the SA, of either version.
    template <typename Work> void handle(TimePoint now, wire::IkeSpi spi, const Work& work);
    /// The same for what only one version knows; nothing happens with an SA of the other.
    template <typename Work> void handle_v1(TimePoint now, wire::IkeSpi spi, const Work& work);
    template <typename Work> void handle_v2(TimePoint now, wire::IkeSpi spi, const Work& work);
    Turn make_turn(TimePoint now);
    /// `work` returns our SPI of the SA that it made or touched.
    template <typename VersionTurn, typename Work> void with_turn(TimePoint now, const Work& work);
    /// What remains to be done when the outcomes of an input are handled.
    void settle(TimePoint now, wire::IkeSpi spi);
    void end_retired_children(TimePoint now);
    /// Null unless it is established and not closing.
    AnyIkeSa* find_alive(wire::IkeSpi spi);
    /// The others with the same peer that are.
    std::vector<AnyIkeSa*> alive_beside(const std::string& connection, wire::IkeSpi spi);
    bool has_other(const std::string& connection, wire::IkeSpi spi);
    std::size_t children_elsewhere(const std::string& connection, wire::IkeSpi spi);
    bool is_demanded(const std::string& connection, const policy::ChildSelectors& child);
    std::optional<OtherUser> user_between_gateways(const policy::UdpPath& path,
                                                   const ChildUser& peer,
                                                   const policy::ChildSelectors& selectors) const;
    bool is_complete(TimePoint now, const AnyIkeSa& sa);
    /// Where there is none the peer's IKE SAs are asked for a sign of life, whatever dead peer
    /// detection says: it may have forgotten them all.
    std::optional<Cause> no_room(TimePoint now, const std::string& connection,
                                 const policy::Identity& peer, FirstContact first_contact);
    /// Whether the successor is complete, and nothing is lost with the end of the old SA.
    bool takes_over(TimePoint now, const AnyIkeSa& old, const AnyIkeSa& successor);
    bool hand_over(TimePoint now, const std::string& connection, wire::IkeSpi spi);
    void schedule(TimePoint now, wire::IkeSpi spi, Entry& entry);
    void note_messages(std::size_t first_effect, const std::optional<Ascription>& ascription);
    wire::IkeSpi draw_spi();

    // What an outcome means (endpoint_outcome.cpp).
    void on_outcome(TimePoint now, wire::IkeSpi spi, const outcome::Up& outcome);
    void close_duplicates(TimePoint now, wire::IkeSpi spi, const ConnectionUpkeep& upkeep,
                          const outcome::Up& outcome);
    /// The peer's oldest IKE SA that can go without loss: others than it have all its children.
    /// Where all are to stay, only one that an ISAKMP SA has superseded. Nothing: there is none.
    std::optional<wire::IkeSpi> oldest_to_spare(const ConnectionUpkeep& upkeep,
                                                const policy::Identity& peer,
                                                std::optional<wire::IkeSpi> newest);
    /// Those go where there are too many: the peer may be gone, and nothing waits for its answer.
    void end_oldest(TimePoint now, wire::IkeSpi newest, const ConnectionUpkeep& upkeep,
                    const policy::Identity& peer);
    void note_demand_met(wire::IkeSpi spi, ConnectionUpkeep& upkeep);
    void close_replaced(TimePoint now, wire::IkeSpi spi, ConnectionUpkeep& upkeep);
    void close_superfluous(TimePoint now, wire::IkeSpi spi);
    /// Closes what a successor replaces; the Delete goes along `path`. RFC 7296 2.11: whatever the
    /// addresses, an SA is known by its SPIs. Those that the old one had may be gone, and a peer
    /// that is not told goes on sending to them.
    void close_along(TimePoint now, wire::IkeSpi spi, const policy::UdpPath& path);
    void on_outcome(TimePoint now, wire::IkeSpi spi, v2::outcome::NewIkeSa& outcome);
    void on_outcome(TimePoint now, wire::IkeSpi spi, v2::outcome::Bequeath& outcome);
    void on_outcome(TimePoint now, wire::IkeSpi spi, const outcome::ChildFailed& outcome);
    void on_outcome(TimePoint now, wire::IkeSpi spi, const outcome::Failed& outcome);
    void on_outcome(TimePoint now, wire::IkeSpi spi, const outcome::Down& outcome);
    void on_outcome(TimePoint now, wire::IkeSpi spi, const outcome::WantsReplacement& outcome);
    void on_outcome(TimePoint now, wire::IkeSpi spi, const outcome::ChildUp& outcome);
    void on_outcome(TimePoint now, wire::IkeSpi spi, const v1::outcome::Doubt& outcome);
    void on_outcome(TimePoint now, wire::IkeSpi spi, const v1::outcome::HeldByAnother& outcome);
    void on_outcome(TimePoint now, wire::IkeSpi spi, const v1::outcome::ToldOfChild& outcome);
    void on_outcome(TimePoint now, wire::IkeSpi spi, v1::outcome::Bequeath& outcome);
    void on_outcome(TimePoint now, wire::IkeSpi spi, const v1::outcome::DeletedElsewhere& outcome);
    void on_outcome(TimePoint now, wire::IkeSpi spi, const outcome::Childless& outcome);

    void note_unmatched(NegotiationFailed failed);

    // Connections (endpoint_connections.cpp).
    void initiate(TimePoint now, const Initiate& command);
    void acquire(TimePoint now, const Acquire& event);
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
    /// Nothing will be tried again by itself.
    void attempt_impossible(TimePoint now, ConnectionUpkeep& upkeep, const Cause& why);
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
    /// IKEv1's that are over but for their children, by connection.
    std::set<std::pair<std::string, wire::IkeSpi>> orphaned_;

    std::deque<Effect> effects_;
    DropCounters dropped_;
    std::deque<NegotiationFailed> unmatched_;
};

template <typename VersionTurn, typename Work>
void Endpoint::Core::with_turn(TimePoint now, const Work& work) {
    using Outcomes = std::remove_reference_t<decltype(std::declval<VersionTurn>().outcomes)>;
    Outcomes outcomes;
    const auto first_effect = effects_.size();
    VersionTurn turn{make_turn(now), outcomes};
    const wire::IkeSpi spi = work(turn);
    note_messages(first_effect, turn.ascription);
    for (auto& each : outcomes)
        std::visit([&](auto& outcome) { on_outcome(now, spi, outcome); }, each);
    settle(now, spi);
}

template <typename Work>
void Endpoint::Core::handle(TimePoint now, wire::IkeSpi spi, const Work& work) {
    handle_v1(now, spi, work);
    handle_v2(now, spi, work);
}

template <typename Work>
void Endpoint::Core::handle_v1(TimePoint now, wire::IkeSpi spi, const Work& work) {
    const auto found = sas_.find(spi);
    if (auto* sa = found == sas_.end() ? nullptr : found->second.sa.as_v1())
        with_turn<v1::Turn>(now, [&](v1::Turn& turn) {
            work(turn, *sa);
            return spi;
        });
}

template <typename Work>
void Endpoint::Core::handle_v2(TimePoint now, wire::IkeSpi spi, const Work& work) {
    const auto found = sas_.find(spi);
    if (auto* sa = found == sas_.end() ? nullptr : found->second.sa.as_v2())
        with_turn<v2::Turn>(now, [&](v2::Turn& turn) {
            work(turn, *sa);
            return spi;
        });
}

} // namespace viaduct::ike
