#include "policy/proposal.h"
#include "policy/proposal_choice.h"
#include "tests/policy/print_values.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(proposal_notation)

using namespace viaduct::policy;

namespace {

std::string ike(std::string_view text) {
    const auto proposal = parse_proposal(text, ProtocolId::ike);
    return proposal ? proposal->to_string() : "refused: " + proposal.error().message;
}
std::string esp(std::string_view text) {
    const auto proposal = parse_proposal(text, ProtocolId::esp);
    return proposal ? proposal->to_string() : "refused: " + proposal.error().message;
}
ProposalTextError ike_error(std::string_view text) {
    const auto proposal = parse_proposal(text, ProtocolId::ike);
    BOOST_REQUIRE_MESSAGE(!proposal, text);
    return proposal.error();
}
bool contains(const std::string& text, std::string_view part) {
    return text.contains(part);
}

} // namespace

// covers 7296-3.3.4-b
BOOST_AUTO_TEST_CASE(an_ike_proposal_names_its_four_kinds) {
    BOOST_TEST(ike("aes256gcm16-prfsha384-x25519") ==
               "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519");
    BOOST_TEST(ike("aes256-sha256-modp2048") ==
               "IKE:AES_CBC_256/PRF_HMAC_SHA2_256/HMAC_SHA2_256_128/MODP_2048");
    BOOST_TEST(ike("aes128-sha1-prfsha512-ecp384") ==
               "IKE:AES_CBC_128/PRF_HMAC_SHA2_512/HMAC_SHA1_96/ECP_384");
}

// covers 7296-3.3-a, 7296-3.3-g
BOOST_AUTO_TEST_CASE(alternatives_keep_their_order_whatever_the_order_of_kinds) {
    BOOST_TEST(ike("modp3072-sha512-aes256-ecp256-aes128-sha256") ==
               "IKE:AES_CBC_256/AES_CBC_128/PRF_HMAC_SHA2_512/PRF_HMAC_SHA2_256/"
               "HMAC_SHA2_512_256/HMAC_SHA2_256_128/MODP_3072/ECP_256");
    BOOST_TEST(ike("aes128-aes-sha256-sha2_256-modp2048-dh14") == ike("aes128-sha256-modp2048"));
}

BOOST_AUTO_TEST_CASE(an_integrity_algorithm_beside_an_aead_only_names_the_prf) {
    // A published configuration for a cloud gateway writes this.
    BOOST_TEST(ike("aes256gcm16-sha512-modp4096") ==
               "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_512/MODP_4096");
    BOOST_TEST(ike("aes256gcm16-sha512-prfsha256-modp4096") ==
               "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_256/MODP_4096");
    BOOST_TEST(esp("aes256gcm16-sha512-modp4096") == "ESP:AES_GCM_16_256/MODP_4096/NO_ESN");
}

BOOST_AUTO_TEST_CASE(esp_says_which_sequence_numbers) {
    BOOST_TEST(esp("aes128gcm16") == "ESP:AES_GCM_16_128/NO_ESN");
    BOOST_TEST(esp("aes128gcm16-esn") == "ESP:AES_GCM_16_128/ESN");
    BOOST_TEST(esp("aes128-sha256-esn-noesn-x25519") ==
               "ESP:AES_CBC_128/HMAC_SHA2_256_128/CURVE_25519/ESN/NO_ESN");
}

const std::pair<const char*, const char*> aliases[] = {
    {"aes-sha-dh14", "aes128-sha1-modp2048"},
    {"AES256-SHA2_256-MODP2048", "aes256-sha256-modp2048"},
    {"aes256gcm-prfsha384-curve25519", "aes256gcm16-prfsha384-x25519"},
    {"aes256gcm128-prfsha384-dh31", "aes256gcm16-prfsha384-x25519"},
    {"aes_gcm256-sha2_512-dh20", "aes256gcm16-prfsha512-ecp384"},
    {"aes192cbc-hmac_sha2_384-dh16", "aes192-sha384-modp4096"},
    {"aes192gcm16-prfsha1-dh15-dh19", "aes192gcm16-prfsha1-modp3072-ecp256"},
};

BOOST_AUTO_TEST_CASE(other_spellings_mean_the_same) {
    for (const auto& [alias, written] : aliases) {
        BOOST_TEST_CONTEXT(alias) {
            const auto proposal = parse_proposal(alias, ProtocolId::ike);
            BOOST_REQUIRE(proposal);
            BOOST_TEST(proposal_text(*proposal) == written);
            BOOST_TEST(parse_proposal(written, ProtocolId::ike).value() == *proposal);
        }
    }
}

