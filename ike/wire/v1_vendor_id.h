// Vendor ids: what a peer says it can do and who it is. IKEv1 negotiates its extensions by them.
#pragma once

#include "ike/wire/v1_payload.h"

#include <string_view>

namespace viaduct::ike::wire::v1 {

/// What a vendor id announces, where it matters to us.
enum class Extension : std::uint8_t {
    none, ///< tells a product and nothing else
    nat_traversal_rfc3947,
    /// draft-ietf-ipsec-nat-t-ike-02 and -03: other payload numbers and encapsulation modes.
    nat_traversal_draft,
    dead_peer_detection, ///< RFC 3706
    fragmentation,
    xauth,
};

struct VendorId {
    /// Octets that the payload begins with; all of it where `exact`.
    std::string_view octets;
    bool exact = true;
    Extension extension = Extension::none;
    /// For logs and explanations: `NAT-T RFC 3947`, `Cisco Unity`.
    std::string_view name;
};

/// Nothing for one that we do not know.
const VendorId* find_vendor_id(std::span<const std::uint8_t> payload);

/// What we send. RFC 3947 section 3.1: in the order of preference, the RFC first.
enum class OwnVendorId : std::uint8_t {
    nat_traversal_rfc3947,
    nat_traversal_draft_03,
    nat_traversal_draft_02,
    nat_traversal_draft_02_newline,
    dead_peer_detection,
    fragmentation,
};
VendorIdPayload vendor_id(OwnVendorId id);

/// `strongSwan`, `unknown 4a13…`; printing characters only.
std::string vendor_name(const VendorIdPayload& payload);

} // namespace viaduct::ike::wire::v1
