#include "ike/crypto/key_exchange.h"

#include "tests/crypto/scripted_rng.h"
#include "tests/crypto/vector_file.h"

#include <boost/test/unit_test.hpp>
#include <botan/bigint.h>
#include <botan/dl_group.h>

#include <algorithm>
#include <array>

BOOST_AUTO_TEST_SUITE(key_exchange)

using namespace viaduct;
using ike::crypto::CryptoError;
using ike::crypto::KeyExchange;
using policy::KeyExchangeMethod;
using Octets = std::vector<std::uint8_t>;

namespace {

constexpr std::array all_methods{
    KeyExchangeMethod::modp1024, KeyExchangeMethod::modp1536,  KeyExchangeMethod::modp2048,
    KeyExchangeMethod::modp3072, KeyExchangeMethod::modp4096,  KeyExchangeMethod::modp6144,
    KeyExchangeMethod::modp8192, KeyExchangeMethod::ecp256,    KeyExchangeMethod::ecp384,
    KeyExchangeMethod::ecp521,   KeyExchangeMethod::curve25519};

KeyExchangeMethod method_of(std::string_view name) {
    for (auto method : all_methods) {
        if (policy::facts(method)->name == name) {
            return method;
        }
    }
    return name == "curve25519" ? KeyExchangeMethod::curve25519 : KeyExchangeMethod::none;
}

/// The key pair whose private key is what the generator yields first.
KeyExchange key_pair(KeyExchangeMethod method, Octets private_key) {
    test::ScriptedRng rng(std::move(private_key));
    return KeyExchange::generate(method, rng).value();
}

void expect_refused(const KeyExchange& ours, const Octets& peer_public, std::string_view what) {
    test::ScriptedRng rng(2);
    const auto result = ours.agree(peer_public, rng);
    BOOST_REQUIRE_MESSAGE(!result, what);
    BOOST_TEST((result.error() == CryptoError::bad_public_value), what);
    BOOST_TEST(!ike::crypto::is_public_value(ours.method(), peer_public), what);
}

Octets public_octets(const KeyExchange& exchange) {
    return {exchange.public_value().begin(), exchange.public_value().end()};
}

Octets modp_value(const Botan::BigInt& value, std::size_t length) {
    return value.serialize<Octets>(length);
}

} // namespace

BOOST_AUTO_TEST_CASE(published_exchanges_come_out_as_published) {
    for (const auto* file :
         {"ecp_rfc5903.txt", "curve25519_rfc8031.txt", "modp_rfc3526.txt", "more_groups.txt"}) {
        const std::filesystem::path folder = "tests/vectors/crypto";
        for (const auto& vector : test::read_vectors(folder / file)) {
            const auto method = method_of(vector.text("group"));
            const auto initiator = key_pair(method, vector.octets("private-i"));
            const auto responder = key_pair(method, vector.octets("private-r"));
            BOOST_TEST(public_octets(initiator) == vector.octets("public-i"));
            BOOST_TEST(public_octets(responder) == vector.octets("public-r"));
            BOOST_TEST(ike::crypto::is_public_value(method, vector.octets("public-i")));
            BOOST_TEST(ike::crypto::is_public_value(method, vector.octets("public-r")));
            test::ScriptedRng rng(1);
            const auto at_initiator = initiator.agree(responder.public_value(), rng);
            const auto at_responder = responder.agree(initiator.public_value(), rng);
            BOOST_REQUIRE(at_initiator);
            BOOST_REQUIRE(at_responder);
            BOOST_TEST((*at_initiator == vector.secret("shared")), file);
            BOOST_TEST((*at_responder == vector.secret("shared")), file);
        }
    }
}

// covers 7296-3.4-a, 2409-5-e
BOOST_AUTO_TEST_CASE(public_values_have_the_length_of_the_ke_payload) {
    test::ScriptedRng rng(7);
    for (auto method : all_methods) {
        const auto exchange = KeyExchange::generate(method, rng);
        BOOST_REQUIRE(exchange);
        BOOST_TEST((exchange->method() == method));
        BOOST_TEST(exchange->public_value().size() == policy::facts(method)->public_value);
    }
}

BOOST_AUTO_TEST_CASE(a_method_that_is_not_there_is_refused) {
    test::ScriptedRng rng(7);
    for (auto method : {KeyExchangeMethod::none, KeyExchangeMethod{1}, KeyExchangeMethod{4711}}) {
        const auto exchange = KeyExchange::generate(method, rng);
        BOOST_REQUIRE(!exchange);
        BOOST_TEST((exchange.error() == CryptoError::unsupported_algorithm));
    }
}

