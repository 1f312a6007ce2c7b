#include "ike/crypto/shared_key_auth.h"

#include "ike/crypto/prf.h"
#include "tests/crypto/vector_file.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(shared_key_authentication)

using namespace viaduct;
using ike::crypto::CryptoError;
using ike::crypto::shared_key_auth;
using ike::crypto::verify_shared_key_auth;
using policy::PseudoRandomFunction;
using Octets = std::vector<std::uint8_t>;

namespace {

constexpr auto sha2_256 = PseudoRandomFunction::hmac_sha2_256;

struct Signer {
    Octets first_message = Octets(300, 0x21);
    Octets peer_nonce = Octets(32, 0x6e);
    policy::Secret sk_p = policy::Secret::from_text("SK_p, 32 octets long as it must.");
    policy::Identity identity{.type = policy::IdentityType::fqdn,
                              .data = {'g', 'w', '.', 'e', 'x'}};

    ike::crypto::SignedOctets octets() const {
        return {.first_message = first_message,
                .peer_nonce = peer_nonce,
                .sk_p = sk_p,
                .identity = identity};
    }
};

} // namespace

// covers 7296-2.15-b
BOOST_AUTO_TEST_CASE(auth_is_the_formula_of_rfc_7296) {
    const Signer signer;
    const auto psk = policy::Secret::from_text("secret");
    // "Key Pad for IKEv2"
    const auto pad = test::octets("4b65792050616420666f7220494b457632");
    const auto id = test::octets("0200000067772e6578");
    const auto key = ike::crypto::prf(sha2_256, psk.expose(), {pad}).value();
    const auto maced_id = ike::crypto::prf(sha2_256, signer.sk_p.expose(), {id}).value();
    const auto expected =
        ike::crypto::prf(sha2_256, key.expose(),
                         {signer.first_message, signer.peer_nonce, maced_id.expose()})
            .value();
    const auto auth = shared_key_auth(sha2_256, psk, signer.octets());
    BOOST_REQUIRE(auth);
    BOOST_TEST((policy::Secret(std::span<const std::uint8_t>(*auth)) == expected));
}

BOOST_AUTO_TEST_CASE(the_right_key_verifies) {
    const Signer signer;
    const auto psk = policy::Secret::from_text("secret");
    for (auto function :
         {PseudoRandomFunction::hmac_sha1, sha2_256, PseudoRandomFunction::hmac_sha2_384,
          PseudoRandomFunction::hmac_sha2_512}) {
        const auto auth = shared_key_auth(function, psk, signer.octets()).value();
        BOOST_TEST(auth.size() == policy::facts(function)->length);
        BOOST_TEST(verify_shared_key_auth(function, psk, signer.octets(), auth));
    }
}

// covers 7296-1.2-b, 7296-1.2-c
BOOST_AUTO_TEST_CASE(nothing_that_is_signed_may_differ) {
    const Signer signer;
    const auto psk = policy::Secret::from_text("secret");
    const auto auth = shared_key_auth(sha2_256, psk, signer.octets()).value();
    const auto verifies = [&](const Signer& other) {
        return verify_shared_key_auth(sha2_256, psk, other.octets(), auth);
    };
    auto other_message = signer;
    other_message.first_message.back() ^= 1;
    BOOST_TEST(!verifies(other_message));
    auto other_nonce = signer;
    other_nonce.peer_nonce.front() ^= 1;
    BOOST_TEST(!verifies(other_nonce));
    auto other_sk_p = signer;
    other_sk_p.sk_p = policy::Secret::from_text("other");
    BOOST_TEST(!verifies(other_sk_p));
    auto other_type = signer;
    other_type.identity.type = policy::IdentityType::key_id;
    BOOST_TEST(!verifies(other_type));
    auto other_identity = signer;
    other_identity.identity.data.pop_back();
    BOOST_TEST(!verifies(other_identity));
    const auto other_psk = policy::Secret::from_text("Secret");
    BOOST_TEST(!verify_shared_key_auth(sha2_256, other_psk, signer.octets(), auth));
}

// covers class-weak-comparison
BOOST_AUTO_TEST_CASE(auth_data_of_another_length_never_verifies) {
    const Signer signer;
    const auto psk = policy::Secret::from_text("secret");
    auto auth = shared_key_auth(sha2_256, psk, signer.octets()).value();
    BOOST_TEST(!verify_shared_key_auth(sha2_256, psk, signer.octets(), {}));
    auth.push_back(0);
    BOOST_TEST(!verify_shared_key_auth(sha2_256, psk, signer.octets(), auth));
    auth.resize(31);
    BOOST_TEST(!verify_shared_key_auth(sha2_256, psk, signer.octets(), auth));
}

BOOST_AUTO_TEST_CASE(without_a_prf_nothing_verifies) {
    const Signer signer;
    const auto psk = policy::Secret::from_text("secret");
    const auto auth = shared_key_auth(PseudoRandomFunction::none, psk, signer.octets());
    BOOST_REQUIRE(!auth);
    BOOST_TEST((auth.error() == CryptoError::unsupported_algorithm));
    BOOST_TEST(!verify_shared_key_auth(PseudoRandomFunction::none, psk, signer.octets(), {}));
}

BOOST_AUTO_TEST_SUITE_END()
