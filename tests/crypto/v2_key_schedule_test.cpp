#include "ike/crypto/v2_key_schedule.h"

#include "ike/crypto/prf.h"
#include "tests/crypto/vector_file.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(v2_key_schedule)

using namespace viaduct;
using ike::crypto::CryptoError;
using policy::EncryptionAlgorithm;
using policy::IntegrityAlgorithm;
using policy::PseudoRandomFunction;
using Octets = std::vector<std::uint8_t>;

namespace {

PseudoRandomFunction prf_of(const test::Vector& vector) {
    const auto& name = vector.text("prf");
    return name == "hmac-sha-1"     ? PseudoRandomFunction::hmac_sha1
           : name == "hmac-sha-256" ? PseudoRandomFunction::hmac_sha2_256
           : name == "hmac-sha-384" ? PseudoRandomFunction::hmac_sha2_384
                                    : PseudoRandomFunction::none;
}

Octets concatenate(std::initializer_list<std::span<const std::uint8_t>> parts) {
    Octets whole;
    for (auto part : parts) {
        whole.insert(whole.end(), part.begin(), part.end());
    }
    return whole;
}

ike::wire::IkeSpi spi_of(const Octets& octets) {
    std::uint64_t value = 0;
    for (auto octet : octets) {
        value = value << 8 | octet;
    }
    return ike::wire::IkeSpi{value};
}

Octets in_order(const ike::crypto::IkeKeys& keys) {
    return concatenate({keys.d.expose(), keys.ai.expose(), keys.ar.expose(), keys.ei.expose(),
                        keys.er.expose(), keys.pi.expose(), keys.pr.expose()});
}

Octets in_order(const ike::crypto::ChildKeys& keys) {
    return concatenate({keys.initiator.encryption.expose(), keys.initiator.integrity.expose(),
                        keys.responder.encryption.expose(), keys.responder.integrity.expose()});
}

/// Compares as far as the shorter of both goes.
void expect_same_stream(Octets a, Octets b) {
    const auto length = std::min(a.size(), b.size());
    BOOST_TEST(length > 64);
    a.resize(length);
    b.resize(length);
    BOOST_TEST(a == b);
}

const std::array ike_suites{
    policy::IkeSuite{.encryption = EncryptionAlgorithm::aes_cbc,
                     .key_bits = 128,
                     .integrity = IntegrityAlgorithm::hmac_sha1_96},
    policy::IkeSuite{.encryption = EncryptionAlgorithm::aes_cbc,
                     .key_bits = 256,
                     .integrity = IntegrityAlgorithm::hmac_sha2_512_256},
    policy::IkeSuite{.encryption = EncryptionAlgorithm::aes_gcm_16, .key_bits = 128},
    policy::IkeSuite{.encryption = EncryptionAlgorithm::aes_gcm_16, .key_bits = 256},
};

std::vector<test::Vector> nist_vectors() {
    return test::read_vectors("tests/vectors/crypto/ikev2_kdf_nist.txt");
}

} // namespace

BOOST_AUTO_TEST_CASE(the_formulas_give_what_nist_gives) {
    for (const auto& vector : nist_vectors()) {
        const auto function = prf_of(vector);
        const auto ni = vector.octets("nInit");
        const auto nr = vector.octets("nResp");
        const auto seed = concatenate({ni, nr, vector.octets("spiInit"), vector.octets("spiResp")});
        const auto skeyseed =
            ike::crypto::prf(function, concatenate({ni, nr}), {vector.octets("gir")});
        BOOST_REQUIRE(skeyseed);
        BOOST_TEST((*skeyseed == vector.secret("sKeySeed")));
        const auto material = vector.secret("derivedKeyingMaterial");
        const auto stream =
            ike::crypto::prf_plus(function, skeyseed->expose(), seed, material.size());
        BOOST_REQUIRE(stream);
        BOOST_TEST((*stream == material));
    }
}

BOOST_AUTO_TEST_CASE(the_keys_of_an_ike_sa_are_cut_from_nists_material_in_order) {
    for (const auto& vector : nist_vectors()) {
        for (auto suite : ike_suites) {
            suite.prf = prf_of(vector);
            const auto keys = ike::crypto::derive_ike_keys(
                suite, vector.secret("gir"), vector.octets("nInit"), vector.octets("nResp"),
                spi_of(vector.octets("spiInit")), spi_of(vector.octets("spiResp")));
            BOOST_REQUIRE(keys);
            expect_same_stream(in_order(*keys), vector.octets("derivedKeyingMaterial"));
        }
    }
}

// covers 7296-2.13-c
BOOST_AUTO_TEST_CASE(the_lengths_of_the_keys_follow_the_suite) {
    const Octets nonce(32, 1);
    const policy::Secret shared(nonce);
    policy::IkeSuite suite{.encryption = EncryptionAlgorithm::aes_gcm_16,
                           .key_bits = 256,
                           .prf = PseudoRandomFunction::hmac_sha2_384};
    const auto spi = ike::wire::IkeSpi{1};
    auto keys = ike::crypto::derive_ike_keys(suite, shared, nonce, nonce, spi, spi).value();
    BOOST_TEST(keys.d.size() == 48);
    BOOST_TEST(keys.ai.empty());
    BOOST_TEST(keys.ar.empty());
    BOOST_TEST(keys.ei.size() == 36);
    BOOST_TEST(keys.er.size() == 36);
    BOOST_TEST(keys.pi.size() == 48);
    BOOST_TEST(keys.pr.size() == 48);

    suite.encryption = EncryptionAlgorithm::aes_cbc;
    suite.key_bits = 192;
    suite.integrity = IntegrityAlgorithm::hmac_sha2_256_128;
    keys = ike::crypto::derive_ike_keys(suite, shared, nonce, nonce, spi, spi).value();
    BOOST_TEST(keys.ai.size() == 32);
    BOOST_TEST(keys.ei.size() == 24);
}

