#include "ike/wire/v1_message.h"
#include "tests/wire/octets.h"
#include "tests/wire/recorded_exchange.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

BOOST_AUTO_TEST_SUITE(v1_message_text)

using namespace viaduct;
using namespace viaduct::ike::wire::v1;
using namespace viaduct::test;
using ike::wire::ExchangeType;
using ike::wire::Octets;

namespace {

std::vector<Payload> payloads(std::string_view scenario, std::size_t index) {
    const auto& recorded = recorded_v1_exchange(scenario).messages.at(index);
    if (recorded.first_inner) {
        const auto first = PayloadType{static_cast<std::uint8_t>(*recorded.first_inner)};
        return decode_chain(first, recorded.inner).value().payloads;
    }
    return std::get<ClearMessage>(decode_message(recorded.datagram).value()).chain.payloads;
}

} // namespace

BOOST_AUTO_TEST_CASE(messages_are_shown_with_an_arrows_content) {
    const auto scenario = "main-aes256-sha256-modp2048";
    BOOST_TEST(arrow_notation(ExchangeType::identity_protection, payloads(scenario, 0)) ==
               "IDENTITY_PROTECTION { SA, V, V, V, V }");
    BOOST_TEST(arrow_notation(ExchangeType::identity_protection, payloads(scenario, 2)) ==
               "IDENTITY_PROTECTION { KE, NONCE, NAT-D, NAT-D }");
    BOOST_TEST(arrow_notation(ExchangeType::identity_protection, payloads(scenario, 4)) ==
               "IDENTITY_PROTECTION { ID, HASH, N(INITIAL-CONTACT) }");
    BOOST_TEST(arrow_notation(ExchangeType::quick_mode, payloads(scenario, 6)) ==
               "QUICK_MODE { HASH, SA, NONCE, KE, ID, ID }");
}

BOOST_AUTO_TEST_CASE(contents_are_described) {
    const auto scenario = "main-several-proposals";
    const auto text = describe(payloads(scenario, 0));
    BOOST_TEST(text.starts_with("SA 1 ISAKMP AES_CBC_256/SHA2_512/ECP_384/PSK 15840 s | "), text);
    BOOST_TEST(text.find("V DPD\n") != std::string::npos);
    BOOST_TEST(text.find("V NAT-T RFC 3947\n") != std::string::npos);
    const auto quick = describe(payloads(scenario, 6));
    BOOST_TEST(quick.find("ESP SPI ") != std::string::npos);
    BOOST_TEST(quick.find("AES_CBC_128/HMAC_SHA1_96/MODP_2048/UDP_TUNNEL") != std::string::npos);
    BOOST_TEST(quick.find("ID 192.168.10.0/24\nID 192.168.20.0/24\n") != std::string::npos);
}

// covers class-log
BOOST_AUTO_TEST_CASE(nothing_hostile_and_no_key_reaches_a_line) {
    const std::vector<Payload> hostile = {
        VendorIdPayload{octets("1b5b324a0a00")},
        IdPayload{IdType::fqdn, 0, 0, Octets(60000, 0x0a)},
        NotifyPayload{.spi = octets("0a0a0a0a"), .data = Octets(9, 0x0a)},
        KeyExchangePayload{Octets(128, 0xab)},
        NoncePayload{Octets(16, 0xab)},
        HashPayload{Octets(20, 0xab)},
        SignaturePayload{Octets(20, 0xab)},
        UnknownPayload{200, Octets(9, 0x0a)},
    };
    const auto text = describe(hostile);
    BOOST_TEST(static_cast<std::size_t>(std::ranges::count(text, '\n')) == hostile.size());
    BOOST_TEST(std::ranges::none_of(text, [](char c) { return c >= 0 && c < 0x20 && c != '\n'; }));
    BOOST_TEST(text.find("abab") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
