#include "ike/wire/v1_vendor_id.h"

#include "policy/printable.h"

#include <algorithm>
#include <format>

namespace viaduct::ike::wire::v1 {

namespace {

/// A literal with its zero octets, without the terminator.
template <std::size_t size> constexpr std::string_view octets(const char (&text)[size]) {
    return {text, size - 1};
}

// In each group the longer prefix before the shorter.
constexpr VendorId vendor_ids[] = {
    // MD5 of "RFC 3947"
    {octets("\x4a\x13\x1c\x81\x07\x03\x58\x45\x5c\x57\x28\xf2\x0e\x95\x45\x2f"), true,
     Extension::nat_traversal_rfc3947, "NAT-T RFC 3947"},
    // MD5 of "draft-ietf-ipsec-nat-t-ike-03"
    {octets("\x7d\x94\x19\xa6\x53\x10\xca\x6f\x2c\x17\x9d\x92\x15\x52\x9d\x56"), true,
     Extension::nat_traversal_draft, "NAT-T draft 03"},
    // MD5 of "draft-ietf-ipsec-nat-t-ike-02"
    {octets("\xcd\x60\x46\x43\x35\xdf\x21\xf8\x7c\xfd\xb2\xfc\x68\xb6\xa4\x48"), true,
     Extension::nat_traversal_draft, "NAT-T draft 02"},
    // MD5 of "draft-ietf-ipsec-nat-t-ike-02\n"
    {octets("\x90\xcb\x80\x91\x3e\xbb\x69\x6e\x08\x63\x81\xb5\xec\x42\x7b\x1f"), true,
     Extension::nat_traversal_draft, "NAT-T draft 02\\n"},
    // MD5 of "draft-ietf-ipsec-nat-t-ike-08"
    {octets("\x8f\x8d\x83\x82\x6d\x24\x6b\x6f\xc7\xa8\xa6\xa4\x28\xc1\x1d\xe8"), true,
     Extension::none, "NAT-T draft 08"},
    // MD5 of "draft-ietf-ipsec-nat-t-ike-07"
    {octets("\x43\x9b\x59\xf8\xba\x67\x6c\x4c\x77\x37\xae\x22\xea\xb8\xf5\x82"), true,
     Extension::none, "NAT-T draft 07"},
    // MD5 of "draft-ietf-ipsec-nat-t-ike-06"
    {octets("\x4d\x1e\x0e\x13\x6d\xea\xfa\x34\xc4\xf3\xea\x9f\x02\xec\x72\x85"), true,
     Extension::none, "NAT-T draft 06"},
    // MD5 of "draft-ietf-ipsec-nat-t-ike-05"
    {octets("\x80\xd0\xbb\x3d\xef\x54\x56\x5e\xe8\x46\x45\xd4\xc8\x5c\xe3\xee"), true,
     Extension::none, "NAT-T draft 05"},
    // MD5 of "draft-ietf-ipsec-nat-t-ike-04"
    {octets("\x99\x09\xb6\x4e\xed\x93\x7c\x65\x73\xde\x52\xac\xe9\x52\xfa\x6b"), true,
     Extension::none, "NAT-T draft 04"},
    // MD5 of "draft-ietf-ipsec-nat-t-ike-01"
    {octets("\x16\xf6\xca\x16\xe4\xa4\x06\x6d\x83\x82\x1a\x0f\x0a\xea\xa8\x62"), true,
     Extension::none, "NAT-T draft 01"},
    // MD5 of "draft-ietf-ipsec-nat-t-ike-00"
    {octets("\x44\x85\x15\x2d\x18\xb6\xbb\xcd\x0b\xe8\xa8\x46\x95\x79\xdd\xcc"), true,
     Extension::none, "NAT-T draft 00"},
    // MD5 of "draft-ietf-ipsec-nat-t-ike"
    {octets("\x4d\xf3\x79\x28\xe9\xfc\x4f\xd1\xb3\x26\x21\x70\xd5\x15\xc6\x62"), true,
     Extension::none, "NAT-T draft"},
    // MD5 of "draft-stenberg-ipsec-nat-traversal-02"
    {octets("\x61\x05\xc4\x22\xe7\x68\x47\xe4\x3f\x96\x84\x80\x12\x92\xae\xcd"), true,
     Extension::none, "NAT-T draft-stenberg 02"},
    // MD5 of "draft-stenberg-ipsec-nat-traversal-01"
    {octets("\x27\xba\xb5\xdc\x01\xea\x07\x60\xea\x4e\x31\x90\xac\x27\xc0\xd0"), true,
     Extension::none, "NAT-T draft-stenberg 01"},
    // RFC 3706 section 5.1, version behind it
    {octets("\xaf\xca\xd7\x13\x68\xa1\xf1\xc9\x6b\x86\x96\xfc\x77\x57"), false,
     Extension::dead_peer_detection, "DPD"},
    // MD5 of "FRAGMENTATION"
    {octets("\x40\x48\xb7\xd5\x6e\xbc\xe8\x85\x25\xe7\xde\x7f\x00\xd6\xc2\xd3"), false,
     Extension::fragmentation, "FRAGMENTATION"},
    // MD5 of "draft-ietf-ipsra-isakmp-xauth-06.txt", its first 8 octets
    {octets("\x09\x00\x26\x89\xdf\xd6\xb7\x12"), true, Extension::xauth, "XAUTH"},
    // MD5 of "CISCO-UNITY", its first 14 octets
    {octets("\x12\xf5\xf2\x8c\x45\x71\x68\xa9\x70\x2d\x9f\xe2\x74\xcc"), false, Extension::none,
     "Cisco Unity"},
    // MD5 of "ALTIGA GATEWAY", its first 13 octets
    {octets("\x1f\x07\xf7\x0e\xaa\x65\x14\xd3\xb0\xfa\x96\x54\x2a"), false, Extension::none,
     "Cisco VPN 3000"},
    // MD5 of "strongSwan"
    {octets("\x88\x2f\xe5\x6d\x6f\xd2\x0d\xbc\x22\x51\x61\x3b\x2e\xbe\x5b\xeb"), true,
     Extension::none, "strongSwan"},
    // text, version behind it
    {octets("\x73\x74\x72\x6f\x6e\x67\x53\x77\x61\x6e"), false, Extension::none, "strongSwan"},
    // text, version behind it
    {octets("\x4f\x45\x2d\x4c\x69\x62\x72\x65\x73\x77\x61\x6e\x2d"), false, Extension::none,
     "libreswan"},
    // text, version behind it
    {octets("\x4c\x69\x62\x72\x65\x73\x77\x61\x6e\x20"), false, Extension::none, "libreswan"},
    // text OE and a folded hash of the version
    {octets("\x4f\x45"), false, Extension::none, "FreeS/WAN or Openswan"},
    // text of pluto
    {octets("\x4f\x70\x65\x6e\x50\x47\x50\x31\x30\x31\x37\x31"), false, Extension::none,
     "Openswan OpenPGP"},
    // MD5 of "MS NT5 ISAKMPOAKLEY"
    {octets("\x1e\x2b\x51\x69\x05\x99\x1c\x7d\x7c\x96\xfc\xbf\xb5\x87\xe4\x61"), false,
     Extension::none, "Microsoft"},
    // MD5 of "Vid-Initial-Contact"
    {octets("\x26\x24\x4d\x38\xed\xdb\x61\xb3\x17\x2a\x36\xe3\xd0\xcf\xb8\x19"), true,
     Extension::none, "Microsoft Vid-Initial-Contact"},
    // MD5 of "MS-Negotiation Discovery Capable"
    {octets("\xfb\x1d\xe3\xcd\xf3\x41\xb7\xea\x16\xb7\xe5\xbe\x08\x55\xf1\x20"), true,
     Extension::none, "Microsoft Negotiation Discovery"},
    // MD5 of "IKE CGA version 1"
    {octets("\xe3\xa5\x96\x6a\x76\x37\x9f\xe7\x07\x22\x82\x31\xe5\xce\x86\x52"), true,
     Extension::none, "Microsoft IKE CGA"},
    // MD5 of "GSSAPI"
    {octets("\x62\x1b\x04\xbb\x09\x88\x2a\xc1\xe1\x59\x35\xfe\xfa\x24\xae\xee"), true,
     Extension::none, "GSSAPI"},
    // MD5 of "KAME/racoon"
    {octets("\x70\x03\xcb\xc1\x09\x7d\xbe\x9c\x26\x00\xba\x69\x83\xbc\x8b\x35"), true,
     Extension::none, "racoon"},
    // seen from FortiOS, version behind it
    {octets("\x82\x99\x03\x17\x57\xa3\x60\x82\xc6\xa6\x21\xde"), false, Extension::none,
     "FortiGate"},
    // seen from it, product and version behind it
    {octets("\xf4\xed\x19\xe0\xc1\x14\xeb\x51\x6f\xaa\xac\x0e\xe3\x7d\xaf\x28\x07\xb4\x38\x1f"),
     false, Extension::none, "Check Point"},
    // seen from it
    {octets("\x40\x4b\xf4\x39\x52\x2c\xa3\xf6"), false, Extension::none, "SonicWall"},
    // seen from it
    {octets("\x5b\x36\x2b\xc8\x20\xf6\x00\x07"), false, Extension::none, "SonicWall"},
    // seen from them
    {octets("\xda\x8e\x93\x78"), false, Extension::none, "SafeNet or WatchGuard"},
    // text BNES, version behind it
    {octets("\x42\x4e\x45\x53"), false, Extension::none, "Nortel Contivity"},
    // text
    {octets("\x48\x65\x61\x72\x74\x42\x65\x61\x74\x5f\x4e\x6f\x74\x69\x66\x79"), false,
     Extension::none, "NetScreen heartbeat"},
    // seen from it
    {octets("\xb8\x58\xd1\xad\xdd\x08\xc1\xe8\xad\xaf\xea\x15\x06\x08\xaa\x44\x97\xaa\x6c\xc8"),
     true, Extension::none, "ZyXEL"},
    // seen from it
    {octets("\xf7\x58\xf2\x26\x68\x75\x0f\x03\xb0\x8d\xf6\xeb\xe1\xd0"), false, Extension::none,
     "ZyXEL"},
    // seen from it
    {octets("\x62\x50\x27\x74\x9d\x5a\xb9\x7f\x56\x16\xc1\x60\x27\x65\xcf\x48\x0a\x3b\x7d\x0b"),
     true, Extension::none, "ZyXEL"},
    // seen from it
    {octets("\x16\x6f\x93\x2d\x55\xeb\x64\xd8\xe4\xdf\x4f\xd3\x7e\x23\x13\xf0\xd0\xfd\x84\x51"),
     false, Extension::none, "Juniper NetScreen"},
};

std::string_view text_of(std::span<const std::uint8_t> payload) {
    return {reinterpret_cast<const char*>(payload.data()), payload.size()};
}

Octets octets_of(std::string_view text) {
    return {text.begin(), text.end()};
}

const VendorId& row(std::string_view name) {
    return *std::ranges::find(vendor_ids, name, &VendorId::name);
}

} // namespace

const VendorId* find_vendor_id(std::span<const std::uint8_t> payload) {
    const auto text = text_of(payload);
    const auto found = std::ranges::find_if(vendor_ids, [&](const VendorId& known) {
        return known.exact ? text == known.octets : text.starts_with(known.octets);
    });
    return found != std::end(vendor_ids) ? found : nullptr;
}

VendorIdPayload vendor_id(OwnVendorId id) {
    switch (id) {
    case OwnVendorId::nat_traversal_rfc3947: return {octets_of(row("NAT-T RFC 3947").octets)};
    case OwnVendorId::nat_traversal_draft_03: return {octets_of(row("NAT-T draft 03").octets)};
    case OwnVendorId::nat_traversal_draft_02: return {octets_of(row("NAT-T draft 02").octets)};
    case OwnVendorId::nat_traversal_draft_02_newline:
        return {octets_of(row("NAT-T draft 02\\n").octets)};
    // RFC 3706 5.1: version 1.0.
    case OwnVendorId::dead_peer_detection:
        return {octets_of(std::string(row("DPD").octets) + std::string("\1\0", 2))};
    // The highest bit: fragments of main and aggressive mode are understood.
    case OwnVendorId::fragmentation:
        return {octets_of(std::string(row("FRAGMENTATION").octets) + std::string("\x80\0\0\0", 4))};
    }
    return {};
}

std::string vendor_name(const VendorIdPayload& payload) {
    if (const auto* known = find_vendor_id(payload.data)) {
        return std::string(known->name);
    }
    constexpr std::size_t shown = 20;
    const auto octets = std::span(payload.data).first(std::min(payload.data.size(), shown));
    const auto more = payload.data.size() > shown ? "…" : "";
    if (!octets.empty() && policy::is_printable(octets)) {
        return std::format("unknown \"{}{}\"", text_of(octets), more);
    }
    return std::format("unknown {}{}", policy::hexadecimal(octets), more);
}

} // namespace viaduct::ike::wire::v1
