#include "policy/proposal_choice.h"
#include "tests/policy/print_values.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(proposal_choice)

using namespace viaduct::policy;

namespace {

Proposal ike(std::string_view text) {
    return parse_proposal(text, ProtocolId::ike).value();
}
Proposal esp(std::string_view text) {
    return parse_proposal(text, ProtocolId::esp).value();
}
std::vector<Proposal> list(std::initializer_list<Proposal> proposals) {
    return proposals;
}

Proposal with(Proposal proposal, TransformType type, std::uint16_t id) {
    proposal.transforms.push_back({type, id, std::nullopt});
    return proposal;
}
Proposal without(Proposal proposal, TransformType type) {
    std::erase_if(proposal.transforms, [type](const Transform& t) { return t.type == type; });
    return proposal;
}
std::string chosen(const std::vector<Proposal>& configured, const std::vector<Proposal>& offered,
                   KeyExchangeKind kind = KeyExchangeKind::negotiated,
                   KeyExchangeMethod preferred = KeyExchangeMethod::none) {
    const auto choice = choose_proposal(configured, offered, kind, preferred);
    return choice ? std::to_string(choice->offered_index) + " " + choice->proposal.to_string()
                  : choice.error().to_string();
}

using enum TransformType;

} // namespace

// covers 7296-2.7-d, 7296-3.3.4-c
BOOST_AUTO_TEST_CASE(our_order_decides_between_proposals_and_within_one) {
    BOOST_TEST(chosen(list({ike("aes256gcm16-prfsha384-x25519"), ike("aes256-sha256-modp2048")}),
                      list({ike("aes256-sha256-modp2048"), ike("aes256gcm16-prfsha384-x25519")})) ==
               "1 IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519");
    BOOST_TEST(chosen(list({ike("aes256-aes128-sha512-sha256-ecp384-modp2048")}),
                      list({ike("aes128-aes256-sha256-sha512-modp2048-ecp384")})) ==
               "0 IKE:AES_CBC_256/PRF_HMAC_SHA2_512/HMAC_SHA2_512_256/ECP_384");
}

BOOST_AUTO_TEST_CASE(the_first_offer_that_fits_is_answered) {
    BOOST_TEST(chosen(list({esp("aes256gcm16")}),
                      list({esp("aes128gcm16"), esp("aes256gcm16-aes192gcm16"),
                            esp("aes256gcm16")})) == "1 ESP:AES_GCM_16_256/NO_ESN");
}

// covers 7296-2.7-a, 7296-2.7-c
BOOST_AUTO_TEST_CASE(kinds_are_never_mixed_from_two_proposals) {
    BOOST_TEST(chosen(list({ike("aes256-sha512-modp2048")}),
                      list({ike("aes256-sha256-modp2048"), ike("aes128-sha512-modp2048")}))
                   .starts_with("no proposal in common"));
}

BOOST_AUTO_TEST_CASE(the_peers_key_exchange_saves_a_round_trip_where_it_is_acceptable) {
    const auto configured = list({ike("aes256-sha256-x25519-modp2048")});
    const auto offered = list({ike("aes256-sha256-modp2048-x25519-ecp256")});
    const auto choose = [&](KeyExchangeMethod preferred) {
        return ike_suite(
                   choose_proposal(configured, offered, KeyExchangeKind::negotiated, preferred)
                       ->proposal)
            ->key_exchange;
    };
    BOOST_TEST((choose(KeyExchangeMethod::none) == KeyExchangeMethod::curve25519));
    BOOST_TEST((choose(KeyExchangeMethod::modp2048) == KeyExchangeMethod::modp2048));
    BOOST_TEST((choose(KeyExchangeMethod::ecp256) == KeyExchangeMethod::curve25519));
    BOOST_TEST((choose(KeyExchangeMethod::modp4096) == KeyExchangeMethod::curve25519));
}

// covers 7296-3.3-e
BOOST_AUTO_TEST_CASE(an_aead_takes_an_offer_without_integrity_or_with_none) {
    BOOST_TEST(chosen(list({esp("aes256gcm16")}), list({esp("aes256gcm16")})) ==
               "0 ESP:AES_GCM_16_256/NO_ESN");
    BOOST_TEST(chosen(list({esp("aes256gcm16")}), list({with(esp("aes256gcm16"), integrity, 0)})) ==
               "0 ESP:AES_GCM_16_256/NONE/NO_ESN");
    BOOST_TEST(
        chosen(list({esp("aes256gcm16")}), list({with(esp("aes256gcm16"), integrity, 12)})) ==
        "no proposal in common: INTEG differs (configured NONE, offered HMAC_SHA2_256_128)");
    auto mixed = with(with(esp("aes256-sha256"), integrity, 0), encryption, 20);
    mixed.transforms.back().key_bits = 256;
    BOOST_TEST(chosen(list({esp("aes256gcm16")}), list({mixed})) ==
               "0 ESP:AES_GCM_16_256/NONE/NO_ESN");
}

