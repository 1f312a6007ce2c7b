#include "ike/crypto/v1_key_schedule.h"

#include "ike/crypto/prf.h"
#include "tests/crypto/vector_file.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(v1_key_schedule)

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
           : name == "hmac-sha-512" ? PseudoRandomFunction::hmac_sha2_512
                                    : PseudoRandomFunction::none;
}

ike::wire::IkeSpi cookie_of(const Octets& octets) {
    std::uint64_t value = 0;
    for (auto octet : octets)
        value = value << 8 | octet;
    return ike::wire::IkeSpi{value};
}

Octets plain(const policy::Secret& secret) {
    return {secret.expose().begin(), secret.expose().end()};
}

Octets concatenate(std::initializer_list<std::span<const std::uint8_t>> parts) {
    Octets whole;
    for (auto part : parts)
        whole.insert(whole.end(), part.begin(), part.end());
    return whole;
}

policy::IkeSuite suite_of(EncryptionAlgorithm encryption, std::uint16_t key_bits,
                          PseudoRandomFunction prf) {
    return {.encryption = encryption, .key_bits = key_bits, .prf = prf};
}

} // namespace

BOOST_AUTO_TEST_CASE(skeyids_are_those_of_nists_cases) {
    int with_psk = 0, with_signatures = 0;
    for (const auto& vector : test::read_vectors("tests/vectors/crypto/ikev1_kdf_nist.txt")) {
        const auto ni = vector.octets("nInit"), nr = vector.octets("nResp");
        const ike::crypto::PhaseOneValues values{.cookie_i = cookie_of(vector.octets("ckyInit")),
                                                 .cookie_r = cookie_of(vector.octets("ckyResp")),
                                                 .nonce_i = ni,
                                                 .nonce_r = nr,
                                                 .public_i = {},
                                                 .public_r = {}};
        const bool psk = vector.text("authenticationMethod") == "psk";
        const auto keys =
            psk ? ike::crypto::derive_shared_key_skeyids(
                      prf_of(vector), vector.secret("preSharedKey"), vector.secret("gxy"), values)
                : ike::crypto::derive_signature_skeyids(prf_of(vector), vector.secret("gxy"),
                                                        values);
        ++(psk ? with_psk : with_signatures);
        BOOST_REQUIRE(keys);
        BOOST_TEST((keys->skeyid == vector.secret("sKeyId")));
        BOOST_TEST((keys->d == vector.secret("sKeyIdD")));
        BOOST_TEST((keys->a == vector.secret("sKeyIdA")));
        BOOST_TEST((keys->e == vector.secret("sKeyIdE")));
    }
    BOOST_TEST(with_psk == 4);
    BOOST_TEST(with_signatures == 3);
}

// RFC 2409 B: SKEYID_e is cut where it is long enough, and fed back where it is not.
BOOST_AUTO_TEST_CASE(the_cipher_key_is_cut_from_skeyid_e_or_grown_from_it) {
    const Octets octets(20, 0x5e);
    const policy::Secret skeyid_e{std::span<const std::uint8_t>(octets)};
    constexpr auto sha1 = PseudoRandomFunction::hmac_sha1;
    const auto aes128 =
        ike::crypto::derive_cipher_key(suite_of(EncryptionAlgorithm::aes_cbc, 128, sha1), skeyid_e);
    BOOST_TEST(plain(aes128.value()) == Octets(16, 0x5e));

    const Octets zero{0};
    const auto k1 = ike::crypto::prf(sha1, octets, {zero}).value();
    const auto k2 = ike::crypto::prf(sha1, octets, {k1.expose()}).value();
    const auto stream = concatenate({k1.expose(), k2.expose()});
    for (const auto& [cipher, bits] :
         {std::pair{EncryptionAlgorithm::aes_cbc, std::uint16_t{256}},
          std::pair{EncryptionAlgorithm::triple_des_cbc, std::uint16_t{192}}}) {
        const auto key = ike::crypto::derive_cipher_key(suite_of(cipher, bits, sha1), skeyid_e);
        BOOST_REQUIRE(key);
        BOOST_TEST(plain(*key) == Octets(stream.begin(), stream.begin() + bits / 8));
    }
    BOOST_TEST((ike::crypto::derive_cipher_key(suite_of(EncryptionAlgorithm::aes_gcm_16, 128, sha1),
                                               skeyid_e)
                    .error() == CryptoError::unsupported_algorithm));
    BOOST_TEST(
        !ike::crypto::derive_cipher_key(suite_of(EncryptionAlgorithm::aes_cbc, 0, sha1), skeyid_e));
}

