// The states of an ISAKMP SA (what IKEv2 calls an IKE SA), in protocol order. Each holds what it
// needs and no more; the functions that leave a state take it by value.
#pragma once

#include "ike/child_state.h"
#include "ike/connection_directory.h"
#include "ike/crypto/key_exchange.h"
#include "ike/crypto/v1_key_schedule.h"
#include "ike/ike_sa_facts.h"
#include "ike/report.h"
#include "ike/retransmission.h"
#include "ike/v1/message_ids.h"
#include "ike/wire/v1_message.h"
#include "ike/wire/v1_transform.h"

#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace viaduct::ike::v1 {

/// The exchanges as RFC 2409 calls them.
constexpr auto main_mode = wire::ExchangeType::identity_protection;
constexpr auto aggressive_mode = wire::ExchangeType::aggressive;
constexpr auto quick_mode = wire::ExchangeType::quick_mode;

/// What one exchange message travels in: whole messages without non-ESP marker, several when it is
/// fragmented. Sent and repeated together.
using Messages = std::vector<wire::Octets>;

/// What the peer's vendor ids announce.
struct PeerExtensions {
    bool nat_traversal = false;
    wire::v1::NatNumbering numbering = wire::v1::NatNumbering::rfc3947;
    bool dead_peer_detection = false;
    bool fragmentation = false;
    /// Of all of them, for the status.
    std::vector<std::string> names;
};

/// A message that waits for its answer, kept for repetition.
struct Unanswered {
    wire::ExchangeType exchange{};
    Messages messages;
    Retransmission timer;
};

/// What we said last in phase 1, and to what: said again when that comes again.
struct LastAnswer {
    wire::Octets received;
    Messages answer;
};

/// The values of phase 1 that its formulas need, as they were sent.
struct Transcript {
    wire::Octets sa_body;
    wire::Octets public_i;
    wire::Octets public_r;
    wire::Octets nonce_i;
    wire::Octets nonce_r;
};

/// The keys of an ISAKMP SA.
struct IsakmpKeys {
    policy::IkeSuite suite;
    crypto::SkeyIds skeyids;
    policy::Secret cipher;
    /// The vector of the next message of phase 1; at its end the last block of phase 1, from which
    /// each later exchange takes its own first vector (RFC 2409 appendix B).
    wire::Octets vector;
};

/// Initiator, first message of main mode sent.
struct MainModeSaSent {
    ConnectionPtr connection;
    wire::Octets sa_body;
    Unanswered request;
};

/// Initiator, third message sent.
struct MainModeKeySent {
    ConnectionPtr connection;
    policy::IkeSuite suite;
    std::chrono::seconds lifetime{};
    PeerExtensions peer;
    crypto::KeyExchange key_exchange;
    Transcript transcript;
    Unanswered request;
};

/// Initiator, fifth message sent.
struct MainModeAuthSent {
    ConnectionPtr connection;
    IsakmpKeys keys;
    std::chrono::seconds lifetime{};
    PeerExtensions peer;
    Transcript transcript;
    /// The peer says something that our keys do not open, or in clear: it is told of once.
    bool doubted = false;
    Unanswered request;
};

/// Responder, second message sent.
struct MainModeSaAnswered {
    /// Connections whose addresses and proposals fit, best first.
    std::vector<ConnectionPtr> candidates;
    policy::IkeSuite suite;
    std::optional<std::chrono::seconds> peer_lifetime;
    PeerExtensions peer;
    wire::Octets sa_body;
    LastAnswer last;
    std::vector<std::string> arrows;
    TimePoint give_up;
};

