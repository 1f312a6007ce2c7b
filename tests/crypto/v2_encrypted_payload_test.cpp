#include "ike/crypto/v2_encrypted_payload.h"

#include "tests/crypto/scripted_rng.h"

#include <boost/test/unit_test.hpp>
#include <botan/aead.h>
#include <botan/mac.h>

#include <array>

BOOST_AUTO_TEST_SUITE(v2_encrypted_payload)

using namespace viaduct;
using ike::crypto::CryptoError;
using ike::crypto::DirectionKeys;
using ike::crypto::open_v2_message;
using ike::crypto::seal_v2_message;
using policy::EncryptionAlgorithm;
using policy::IntegrityAlgorithm;
namespace wire = ike::wire;
using Octets = std::vector<std::uint8_t>;

namespace {

policy::IkeSuite aead(EncryptionAlgorithm algorithm, std::uint16_t bits) {
    return {.encryption = algorithm,
            .key_bits = bits,
            .prf = policy::PseudoRandomFunction::hmac_sha2_256};
}

policy::IkeSuite gcm(std::uint16_t bits) {
    return aead(EncryptionAlgorithm::aes_gcm_16, bits);
}

policy::IkeSuite cbc(std::uint16_t bits, IntegrityAlgorithm integrity) {
    return {.encryption = EncryptionAlgorithm::aes_cbc,
            .key_bits = bits,
            .prf = policy::PseudoRandomFunction::hmac_sha2_256,
            .integrity = integrity};
}

const std::array suites{
    gcm(128),
    gcm(256),
    cbc(128, IntegrityAlgorithm::hmac_sha1_96),
    cbc(128, IntegrityAlgorithm::hmac_sha2_256_128),
    cbc(192, IntegrityAlgorithm::hmac_sha2_384_192),
    cbc(256, IntegrityAlgorithm::hmac_sha2_512_256),
    aead(EncryptionAlgorithm::aes_gcm_8, 256),
    aead(EncryptionAlgorithm::aes_gcm_12, 192),
    aead(EncryptionAlgorithm::aes_ccm_8, 128),
    aead(EncryptionAlgorithm::aes_ccm_12, 192),
    aead(EncryptionAlgorithm::aes_ccm_16, 256),
    aead(EncryptionAlgorithm::chacha20_poly1305, 256),
    policy::IkeSuite{.encryption = EncryptionAlgorithm::aes_ctr,
                     .key_bits = 128,
                     .prf = policy::PseudoRandomFunction::hmac_sha2_256,
                     .integrity = IntegrityAlgorithm::hmac_sha2_256_128},
};

policy::Secret random_secret(Botan::RandomNumberGenerator& rng, std::size_t length) {
    return policy::Secret(rng.random_vec(length));
}

DirectionKeys random_keys(const policy::IkeSuite& suite, Botan::RandomNumberGenerator& rng) {
    const auto* cipher = policy::facts(suite.encryption);
    const auto integrity = cipher->aead ? 0 : policy::facts(suite.integrity)->key;
    return {.encryption = random_secret(rng, suite.key_bits / std::size_t{8} + cipher->salt),
            .integrity = random_secret(rng, integrity)};
}

wire::Header header() {
    return {.initiator_spi = wire::IkeSpi{0x0102030405060708},
            .responder_spi = wire::IkeSpi{0x1112131415161718},
            .exchange = wire::ExchangeType::informational,
            .initiator = true,
            .message_id = wire::MessageId{7}};
}

Octets random_octets(Botan::RandomNumberGenerator& rng, std::size_t length) {
    return rng.random_vec<Octets>(length);
}

std::vector<wire::Payload> random_payloads(Botan::RandomNumberGenerator& rng) {
    std::vector<wire::Payload> payloads;
    for (auto count = rng.next_byte() % 5; count > 0; --count) {
        const auto length = std::size_t{rng.next_byte()};
        switch (rng.next_byte() % 3) {
        case 0:
            payloads.emplace_back(wire::NoncePayload{random_octets(rng, 16 + length % 240)});
            break;
        case 1:
            payloads.emplace_back(wire::NotifyPayload{.type = wire::NotifyType::initial_contact,
                                                      .data = random_octets(rng, length)});
            break;
        default: payloads.emplace_back(wire::VendorIdPayload{random_octets(rng, length)});
        }
    }
    return payloads;
}

wire::EncryptedPayload find_encrypted(std::span<const std::uint8_t> message) {
    auto outer = wire::decode_v2_message(message);
    BOOST_REQUIRE(outer);
    BOOST_REQUIRE(outer->encrypted);
    return *outer->encrypted;
}

/// An SK message built without the code under test, around `text`: the content with its padding.
Octets seal_by_hand(const policy::IkeSuite& suite, const DirectionKeys& keys,
                    wire::PayloadType first, const Octets& text) {
    const auto* cipher = policy::facts(suite.encryption);
    const auto icv = cipher->aead ? cipher->icv : policy::facts(suite.integrity)->icv;
    auto message =
        wire::encode_v2_encrypted_prefix(header(), first, cipher->iv + text.size() + icv);
    const auto key = keys.encryption.expose();
    const Octets iv(cipher->iv, 0x5a);
    Octets nonce(key.end() - static_cast<std::ptrdiff_t>(cipher->salt), key.end());
    nonce.insert(nonce.end(), iv.begin(), iv.end());
    const auto bits = std::to_string(suite.key_bits);
    auto mode = Botan::Cipher_Mode::create_or_throw(
        "AES-" + bits + (cipher->aead ? "/GCM" : "/CBC/NoPadding"), Botan::Cipher_Dir::Encryption);
    mode->set_key(key.first(suite.key_bits / std::size_t{8}));
    if (cipher->aead) {
        dynamic_cast<Botan::AEAD_Mode&>(*mode).set_associated_data(message);
    }
    Botan::secure_vector<std::uint8_t> body(text.begin(), text.end());
    mode->start(nonce);
    if (cipher->aead || body.size() % cipher->block == 0) {
        mode->finish(body);
    }
    message.insert(message.end(), iv.begin(), iv.end());
    message.insert(message.end(), body.begin(), body.end());
    if (!cipher->aead) {
        auto mac = Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-256)");
        mac->set_key(keys.integrity.expose());
        mac->update(message);
        auto check = mac->final_stdvec();
        message.insert(message.end(), check.begin(), check.begin() + 16);
    }
    return message;
}

