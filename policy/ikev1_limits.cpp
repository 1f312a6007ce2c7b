#include "policy/ikev1_limits.h"

#include "policy/printable.h"

#include <algorithm>
#include <array>

namespace viaduct::policy {

namespace {

bool is_aead(const Proposal& proposal) {
    return std::ranges::any_of(proposal.transforms, [](const Transform& transform) {
        const auto* const cipher = facts(static_cast<EncryptionAlgorithm>(transform.id));
        return transform.type == TransformType::encryption && cipher != nullptr && cipher->aead;
    });
}

bool has_phase_one_cipher(const Proposal& proposal) {
    return std::ranges::all_of(proposal.transforms, [](const Transform& transform) {
        const auto cipher = static_cast<EncryptionAlgorithm>(transform.id);
        return transform.type != TransformType::encryption ||
               cipher == EncryptionAlgorithm::aes_cbc ||
               cipher == EncryptionAlgorithm::triple_des_cbc;
    });
}

bool is_chacha20_poly1305(const Transform& transform) {
    return transform.type == TransformType::encryption &&
           EncryptionAlgorithm{transform.id} == EncryptionAlgorithm::chacha20_poly1305;
}

/// RFC 2409 section 4: one hash algorithm is both; HMAC with it is the PRF.
bool prf_is_that_of_the_hash(const Proposal& proposal) {
    const auto text = proposal_text(proposal);
    return !text.contains("prf");
}

/// RFC 2407 4.6.2: an identification payload has one protocol and one port, 0 for any.
bool one_port_tells_it(const TrafficSelector& selector) {
    const bool any = selector.start_port == 0 && selector.end_port == 65535;
    const bool icmp = selector.protocol == 1 || selector.protocol == 58;
    return any || (!icmp && selector.start_port == selector.end_port && selector.start_port != 0);
}

void check_ports(const TomlTable& table, std::string_view key,
                 const std::vector<TrafficSelector>& selectors) {
    for (const auto& selector : selectors)
        if (!one_port_tells_it(selector))
            table.mistake(key, in_quotes(selector.to_string()) +
                                   ": IKEv1 has no word for ranges of ports and ICMP types; "
                                   "expected one port, or all of a protocol");
}

} // namespace

void check_ikev1_policy(const TomlTable& table, const IkePolicy& policy) {
    for (const auto key : std::array{"childless", "reauthentication"})
        if (table.has(key))
            table.mistake(key, in_quotes(key) + " belongs to IKEv2" +
                                   (std::string_view(key) == "reauthentication"
                                        ? "; every new IKEv1 phase 1 authenticates anyway"
                                        : ""));
    for (const auto& proposal : policy.proposals) {
        const auto text = in_quotes(proposal_text(proposal));
        if (is_aead(proposal))
            table.mistake("proposals", text + ": an AEAD does not protect IKEv1 itself, only ESP; "
                                              "expected one such as \"aes256-sha256-modp2048\"");
        else if (!has_phase_one_cipher(proposal))
            table.mistake("proposals", text +
                                           ": IKEv1 itself is encrypted with AES-CBC (\"aes256\") "
                                           "or \"3des\"");
        else if (!prf_is_that_of_the_hash(proposal))
            table.mistake("proposals", text + ": in IKEv1 the hash algorithm makes the PRF; "
                                              "expected none beside it");
    }
}

void check_ikev1_connection(const TomlTable& table, const Connection& connection) {
    if (connection.ike.version != IkeVersion::v1) {
        if (table.has("aggressive"))
            table.mistake("aggressive", "'aggressive' belongs to IKEv1: the ike policy has no "
                                        "version = 1");
        return;
    }
    for (const auto& proposal : connection.esp.proposals)
        if (std::ranges::any_of(proposal.transforms, is_chacha20_poly1305))
            table.mistake("esp", "IKEv1 has no number for ChaCha20-Poly1305; the IPsec policy " +
                                     in_quotes(connection.esp.name) + " proposes it");
    check_ports(table, "local_subnets", connection.local_selectors);
    check_ports(table, "remote_subnets", connection.remote_selectors);
}

} // namespace viaduct::policy
