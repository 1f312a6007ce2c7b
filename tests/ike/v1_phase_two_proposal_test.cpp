#include "ike/v1/phase_two_proposal.h"

#include "ike/report.h"
#include "policy/proposal_choice.h"
#include "tests/simulation/connections.h"
#include "tests/wire/v1_payload_body.h"

#include <boost/test/unit_test.hpp>

#include <format>

BOOST_AUTO_TEST_SUITE(v1_phase_two_proposal)

using namespace viaduct;
using ike::wire::v1::Encapsulation;
using ike::wire::v1::SaPayload;

namespace {

/// A transform of ESP: its number, two octets that are reserved, and what only it says.
struct Row {
    const char* esp;
    std::string transform;
    std::string last = "";
};

/// IANA, "IPSEC ESP Transform Identifiers" and "IPSEC Security Association Attributes".
const Row rows[] = {
    {"3des-sha1", "03 0000 80050002"},
    {"aes192-sha512", "0c 0000 800600c0 80050007"},
    {"aes128ctr-sha1", "0d 0000 80060080 80050002"},
    {"aes256ctr-sha256", "0d 0000 80060100 80050005"},
    {"aes128ccm8", "0e 0000 80060080"},
    {"aes192ccm12", "0f 0000 800600c0"},
    {"aes256ccm16", "10 0000 80060100"},
    {"aes128gcm8", "12 0000 80060080"},
    {"aes192gcm12", "13 0000 800600c0"},
    {"aes256gcm16", "14 0000 80060100"},
    {"aes128gmac", "17 0000 80060080"},
    {"aes256gmac", "17 0000 80060100"},
    {"aes256gcm16-esn", "14 0000 80060100", "800b0001"},
    {"aes256ctr-sha384-esn", "0d 0000 80060100 80050006", "800b0001"},
};

/// The body of an SA with one proposal of one transform, in tunnel mode, for an hour.
std::string sa_body(const Row& row) {
    const auto transform = test::hexadecimal(
        test::octets("01" + row.transform + "80040001" + "80010001" + "80020e10" + row.last));
    const auto size = transform.size() / 2 + 4;
    return std::format("0000000100000001"
                       "0000{:04x}01030401c0ffee01"
                       "0000{:04x}{}",
                       size + 12, size, transform);
}

policy::Connection connection_with(const char* esp) {
    auto out = simulation::left_vpn();
    out.esp.proposals = simulation::esp_proposals({esp});
    out.esp.lifetime = std::chrono::hours(1);
    return out;
}

SaPayload decoded(const Row& row) {
    return std::get<SaPayload>(
        test::v1::decode_body(ike::wire::v1::PayloadType::security_association, sa_body(row))
            .value());
}

auto chosen(const char* configured, const Row& offered) {
    return ike::v1::choose_phase_two(connection_with(configured), decoded(offered),
                                     policy::KeyExchangeMethod::none, Encapsulation::tunnel);
}

} // namespace

// covers 2407-4.4.4-a
BOOST_AUTO_TEST_CASE(every_cipher_is_offered_by_its_number_of_ikev1) {
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.esp) {
            const auto connection = connection_with(row.esp);
            const auto offer =
                ike::v1::phase_two_offer(connection, connection.esp.proposals,
                                         policy::ChildSpi{0xc0ffee01}, Encapsulation::tunnel);
            BOOST_TEST(test::v1::encode_body(offer) == sa_body(row));
        }
    }
}

BOOST_AUTO_TEST_CASE(every_number_is_taken_for_the_cipher_that_ikev1_gave_it_to) {
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.esp) {
            const auto expected =
                policy::esp_suite(policy::parse_proposal(row.esp, policy::ProtocolId::esp).value());
            const auto choice = chosen(row.esp, row);
            BOOST_REQUIRE(choice);
            BOOST_TEST((choice->suite == expected));
            BOOST_TEST((choice->peer_spi == policy::ChildSpi{0xc0ffee01}));
            BOOST_TEST(test::v1::encode_body(choice->answer) == sa_body(row));
            const auto agreed = ike::v1::verify_phase_two(connection_with(row.esp).esp.proposals,
                                                          decoded(row), Encapsulation::tunnel);
            BOOST_REQUIRE(agreed);
            BOOST_TEST((agreed->suite == expected));
        }
    }
}

// What is AES-GMAC in IKEv2 is SEED in IKEv1.
BOOST_AUTO_TEST_CASE(number_21_is_another_cipher_than_in_ikev2) {
    const auto refused = chosen("aes256gmac", {"", "15 0000 80060100"});
    BOOST_REQUIRE(!refused);
    BOOST_TEST(std::holds_alternative<ike::cause::NoProposal>(refused.error()));
    BOOST_TEST(ike::to_string(refused.error())
                   .contains("ENCR differs (configured NULL_AUTH_AES_GMAC_256, offered "));
    BOOST_TEST(!ike::to_string(refused.error()).contains("offered NULL_AUTH_AES_GMAC"));
    BOOST_TEST(!ike::v1::verify_phase_two(connection_with("aes256gmac").esp.proposals,
                                          decoded({"", "15 0000 80060100"}),
                                          Encapsulation::tunnel));
}

BOOST_AUTO_TEST_CASE(sequence_numbers_are_part_of_what_is_agreed_on) {
    const Row with{"", "14 0000 80060100", "800b0001"}, without{"", "14 0000 80060100"};
    const auto refused = chosen("aes256gcm16", with);
    BOOST_REQUIRE(!refused);
    BOOST_TEST(
        ike::to_string(refused.error()).contains("ESN differs (configured NO_ESN, offered ESN)"));
    BOOST_TEST(!chosen("aes256gcm16-esn", without));
    const auto either = connection_with("aes256gcm16-esn-noesn");
    const auto offer = ike::v1::phase_two_offer(
        either, either.esp.proposals, policy::ChildSpi{0xc0ffee01}, Encapsulation::tunnel);
    BOOST_TEST(offer.proposals.front().transforms.size() == 2u);
    BOOST_TEST(chosen("aes256gcm16-esn-noesn", with).has_value());
    BOOST_TEST(chosen("aes256gcm16-esn-noesn", without).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
