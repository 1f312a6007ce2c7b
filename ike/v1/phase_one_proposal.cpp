#include "ike/v1/phase_one_proposal.h"

#include "policy/proposal_choice.h"

#include <algorithm>
#include <array>

namespace viaduct::ike::v1 {

namespace {

using policy::TransformType;
using wire::v1::Authentication;
using wire::v1::Encryption;
using wire::v1::Hash;
using wire::v1::PhaseOneSuite;

/// A proposal counts its transforms in one octet.
constexpr std::size_t max_transforms = 255;

struct HashRow {
    Hash hash;
    policy::PseudoRandomFunction prf;
};
constexpr std::array hashes{
    HashRow{Hash::sha1, policy::PseudoRandomFunction::hmac_sha1},
    HashRow{Hash::sha2_256, policy::PseudoRandomFunction::hmac_sha2_256},
    HashRow{Hash::sha2_384, policy::PseudoRandomFunction::hmac_sha2_384},
    HashRow{Hash::sha2_512, policy::PseudoRandomFunction::hmac_sha2_512},
};
struct CipherRow {
    Encryption cipher;
    policy::EncryptionAlgorithm algorithm;
};
constexpr std::array ciphers{
    CipherRow{Encryption::triple_des_cbc, policy::EncryptionAlgorithm::triple_des_cbc},
    CipherRow{Encryption::aes_cbc, policy::EncryptionAlgorithm::aes_cbc},
};
/// RFC 2409 appendix A has other numbers than IKEv2; those that we know only by name get what
/// IKEv2 calls them, so that reports name them.
constexpr std::uint16_t des_of_v2 = 2;
constexpr std::uint16_t prf_hmac_md5_of_v2 = 1;
/// Of the range that is nobody's: an algorithm that has no number in IKEv2.
constexpr std::uint16_t nameless = 0xffff;

std::vector<policy::Transform> of_kind(const policy::Proposal& proposal, TransformType kind) {
    std::vector<policy::Transform> out;
    std::ranges::copy_if(proposal.transforms, std::back_inserter(out),
                         [&](const policy::Transform& each) { return each.type == kind; });
    return out;
}

template <typename Number> std::uint16_t number(Number value) {
    return static_cast<std::uint16_t>(value);
}

std::optional<PhaseOneSuite> suite_of(const policy::Transform& encryption,
                                      const policy::Transform& prf,
                                      const policy::Transform& group) {
    const auto cipher = std::ranges::find(ciphers, policy::EncryptionAlgorithm{encryption.id},
                                          &CipherRow::algorithm);
    const auto hash =
        std::ranges::find(hashes, policy::PseudoRandomFunction{prf.id}, &HashRow::prf);
    if (cipher == ciphers.end() || hash == hashes.end())
        return std::nullopt;
    return PhaseOneSuite{.encryption = cipher->cipher,
                         .key_bits = encryption.key_bits,
                         .hash = hash->hash,
                         .authentication = Authentication::pre_shared_key,
                         .group = group.id};
}

/// All combinations, without repetition.
std::vector<PhaseOneSuite> suites_of(const std::vector<policy::Proposal>& proposals) {
    std::vector<PhaseOneSuite> out;
    for (const auto& proposal : proposals)
        for (const auto& encryption : of_kind(proposal, TransformType::encryption))
            for (const auto& prf : of_kind(proposal, TransformType::prf))
                for (const auto& group : of_kind(proposal, TransformType::key_exchange))
                    if (const auto suite = suite_of(encryption, prf, group);
                        suite && !std::ranges::contains(out, *suite))
                        out.push_back(*suite);
    return out;
}

/// In IKEv2's terms, for the choice and for reports: what protects the integrity of messages is no
/// kind of its own here.
policy::Proposal proposal_of(const PhaseOneSuite& suite) {
    policy::Proposal out{policy::ProtocolId::ike, {}};
    const auto add = [&](TransformType type, std::uint16_t id,
                         std::optional<std::uint16_t> bits = std::nullopt) {
        out.transforms.push_back({type, id, bits, suite.unknown_attribute});
    };
    if (suite.encryption) {
        const auto row = std::ranges::find(ciphers, *suite.encryption, &CipherRow::cipher);
        add(TransformType::encryption,
            row != ciphers.end()                       ? number(row->algorithm)
            : *suite.encryption == Encryption::des_cbc ? des_of_v2
                                                       : nameless,
            suite.key_bits);
    }
    if (suite.hash) {
        const auto row = std::ranges::find(hashes, *suite.hash, &HashRow::hash);
        add(TransformType::prf, row != hashes.end()        ? number(row->prf)
                                : *suite.hash == Hash::md5 ? prf_hmac_md5_of_v2
                                                           : nameless);
    }
    if (suite.group)
        add(TransformType::key_exchange, *suite.group);
    return out;
}

std::vector<policy::Proposal> without_integrity(std::vector<policy::Proposal> proposals) {
    for (auto& each : proposals)
        std::erase_if(each.transforms, [](const policy::Transform& transform) {
            return transform.type == TransformType::integrity;
        });
    return proposals;
}

std::optional<policy::IkeSuite> ike_suite(const PhaseOneSuite& suite) {
    if (!suite.encryption || !suite.hash || !suite.group || suite.unknown_attribute)
        return std::nullopt;
    const auto cipher = std::ranges::find(ciphers, *suite.encryption, &CipherRow::cipher);
    const auto hash = std::ranges::find(hashes, *suite.hash, &HashRow::hash);
    const policy::KeyExchangeMethod group{*suite.group};
    if (cipher == ciphers.end() || hash == hashes.end() || !policy::facts(group))
        return std::nullopt;
    const auto& known = *policy::facts(cipher->algorithm);
    const auto bits = suite.key_bits.value_or(known.fixed_key_bits);
    if (!known.allows_key(bits))
        return std::nullopt;
    return policy::IkeSuite{
        .encryption = cipher->algorithm, .key_bits = bits, .prf = hash->prf, .key_exchange = group};
}

std::optional<std::chrono::seconds> lifetime_of(const PhaseOneSuite& suite) {
    // Longer than any SA of ours lives is as good as none.
    constexpr std::uint64_t longest = 0xffffffff;
    if (!suite.lifetimes.seconds)
        return std::nullopt;
    return std::chrono::seconds(std::min(*suite.lifetimes.seconds, longest));
}

/// A transform of the offer that can be read.
struct Offered {
    const wire::v1::Proposal* proposal;
    const wire::v1::Transform* transform;
    PhaseOneSuite suite;
};

std::vector<Offered> offered_suites(const wire::v1::SaPayload& sa) {
    std::vector<Offered> out;
    for (const auto& proposal : sa.proposals) {
        if (proposal.protocol != policy::ProtocolId::ike)
            continue;
        for (const auto& transform : proposal.transforms)
            if (auto suite = wire::v1::read_phase_one_suite(transform))
                out.push_back({&proposal, &transform, *suite});
    }
    return out;
}

} // namespace

policy::KeyExchangeMethod first_group(const std::vector<policy::Proposal>& proposals) {
    for (const auto& proposal : proposals)
        for (const auto& each : of_kind(proposal, TransformType::key_exchange))
            return policy::KeyExchangeMethod{each.id};
    return policy::KeyExchangeMethod::none;
}

wire::v1::SaPayload phase_one_offer(const policy::Connection& connection,
                                    policy::KeyExchangeMethod group) {
    wire::v1::Proposal proposal{.number = 1, .protocol = policy::ProtocolId::ike};
    for (auto& suite : suites_of(connection.ike.proposals)) {
        if (group != policy::KeyExchangeMethod::none && suite.group != number(group))
            continue;
        if (proposal.transforms.size() == max_transforms)
            break;
        suite.lifetimes.seconds = static_cast<std::uint64_t>(connection.ike.lifetime.count());
        proposal.transforms.push_back(wire::v1::phase_one_transform(
            static_cast<std::uint8_t>(proposal.transforms.size() + 1), suite));
    }
    return {{std::move(proposal)}};
}

std::expected<PhaseOneChoice, Cause> choose_phase_one(const policy::Connection& connection,
                                                      const wire::v1::SaPayload& sa,
                                                      policy::KeyExchangeMethod group) {
    auto offered = offered_suites(sa);
    std::optional<Authentication> other_method;
    std::erase_if(offered, [&](const Offered& each) {
        const bool ours = each.suite.authentication == Authentication::pre_shared_key;
        if (!ours && each.suite.authentication && !other_method)
            other_method = each.suite.authentication;
        return !ours ||
               (group != policy::KeyExchangeMethod::none && each.suite.group != number(group));
    });
    if (offered.empty() && other_method)
        return std::unexpected(cause::UnsupportedAuthMethod{.v1_method = number(*other_method)});
    std::vector<policy::Proposal> in_our_terms;
    in_our_terms.reserve(offered.size());
    for (const auto& each : offered)
        in_our_terms.push_back(proposal_of(each.suite));
    auto choice =
        policy::choose_proposal(without_integrity(connection.ike.proposals), in_our_terms);
    if (!choice)
        return std::unexpected(cause::NoProposal{policy::ProtocolId::ike, choice.error()});
    const auto& taken = offered[choice->offered_index];
    const auto suite = ike_suite(taken.suite);
    if (!suite)
        return std::unexpected(cause::LocalFault{"a suite that IKEv1 cannot use"});
    auto proposal = *taken.proposal;
    proposal.transforms = {*taken.transform};
    return PhaseOneChoice{*suite, lifetime_of(taken.suite), {{std::move(proposal)}}};
}

std::expected<PhaseOneChoice, Cause> verify_phase_one(const policy::Connection& connection,
                                                      wire::ExchangeType exchange,
                                                      const wire::v1::SaPayload& answer) {
    auto answered = offered_suites(answer);
    if (answered.size() != 1)
        return std::unexpected(violation(exchange, "the answer does not hold exactly one suite"));
    auto& suite = answered.front().suite;
    const auto lifetime = lifetime_of(suite);
    const auto text = suite.to_string();
    suite.lifetimes = {};
    const auto agreed = ike_suite(suite);
    if (!agreed || !std::ranges::contains(suites_of(connection.ike.proposals), suite))
        return std::unexpected(violation(exchange, "the answered suite is not ours: " + text));
    return PhaseOneChoice{*agreed, lifetime, answer};
}

} // namespace viaduct::ike::v1
