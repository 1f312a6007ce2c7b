// The states of an IKE SA, in protocol order. Each holds what it needs and no more; the functions
// that leave a state take it by value.
#pragma once

#include "ike/child_state.h"
#include "ike/connection_directory.h"
#include "ike/crypto/key_exchange.h"
#include "ike/crypto/v2_encrypted_payload.h"
#include "ike/ike_sa_facts.h"
#include "ike/report.h"
#include "ike/retransmission.h"
#include "ike/wire/v2_message.h"
#include "policy/child_selectors.h"

#include <algorithm>
#include <optional>
#include <variant>
#include <vector>

namespace viaduct::ike::v2 {

/// What one exchange message travels in: whole IKE messages without non-ESP marker, several when it
/// is fragmented. Sent and repeated together.
using Messages = std::vector<wire::Octets>;

/// A request that waits for its response, kept for retransmission.
struct RequestUnderWay {
    wire::MessageId id{};
    wire::ExchangeType exchange{};
    Messages messages;
    Retransmission timer;
};

/// Seals and opens the messages of one IKE SA.
struct MessageKeys {
    policy::IkeSuite suite;
    crypto::DirectionKeys send;
    crypto::DirectionKeys receive;
    /// Of the next message sent: an AEAD nonce must never repeat (RFC 5282 section 3.1).
    std::uint64_t counter = 0;
};
MessageKeys message_keys(const policy::IkeSuite& suite, const crypto::IkeKeys& keys, Role role);

/// What AUTH is computed over (RFC 7296 section 2.15).
struct FirstMessages {
    wire::Octets request;
    wire::Octets response;
    wire::Octets nonce_i;
    wire::Octets nonce_r;
};

/// What we propose for a child SA.
struct ChildOffer {
    policy::ChildSpi inbound_spi{};
    std::vector<policy::Proposal> proposals;
    ChildSelectors selectors;
    policy::EspMode mode = policy::EspMode::tunnel;
};

/// Initiator, IKE_SA_INIT request sent.
struct SaInitSent {
    ConnectionPtr connection;
    crypto::KeyExchange key_exchange;
    wire::Octets nonce;
    /// To be repeated in front (RFC 7296 section 2.6).
    wire::Octets cookie;
    /// Requests begun anew because of a cookie or another group.
    unsigned restarts = 0;
    RequestUnderWay request;
};

/// Initiator, IKE_AUTH request sent.
struct AuthSent {
    ConnectionPtr connection;
    MessageKeys keys;
    policy::Secret sk_d;
    /// SK_pr: what the responder signs with.
    policy::Secret sk_p_peer;
    FirstMessages first;
    /// Absent: the children follow by CREATE_CHILD_SA (RFC 6023).
    std::optional<ChildOffer> child;
    RequestUnderWay request;
};

/// Responder, IKE_SA_INIT answered. The key exchange is finished when IKE_AUTH comes, so that a
/// request from a forged address costs half as much.
struct AuthAwaited {
    /// Connections whose addresses and IKE proposals fit, best first.
    std::vector<ConnectionPtr> candidates;
    policy::IkeSuite suite;
    crypto::KeyExchange key_exchange;
    wire::Octets peer_public_value;
    std::optional<crypto::IkeKeys> keys;
    FirstMessages first;
    /// The messages so far, for the record of the connection that is meant.
    std::vector<std::string> arrows;
    TimePoint give_up;
};

/// What the peer made while our own exchange for the same purpose was under way (RFC 7296
/// sections 2.8.1 and 2.8.2).
template <typename Id> struct Rival {
    Id made;
    /// The lower of the two nonces of the peer's exchange.
    wire::Octets lowest_nonce;
};

/// What a request of an established SA is for. Members after `// under way` are filled when the
/// request goes out.
namespace purpose {
struct LivenessCheck {};
/// A further child SA, or the successor of one.
struct CreateChild {
    ChildSelectors selectors;
    std::optional<policy::ChildSaId> rekeyed = std::nullopt;
    /// What the peer asked for with INVALID_KE_PAYLOAD.
    std::optional<policy::KeyExchangeMethod> group = std::nullopt;
    // under way
    ChildOffer offer = {};
    wire::Octets nonce = {};
    std::optional<crypto::KeyExchange> key_exchange = std::nullopt;
    std::optional<Rival<policy::ChildSaId>> rival = std::nullopt;
    /// SPIs of the peer's that it deleted and that we did not know: perhaps of what it makes now.
    std::vector<policy::ChildSpi> deleted = {};
};
struct RekeyIkeSa {
    std::optional<policy::KeyExchangeMethod> group = std::nullopt;
    // under way
    wire::IkeSpi own_spi = {};
    wire::Octets nonce = {};
    std::optional<crypto::KeyExchange> key_exchange = std::nullopt;
    std::optional<Rival<wire::IkeSpi>> rival = std::nullopt;
};
struct DeleteChildren {
    /// Ours, the inbound ones.
    std::vector<policy::ChildSpi> spis;
};
struct DeleteIkeSa {
    Cause why;
};
} // namespace purpose
/// Later is more urgent.
using RequestPurpose =
    std::variant<purpose::LivenessCheck, purpose::CreateChild, purpose::DeleteChildren,
                 purpose::RekeyIkeSa, purpose::DeleteIkeSa>;

/// Whether an IKE SA stands for its connection.
enum class Standing : std::uint8_t {
    carrying,   ///< it has, or may have, the connection's children
    contending, ///< made by an IKE rekey that crosses another; it is not decided which one inherits
    superseded, ///< its successor has the children
};

/// TEMPORARY_FAILURE again and again: since when, and when last.
struct PassingFailures {
    TimePoint since;
    TimePoint last;
};

/// Both sides are authenticated.
struct Established {
    ConnectionPtr connection;
    policy::Identity peer;
    MessageKeys keys;
    /// For the keys of further children and of a successor.
    policy::Secret sk_d;
    std::vector<ChildState> children;

