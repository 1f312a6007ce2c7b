// The cryptography of IKEv1 against exchanges that another implementation made
// (tests/vectors/charon-6.0.1-ikev1): every key, vector and hash that it logged.
#include "ike/crypto/v1_authentication.h"
#include "ike/crypto/v1_encryption.h"
#include "ike/wire/v1_message.h"
#include "ike/wire/v1_transform.h"
#include "policy/proposal_choice.h"
#include "tests/crypto/vector_file.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

BOOST_AUTO_TEST_SUITE(v1_charon_exchange)

using namespace viaduct;
namespace crypto = ike::crypto;
namespace wire = ike::wire;
namespace v1 = ike::wire::v1;
using Octets = std::vector<std::uint8_t>;

namespace {

using Values = std::map<std::string, std::string, std::less<>>;

struct OldSa {
    wire::IkeSpi cookie_i{}, cookie_r{};
    Values values;
    std::vector<Values> children;

    Octets octets(std::string_view name) const { return test::octets(values.find(name)->second); }
    policy::IkeSuite suite() const {
        const auto text = values.find("suite")->second;
        return policy::ike_suite(policy::parse_proposal(text, policy::ProtocolId::ike).value())
            .value();
    }
};

struct OldMessage {
    bool from_initiator = false;
    Octets octets;
    Octets vector;
    unsigned first = 0;
    Octets plain;
};

struct OldRecording {
    std::string scenario, psk;
    std::vector<OldSa> sas;
    std::vector<OldMessage> messages;
};

policy::Secret secret(const Octets& octets) {
    return policy::Secret(std::span<const std::uint8_t>(octets));
}

Octets plain(const policy::Secret& secret) {
    return {secret.expose().begin(), secret.expose().end()};
}

wire::IkeSpi cookie(const std::string& text) {
    return wire::IkeSpi{std::stoull(text, nullptr, 16)};
}

void read_line(OldRecording& recording, const std::string& line) {
    std::istringstream in(line);
    std::string name, value, second;
    in >> name >> value >> second;
    if (name == "scenario")
        recording.scenario = value;
    else if (name == "psk")
        recording.psk = value;
    else if (name == "sa")
        recording.sas.push_back({cookie(value), cookie(second), {}, {}});
    else if (name == "child")
        recording.sas.back().children.emplace_back();
    else if (name == "message")
        recording.messages.push_back(
            {.from_initiator = value == "initiator", .octets = test::octets(second)});
    else if (name == "iv" && !recording.messages.empty())
        recording.messages.back().vector = test::octets(value);
    else if (name == "plain") {
        recording.messages.back().first = static_cast<unsigned>(std::stoul(value));
        recording.messages.back().plain = test::octets(second);
    } else if (!recording.sas.back().children.empty())
        recording.sas.back().children.back()[name] = value;
    else
        recording.sas.back().values[name] = value;
}

const std::vector<OldRecording>& recordings() {
    static const auto all = [] {
        std::vector<OldRecording> out;
        for (const auto& each :
             std::filesystem::directory_iterator("tests/vectors/charon-6.0.1-ikev1")) {
            if (each.path().extension() != ".hex")
                continue;
            std::ifstream file(each.path());
            out.emplace_back();
            for (std::string line; std::getline(file, line);)
                if (!line.empty() && line.front() != '#')
                    read_line(out.back(), line);
        }
        return out;
    }();
    return all;
}

template <typename T> const T* find(const std::vector<v1::Payload>& payloads) {
    for (const auto& each : payloads)
        if (const auto* found = std::get_if<T>(&each))
            return found;
    return nullptr;
}

Octets body(const v1::Chain& chain, v1::PayloadType type) {
    const auto found = std::ranges::find(chain.payloads, type, v1::payload_type);
    if (found == chain.payloads.end())
        return {};
    const auto octets = chain.body(static_cast<std::size_t>(found - chain.payloads.begin()));
    return {octets.begin(), octets.end()};
}

/// What an SA's messages say, decrypted by the recorded keys.
struct Said {
    bool from_initiator = false;
    wire::Header header;
    v1::Chain chain;
};
std::vector<Said> said_under(const OldRecording& recording, const OldSa& sa) {
    std::vector<Said> out;
    for (const auto& each : recording.messages) {
        const auto message = v1::decode_message(each.octets).value();
        const auto& header = v1::header_of(message);
        if (header.initiator_spi != sa.cookie_i)
            continue;
        if (const auto* clear = std::get_if<v1::ClearMessage>(&message))
            out.push_back({each.from_initiator, header, clear->chain});
        else if (each.first != 0)
            out.push_back({each.from_initiator, header,
                           v1::decode_chain(v1::PayloadType{static_cast<std::uint8_t>(each.first)},
                                            each.plain)
                               .value()});
    }
    return out;
}

/// The values of phase 1, which outlive their spans' owner here.
struct PhaseOne {
    Octets nonce_i, nonce_r, public_i, public_r, sa_body, id_i, id_r;

