#include "ike/crypto/v1_authentication.h"

#include "ike/crypto/prf.h"

#include <boost/test/unit_test.hpp>
#include <botan/hash.h>

BOOST_AUTO_TEST_SUITE(v1_authentication)

using namespace viaduct;
using ike::crypto::HashSender;
using policy::PseudoRandomFunction;
using Octets = std::vector<std::uint8_t>;

namespace {

constexpr auto sha256 = PseudoRandomFunction::hmac_sha2_256;
constexpr auto id = ike::wire::MessageId{0x0a0b0c0d};
const Octets id_octets{0x0a, 0x0b, 0x0c, 0x0d};
const Octets key_octets(32, 0x11);
const Octets nonce_i(16, 0x21), nonce_r(24, 0x22), public_i(64, 0x31), public_r(64, 0x32);
const Octets cookie_i{1, 2, 3, 4, 5, 6, 7, 8}, cookie_r{9, 10, 11, 12, 13, 14, 15, 16};

policy::Secret key() {
    return policy::Secret{std::span<const std::uint8_t>(key_octets)};
}

ike::crypto::PhaseOneValues values() {
    return {.cookie_i = ike::wire::IkeSpi{0x0102030405060708},
            .cookie_r = ike::wire::IkeSpi{0x090a0b0c0d0e0f10},
            .nonce_i = nonce_i,
            .nonce_r = nonce_r,
            .public_i = public_i,
            .public_r = public_r};
}

Octets prf_of(std::initializer_list<std::span<const std::uint8_t>> parts) {
    const auto made = ike::crypto::prf(sha256, key_octets, parts).value();
    return {made.expose().begin(), made.expose().end()};
}

} // namespace

// RFC 2409 5: HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b); HASH_R crosses.
// covers 2408-5.11-a
BOOST_AUTO_TEST_CASE(each_side_puts_its_own_value_and_cookie_first) {
    const Octets sa(40, 0x41), identification(8, 0x42);
    const auto of_initiator = ike::crypto::phase_one_hash(HashSender::initiator, sha256, key(),
                                                          values(), sa, identification);
    BOOST_TEST(of_initiator.value() ==
               prf_of({public_i, public_r, cookie_i, cookie_r, sa, identification}));
    const auto of_responder = ike::crypto::phase_one_hash(HashSender::responder, sha256, key(),
                                                          values(), sa, identification);
    BOOST_TEST(of_responder.value() ==
               prf_of({public_r, public_i, cookie_r, cookie_i, sa, identification}));
}

// covers 2408-5.11-a
BOOST_AUTO_TEST_CASE(the_three_hashes_of_quick_mode_are_the_rfcs) {
    const Octets rest(77, 0x51), zero{0};
    BOOST_TEST(ike::crypto::first_hash(sha256, key(), id, rest).value() ==
               prf_of({id_octets, rest}));
    BOOST_TEST(ike::crypto::second_hash(sha256, key(), id, nonce_i, rest).value() ==
               prf_of({id_octets, nonce_i, rest}));
    BOOST_TEST(ike::crypto::third_hash(sha256, key(), id, nonce_i, nonce_r).value() ==
               prf_of({zero, id_octets, nonce_i, nonce_r}));
}

BOOST_AUTO_TEST_CASE(nat_detection_hashes_with_the_negotiated_hash) {
    const policy::UdpEndpoint endpoint{policy::IpAddress::parse("10.10.10.5").value(), 500};
    const auto hash = Botan::HashFunction::create_or_throw("SHA-256");
    hash->update(cookie_i);
    hash->update(cookie_r);
    hash->update(Octets{10, 10, 10, 5, 0x01, 0xf4});
    const auto expected = hash->final_stdvec();
    BOOST_TEST(
        ike::crypto::v1_nat_detection_hash(sha256, values().cookie_i, values().cookie_r, endpoint)
            .value() == expected);
    BOOST_TEST(ike::crypto::v1_nat_detection_hash(PseudoRandomFunction::hmac_sha1,
                                                  values().cookie_i, values().cookie_r, endpoint)
                   .value()
                   .size() == 20u);
    BOOST_TEST(!ike::crypto::v1_nat_detection_hash(PseudoRandomFunction::none, values().cookie_i,
                                                   values().cookie_r, endpoint));
}

// covers 2408-5.11-c
BOOST_AUTO_TEST_CASE(hashes_of_different_length_are_never_the_same) {
    BOOST_TEST(ike::crypto::is_same_hash(key_octets, key_octets));
    BOOST_TEST(!ike::crypto::is_same_hash(key_octets, {}));
    auto shorter = key_octets;
    shorter.pop_back();
    BOOST_TEST(!ike::crypto::is_same_hash(key_octets, shorter));
    auto other = key_octets;
    other.back() ^= 1;
    BOOST_TEST(!ike::crypto::is_same_hash(key_octets, other));
}

BOOST_AUTO_TEST_SUITE_END()
