#include "ike/crypto/prf.h"

#include "tests/crypto/vector_file.h"

#include <boost/test/unit_test.hpp>

#include <array>

BOOST_AUTO_TEST_SUITE(prf)

using namespace viaduct;
using ike::crypto::CryptoError;
using policy::PseudoRandomFunction;

// covers 7296-1.7-f
BOOST_AUTO_TEST_CASE(the_prfs_are_the_hmacs_of_rfc_4231) {
    for (const auto& vector : test::read_vectors("tests/vectors/crypto/hmac_rfc4231.txt")) {
        const auto key = vector.octets("key");
        const auto data = vector.octets("data");
        for (auto [name, function] :
             {std::pair{"hmac-sha-256", PseudoRandomFunction::hmac_sha2_256},
              std::pair{"hmac-sha-384", PseudoRandomFunction::hmac_sha2_384},
              std::pair{"hmac-sha-512", PseudoRandomFunction::hmac_sha2_512}}) {
            const auto result = ike::crypto::prf(function, key, {data});
            BOOST_REQUIRE(result);
            BOOST_TEST((*result == vector.secret(name)), name);
        }
    }
}

BOOST_AUTO_TEST_CASE(the_parts_of_a_message_are_concatenated) {
    const std::array<std::uint8_t, 5> whole{1, 2, 3, 4, 5};
    const std::span<const std::uint8_t> octets(whole);
    const auto function = PseudoRandomFunction::hmac_sha2_256;
    const auto at_once = ike::crypto::prf(function, whole, {octets});
    const auto in_parts =
        ike::crypto::prf(function, whole, {octets.first(2), {}, octets.subspan(2)});
    BOOST_REQUIRE(at_once);
    BOOST_REQUIRE(in_parts);
    BOOST_TEST((*at_once == *in_parts));
}

BOOST_AUTO_TEST_CASE(prf_plus_is_the_chain_of_rfc_7296) {
    const std::vector<std::uint8_t> key(32, 0x0b);
    const std::vector<std::uint8_t> seed(24, 0xcd);
    const auto function = PseudoRandomFunction::hmac_sha2_256;
    Botan::secure_vector<std::uint8_t> expected;
    policy::Secret previous;
    for (std::uint8_t counter = 1; counter <= 3; ++counter) {
        const std::array<std::uint8_t, 1> last{counter};
        previous = ike::crypto::prf(function, key, {previous.expose(), seed, last}).value();
        expected.insert(expected.end(), previous.expose().begin(), previous.expose().end());
    }
    for (auto length : std::to_array<std::size_t>({0, 1, 31, 32, 33, 64, 70, 96})) {
        auto cut = expected;
        cut.resize(length);
        const auto stream = ike::crypto::prf_plus(function, key, seed, length);
        BOOST_REQUIRE(stream);
        BOOST_TEST((*stream == policy::Secret(cut)), length);
    }
}

BOOST_AUTO_TEST_CASE(prf_plus_ends_at_255_blocks) {
    const std::vector<std::uint8_t> key(48, 1);
    const auto function = PseudoRandomFunction::hmac_sha2_384;
    const auto longest = std::size_t{255} * 48;
    BOOST_TEST(ike::crypto::prf_plus(function, key, {}, longest).has_value());
    const auto longer = ike::crypto::prf_plus(function, key, {}, longest + 1);
    BOOST_REQUIRE(!longer);
    BOOST_TEST((longer.error() == CryptoError::bad_length));
}

BOOST_AUTO_TEST_CASE(a_function_that_is_not_there_is_refused) {
    for (auto function : {PseudoRandomFunction::none, PseudoRandomFunction{4711}}) {
        const auto one = ike::crypto::prf(function, {}, {});
        const auto plus = ike::crypto::prf_plus(function, {}, {}, 1);
        BOOST_REQUIRE(!one);
        BOOST_REQUIRE(!plus);
        BOOST_TEST((one.error() == CryptoError::unsupported_algorithm));
        BOOST_TEST((plus.error() == CryptoError::unsupported_algorithm));
    }
}

BOOST_AUTO_TEST_CASE(a_key_longer_than_the_library_takes_is_an_error_and_no_exception) {
    const std::vector<std::uint8_t> key(100'000, 7);
    const auto result = ike::crypto::prf(PseudoRandomFunction::hmac_sha2_512, key, {});
    BOOST_REQUIRE(!result);
    BOOST_TEST((result.error() == CryptoError::bad_length));
}

BOOST_AUTO_TEST_SUITE_END()
