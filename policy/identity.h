// Who a gateway says it is, and whom we accept.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::policy {

class IpAddress;

/// IANA "IKEv2 Identification Payload ID Types" (RFC 7296 section 3.5), the same in IKEv1.
enum class IdentityType : std::uint8_t {
    ipv4_address = 1,
    fqdn = 2,
    rfc822_address = 3,
    ipv6_address = 5,
    der_asn1_dn = 9,
    der_asn1_gn = 10,
    key_id = 11,
};

/// An identity as it travels in an ID payload. `data` is 4 or 16 octets in network byte order for
/// addresses, text without terminator for FQDN and e-mail, DER for names, opaque for key ids.
struct Identity {
    IdentityType type = IdentityType::ipv4_address;
    std::vector<std::uint8_t> data;

    static Identity from_address(const IpAddress& address);
    /// As an operator writes it: an address, `name@example.org` (e-mail), `gw.example.org` (FQDN),
    /// `@gw.example.org` (FQDN, forced), `keyid:text` or `keyid:0x0102` (key id). Nothing when it
    /// is none of these or longer than 255 octets.
    static std::optional<Identity> parse(std::string_view text);
    /// The inverse of `parse` for what it can express; hexadecimal for the rest. Octets that do
    /// not print are escaped, so that the result can go to a log.
    std::string to_string() const;

    friend auto operator<=>(const Identity&, const Identity&) = default;
};

/// What identities a connection accepts from its peer.
struct IdentityPattern {
    enum class Kind : std::uint8_t { exact, any, suffix };

    Kind kind = Kind::any;
    /// For `exact`.
    Identity identity;
    /// For `suffix`: the text after the star, `.example.org` or `@example.org`.
    std::string suffix;

    /// `any`, `*.example.org`, `*@example.org`, or what Identity::parse reads.
    static std::optional<IdentityPattern> parse(std::string_view text);
    static IdentityPattern exactly(Identity identity);
    /// FQDN and e-mail compare without regard to ASCII case (RFC 4343). A suffix with a dot matches
    /// FQDN identities, one with an at sign e-mail identities, and never an empty first part.
    bool matches(const Identity& identity) const;
    std::string to_string() const;

    friend auto operator<=>(const IdentityPattern&, const IdentityPattern&) = default;
};

} // namespace viaduct::policy
