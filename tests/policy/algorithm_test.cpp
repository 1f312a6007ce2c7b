#include "policy/algorithm.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(algorithm)

using namespace viaduct::policy;

BOOST_AUTO_TEST_CASE(public_values_have_the_lengths_of_their_documents) {
    BOOST_TEST(facts(KeyExchangeMethod::modp1024)->public_value == 128u);
    BOOST_TEST(facts(KeyExchangeMethod::modp1536)->public_value == 192u);
    BOOST_TEST(facts(KeyExchangeMethod::modp2048)->public_value == 256u);
    BOOST_TEST(facts(KeyExchangeMethod::modp3072)->public_value == 384u);
    BOOST_TEST(facts(KeyExchangeMethod::modp4096)->public_value == 512u);
    BOOST_TEST(facts(KeyExchangeMethod::modp6144)->public_value == 768u);
    BOOST_TEST(facts(KeyExchangeMethod::modp8192)->public_value == 1024u);
    BOOST_TEST(facts(KeyExchangeMethod::ecp256)->public_value == 64u);
    BOOST_TEST(facts(KeyExchangeMethod::ecp384)->public_value == 96u);
    BOOST_TEST(facts(KeyExchangeMethod::ecp521)->public_value == 132u);
    BOOST_TEST(facts(KeyExchangeMethod::curve25519)->public_value == 32u);
}

BOOST_AUTO_TEST_CASE(only_an_aead_has_a_salt_and_a_tag) {
    const auto* const gcm = facts(EncryptionAlgorithm::aes_gcm_16);
    BOOST_TEST((gcm->aead && gcm->salt == 4 && gcm->icv == 16 && gcm->iv == 8));
    const auto* const cbc = facts(EncryptionAlgorithm::aes_cbc);
    BOOST_TEST((!cbc->aead && cbc->salt == 0 && cbc->icv == 0 && cbc->iv == 16));
    BOOST_TEST(cbc->block == 16u);
}

BOOST_AUTO_TEST_CASE(nonces_have_the_lengths_of_their_documents) {
    struct Row {
        EncryptionAlgorithm id;
        bool aead;
        std::size_t salt, icv;
    };
    using enum EncryptionAlgorithm;
    for (const auto& [id, aead, salt, icv] :
         {Row{aes_ctr, false, 4, 0}, Row{aes_ccm_8, true, 3, 8}, Row{aes_ccm_12, true, 3, 12},
          Row{aes_ccm_16, true, 3, 16}, Row{aes_gcm_8, true, 4, 8}, Row{aes_gcm_12, true, 4, 12},
          Row{null_auth_aes_gmac, true, 4, 16}, Row{chacha20_poly1305, true, 4, 16}}) {
        const auto* const known = facts(id);
        BOOST_REQUIRE(known != nullptr);
        BOOST_TEST((known->aead == aead && known->salt == salt && known->icv == icv), known->name);
        BOOST_TEST((known->iv == 8 && known->block == 1 && !known->weak), known->name);
        BOOST_TEST(known->esp_only == (id == null_auth_aes_gmac), known->name);
    }
    BOOST_TEST(facts(chacha20_poly1305)->allows_key(256));
    BOOST_TEST(!facts(chacha20_poly1305)->allows_key(128));
}

BOOST_AUTO_TEST_CASE(truncated_tags_are_half_the_hash_except_for_sha1) {
    BOOST_TEST(facts(IntegrityAlgorithm::hmac_sha1_96)->icv == 12u);
    BOOST_TEST(facts(IntegrityAlgorithm::hmac_sha2_256_128)->icv == 16u);
    BOOST_TEST(facts(IntegrityAlgorithm::hmac_sha2_384_192)->icv == 24u);
    BOOST_TEST(facts(IntegrityAlgorithm::hmac_sha2_512_256)->icv == 32u);
    BOOST_TEST(facts(IntegrityAlgorithm::hmac_sha1_96)->weak);
    BOOST_TEST(!facts(IntegrityAlgorithm::hmac_sha2_256_128)->weak);
}