// RFC 2409 5.5: K2 = prf(SKEYID_d, K1 | … ), so that the feedback covers everything again.
// covers 2409-5.5-g, 2409-B-a
BOOST_AUTO_TEST_CASE(the_keys_of_a_child_depend_on_the_spi_of_their_receiver) {
    const Octets octets(32, 0xd0), ni(16, 1), nr(20, 2), shared(96, 3);
    const policy::Secret skeyid_d{std::span<const std::uint8_t>(octets)};
    const policy::Secret none, secret{std::span<const std::uint8_t>(shared)};
    const policy::EspSuite suite{.encryption = EncryptionAlgorithm::aes_cbc,
                                 .key_bits = 256,
                                 .integrity = IntegrityAlgorithm::hmac_sha2_256_128};
    constexpr auto sha256 = PseudoRandomFunction::hmac_sha2_256;
    for (const auto* g_xy : {&none, &secret}) {
        const auto seed = concatenate({g_xy->expose(), Octets{3, 0xc1, 0xc2, 0xc3, 0xc4}, ni, nr});
        const auto k1 = ike::crypto::prf(sha256, octets, {seed}).value();
        const auto k2 = ike::crypto::prf(sha256, octets, {k1.expose(), seed}).value();
        const auto keys = ike::crypto::derive_quick_mode_keys(suite, sha256, skeyid_d, *g_xy,
                                                              policy::ChildSpi{0xc1c2c3c4}, ni, nr);
        BOOST_REQUIRE(keys);
        BOOST_TEST(plain(keys->encryption) == plain(k1));
        BOOST_TEST(plain(keys->integrity) == plain(k2));
    }
    const auto other = ike::crypto::derive_quick_mode_keys(suite, sha256, skeyid_d, none,
                                                           policy::ChildSpi{0xc1c2c3c5}, ni, nr);
    const auto one = ike::crypto::derive_quick_mode_keys(suite, sha256, skeyid_d, none,
                                                         policy::ChildSpi{0xc1c2c3c4}, ni, nr);
    BOOST_TEST(!(one.value() == other.value()));
}

// covers 2408-4.8-b
BOOST_AUTO_TEST_CASE(vectors_have_the_length_of_a_block) {
    const Octets value_i(128, 1), value_r(128, 2), last(16, 3);
    const ike::crypto::PhaseOneValues values{
        .nonce_i = {}, .nonce_r = {}, .public_i = value_i, .public_r = value_r};
    const auto aes = suite_of(EncryptionAlgorithm::aes_cbc, 128, PseudoRandomFunction::hmac_sha1);
    const auto triple_des =
        suite_of(EncryptionAlgorithm::triple_des_cbc, 192, PseudoRandomFunction::hmac_sha2_512);
    BOOST_TEST(ike::crypto::first_vector(aes, values)->size() == 16u);
    BOOST_TEST(ike::crypto::first_vector(triple_des, values)->size() == 8u);
    const auto one = ike::crypto::first_vector(aes, last, ike::wire::MessageId{1}).value();
    const auto two = ike::crypto::first_vector(aes, last, ike::wire::MessageId{2}).value();
    BOOST_TEST(one.size() == 16u);
    BOOST_TEST((one != two));
}

BOOST_AUTO_TEST_SUITE_END()