void expect_refused(const policy::IkeSuite& suite, const DirectionKeys& keys, const Octets& message,
                    CryptoError error, std::string_view what) {
    const auto opened = open_v2_message(suite, keys, message, find_encrypted(message));
    BOOST_REQUIRE_MESSAGE(!opened, what);
    BOOST_TEST((opened.error() == error), what);
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_sealed_in_fragments_opens_to_the_same_content_in_parts) {
    test::ScriptedRng rng(7383);
    for (const auto& suite : suites) {
        const auto keys = random_keys(suite, rng);
        for (const std::size_t longest : {120u, 121u, 135u, 136u, 576u, 1280u}) {
            const auto content = random_octets(rng, 1000 + longest);
            std::uint64_t counter = 5;
            const auto sealed = ike::crypto::seal_v2_fragments(
                suite, keys, header(), wire::PayloadType::nonce, content, longest, counter, rng);
            BOOST_REQUIRE(sealed);
            BOOST_TEST(counter == 5 + sealed->size());
            Octets together;
            for (const auto& message : *sealed) {
                BOOST_TEST(message.size() <= longest);
                const auto outer = wire::decode_v2_message(message);
                BOOST_REQUIRE(outer);
                const bool is_first = &message == &sealed->front();
                BOOST_TEST((outer->encrypted->first_inner ==
                            (is_first ? wire::PayloadType::nonce : wire::PayloadType::none)));
                BOOST_TEST(outer->fragment->total == sealed->size());
                const auto opened = open_v2_message(suite, keys, message, *outer->encrypted);
                BOOST_REQUIRE(opened);
                together.insert(together.end(), opened->octets().begin(), opened->octets().end());
                // The numbers are covered by the integrity check: RFC 7383 2.5.
                auto renumbered = message;
                renumbered[outer->encrypted->body_offset - 1] ^= 0x40;
                expect_refused(suite, keys, renumbered, CryptoError::integrity_check_failed,
                               "another total");
            }
            BOOST_TEST(together == content);
        }
    }
}