BOOST_AUTO_TEST_CASE(key_lengths_are_those_that_are_negotiated_or_the_only_one) {
    const auto* const aes = facts(EncryptionAlgorithm::aes_cbc);
    BOOST_TEST((aes->allows_key(128) && aes->allows_key(256)));
    BOOST_TEST((!aes->allows_key(0) && !aes->allows_key(136)));
    const auto* const triple_des = facts(EncryptionAlgorithm::triple_des_cbc);
    BOOST_TEST((triple_des->allows_key(192) && !triple_des->allows_key(0)));
    BOOST_TEST((triple_des->block == 8 && triple_des->iv == 8 && triple_des->weak));
}

// covers 7296-5-a
BOOST_AUTO_TEST_CASE(no_prf_gives_less_than_128_bits) {
    unsigned known = 0;
    for (unsigned id = 0; id < 65536; ++id)
        if (const auto* prf = facts(PseudoRandomFunction{static_cast<std::uint16_t>(id)})) {
            ++known;
            BOOST_TEST(prf->length >= 16u);
        }
    BOOST_TEST(known >= 4u);
}

BOOST_AUTO_TEST_CASE(nothing_is_known_of_other_algorithms) {
    BOOST_TEST(facts(EncryptionAlgorithm::none) == nullptr);
    BOOST_TEST(facts(static_cast<EncryptionAlgorithm>(2)) == nullptr);
    BOOST_TEST(facts(PseudoRandomFunction::none) == nullptr);
    BOOST_TEST(facts(IntegrityAlgorithm::none) == nullptr);
    BOOST_TEST(facts(KeyExchangeMethod::none) == nullptr);
    BOOST_TEST(facts(static_cast<KeyExchangeMethod>(1)) == nullptr);
}

BOOST_AUTO_TEST_CASE(transforms_of_others_have_their_names_too) {
    using enum TransformType;
    BOOST_TEST(transform_name(encryption, 20, 256) == "AES_GCM_16_256");
    BOOST_TEST(transform_name(encryption, 12, std::nullopt) == "AES_CBC");
    BOOST_TEST(transform_name(encryption, 3, std::nullopt) == "3DES");
    BOOST_TEST(transform_name(encryption, 28, std::nullopt) == "CHACHA20_POLY1305");
    BOOST_TEST(transform_name(encryption, 13, 192) == "AES_CTR_192");
    BOOST_TEST(transform_name(encryption, 1234, std::nullopt) == "ENCR(1234)");
    BOOST_TEST(transform_name(prf, 6, std::nullopt) == "PRF_HMAC_SHA2_384");
    BOOST_TEST(transform_name(integrity, 12, std::nullopt) == "HMAC_SHA2_256_128");
    BOOST_TEST(transform_name(integrity, 5, std::nullopt) == "AES_XCBC_96");
    BOOST_TEST(transform_name(integrity, 0, std::nullopt) == "NONE");
    BOOST_TEST(transform_name(key_exchange, 31, std::nullopt) == "CURVE_25519");
    BOOST_TEST(transform_name(key_exchange, 2, std::nullopt) == "MODP_1024");
    BOOST_TEST(transform_name(key_exchange, 5, std::nullopt) == "MODP_1536");
    BOOST_TEST(transform_name(key_exchange, 36, std::nullopt) == "ML_KEM_768");
    BOOST_TEST(transform_name(key_exchange, 1234, std::nullopt) == "KE(1234)");
    BOOST_TEST(transform_name(sequence_numbers, 1, std::nullopt) == "ESN");
    BOOST_TEST(transform_name(static_cast<TransformType>(6), 36, std::nullopt) ==
               "ADDKE1(ML_KEM_768)");
    BOOST_TEST(transform_name(static_cast<TransformType>(200), 1, std::nullopt) == "TYPE200(1)");
}

BOOST_AUTO_TEST_SUITE_END()
