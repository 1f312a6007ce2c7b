// The ciphers of the library that is linked: what the SK payload uses, and ChaCha20-Poly1305, which
// is not negotiated yet.
#include "tests/crypto/vector_file.h"

#include <boost/test/unit_test.hpp>
#include <botan/aead.h>

BOOST_AUTO_TEST_SUITE(library_vectors)

using namespace viaduct;
using SecureOctets = Botan::secure_vector<std::uint8_t>;

namespace {

SecureOctets secure(const std::vector<std::uint8_t>& octets) {
    return {octets.begin(), octets.end()};
}

} // namespace

BOOST_AUTO_TEST_CASE(aes_cbc_encrypts_as_rfc_3602_says) {
    for (const auto& vector : test::read_vectors("tests/vectors/crypto/aes_cbc_rfc3602.txt")) {
        auto cipher = Botan::Cipher_Mode::create_or_throw("AES-128/CBC/NoPadding",
                                                          Botan::Cipher_Dir::Encryption);
        cipher->set_key(vector.octets("key"));
        cipher->start(vector.octets("iv"));
        auto text = secure(vector.octets("plain"));
        cipher->finish(text);
        BOOST_TEST(text == secure(vector.octets("cipher")));
    }
}

BOOST_AUTO_TEST_CASE(aeads_seal_and_open_as_published) {
    for (const auto& vector : test::read_vectors("tests/vectors/crypto/aead.txt")) {
        const auto& algorithm = vector.text("algorithm");
        auto seal = Botan::AEAD_Mode::create_or_throw(algorithm, Botan::Cipher_Dir::Encryption);
        seal->set_key(vector.octets("key"));
        seal->set_associated_data(vector.octets("associated"));
        seal->start(vector.octets("nonce"));
        auto text = secure(vector.octets("plain"));
        seal->finish(text);
        BOOST_TEST(text == secure(vector.octets("output")), algorithm);

        auto open = Botan::AEAD_Mode::create_or_throw(algorithm, Botan::Cipher_Dir::Decryption);
        open->set_key(vector.octets("key"));
        open->set_associated_data(vector.octets("associated"));
        open->start(vector.octets("nonce"));
        open->finish(text);
        BOOST_TEST(text == secure(vector.octets("plain")), algorithm);
    }
}

BOOST_AUTO_TEST_SUITE_END()