BOOST_AUTO_TEST_CASE(esp_proposals_survive_their_text) {
    for (const auto* const text : {"aes128gcm16", "aes256gcm16-x25519", "aes256-sha256-modp2048",
                                   "aes128gcm16-esn", "aes128gcm16-esn-noesn", "aes128-sha1"})
        BOOST_TEST(proposal_text(parse_proposal(text, ProtocolId::esp).value()) == text);
    BOOST_TEST(proposal_text(Proposal{ProtocolId::esp,
                                      {{TransformType::encryption, 2, std::nullopt}}}) == "DES");
}

BOOST_AUTO_TEST_CASE(every_cipher_of_esp_has_its_word) {
    for (const auto& [word, name] : std::initializer_list<std::pair<const char*, const char*>>{
             {"aes192ctr-sha384", "AES_CTR_192/HMAC_SHA2_384_192"},
             {"aes128gcm8", "AES_GCM_8_128"},
             {"aes256gcm12", "AES_GCM_12_256"},
             {"aes128ccm8", "AES_CCM_8_128"},
             {"aes192ccm12", "AES_CCM_12_192"},
             {"aes128ccm16", "AES_CCM_16_128"},
             {"aes128gmac", "NULL_AUTH_AES_GMAC_128"},
             {"chacha20poly1305", "CHACHA20_POLY1305"}}) {
        BOOST_TEST(esp(word) == "ESP:" + std::string(name) + "/NO_ESN");
        BOOST_TEST(proposal_text(parse_proposal(word, ProtocolId::esp).value()) == word);
    }
    BOOST_TEST(esp("aes256ccm128") == esp("aes256ccm16"));
    BOOST_TEST(esp("aes_gcm_8_256") == esp("aes256gcm64"));
    BOOST_TEST(esp("chacha20_poly1305-x25519") == esp("chacha20poly1305-x25519"));
}

BOOST_AUTO_TEST_CASE(ike_has_all_of_them_but_the_one_that_does_not_encrypt) {
    BOOST_TEST(ike("chacha20poly1305-prfsha256-x25519") ==
               "IKE:CHACHA20_POLY1305/PRF_HMAC_SHA2_256/CURVE_25519");
    BOOST_TEST(ike("aes128ccm8-prfsha256-x25519") ==
               "IKE:AES_CCM_8_128/PRF_HMAC_SHA2_256/CURVE_25519");
    BOOST_TEST(ike("aes256ctr-sha512-modp4096") ==
               "IKE:AES_CTR_256/PRF_HMAC_SHA2_512/HMAC_SHA2_512_256/MODP_4096");
    const auto error = ike_error("aes128gmac-prfsha256-x25519");
    BOOST_TEST(error.message == "'aes128gmac' belongs to ESP; IKE messages are always encrypted");
    BOOST_TEST(!contains(ike("frobnicate"), "gmac"));
    BOOST_TEST(contains(esp("frobnicate"), "aes256gmac"));
}

BOOST_AUTO_TEST_CASE(a_slip_of_the_pen_is_named_with_its_place) {
    const auto error = ike_error("aes256-sha265-modp2048");
    BOOST_TEST(error.offset == 7u);
    BOOST_TEST(error.part == "sha265");
    BOOST_TEST(error.message == "unknown algorithm 'sha265', did you mean 'sha256'?");
    BOOST_TEST(contains(ike_error("aes257-sha256-modp2048").message, "did you mean 'aes256'?"));
    BOOST_TEST(contains(ike_error("aes256-sha256-modp2084").message, "did you mean 'modp2048'?"));
}

BOOST_AUTO_TEST_CASE(what_is_far_from_everything_lists_what_is_known) {
    const auto message = ike_error("aes256-sha256-frobnicate").message;
    BOOST_TEST(contains(message, "unknown algorithm 'frobnicate'; expected"));
    BOOST_TEST(contains(message, "aes256gcm16"));
    BOOST_TEST(contains(message, "prfsha384"));
    BOOST_TEST(contains(message, "x25519"));
    BOOST_TEST(!contains(esp("frobnicate"), "prfsha384"));
}

BOOST_AUTO_TEST_CASE(known_algorithms_that_we_lack_are_no_slips_of_the_pen) {
    BOOST_TEST(
        contains(ike_error("blowfish-sha1-modp2048").message, "'blowfish' is not supported"));
    BOOST_TEST(contains(ike_error("aes256-sha256-modp768").message,
                        "'modp768' is not supported; expected"));
    BOOST_TEST(contains(ike_error("aes128-md5-modp2048").message, "'md5' is not supported"));
}