    PhaseOne(const OldRecording& recording, const OldSa& sa)
        : nonce_i(sa.octets("ni")), nonce_r(sa.octets("nr")) {
        for (const auto& each : said_under(recording, sa)) {
            if (each.header.exchange != wire::ExchangeType::identity_protection &&
                each.header.exchange != wire::ExchangeType::aggressive)
                continue;
            const auto keep = [](Octets& place, const Octets& value) {
                if (place.empty())
                    place = value;
            };
            keep(each.from_initiator ? public_i : public_r,
                 body(each.chain, v1::PayloadType::key_exchange));
            keep(each.from_initiator ? id_i : id_r,
                 body(each.chain, v1::PayloadType::identification));
            if (each.from_initiator)
                keep(sa_body, body(each.chain, v1::PayloadType::security_association));
        }
    }
    crypto::PhaseOneValues values(const OldSa& sa) const {
        return {.cookie_i = sa.cookie_i,
                .cookie_r = sa.cookie_r,
                .nonce_i = nonce_i,
                .nonce_r = nonce_r,
                .public_i = public_i,
                .public_r = public_r};
    }
};

/// Calls `with(recording, sa)` for each SA whose keys were logged.
template <typename With> void for_each_sa(With with) {
    BOOST_REQUIRE(!recordings().empty());
    for (const auto& recording : recordings())
        for (const auto& sa : recording.sas)
            BOOST_TEST_CONTEXT(recording.scenario) {
                with(recording, sa);
            }
}

policy::EspSuite esp_suite(const v1::EspTransform& transform) {
    using policy::IntegrityAlgorithm;
    policy::EspSuite out{.encryption =
                             policy::EncryptionAlgorithm{static_cast<std::uint16_t>(transform.id)},
                         .key_bits = 0};
    const auto& facts = *policy::facts(out.encryption);
    out.key_bits = transform.key_bits.value_or(facts.fixed_key_bits);
    if (!transform.authentication)
        return out;
    switch (*transform.authentication) {
    case v1::EspAuthentication::hmac_sha1: out.integrity = IntegrityAlgorithm::hmac_sha1_96; break;
    case v1::EspAuthentication::hmac_sha2_256:
        out.integrity = IntegrityAlgorithm::hmac_sha2_256_128;
        break;
    case v1::EspAuthentication::hmac_sha2_384:
        out.integrity = IntegrityAlgorithm::hmac_sha2_384_192;
        break;
    case v1::EspAuthentication::hmac_sha2_512:
        out.integrity = IntegrityAlgorithm::hmac_sha2_512_256;
        break;
    default: BOOST_FAIL("an integrity algorithm that is not ours");
    }
    return out;
}

/// One side's message of a quick mode.
struct QuickModeSide {
    policy::ChildSpi spi{};
    Octets nonce;
    v1::EspTransform transform;
};
QuickModeSide side(const v1::Chain& chain) {
    const auto& proposal = find<v1::SaPayload>(chain.payloads)->proposals.front();
    std::uint32_t spi = 0;
    for (const auto octet : proposal.spi)
        spi = spi << 8 | octet;
    return {policy::ChildSpi{spi}, find<v1::NoncePayload>(chain.payloads)->data,
            v1::read_esp_transform(proposal.transforms.front()).value()};
}

/// The quick modes that were agreed to, in their order: who began it, and who answered.
std::vector<std::pair<QuickModeSide, QuickModeSide>>
quick_modes(const OldRecording& recording, const OldSa& sa, std::vector<bool>& by_initiator) {
    std::map<wire::MessageId, std::pair<QuickModeSide, bool>> begun;
    std::vector<std::pair<QuickModeSide, QuickModeSide>> out;
    for (const auto& each : said_under(recording, sa)) {
        if (each.header.exchange != wire::ExchangeType::quick_mode ||
            !find<v1::SaPayload>(each.chain.payloads))
            continue;
        const auto [known, is_new] = begun.try_emplace(
            each.header.message_id, std::pair{side(each.chain), each.from_initiator});
        if (is_new)
            continue;
        out.emplace_back(known->second.first, side(each.chain));
        by_initiator.push_back(known->second.second);
    }
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_keys_of_phase_one_are_charons) {
    std::map<policy::PseudoRandomFunction, int> prfs;
    for_each_sa([&](const OldRecording& recording, const OldSa& sa) {
        const PhaseOne phase(recording, sa);
        const auto suite = sa.suite();
        const auto keys =
            crypto::derive_shared_key_skeyids(suite.prf, secret(test::octets(recording.psk)),
                                              secret(sa.octets("g_ir")), phase.values(sa));
        BOOST_REQUIRE(keys);
        BOOST_TEST(plain(keys->skeyid) == sa.octets("skeyid"));
        BOOST_TEST(plain(keys->d) == sa.octets("skeyid_d"));
        BOOST_TEST(plain(keys->a) == sa.octets("skeyid_a"));
        BOOST_TEST(plain(keys->e) == sa.octets("skeyid_e"));
        BOOST_TEST(plain(crypto::derive_cipher_key(suite, keys->e).value()) ==
                   sa.octets("encryption"));
        // Of a message in parts the public value is not read here.
        if (!phase.public_i.empty() && !phase.public_r.empty())
            BOOST_TEST(crypto::first_vector(suite, phase.values(sa)).value() == sa.octets("iv"));
        ++prfs[suite.prf];
    });
    // SHA1, SHA2-256, SHA2-384 and SHA2-512.
    BOOST_TEST(prfs.size() == 4u);
}

BOOST_AUTO_TEST_CASE(its_hashes_are_charons) {
    int compared = 0;
    for_each_sa([&](const OldRecording& recording, const OldSa& sa) {
        const PhaseOne phase(recording, sa);
        const auto check = [&](crypto::HashSender sender, std::string_view name,
                               const Octets& id_body) {
            if (!sa.values.contains(name) || id_body.empty() || phase.public_r.empty())
                return;
            const auto hash =
                crypto::phase_one_hash(sender, sa.suite().prf, secret(sa.octets("skeyid")),
                                       phase.values(sa), phase.sa_body, id_body);
            BOOST_TEST(hash.value() == sa.octets(name));
            ++compared;
        };
        check(crypto::HashSender::initiator, "hash_i", phase.id_i);
        check(crypto::HashSender::responder, "hash_r", phase.id_r);
    });
    BOOST_TEST(compared > 20);
}

BOOST_AUTO_TEST_CASE(its_messages_open) {
    int opened = 0;
    for_each_sa([&](const OldRecording& recording, const OldSa& sa) {
        const auto suite = sa.suite();
        for (const auto& each : recording.messages) {
            // The responder of this one has other keys than those that its peer logged.
            if (recording.scenario == "wrong-psk" && !each.from_initiator)
                continue;
            const auto message = v1::decode_message(each.octets).value();
            const auto* sealed = std::get_if<v1::EncryptedMessage>(&message);
            if (!sealed || each.vector.empty() || sealed->header.initiator_spi != sa.cookie_i)
                continue;
            const auto text = crypto::decrypt_v1_message(suite, secret(sa.octets("encryption")),
                                                         each.vector, sealed->ciphertext);
            BOOST_TEST(text.value().text == each.plain);
            ++opened;
        }
    });
    BOOST_TEST(opened > 80);
}

BOOST_AUTO_TEST_CASE(the_keys_of_its_children_are_charons) {
    int compared = 0;
    for_each_sa([&](const OldRecording& recording, const OldSa& sa) {
        std::vector<bool> by_initiator;
        const auto modes = quick_modes(recording, sa, by_initiator);
        for (std::size_t i = 0; i < std::min(modes.size(), sa.children.size()); ++i) {
            const auto& [first, second] = modes[i];
            const auto& child = sa.children[i];
            const auto octets = [&](std::string_view name) {
                const auto found = child.find(name);
                return found == child.end() ? Octets{} : test::octets(found->second);
            };
            const auto suite = esp_suite(second.transform);
            const auto compare = [&](policy::ChildSpi receiver, std::string_view sender) {
                const auto keys = crypto::derive_quick_mode_keys(
                    suite, sa.suite().prf, secret(sa.octets("skeyid_d")), secret(octets("g_ir")),
                    receiver, first.nonce, second.nonce);
                BOOST_TEST(plain(keys.value().encryption) ==
                           octets("encryption_" + std::string(sender)));
                BOOST_TEST(plain(keys.value().integrity) ==
                           octets("integrity_" + std::string(sender)));
                ++compared;
            };
            compare(second.spi, by_initiator[i] ? "i" : "r");
            compare(first.spi, by_initiator[i] ? "r" : "i");
        }
    });
    BOOST_TEST(compared > 20);
}

BOOST_AUTO_TEST_SUITE_END()