    /// RFC 7296 section 2.3, window 1 in both directions.
    wire::MessageId next_request{};
    wire::MessageId expected_request{};
    /// To the request before the expected one; sent again when that is repeated.
    Messages last_response;
    /// Where that request came from, and the response went.
    policy::UdpPath last_response_path;
    std::optional<RequestUnderWay> under_way;
    std::optional<RequestPurpose> under_way_purpose;
    /// Wanted, but another request is under way. The most urgent is sent first.
    std::vector<RequestPurpose> waiting;

    TimePoint established;
    TimePoint last_heard;
    /// The peer showed that it has our nonce or our last response: what made this SA was no late
    /// echo of a peer that has forgotten it since.
    bool confirmed = false;
    /// Soft and hard end of life.
    TimePoint replace_at;
    TimePoint expire_at;
    /// Our role in the exchange that authenticated; an IKE rekey may have turned the SA's around.
    Role first_role = Role::initiator;
    /// When we are to authenticate anew; absent: never.
    std::optional<TimePoint> reauthenticate_at;
    /// As responder: when we end what the peer has not authenticated anew (RFC 4478).
    std::optional<TimePoint> authentication_ends;
    /// When the kernel was asked whether traffic came in, instead of the peer.
    std::optional<TimePoint> traffic_asked;

    Standing standing = Standing::carrying;
    /// Of what is contending or superseded: when we end it ourselves.
    std::optional<TimePoint> patience_until;
    /// Our SPIs of those that it succeeds by IKE rekeys and that still wait for the peer's Delete.
    std::vector<wire::IkeSpi> predecessors;
    /// The lower of the two nonces of the exchange that made this SA: of two that cross, the one
    /// with the lowest nonce loses.
    wire::Octets lowest_nonce;

    /// One child for each pair: configured so, or the peer insists (RFC 7296 section 2.9).
    bool per_pair = false;
    /// When children that are wanted and missing are asked for; absent: not by us.
    std::optional<TimePoint> create_children_at;
    unsigned create_failures = 0;
    /// A child that is missing was refused, and not only for the moment.
    bool lastingly_refused = false;
    /// It had a child, or was refused one when it was made: unlike an SA that was made without
    /// (RFC 6023), it is of no use when it has none.
    bool counts_on_children = false;
    /// When it ends for lack of a child; absent while it has one or somebody asks for one.
    std::optional<TimePoint> empty_until;
    /// Until then rekeys of children wait for an IKE rekey of the peer's that was turned away.
    TimePoint yielding_until{};
    /// The peer has answered CREATE_CHILD_SA with nothing but TEMPORARY_FAILURE.
    std::optional<PassingFailures> failing;

    /// Its end is reported and its children are out of the kernel; the peer is being told.
    bool closing = false;
};

/// What our request under way is for, if it is for that; else null.
template <typename Purpose> Purpose* under_way(Established& sa) {
    return sa.under_way_purpose ? std::get_if<Purpose>(&*sa.under_way_purpose) : nullptr;
}
template <typename Purpose> const Purpose* under_way(const Established& sa) {
    return sa.under_way_purpose ? std::get_if<Purpose>(&*sa.under_way_purpose) : nullptr;
}
/// Whether a request with a purpose that `fits` is under way or waits.
template <typename Fits> bool is_asked(const Established& sa, const Fits& fits) {
    return (sa.under_way_purpose && fits(*sa.under_way_purpose)) ||
           std::ranges::any_of(sa.waiting, fits);
}

/// Nothing is left but the duty to answer the last request again if it is repeated.
struct Lingering {
    wire::MessageId answered{};
    Messages response;
    unsigned repeats_left = 5;
    TimePoint until;
};

/// To be removed.
struct Gone {};

using IkeSaState = std::variant<SaInitSent, AuthSent, AuthAwaited, Established, Lingering, Gone>;

/// A message for an IKE SA, outer structure decoded.
struct Received {
    const policy::UdpPath& path;
    const wire::OuterMessage& outer;
    /// Without non-ESP marker.
    std::span<const std::uint8_t> message;
};

} // namespace viaduct::ike::v2