// covers 7296-3.3.6-f, 7296-5-b, 2407-4.4.4-a
BOOST_AUTO_TEST_CASE(a_cipher_that_needs_integrity_does_not_do_without) {
    BOOST_TEST(
        chosen(list({esp("aes256-sha256")}), list({without(esp("aes256-sha256"), integrity)})) ==
        "no proposal in common: INTEG differs (configured HMAC_SHA2_256_128, offered NONE)");
    const auto bare = without(esp("aes256-sha256"), integrity);
    BOOST_TEST(!esp_suite(bare).has_value());
}

BOOST_AUTO_TEST_CASE(a_missing_kind_of_sequence_numbers_means_thirty_two_bits) {
    const auto old = without(esp("aes256gcm16"), sequence_numbers);
    BOOST_TEST(chosen(list({esp("aes256gcm16")}), list({old})) == "0 ESP:AES_GCM_16_256");
    BOOST_TEST(chosen(list({esp("aes256gcm16-esn")}), list({old})) ==
               "no proposal in common: ESN differs (configured ESN, offered NO_ESN)");
    BOOST_TEST(chosen(list({esp("aes256gcm16-esn-noesn")}), list({old})) == "0 ESP:AES_GCM_16_256");
    BOOST_TEST(chosen(list({esp("aes256gcm16-esn-noesn")}), list({esp("aes256gcm16-noesn-esn")})) ==
               "0 ESP:AES_GCM_16_256/ESN");
}

// covers 7296-2.13-a, 7296-3.3.5-e
BOOST_AUTO_TEST_CASE(a_key_length_must_be_given_and_must_exist) {
    auto missing = esp("aes256gcm16");
    missing.transforms.front().key_bits = std::nullopt;
    BOOST_TEST(!choose_proposal(list({esp("aes256gcm16")}), list({missing})).has_value());
    BOOST_TEST(!choose_proposal(list({missing}), list({missing})).has_value());
    auto odd = esp("aes256gcm16");
    odd.transforms.front().key_bits = 0;
    BOOST_TEST(!choose_proposal(list({odd}), list({odd})).has_value());
    BOOST_TEST(!esp_suite(odd).has_value());
}

// covers 7296-3.3.6-g, 2407-4.5.3-a
BOOST_AUTO_TEST_CASE(a_transform_with_an_unknown_attribute_is_passed_over) {
    auto offered = ike("aes256-aes128-sha256-modp2048");
    offered.transforms.front().unknown_attribute = true;
    BOOST_TEST(chosen(list({ike("aes256-aes128-sha256-modp2048")}), list({offered})) ==
               "0 IKE:AES_CBC_128/PRF_HMAC_SHA2_256/HMAC_SHA2_256_128/MODP_2048");
    offered = ike("aes256-sha256-modp2048");
    offered.transforms[1].key_bits = 128;
    BOOST_TEST(
        !choose_proposal(list({ike("aes256-sha256-modp2048")}), list({offered})).has_value());
}

// covers 7296-3.3.6-f
BOOST_AUTO_TEST_CASE(an_unknown_kind_makes_the_whole_proposal_unacceptable) {
    const auto hybrid = with(ike("aes256-sha256-x25519"), static_cast<TransformType>(6), 36);
    const auto ours = list({ike("aes256-sha256-x25519")});
    BOOST_TEST(
        chosen(ours, list({hybrid})) ==
        "no proposal in common: ADDKE1 differs (configured NONE, offered ADDKE1(ML_KEM_768))");
    BOOST_TEST(chosen(ours, list({hybrid, ike("aes256-sha256-x25519")})).starts_with("1 "));
    BOOST_TEST(!verify_choice(ours, hybrid).has_value());
    BOOST_TEST(!ike_suite(hybrid).has_value());
}

