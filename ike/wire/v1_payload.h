// IKEv1's payloads as values. Each struct is one payload of RFC 2408 section 3 with the fields that
// RFC 2407 adds; the codecs lie in v1_payload_<name>.cpp with the RFCs' pictures.
#pragma once

#include "ike/wire/byte_reader.h"
#include "ike/wire/byte_writer.h"
#include "ike/wire/numbers.h"
#include "ike/wire/v1_attribute.h"
#include "ike/wire/v1_numbers.h"
#include "policy/child_sa.h"
#include "policy/ip_address.h"
#include "policy/proposal.h"

#include <optional>
#include <variant>
#include <vector>

namespace viaduct::ike::wire::v1 {

/// Limits on what one message may hold. A peer that exceeds one gets `too_many`.
namespace limit {
constexpr std::size_t payloads = 64;
constexpr std::size_t proposals = 64;
/// In all proposals of one payload: a proposal counts its transforms in one octet, and here each
/// combination of algorithms is a transform of its own.
constexpr std::size_t transforms = 512;
constexpr std::size_t deleted_spis = 1024;
/// RFC 2409 section 5.
constexpr std::size_t nonce_min = 8;
constexpr std::size_t nonce_max = 256;
/// Octets behind the last payload that pad it to a cipher's block or to four octets.
constexpr std::size_t padding = 255;
/// Of what describe() says about one payload.
constexpr std::size_t text_line = 1024;
} // namespace limit

/// One transform (RFC 2408 section 3.6): a whole suite, whose algorithms are attributes. Which they
/// are says v1_transform.h; here they stay as they came, because the responder returns the chosen
/// transform unchanged (RFC 2408 section 4.2).
struct Transform {
    std::uint8_t number = 1;
    /// KEY_IKE in phase 1, an EspTransformId for ESP.
    std::uint8_t id = transform_key_ike;
    std::vector<Attribute> attributes;
    friend bool operator==(const Transform&, const Transform&) = default;
};

/// One proposal (RFC 2408 section 3.5). Proposals of one number belong together (ESP and IPCOMP);
/// the transforms of one proposal are alternatives.
struct Proposal {
    std::uint8_t number = 1;
    policy::ProtocolId protocol = policy::ProtocolId::ike;
    /// In phase 1 empty or whatever the peer put there (RFC 2408 section 3.5), 4 octets for ESP.
    Octets spi;
    std::vector<Transform> transforms;
    friend bool operator==(const Proposal&, const Proposal&) = default;
};

/// RFC 2408 section 3.4, RFC 2407 section 4.6.1. Another DOI or situation is refused on decoding.
struct SaPayload {
    std::vector<Proposal> proposals;
    friend bool operator==(const SaPayload&, const SaPayload&) = default;
};

/// RFC 2408 section 3.7. Which group it is for, the SA payload says.
struct KeyExchangePayload {
    Octets data;
    friend bool operator==(const KeyExchangePayload&, const KeyExchangePayload&) = default;
};

/// RFC 2407 section 4.6.2. Addresses, subnets and ranges have their length when decoded, others
/// are not empty; v1_identification.h says what it means.
struct IdPayload {
    IdType type = IdType::ipv4_address;
    /// IP protocol and port, 0: any. In phase 1 0 and 0, or UDP and 500 (or 4500).
    std::uint8_t protocol = 0;
    std::uint16_t port = 0;
    Octets data;
    friend bool operator==(const IdPayload&, const IdPayload&) = default;
};

/// RFC 2408 section 3.9.
struct CertificatePayload {
    /// 4: X.509 signature, 7: CRL.
    std::uint8_t encoding = 4;
    Octets data;
    friend bool operator==(const CertificatePayload&, const CertificatePayload&) = default;
};

/// RFC 2408 section 3.10. An empty authority means any.
struct CertificateRequestPayload {
    std::uint8_t type = 4;
    Octets authority;
    friend bool operator==(const CertificateRequestPayload&,
                           const CertificateRequestPayload&) = default;
};

/// RFC 2408 section 3.11.
struct HashPayload {
    Octets data;
    friend bool operator==(const HashPayload&, const HashPayload&) = default;
};

/// RFC 2408 section 3.12.
struct SignaturePayload {
    Octets data;
    friend bool operator==(const SignaturePayload&, const SignaturePayload&) = default;
};

/// RFC 2408 section 3.13: 8 to 256 octets.
struct NoncePayload {
    Octets data;
    friend bool operator==(const NoncePayload&, const NoncePayload&) = default;
};

/// RFC 2408 section 3.14, RFC 2407 section 4.6.3. When decoded, the data of R-U-THERE and
/// R-U-THERE-ACK have four octets.
struct NotifyPayload {
    Doi doi = Doi::ipsec;
    policy::ProtocolId protocol = policy::ProtocolId::ike;
    /// Both cookies, 16 octets, where the ISAKMP SA is meant; 4 octets for ESP.
    Octets spi;
    NotifyType type = NotifyType::payload_malformed;
    Octets data;
    friend bool operator==(const NotifyPayload&, const NotifyPayload&) = default;
};

/// An ISAKMP SA's name in Delete and notifications: its cookies.
struct Cookies {
    IkeSpi initiator{};
    IkeSpi responder{};
    friend auto operator<=>(const Cookies&, const Cookies&) = default;
};

/// The 16 octets of an SPI field; nothing for another length.
std::optional<Cookies> cookies_of(std::span<const std::uint8_t> spi);
Octets spi_of(const Cookies& cookies);
/// RFC 3706 section 5.3: the sequence number of R-U-THERE or R-U-THERE-ACK; nothing for other
/// types.
std::optional<std::uint32_t> sequence_number(const NotifyPayload& notify);
/// R-U-THERE or R-U-THERE-ACK.
NotifyPayload dead_peer_detection(NotifyType type, const Cookies& cookies, std::uint32_t sequence);

/// RFC 2408 section 3.15. SPIs of the ISAKMP SA are in `isakmp`, of ESP and AH in `children`; those
/// of other protocols (IPCOMP) are counted and dropped, for we never have such SAs.
struct DeletePayload {
    Doi doi = Doi::ipsec;
    policy::ProtocolId protocol = policy::ProtocolId::ike;
    std::vector<Cookies> isakmp;
    std::vector<policy::ChildSpi> children;
    std::uint16_t skipped = 0;
    friend bool operator==(const DeletePayload&, const DeletePayload&) = default;
};

/// RFC 2408 section 3.16. v1_vendor_id.h knows many.
struct VendorIdPayload {
    Octets data;
    friend bool operator==(const VendorIdPayload&, const VendorIdPayload&) = default;
};

/// Which payload numbers NAT traversal uses: RFC 3947's, or those of its drafts 02 and 03.
enum class NatNumbering : std::uint8_t { rfc3947, draft };

/// RFC 3947 section 3.2.
struct NatDetectionPayload {
    NatNumbering numbering = NatNumbering::rfc3947;
    Octets hash;
    friend bool operator==(const NatDetectionPayload&, const NatDetectionPayload&) = default;
};

/// RFC 3947 section 5.2.
struct NatOriginalAddressPayload {
    NatNumbering numbering = NatNumbering::rfc3947;
    policy::IpAddress address;
    friend bool operator==(const NatOriginalAddressPayload&,
                           const NatOriginalAddressPayload&) = default;
};

/// A part of a message, header and all, as Cisco, Microsoft and strongSwan cut it ([MS-IKEE]
/// section 2.2.3). Numbers count from 1; the octets of all parts in a row are the message.
struct FragmentPayload {
    std::uint16_t id = 1;
    std::uint8_t number = 1;
    bool last = false;
    Octets data;
    friend bool operator==(const FragmentPayload&, const FragmentPayload&) = default;
};

/// A payload of a type that is not ours, IKEv2's included: kept as octets, never understood.
struct UnknownPayload {
    std::uint8_t type = 0;
    Octets body;
    friend bool operator==(const UnknownPayload&, const UnknownPayload&) = default;
};

using Payload = std::variant<SaPayload, KeyExchangePayload, IdPayload, CertificatePayload,
                             CertificateRequestPayload, HashPayload, SignaturePayload, NoncePayload,
                             NotifyPayload, DeletePayload, VendorIdPayload, NatDetectionPayload,
                             NatOriginalAddressPayload, FragmentPayload, UnknownPayload>;

PayloadType payload_type(const Payload& payload);

} // namespace viaduct::ike::wire::v1
