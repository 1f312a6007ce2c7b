// IKEv2's payloads as values. Each struct is one payload of RFC 7296 section 3; the codec of each
// lies in v2_payload_<name>.cpp with the RFC's picture.
#pragma once

#include "ike/wire/byte_reader.h"
#include "ike/wire/byte_writer.h"
#include "ike/wire/numbers.h"
#include "policy/child_sa.h"
#include "policy/identity.h"
#include "policy/proposal.h"
#include "policy/traffic_selector.h"

#include <optional>
#include <variant>
#include <vector>

namespace viaduct::ike::wire {

/// Limits on what one message may hold. A peer that exceeds one gets `too_many`.
namespace limit {
constexpr std::size_t payloads = 64;
constexpr std::size_t proposals = 64;
constexpr std::size_t transforms = 128;
constexpr std::size_t attributes = 8;
constexpr std::size_t selectors = 255;
constexpr std::size_t deleted_spis = 1024;
constexpr std::size_t nonce_min = 16;
constexpr std::size_t nonce_max = 256;
/// Of what describe() says about one payload.
constexpr std::size_t text_line = 1024;
} // namespace limit

/// One proposal substructure with what policy::Proposal leaves out.
struct OfferedProposal {
    /// Counts from 1.
    std::uint8_t number = 1;
    /// Empty in IKE_SA_INIT, 8 octets for an IKE SA, 4 for ESP.
    Octets spi;
    policy::Proposal proposal;
    friend bool operator==(const OfferedProposal&, const OfferedProposal&) = default;
};

/// Section 3.3.
struct SaPayload {
    std::vector<OfferedProposal> proposals;
    friend bool operator==(const SaPayload&, const SaPayload&) = default;
};

/// Without numbers and SPIs, in their order.
std::vector<policy::Proposal> proposals_of(const SaPayload& sa);

/// Section 3.4.
struct KeyExchangePayload {
    /// Raw, because the peer may use a method that we do not know.
    std::uint16_t method = 0;
    Octets data;
    friend bool operator==(const KeyExchangePayload&, const KeyExchangePayload&) = default;
};

/// Section 3.5. `identity.type` may hold a number outside the enumeration.
struct IdPayload {
    enum class Side : std::uint8_t { initiator, responder };
    Side side = Side::initiator;
    policy::Identity identity;
    friend bool operator==(const IdPayload&, const IdPayload&) = default;
};

/// Section 3.6.
struct CertificatePayload {
    std::uint8_t encoding = 4;
    Octets data;
    friend bool operator==(const CertificatePayload&, const CertificatePayload&) = default;
};

/// Section 3.7.
struct CertificateRequestPayload {
    std::uint8_t encoding = 4;
    Octets data;
    friend bool operator==(const CertificateRequestPayload&,
                           const CertificateRequestPayload&) = default;
};

/// Section 3.8.
struct AuthPayload {
    AuthMethod method = AuthMethod::shared_key;
    Octets data;
    friend bool operator==(const AuthPayload&, const AuthPayload&) = default;
};

/// Section 3.9: 16 to 256 octets.
struct NoncePayload {
    Octets data;
    friend bool operator==(const NoncePayload&, const NoncePayload&) = default;
};

/// Section 3.10. When decoded, the data of COOKIE, INVALID_KE_PAYLOAD, NAT_DETECTION_*_IP,
/// SET_WINDOW_SIZE and UNSUPPORTED_CRITICAL_PAYLOAD have the length that the RFC gives them.
struct NotifyPayload {
    policy::ProtocolId protocol = policy::ProtocolId::none;
    Octets spi;
    NotifyType type = NotifyType::invalid_syntax;
    Octets data;
    friend bool operator==(const NotifyPayload&, const NotifyPayload&) = default;
};

/// Section 3.11. No SPIs for the IKE SA, four octets each for ESP and AH.
struct DeletePayload {
    policy::ProtocolId protocol = policy::ProtocolId::ike;
    std::vector<policy::ChildSpi> spis;
    friend bool operator==(const DeletePayload&, const DeletePayload&) = default;
};

/// Section 3.12.
struct VendorIdPayload {
    Octets data;
    friend bool operator==(const VendorIdPayload&, const VendorIdPayload&) = default;
};

/// Section 3.13. Selectors of types other than IPv4 and IPv6 ranges, and ranges whose start lies
/// behind their end, are skipped on decoding and counted, because others may still be acceptable.
struct TsPayload {
    enum class Side : std::uint8_t { initiator, responder };
    Side side = Side::initiator;
    std::vector<policy::TrafficSelector> selectors;
    std::uint8_t skipped = 0;
    friend bool operator==(const TsPayload&, const TsPayload&) = default;
};

/// Section 3.15. The attributes are kept as octets: nothing here assigns addresses.
struct ConfigurationPayload {
    /// 1 request, 2 reply, 3 set, 4 ack.
    std::uint8_t type = 1;
    Octets attributes;
    friend bool operator==(const ConfigurationPayload&, const ConfigurationPayload&) = default;
};

/// Section 3.16.
struct EapPayload {
    Octets message;
    friend bool operator==(const EapPayload&, const EapPayload&) = default;
};

/// A payload type that we do not know and whose critical bit is clear: skipped (section 2.5).
struct UnknownPayload {
    std::uint8_t type = 0;
    Octets body;
    friend bool operator==(const UnknownPayload&, const UnknownPayload&) = default;
};

using Payload =
    std::variant<SaPayload, KeyExchangePayload, IdPayload, CertificatePayload,
                 CertificateRequestPayload, AuthPayload, NoncePayload, NotifyPayload, DeletePayload,
                 VendorIdPayload, TsPayload, ConfigurationPayload, EapPayload, UnknownPayload>;

PayloadType payload_type(const Payload& payload);

} // namespace viaduct::ike::wire