BOOST_AUTO_TEST_CASE(the_first_child_has_no_key_exchange_of_its_own) {
    const auto with_group = list({esp("aes256gcm16-x25519")});
    const auto without_group = list({esp("aes256gcm16")});
    BOOST_TEST(chosen(with_group, without_group, KeyExchangeKind::ignored) ==
               "0 ESP:AES_GCM_16_256/NO_ESN");
    BOOST_TEST(chosen(with_group, with_group, KeyExchangeKind::ignored) ==
               "0 ESP:AES_GCM_16_256/NO_ESN");
    BOOST_TEST(chosen(with_group, without_group) ==
               "no proposal in common: KE differs (configured CURVE_25519, offered NONE)");
    BOOST_TEST(chosen(without_group, with_group) ==
               "no proposal in common: KE differs (configured NONE, offered CURVE_25519)");
    const auto optional = list({with(esp("aes256gcm16-x25519"), key_exchange, 0)});
    BOOST_TEST(chosen(without_group, optional) == "0 ESP:AES_GCM_16_256/NONE/NO_ESN");
}

// covers 7296-2.18-b, 7296-3.3.3-a, 7296-3.3.6-f
BOOST_AUTO_TEST_CASE(ike_needs_a_key_exchange_and_a_prf) {
    const auto bare = without(ike("aes256-sha256-modp2048"), key_exchange);
    BOOST_TEST(!choose_proposal(list({bare}), list({bare})).has_value());
    const auto no_prf = without(ike("aes256-sha256-modp2048"), prf);
    BOOST_TEST(!choose_proposal(list({no_prf}), list({no_prf})).has_value());
    BOOST_TEST(
        !choose_proposal(list({esp("aes256gcm16")}), list({with(esp("aes256gcm16"), prf, 5)}))
             .has_value());
}

// covers 7296-2.7-b
BOOST_AUTO_TEST_CASE(protocols_do_not_match_each_other) {
    BOOST_TEST(chosen(list({esp("aes256-sha256")}), list({ike("aes256-sha256-modp2048")}))
                   .starts_with("no proposal in common: the protocol differs"));
    auto ah = esp("aes256-sha256");
    ah.protocol = ProtocolId::ah;
    BOOST_TEST(
        chosen(list({esp("aes256-sha256")}), list({ah, esp("aes256-sha256")})).starts_with("1 "));
}

BOOST_AUTO_TEST_CASE(a_mismatch_names_the_first_difference_of_the_closest_pair) {
    const auto configured =
        list({ike("aes256gcm16-prfsha384-x25519"), ike("aes256-sha256-modp2048")});
    const auto offered = list({ike("aes128-sha1-ecp256"), ike("aes256-sha256-ecp384")});
    const auto choice = choose_proposal(configured, offered);
    BOOST_REQUIRE(!choice);
    BOOST_TEST((choice.error().kind == key_exchange));
    BOOST_TEST(choice.error().configured_index == 1u);
    BOOST_TEST(choice.error().offered_index == 1u);
    BOOST_TEST(choice.error().configured == configured);
    BOOST_TEST(choice.error().offered == offered);
    BOOST_TEST(choice.error().to_string() ==
               "no proposal in common: KE differs (configured MODP_2048, offered ECP_384)");
    BOOST_TEST(chosen(list({esp("aes256gcm16")}), list({esp("aes128gcm16-aes192gcm16")})) ==
               "no proposal in common: ENCR differs (configured AES_GCM_16_256, offered "
               "AES_GCM_16_128/AES_GCM_16_192)");
}

BOOST_AUTO_TEST_CASE(empty_lists_have_nothing_in_common) {
    BOOST_TEST(chosen({}, list({esp("aes256gcm16")})) ==
               "no proposal in common: none is configured");
    BOOST_TEST(chosen(list({esp("aes256gcm16")}), {}) == "no proposal in common: none was offered");
    BOOST_TEST(chosen(list({esp("aes256gcm16")}), list({Proposal{ProtocolId::esp, {}}}))
                   .starts_with("no proposal in common: ENCR differs"));
}

// covers 7296-3.3.6-e
BOOST_AUTO_TEST_CASE(an_answer_must_come_from_one_offered_proposal) {
    const auto offered = list(
        {ike("aes256gcm16-prfsha384-x25519-ecp384"), ike("aes256-aes128-sha256-sha512-modp2048")});
    const auto answer = ike("aes128-sha512-modp2048");
    BOOST_TEST(verify_choice(offered, answer)->offered_index == 1u);
    BOOST_TEST(verify_choice(offered, answer)->proposal == answer);
    BOOST_TEST(verify_choice(offered, ike("aes256gcm16-prfsha384-ecp384"))->offered_index == 0u);
    for (const auto* const text : {"aes256-sha384-modp2048", "aes192-sha256-modp2048",
                                   "aes256-sha256-x25519", "aes256gcm16-prfsha256-x25519"})
        BOOST_TEST(!verify_choice(offered, ike(text)).has_value(), text);
}