// One in 256 values begins with a zero octet: often enough in this number of runs.
// covers 7296-3.4-a
BOOST_AUTO_TEST_CASE(leading_zeros_of_coordinates_are_kept) {
    test::ScriptedRng rng(5903);
    const auto ours = KeyExchange::generate(KeyExchangeMethod::ecp256, rng).value();
    int begin_with_zero = 0;
    for (int run = 0; run < 1000; ++run) {
        const auto theirs = KeyExchange::generate(KeyExchangeMethod::ecp256, rng).value();
        const auto secret = theirs.agree(ours.public_value(), rng);
        BOOST_REQUIRE(secret);
        BOOST_REQUIRE(theirs.public_value().size() == 64);
        BOOST_REQUIRE(secret->size() == 32);
        begin_with_zero += theirs.public_value()[0] == 0 || theirs.public_value()[32] == 0 ||
                           secret->expose()[0] == 0;
    }
    BOOST_TEST(begin_with_zero > 0);
}

// covers class-key-exchange
BOOST_AUTO_TEST_CASE(values_of_a_wrong_length_are_refused) {
    test::ScriptedRng rng(11);
    for (auto method : all_methods) {
        const auto ours = KeyExchange::generate(method, rng).value();
        const auto good = public_octets(KeyExchange::generate(method, rng).value());
        expect_refused(ours, {}, "nothing");
        auto shorter = good;
        shorter.pop_back();
        expect_refused(ours, shorter, "one octet too short");
        auto longer = good;
        longer.insert(longer.begin(), 0);
        expect_refused(ours, longer, "one octet too long");
        for (auto tag : std::to_array<std::uint8_t>({0x02, 0x03, 0x04})) {
            auto tagged = good;
            tagged.insert(tagged.begin(), tag);
            expect_refused(ours, tagged, "with the tag of an encoded point");
        }
        expect_refused(ours, Octets(65535, 0xff), "as long as a payload gets");
    }
}

// covers class-key-exchange
BOOST_AUTO_TEST_CASE(modp_values_outside_2_to_p_minus_2_are_refused) {
    test::ScriptedRng rng(13);
    for (auto [method, name] : {std::pair{KeyExchangeMethod::modp1024, "modp/ietf/1024"},
                                std::pair{KeyExchangeMethod::modp1536, "modp/ietf/1536"},
                                std::pair{KeyExchangeMethod::modp2048, "modp/ietf/2048"},
                                std::pair{KeyExchangeMethod::modp3072, "modp/ietf/3072"},
                                std::pair{KeyExchangeMethod::modp4096, "modp/ietf/4096"}}) {
        const auto group = Botan::DL_Group::from_name(name);
        const auto& p = group.get_p();
        const auto length = group.p_bytes();
        const auto ours = KeyExchange::generate(method, rng).value();
        expect_refused(ours, modp_value(0, length), "zero");
        expect_refused(ours, modp_value(1, length), "one");
        expect_refused(ours, modp_value(p - 1, length), "p - 1");
        expect_refused(ours, modp_value(p, length), "p");
        expect_refused(ours, modp_value(p + 1, length), "p + 1");
        expect_refused(ours, Octets(length, 0xff), "2^n - 1");
        BOOST_TEST(ours.agree(modp_value(2, length), rng).has_value());
        BOOST_TEST(ours.agree(modp_value(p - 2, length), rng).has_value());
    }
}

// covers class-key-exchange
BOOST_AUTO_TEST_CASE(points_of_low_order_are_refused) {
    test::ScriptedRng rng(17);
    const auto ours = KeyExchange::generate(KeyExchangeMethod::curve25519, rng).value();
    for (const auto& vector : test::read_vectors("tests/vectors/crypto/curve25519_low_order.txt")) {
        auto point = vector.octets("public");
        expect_refused(ours, point, vector.text("public"));
        // RFC 7748 section 5: the top bit of a coordinate is ignored.
        point.back() |= 0x80;
        expect_refused(ours, point, "the same with the top bit");
    }
}

BOOST_AUTO_TEST_CASE(points_that_are_not_on_the_curve_are_refused) {
    test::ScriptedRng rng(19);
    for (auto method : {KeyExchangeMethod::ecp256, KeyExchangeMethod::ecp384}) {
        const auto ours = KeyExchange::generate(method, rng).value();
        const auto good = public_octets(KeyExchange::generate(method, rng).value());
        const auto length = good.size();
        expect_refused(ours, Octets(length, 0), "(0, 0)");
        expect_refused(ours, Octets(length, 0xff), "coordinates above the prime");
        auto swapped = good;
        std::ranges::rotate(swapped, swapped.begin() + static_cast<std::ptrdiff_t>(length / 2));
        expect_refused(ours, swapped, "(y, x)");
        for (std::size_t octet = 0; octet < length; ++octet) {
            auto changed = good;
            changed[octet] ^= 1;
            expect_refused(ours, changed, "one bit changed");
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