BOOST_AUTO_TEST_CASE(a_rekeyed_sa_starts_from_sk_d_of_the_old_one_with_the_old_prf) {
    for (const auto& vector : nist_vectors()) {
        const auto old_prf = prf_of(vector);
        auto d = vector.octets("derivedKeyingMaterial");
        d.resize(policy::facts(old_prf)->length);
        const policy::Secret old_d{std::span<const std::uint8_t>(d)};
        const auto ni = vector.octets("nInit");
        const auto nr = vector.octets("nResp");
        const auto seed = concatenate({ni, nr, vector.octets("spiInit"), vector.octets("spiResp")});
        for (auto suite : ike_suites) {
            suite.prf = PseudoRandomFunction::hmac_sha2_512;
            const auto keys = ike::crypto::derive_rekeyed_ike_keys(
                suite, old_prf, old_d, vector.secret("girNew"), ni, nr,
                spi_of(vector.octets("spiInit")), spi_of(vector.octets("spiResp")));
            BOOST_REQUIRE(keys);
            const auto stream = ike::crypto::prf_plus(
                suite.prf, vector.secret("sKeySeedReKey").expose(), seed, 500);
            BOOST_REQUIRE(stream);
            const auto octets = stream->expose();
            expect_same_stream(in_order(*keys), {octets.begin(), octets.end()});
        }
    }
}

// covers 7296-2.17-a, 7296-2.17-b
BOOST_AUTO_TEST_CASE(the_keys_of_a_child_are_cut_from_nists_material_in_order) {
    const std::array suites{
        policy::EspSuite{.encryption = EncryptionAlgorithm::aes_cbc,
                         .key_bits = 256,
                         .integrity = IntegrityAlgorithm::hmac_sha2_256_128},
        policy::EspSuite{.encryption = EncryptionAlgorithm::aes_gcm_16, .key_bits = 256},
    };
    int cases = 0;
    for (const auto& vector : nist_vectors()) {
        if (!vector.has("derivedKeyingMaterialChild")) {
            continue;
        }
        const auto function = prf_of(vector);
        auto d = vector.octets("derivedKeyingMaterial");
        d.resize(policy::facts(function)->length);
        const policy::Secret sk_d{std::span<const std::uint8_t>(d)};
        const auto ni = vector.octets("nInit");
        const auto nr = vector.octets("nResp");
        for (const auto& suite : suites) {
            const auto keys = ike::crypto::derive_child_keys(suite, function, sk_d, {}, ni, nr);
            BOOST_REQUIRE(keys);
            expect_same_stream(in_order(*keys), vector.octets("derivedKeyingMaterialChild"));
            const auto forward_secret = ike::crypto::derive_child_keys(
                suite, function, sk_d, vector.secret("girNew"), ni, nr);
            BOOST_REQUIRE(forward_secret);
            expect_same_stream(in_order(*forward_secret), vector.octets("derivedKeyingMaterialDh"));
            ++cases;
        }
    }
    BOOST_TEST(cases == 4);
}

// covers 7296-5-b
// covers class-unusable-algorithm
BOOST_AUTO_TEST_CASE(a_suite_that_is_none_is_refused_instead_of_giving_empty_keys) {
    const Octets nonce(16, 1);
    const policy::Secret secret(nonce);
    const auto spi = ike::wire::IkeSpi{1};
    const policy::IkeSuite good{.encryption = EncryptionAlgorithm::aes_gcm_16,
                                .key_bits = 128,
                                .prf = PseudoRandomFunction::hmac_sha2_256};
    auto no_cipher = good;
    no_cipher.encryption = EncryptionAlgorithm::none;
    auto no_key = good;
    no_key.key_bits = 0;
    auto odd_key = good;
    odd_key.key_bits = 136;
    auto no_prf = good;
    no_prf.prf = PseudoRandomFunction::none;
    auto two_integrities = good;
    two_integrities.integrity = IntegrityAlgorithm::hmac_sha2_256_128;
    auto no_integrity = good;
    no_integrity.encryption = EncryptionAlgorithm::aes_cbc;
    for (const auto& suite : {no_cipher, no_key, odd_key, no_prf, two_integrities, no_integrity}) {
        const auto keys = ike::crypto::derive_ike_keys(suite, secret, nonce, nonce, spi, spi);
        BOOST_REQUIRE(!keys);
        BOOST_TEST((keys.error() == CryptoError::unsupported_algorithm));
    }
    const policy::EspSuite null_esp{.integrity = IntegrityAlgorithm::hmac_sha2_256_128};
    BOOST_TEST(
        !ike::crypto::derive_child_keys(null_esp, good.prf, secret, {}, nonce, nonce).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