// covers 7296-2.7-d, 7296-3.3.6-e
BOOST_AUTO_TEST_CASE(an_answer_has_exactly_one_transform_of_each_kind) {
    const auto offered = list({ike("aes256-aes128-sha256-modp2048")});
    BOOST_TEST(!verify_choice(offered, ike("aes256-aes128-sha256-modp2048")).has_value());
    auto doubled = ike("aes256-sha256-modp2048");
    doubled.transforms.push_back(doubled.transforms.front());
    BOOST_TEST(!verify_choice(offered, doubled).has_value());
    for (const auto kind : {encryption, prf, integrity, key_exchange})
        BOOST_TEST(
            !verify_choice(offered, without(ike("aes256-sha256-modp2048"), kind)).has_value());
    BOOST_TEST(!verify_choice(offered, Proposal{}).has_value());
    BOOST_TEST(!verify_choice({}, ike("aes256-sha256-modp2048")).has_value());
}

BOOST_AUTO_TEST_CASE(an_answer_may_leave_out_what_counts_as_none) {
    const auto offered = list({esp("aes256gcm16-x25519")});
    const auto first_child = without(esp("aes256gcm16"), sequence_numbers);
    BOOST_TEST(verify_choice(offered, first_child, KeyExchangeKind::ignored).has_value());
    BOOST_TEST(verify_choice(offered, esp("aes256gcm16"), KeyExchangeKind::ignored).has_value());
    BOOST_TEST(!verify_choice(offered, esp("aes256gcm16")).has_value());
    BOOST_TEST(verify_choice(offered, with(esp("aes256gcm16-x25519"), integrity, 0)).has_value());
    BOOST_TEST(!verify_choice(offered, esp("aes256gcm16-x25519-esn")).has_value());
    BOOST_TEST(!verify_choice(list({esp("aes256gcm16-esn")}), first_child).has_value());
}

BOOST_AUTO_TEST_CASE(every_choice_is_accepted_by_the_side_that_offered) {
    const std::vector all{ike("aes256gcm16-aes128gcm16-prfsha384-prfsha256-x25519-ecp384"),
                          ike("aes256-aes128-sha256-sha512-modp2048-x25519"),
                          ike("aes128-sha1-modp3072")};
    for (const auto& configured : all) {
        for (const auto& offered : all) {
            const auto choice = choose_proposal(list({configured}), list({offered}));
            BOOST_TEST(choice.has_value() == (configured == offered));
            if (!choice)
                continue;
            BOOST_TEST(verify_choice(list({offered}), choice->proposal).has_value());
            BOOST_TEST(ike_suite(choice->proposal).has_value());
        }
    }
}

BOOST_AUTO_TEST_CASE(a_choice_reads_as_a_suite) {
    const IkeSuite suite{EncryptionAlgorithm::aes_gcm_16, 256, PseudoRandomFunction::hmac_sha2_384,
                         IntegrityAlgorithm::none, KeyExchangeMethod::curve25519};
    BOOST_TEST(ike_suite(ike("aes256gcm16-prfsha384-x25519")).value() == suite);
    BOOST_TEST(suite.to_string() == "AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519");
    BOOST_TEST(!ike_suite(esp("aes256gcm16")).has_value());
    BOOST_TEST(!esp_suite(ike("aes256gcm16-prfsha384-x25519")).has_value());
    BOOST_TEST(!ike_suite(ike("aes256-aes128-sha256-modp2048")).has_value());
    BOOST_TEST(
        !ike_suite(with(without(ike("aes256-sha256-modp2048"), key_exchange), key_exchange, 1))
             .has_value());
    BOOST_TEST(!ike_suite(with(ike("aes256gcm16-prfsha384-x25519"), integrity, 12)).has_value());
    BOOST_TEST(!esp_suite(with(without(esp("aes256gcm16"), sequence_numbers), sequence_numbers, 2))
                    .has_value());
    BOOST_TEST(!esp_suite(Proposal{ProtocolId::esp, {}}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