// covers 7296-5-b
BOOST_AUTO_TEST_CASE(incomplete_proposals_say_what_is_missing) {
    BOOST_TEST(
        contains(ike_error("aes256-sha256").message, "no key exchange; expected one of x25519"));
    BOOST_TEST(contains(ike_error("aes256-modp2048").message, "no integrity algorithm"));
    BOOST_TEST(contains(ike_error("sha256-modp2048").message, "no encryption algorithm"));
    BOOST_TEST(contains(ike_error("aes256gcm16-x25519").message,
                        "no PRF, which aes256gcm16 needs; expected one of prfsha256"));
    BOOST_TEST(contains(esp("aes256"), "no integrity algorithm"));
    BOOST_TEST(contains(esp("x25519"), "no encryption algorithm"));
    BOOST_TEST(contains(esp(""), "empty proposal"));
    BOOST_TEST(contains(ike("aes256--sha256"), "empty part"));
    BOOST_TEST(contains(ike("aes256-sha256-modp2048-"), "empty part"));
}

BOOST_AUTO_TEST_CASE(the_strict_flag_of_other_programs_is_explained) {
    const auto error = ike_error("aes256-sha256-modp2048!");
    BOOST_TEST(error.offset == 14u);
    BOOST_TEST(contains(error.message, "'!' is not needed"));
}

BOOST_AUTO_TEST_CASE(words_of_the_other_protocol_are_refused) {
    BOOST_TEST(contains(esp("aes256-sha256-prfsha256"), "ESP has no PRF"));
    BOOST_TEST(contains(ike("aes256-sha256-modp2048-esn"), "belongs to ESP"));
    BOOST_TEST(!parse_proposal("aes256", ProtocolId::ah));
    BOOST_TEST(!parse_proposal("aes256", ProtocolId::none));
}

BOOST_AUTO_TEST_CASE(an_aead_shares_no_proposal_with_other_ciphers) {
    const auto error = ike_error("aes256gcm16-aes256-sha256-modp2048");
    BOOST_TEST(error.offset == 12u);
    BOOST_TEST(contains(error.message, "write two proposals"));
    BOOST_TEST(!parse_proposal("aes256-sha256-aes256gcm16", ProtocolId::esp));
}

BOOST_AUTO_TEST_CASE(long_and_unprintable_text_is_refused_without_repeating_it) {
    BOOST_TEST(contains(ike(std::string(100000, 'a')), "longer than 255"));
    const auto message = ike_error("aes256\n\x1b[31m-sha256").message;
    BOOST_TEST(!contains(message, "\n"));
    BOOST_TEST(!contains(message, "\x1b"));
}

BOOST_AUTO_TEST_CASE(key_lengths_of_a_suite_include_the_salt) {
    const auto suite = [](std::string_view text) {
        return esp_suite(parse_proposal(text, ProtocolId::esp).value()).value();
    };
    BOOST_TEST(suite("aes256gcm16").encryption_key_length() == 36u);
    BOOST_TEST(suite("aes256gcm16").integrity_key_length() == 0u);
    BOOST_TEST(suite("aes128ccm12").encryption_key_length() == 19u);
    BOOST_TEST(suite("aes128ctr-sha256").encryption_key_length() == 20u);
    BOOST_TEST(suite("aes192gmac").encryption_key_length() == 28u);
    BOOST_TEST(suite("chacha20poly1305").encryption_key_length() == 36u);
    BOOST_TEST(suite("chacha20poly1305").to_string() == "CHACHA20_POLY1305");
    BOOST_TEST(suite("aes192-sha384").encryption_key_length() == 24u);
    BOOST_TEST(suite("aes192-sha384").integrity_key_length() == 48u);
    BOOST_TEST(suite("aes256gcm16-x25519-esn").to_string() == "AES_GCM_16_256/CURVE_25519/ESN");
    BOOST_TEST(suite("aes128-sha256").to_string() == "AES_CBC_128/HMAC_SHA2_256_128");
}

BOOST_AUTO_TEST_CASE(an_algorithm_with_one_key_length_negotiates_none) {
    BOOST_TEST(esp("3des-sha1") == "ESP:3DES/HMAC_SHA1_96/NO_ESN");
    const auto chosen = parse_proposal("3des-sha1", ProtocolId::esp).value();
    const auto suite = esp_suite(chosen).value();
    BOOST_TEST(suite.key_bits == 192u);
    BOOST_TEST(suite.encryption_key_length() == 24u);
    BOOST_TEST(suite.to_string() == "3DES/HMAC_SHA1_96");
    auto with_length = chosen;
    with_length.transforms.front().key_bits = 192;
    BOOST_TEST(!esp_suite(with_length));
}

BOOST_AUTO_TEST_CASE(the_old_truncation_is_a_word_of_esp) {
    BOOST_TEST(esp("aes128-sha256_96") == "ESP:AES_CBC_128/HMAC_SHA2_256_96/NO_ESN");
    BOOST_TEST(contains(ike_error("aes128-sha256_96-modp2048").message,
                        "'sha256_96' belongs to ESP; IKE cuts HMAC-SHA2-256 to 128 bits"));
}

BOOST_AUTO_TEST_SUITE_END()