BOOST_AUTO_TEST_CASE(fragments_without_room_for_content_are_refused) {
    test::ScriptedRng rng(7384);
    for (const auto& suite : suites) {
        const auto keys = random_keys(suite, rng);
        std::uint64_t counter = 0;
        const auto* cipher = policy::facts(suite.encryption);
        const auto icv = cipher->aead ? cipher->icv : policy::facts(suite.integrity)->icv;
        // The IKE header, the generic one, the numbers of the fragment.
        const std::size_t around = 28 + 4 + 4 + cipher->iv + icv;
        for (const std::size_t longest : {std::size_t{0}, std::size_t{28}, around}) {
            const auto sealed =
                ike::crypto::seal_v2_fragments(suite, keys, header(), wire::PayloadType::nonce,
                                               random_octets(rng, 100), longest, counter, rng);
            BOOST_REQUIRE(!sealed);
            BOOST_TEST((sealed.error() == CryptoError::bad_length));
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_sealed_opens_to_the_same_payloads) {
    test::ScriptedRng rng(7296);
    for (const auto& suite : suites) {
        for (int run = 0; run < 200; ++run) {
            const auto keys = random_keys(suite, rng);
            const auto payloads = random_payloads(rng);
            const auto counter = static_cast<std::uint64_t>(run);
            const auto message = seal_v2_message(suite, keys, header(), payloads, counter, rng);
            BOOST_REQUIRE(message);
            const auto outer = wire::decode_v2_message(*message);
            BOOST_REQUIRE(outer);
            BOOST_TEST(outer->payloads.empty());
            BOOST_TEST(outer->header.length == message->size());
            const auto opened = open_v2_message(suite, keys, *message, *outer->encrypted);
            BOOST_REQUIRE(opened);
            const auto decoded = wire::decode_v2_payloads(opened->first(), opened->octets());
            BOOST_REQUIRE(decoded);
            BOOST_TEST((*decoded == payloads));
        }
    }
}

BOOST_AUTO_TEST_CASE(an_empty_message_has_no_payload_inside) {
    test::ScriptedRng rng(1);
    for (const auto& suite : suites) {
        const auto keys = random_keys(suite, rng);
        const auto message = seal_v2_message(suite, keys, header(), {}, 0, rng).value();
        const auto opened = open_v2_message(suite, keys, message, find_encrypted(message));
        BOOST_REQUIRE(opened);
        BOOST_TEST((opened->first() == wire::PayloadType::none));
        BOOST_TEST(opened->octets().empty());
    }
}

BOOST_AUTO_TEST_CASE(the_counter_is_the_vector_of_an_aead) {
    test::ScriptedRng rng(2);
    const auto suite = gcm(256);
    const auto keys = random_keys(suite, rng);
    const auto message =
        seal_v2_message(suite, keys, header(), {}, 0x0102030405060708, rng).value();
    const Octets vector(message.begin() + 32, message.begin() + 40);
    BOOST_TEST(vector == (Octets{1, 2, 3, 4, 5, 6, 7, 8}));
    // Header, generic header, vector, pad length, tag.
    BOOST_TEST(message.size() == 28u + 4 + 8 + 1 + 16);
}

// covers 7296-3.14-c
BOOST_AUTO_TEST_CASE(the_vector_of_cbc_comes_from_the_random_generator) {
    const auto suite = cbc(128, IntegrityAlgorithm::hmac_sha2_256_128);
    test::ScriptedRng rng(3);
    const auto keys = random_keys(suite, rng);
    const Octets vector(16, 0xe7);
    test::ScriptedRng scripted(vector);
    const auto message = seal_v2_message(suite, keys, header(), {}, 0, scripted).value();
    BOOST_TEST(Octets(message.begin() + 32, message.begin() + 48) == vector);
    BOOST_TEST(message.size() == 28u + 4 + 16 + 16 + 16);
}

// covers 7296-3.14-f
BOOST_AUTO_TEST_CASE(every_changed_bit_is_noticed) {
    test::ScriptedRng rng(4);
    for (const auto& suite : suites) {
        const auto keys = random_keys(suite, rng);
        const std::vector<wire::Payload> payloads{wire::NoncePayload{random_octets(rng, 20)}};
        auto message = seal_v2_message(suite, keys, header(), payloads, 1, rng).value();
        const auto encrypted = find_encrypted(message);
        for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
            const auto mask = static_cast<std::uint8_t>(1 << bit % 8);
            message[bit / 8] ^= mask;
            const auto opened = open_v2_message(suite, keys, message, encrypted);
            BOOST_REQUIRE_MESSAGE(!opened, "bit " << bit);
            BOOST_REQUIRE((opened.error() == CryptoError::integrity_check_failed));
            message[bit / 8] ^= mask;
        }
    }
}

BOOST_AUTO_TEST_CASE(every_truncation_is_refused) {
    test::ScriptedRng rng(5);
    for (const auto& suite : suites) {
        const auto keys = random_keys(suite, rng);
        const std::vector<wire::Payload> payloads{wire::NoncePayload{random_octets(rng, 50)}};
        const auto message = seal_v2_message(suite, keys, header(), payloads, 1, rng).value();
        const auto encrypted = find_encrypted(message);
        for (std::size_t length = 0; length < message.size(); ++length) {
            const std::span<const std::uint8_t> octets(message.data(), length);
            BOOST_REQUIRE_MESSAGE(!open_v2_message(suite, keys, octets, encrypted), length);
        }
        auto longer = message;
        longer.push_back(0);
        BOOST_TEST(!open_v2_message(suite, keys, longer, encrypted).has_value());
    }
}

BOOST_AUTO_TEST_CASE(other_keys_open_nothing) {
    test::ScriptedRng rng(6);
    for (const auto& suite : suites) {
        const auto keys = random_keys(suite, rng);
        const auto message = seal_v2_message(suite, keys, header(), {}, 1, rng).value();
        expect_refused(suite, random_keys(suite, rng), message, CryptoError::integrity_check_failed,
                       "other keys");
    }
}

// covers 7296-3.14-e
BOOST_AUTO_TEST_CASE(padding_may_have_any_length_that_fits_and_any_content) {
    test::ScriptedRng rng(8);
    for (const auto& suite : {gcm(128), cbc(256, IntegrityAlgorithm::hmac_sha2_256_128)}) {
        const auto keys = random_keys(suite, rng);
        for (auto padding : std::to_array<std::uint8_t>({15, 31, 255})) {
            Octets text(std::size_t{padding}, 0xa5);
            text.push_back(padding);
            auto message = seal_by_hand(suite, keys, wire::PayloadType::none, text);
            auto opened = open_v2_message(suite, keys, message, find_encrypted(message));
            BOOST_REQUIRE(opened);
            BOOST_TEST(opened->octets().empty());

            text.insert(text.begin(), 16, 0x11);
            message = seal_by_hand(suite, keys, wire::PayloadType::vendor_id, text);
            opened = open_v2_message(suite, keys, message, find_encrypted(message));
            BOOST_REQUIRE(opened);
            BOOST_TEST(opened->octets().size() == 16);
        }
    }
}

BOOST_AUTO_TEST_CASE(padding_longer_than_the_content_is_refused) {
    test::ScriptedRng rng(9);
    for (const auto& suite : {gcm(128), cbc(256, IntegrityAlgorithm::hmac_sha2_256_128)}) {
        const auto keys = random_keys(suite, rng);
        for (auto padding : std::to_array<std::uint8_t>({16, 17, 255})) {
            Octets text(15, 0);
            text.push_back(padding);
            const auto message = seal_by_hand(suite, keys, wire::PayloadType::none, text);
            expect_refused(suite, keys, message, CryptoError::bad_padding, "too long a padding");
        }
    }
}

// covers 7296-3.14-d
BOOST_AUTO_TEST_CASE(a_body_shorter_than_its_fixed_parts_is_refused) {
    test::ScriptedRng rng(10);
    const auto aead = gcm(128);
    const auto aead_keys = random_keys(aead, rng);
    expect_refused(aead, aead_keys, seal_by_hand(aead, aead_keys, wire::PayloadType::none, {}),
                   CryptoError::bad_length, "no pad length");
    const auto chained = cbc(128, IntegrityAlgorithm::hmac_sha2_256_128);
    const auto keys = random_keys(chained, rng);
    expect_refused(chained, keys, seal_by_hand(chained, keys, wire::PayloadType::none, {}),
                   CryptoError::bad_length, "no block");
    expect_refused(chained, keys,
                   seal_by_hand(chained, keys, wire::PayloadType::none, Octets(17, 0)),
                   CryptoError::bad_length, "no whole number of blocks");
}

BOOST_AUTO_TEST_CASE(a_message_that_is_too_long_is_not_built) {
    test::ScriptedRng rng(11);
    const auto suite = gcm(128);
    const auto keys = random_keys(suite, rng);
    const std::vector<wire::Payload> payloads{wire::VendorIdPayload{Octets(60'000, 1)},
                                              wire::VendorIdPayload{Octets(6'000, 1)}};
    const auto message = seal_v2_message(suite, keys, header(), payloads, 1, rng);
    BOOST_REQUIRE(!message);
    BOOST_TEST((message.error() == CryptoError::bad_length));
}

BOOST_AUTO_TEST_CASE(keys_that_do_not_fit_the_suite_are_refused) {
    test::ScriptedRng rng(12);
    const auto keys = random_keys(gcm(128), rng);
    for (const auto& suite : {gcm(256), cbc(128, IntegrityAlgorithm::hmac_sha2_256_128)}) {
        const auto message = seal_v2_message(suite, keys, header(), {}, 1, rng);
        BOOST_REQUIRE(!message);
        BOOST_TEST((message.error() == CryptoError::bad_length));
    }
    for (const auto& suite : {policy::IkeSuite{}, cbc(128, IntegrityAlgorithm::none),
                              aead(EncryptionAlgorithm::null_auth_aes_gmac, 128)}) {
        const auto message = seal_v2_message(suite, keys, header(), {}, 1, rng);
        BOOST_REQUIRE(!message);
        BOOST_TEST((message.error() == CryptoError::unsupported_algorithm));
    }
}

BOOST_AUTO_TEST_SUITE_END()
