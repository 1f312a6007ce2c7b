#include "ike/crypto/v1_encryption.h"

#include "tests/crypto/vector_file.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(v1_encryption)

using namespace viaduct;
using ike::crypto::CryptoError;
using policy::EncryptionAlgorithm;
using Octets = std::vector<std::uint8_t>;

namespace {

policy::IkeSuite suite_of(EncryptionAlgorithm encryption, std::uint16_t key_bits) {
    return {.encryption = encryption,
            .key_bits = key_bits,
            .prf = policy::PseudoRandomFunction::hmac_sha1};
}

policy::Secret key_of(std::size_t length) {
    Octets octets(length);
    for (std::size_t i = 0; i < length; ++i)
        octets[i] = static_cast<std::uint8_t>(3 * i + 1);
    return policy::Secret{std::span<const std::uint8_t>(octets)};
}

} // namespace

BOOST_AUTO_TEST_CASE(aes_is_that_of_rfc_3602) {
    for (const auto& vector : test::read_vectors("tests/vectors/crypto/aes_cbc_rfc3602.txt")) {
        const auto suite = suite_of(EncryptionAlgorithm::aes_cbc, 128);
        const auto sealed = ike::crypto::encrypt_v1_message(
            suite, vector.secret("key"), vector.octets("iv"), vector.octets("plain"));
        BOOST_REQUIRE(sealed);
        BOOST_TEST(sealed->text == vector.octets("cipher"));
    }
}

// The vector of each message is the last block of the one before, in either direction.
// covers 2409-B-d
BOOST_AUTO_TEST_CASE(messages_of_an_exchange_chain_their_vectors) {
    for (const auto& [cipher, bits, block] :
         {std::tuple{EncryptionAlgorithm::aes_cbc, std::uint16_t{128}, std::size_t{16}},
          std::tuple{EncryptionAlgorithm::aes_cbc, std::uint16_t{256}, std::size_t{16}},
          std::tuple{EncryptionAlgorithm::triple_des_cbc, std::uint16_t{192}, std::size_t{8}}}) {
        const auto suite = suite_of(cipher, bits);
        const auto key = key_of(bits / 8u);
        Octets vector(block, 0x77);
        for (const std::size_t length : {1u, 8u, 16u, 17u, 300u}) {
            const Octets payloads(length, 0xab);
            const auto sealed = ike::crypto::encrypt_v1_message(suite, key, vector, payloads);
            BOOST_REQUIRE(sealed);
            BOOST_TEST(sealed->text.size() % block == 0);
            BOOST_TEST(sealed->text.size() < length + block);
            BOOST_TEST(sealed->next_vector ==
                       Octets(sealed->text.end() - static_cast<std::ptrdiff_t>(block),
                              sealed->text.end()));
            const auto opened = ike::crypto::decrypt_v1_message(suite, key, vector, sealed->text);
            BOOST_REQUIRE(opened);
            BOOST_TEST(opened->next_vector == sealed->next_vector);
            auto padded = payloads;
            padded.resize(sealed->text.size());
            BOOST_TEST(opened->text == padded);
            vector = sealed->next_vector;
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_ciphertext_is_refused) {
    const auto suite = suite_of(EncryptionAlgorithm::aes_cbc, 128);
    const auto key = key_of(16);
    const Octets vector(16);
    for (const std::size_t length : {0u, 1u, 15u, 17u}) {
        const auto opened = ike::crypto::decrypt_v1_message(suite, key, vector, Octets(length, 1));
        BOOST_REQUIRE(!opened);
        BOOST_TEST((opened.error() == CryptoError::bad_length));
    }
    BOOST_TEST(!ike::crypto::encrypt_v1_message(suite, key, vector, {}));
    BOOST_TEST(!ike::crypto::decrypt_v1_message(suite, key, Octets(8), Octets(16)));
    BOOST_TEST(!ike::crypto::decrypt_v1_message(suite, key_of(15), vector, Octets(16)));
    BOOST_TEST(!ike::crypto::decrypt_v1_message(suite_of(EncryptionAlgorithm::aes_gcm_16, 128),
                                                key_of(20), Octets(8), Octets(16)));
    BOOST_TEST(!ike::crypto::decrypt_v1_message({}, {}, {}, Octets(16)));
}

BOOST_AUTO_TEST_SUITE_END()
