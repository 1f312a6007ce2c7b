#include "ike/wire/v2_message.h"

#include "tests/wire/octets.h"
#include "tests/wire/recorded_exchange.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

BOOST_AUTO_TEST_SUITE(v2_message_text)

using namespace viaduct;
using namespace viaduct::ike::wire;
using namespace viaduct::test;
using policy::IdentityType;
using policy::ProtocolId;

namespace {

std::vector<Payload> inner(const RecordedMessage& recorded) {
    return decode_v2_payloads(recorded.first_inner.value(), recorded.inner).value();
}

std::string described(Payload payload) {
    return describe({&payload, 1});
}

} // namespace

BOOST_AUTO_TEST_CASE(arrow_notation_names_payloads_as_the_rfc_does) {
    const auto& messages = recorded_exchange("gcm256-x25519").messages;
    const auto request = decode_v2_message(messages.at(0).datagram).value();
    BOOST_TEST(arrow_notation(request.header.exchange, request.payloads) ==
               "IKE_SA_INIT { SA, KE, Ni, N(NAT_DETECTION_SOURCE_IP), "
               "N(NAT_DETECTION_DESTINATION_IP), N(SIGNATURE_HASH_ALGORITHMS), "
               "N(REDIRECT_SUPPORTED) }");
    const auto response = decode_v2_message(messages.at(1).datagram).value();
    BOOST_TEST(arrow_notation(response.header.exchange, response.payloads, Direction::response)
                   .starts_with("IKE_SA_INIT { SA, KE, Nr, "));
    BOOST_TEST(arrow_notation(ExchangeType::ike_auth, inner(messages.at(3)), Direction::response) ==
               "IKE_AUTH { IDr, AUTH, SA, TSi, TSr, N(MOBIKE_SUPPORTED), "
               "N(NO_ADDITIONAL_ADDRESSES) }");
    BOOST_TEST(arrow_notation(ExchangeType::informational, {}) == "INFORMATIONAL { }");
}

BOOST_AUTO_TEST_CASE(proposals_selectors_and_identities_are_spelled_out) {
    const auto text =
        describe(inner(recorded_exchange("cbc256-sha256-modp2048-selectors").messages.at(2)));
    BOOST_TEST_MESSAGE(text);
    for (const auto* part :
         {"IDi vpn.left.example.org\n", "IDr vpn@right.example.org\n", "AUTH SHARED_KEY\n",
          "TSi 192.168.11.0/24\n", "TSr 192.168.30.0/24, 192.168.40.0/24\n", "N(INITIAL_CONTACT)\n",
          "AES_CBC_256"}) {
        BOOST_TEST(text.contains(part), part << " in\n" << text);
    }
}

BOOST_AUTO_TEST_CASE(no_key_material_is_shown) {
    for (const auto& exchange : recorded_exchanges()) {
        const auto outer = decode_v2_message(exchange.messages.at(0).datagram).value();
        const auto text = describe(outer.payloads);
        for (const auto& payload : outer.payloads) {
            if (const auto* ke = std::get_if<KeyExchangePayload>(&payload)) {
                BOOST_TEST(!text.contains(hexadecimal(std::span(ke->data).first(8))));
            }
            if (const auto* nonce = std::get_if<NoncePayload>(&payload)) {
                BOOST_TEST(!text.contains(hexadecimal(std::span(nonce->data).first(8))));
            }
        }
    }
    BOOST_TEST(described(AuthPayload{AuthMethod::shared_key, octets("c0ffee")}) ==
               "AUTH SHARED_KEY\n");
    BOOST_TEST(
        described(NotifyPayload{ProtocolId::none, {}, NotifyType::cookie, octets("c0ffee")}) ==
        "N(COOKIE) 3 octets\n");
}

BOOST_AUTO_TEST_CASE(notifies_and_deletes_say_what_they_are_about) {
    BOOST_TEST(described(NotifyPayload{
                             ProtocolId::none, {}, NotifyType::invalid_ke_payload, octets("0014")})
                   .starts_with("N(INVALID_KE_PAYLOAD) wants "));
    BOOST_TEST(
        described(NotifyPayload{ProtocolId::esp, octets("01020304"), NotifyType::rekey_sa, {}}) ==
        "N(REKEY_SA) ESP SPI 01020304\n");
    BOOST_TEST(described(DeletePayload{ProtocolId::esp, {policy::ChildSpi{0xc0ffee}}}) ==
               "D ESP SPI 00c0ffee\n");
    BOOST_TEST(described(DeletePayload{}) == "D IKE\n");
}

// covers class-log
BOOST_AUTO_TEST_CASE(hostile_content_neither_floods_nor_forges_a_log) {
    const auto escape = octets("1b5b324a0a66616b65");
    const Payload hostile[] = {
        IdPayload{IdPayload::Side::initiator, {IdentityType::fqdn, escape}},
        IdPayload{IdPayload::Side::initiator, {IdentityType::key_id, Octets(60000, 0x0a)}},
        VendorIdPayload{escape},
        VendorIdPayload{Octets(60000, 'x')},
        DeletePayload{ProtocolId::esp, std::vector<policy::ChildSpi>(limit::deleted_spis)},
        SaPayload{std::vector<OfferedProposal>(
            limit::proposals,
            {1, {}, {ProtocolId::ike, std::vector<policy::Transform>(limit::transforms)}})},
    };
    for (const auto& payload : hostile) {
        const auto text = described(payload);
        BOOST_TEST(text.size() <= limit::text_line + 4);
        BOOST_TEST(std::ranges::count(text, '\n') == 1);
        BOOST_TEST(!text.contains('\x1b'));
    }
    const std::vector<Payload> many(1000, VendorIdPayload{});
    BOOST_TEST(static_cast<std::size_t>(std::ranges::count(describe(many), '\n')) ==
               limit::payloads);
    BOOST_TEST(arrow_notation(ExchangeType::ike_auth, many).ends_with(", … }"));
}

BOOST_AUTO_TEST_SUITE_END()