/// Responder, fourth message sent. The key exchange is finished when the fifth comes, so that a
/// flood of forged messages costs half as much.
struct MainModeKeyAnswered {
    std::vector<ConnectionPtr> candidates;
    policy::IkeSuite suite;
    std::optional<std::chrono::seconds> peer_lifetime;
    PeerExtensions peer;
    crypto::KeyExchange key_exchange;
    std::optional<policy::Secret> shared_secret;
    Transcript transcript;
    /// A message came that no candidate's key opens: it is told of once.
    bool doubted = false;
    /// Messages that keys were tried on.
    unsigned attempts = 0;
    LastAnswer last;
    std::vector<std::string> arrows;
    TimePoint give_up;
};

/// Initiator, first message of aggressive mode sent.
struct AggressiveModeSent {
    ConnectionPtr connection;
    crypto::KeyExchange key_exchange;
    wire::Octets sa_body;
    wire::Octets nonce;
    wire::Octets id_body;
    Unanswered request;
};

/// Responder, second message of aggressive mode sent. The peer's identity told which connection is
/// meant, but it is not authenticated yet.
struct AggressiveModeAnswered {
    ConnectionPtr connection;
    policy::Identity peer_id;
    IsakmpKeys keys;
    std::optional<std::chrono::seconds> peer_lifetime;
    PeerExtensions peer;
    Transcript transcript;
    wire::Octets id_body;
    /// Something did not verify, or the peer says so in clear: it is told of once.
    bool doubted = false;
    LastAnswer last;
    std::vector<std::string> arrows;
    TimePoint give_up;
};

/// A child SA with what only IKEv1 has to know of it.
struct Child : ChildState {
    /// Our role in the quick mode that made it, and the lower of that exchange's nonces.
    Role exchange_role = Role::initiator;
    wire::Octets lowest_nonce;
    /// The third message of the quick mode that we answered has not come. Both sides of the child
    /// are installed where its traffic has no other way: the peer sends as soon as it has our
    /// answer, and what it sends is answered.
    bool unconfirmed = false;
    /// As the initiator of a rekey: when traffic moves, should nothing show before that the peer
    /// has its inbound side.
    std::optional<TimePoint> activate_at;
    /// However often the peer repeats itself: the old child has to last so long.
    TimePoint activate_by = TimePoint::max();
    /// Whether its inbound side was used, asked of the kernel.
    std::optional<TimePoint> ask_traffic_at;
    /// From one question to the next.
    TimePoint::duration ask_traffic_wait{};
    /// From an ISAKMP SA that was: it goes when its heir has all children that are wanted now.
    bool outdated = false;
    /// When we tell the peer of its end; its outbound SA is out already.
    std::optional<TimePoint> delete_at;
    /// By then the peer, whose rekey replaced it, has deleted it or never will. Its lifetime stays
    /// what it was: the successor may go first.
    std::optional<TimePoint> replaced_until;

    /// It is no way for traffic yet.
    bool is_pending() const { return unconfirmed || waiting_outbound.has_value(); }
    TimePoint ends_at() const {
        return replaced_until ? std::min(expire_at, *replaced_until) : expire_at;
    }
};

/// A quick mode that is wanted: a further child SA, or the successor of one.
struct QuickModeWanted {
    ChildSelectors selectors;
    std::optional<policy::ChildSaId> rekeyed = std::nullopt;
};

/// The encrypted parts of informational messages that came under the message ID of a quick mode:
/// the ID was used before, so it does not tell a repetition.
using InformationalsHeard = std::vector<wire::Octets>;

/// Initiator, first message of a quick mode sent.
struct QuickModeSent {
    QuickModeWanted wanted;
    policy::EspMode mode = policy::EspMode::tunnel;
    wire::MessageId id{};
    policy::ChildSpi inbound_spi{};
    std::vector<policy::Proposal> proposals;
    wire::Octets nonce;
    std::optional<crypto::KeyExchange> key_exchange;
    wire::Octets vector;
    Unanswered request;
    InformationalsHeard informed;
};

/// Responder, second message of a quick mode sent; the third is awaited. The child is installed,
/// with its outbound side where traffic has no other way.
struct QuickModeAnswered {
    wire::MessageId id{};
    wire::Octets first_message;
    policy::ChildSaId child{};
    wire::Octets nonce_i;
    wire::Octets nonce_r;
    wire::Octets vector;
    /// The second message. Its sender repeats it until the third comes.
    Unanswered answer;
};

/// A quick mode that is over, kept for a peer that repeats its last message to us.
struct QuickModeOver {
    wire::MessageId id{};
    wire::Octets received;
    /// Empty: nothing is said to a repetition.
    Messages answer;
    policy::ChildSaId child{};
    /// For CONNECTED, which comes under the message ID of the quick mode.
    wire::Octets vector;
    TimePoint until;
    InformationalsHeard informed;
};

/// A Delete of children that nobody confirms, to be said again.
struct ChildrenDeleted {
    /// Ours, inbound.
    std::vector<policy::ChildSpi> spis;
    unsigned repetitions = 0;
    TimePoint again_at;
};

/// R-U-THERE was sent.
struct PeerQuestioned {
    std::uint32_t sequence = 0;
    Retransmission timer;
};

/// Both sides are authenticated.
struct Established {
    ConnectionPtr connection;
    policy::Identity peer_id;
    IsakmpKeys keys;
    PeerExtensions peer;
    /// The lower of the nonces of phase 1: of two that cross the one with the lowest loses.
    wire::Octets lowest_nonce;
    std::vector<Child> children;

    /// The last message of phase 1 that we sent, for a peer that repeats the one before.
    std::optional<LastAnswer> last;
    TimePoint last_until;

    MessageIds ids;
    /// They are running out, and a successor was asked for.
    bool ids_running_out = false;
    std::optional<QuickModeSent> asked;
    std::vector<QuickModeWanted> waiting;
    std::vector<QuickModeAnswered> answered;
    std::vector<QuickModeOver> over;
    std::vector<ChildrenDeleted> deleted;

    TimePoint established;
    TimePoint last_heard;
    /// The peer showed that it has this SA too.
    bool confirmed = false;
    /// Soft and hard end of life.
    TimePoint replace_at;
    TimePoint expire_at;

    std::optional<PeerQuestioned> questioned;
    std::uint32_t next_sequence = 0;
    std::optional<std::uint32_t> peer_sequence;
    /// When the kernel was asked whether traffic came in, instead of the peer.
    std::optional<TimePoint> traffic_asked;

    /// When children that are wanted and missing are asked for; absent: not by us.
    std::optional<TimePoint> create_children_at;
    unsigned create_failures = 0;
    /// Which of the groups that the ESP proposals name is tried next.
    std::size_t group_turn = 0;
    /// Others of the same peer have the children; this one only waits for its end.
    bool superseded = false;
    /// An edit of the connection asks for another with children of its own; these end with it.
    bool outdated = false;
};

/// Its end is reported; the farewell is said once more, because nobody confirms it.
struct Farewell {
    std::string connection;
    Messages messages;
    TimePoint again_at;
};

/// Phase 1 is over and its children are not: IKEv1 lets them live on without it (RFC 2408 section
/// 2.1). They go to the next ISAKMP SA with the same peer, or end in their own time.
struct Orphaned {
    ConnectionPtr connection;
    policy::Identity peer_id;
    std::vector<Child> children;
};

/// To be removed.
struct Gone {};

using IsakmpSaState = std::variant<MainModeSaSent, MainModeKeySent, MainModeAuthSent,
                                   MainModeSaAnswered, MainModeKeyAnswered, AggressiveModeSent,
                                   AggressiveModeAnswered, Established, Farewell, Orphaned, Gone>;

/// A message for an ISAKMP SA, its outer structure decoded.
struct Received {
    const policy::UdpPath& path;
    const wire::v1::Message& message;
    /// Without non-ESP marker; of a fragmented message the whole.
    std::span<const std::uint8_t> octets;
};

} // namespace viaduct::ike::v1
