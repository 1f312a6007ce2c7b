#include "ike/wire/header.h"

#include "tests/wire/octets.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(header)

using namespace viaduct::ike::wire;
using viaduct::test::hexadecimal;
using viaduct::test::octets;

namespace {
const auto sample = octets("0102030405060708 1112131415161718 2e 20 23 28 00000009 0000001c");
} // namespace

BOOST_AUTO_TEST_CASE(its_fields_are_read_and_written) {
    const auto decoded = decode_header(sample);
    BOOST_REQUIRE(decoded);
    const Header expected{.initiator_spi = IkeSpi{0x0102030405060708},
                          .responder_spi = IkeSpi{0x1112131415161718},
                          .next_payload = PayloadType::encrypted,
                          .exchange = ExchangeType::ike_auth,
                          .initiator = true,
                          .response = true,
                          .message_id = MessageId{9},
                          .length = 28};
    BOOST_TEST((*decoded == expected));
    ByteWriter out;
    encode_header(*decoded, out);
    BOOST_TEST(hexadecimal(out.view()) == hexadecimal(sample));
}

BOOST_AUTO_TEST_CASE(every_truncation_fails) {
    for (std::size_t length = 0; length < sample.size(); ++length) {
        BOOST_TEST(!decode_header(std::span(sample).first(length)).has_value());
    }
}

// covers class-header, 2408-5.1-a
BOOST_AUTO_TEST_CASE(a_length_that_is_not_the_datagrams_fails) {
    for (const std::uint8_t length : std::initializer_list<std::uint8_t>{0, 27, 29, 255}) {
        auto wrong = sample;
        wrong.back() = length;
        const auto decoded = decode_header(wrong);
        BOOST_REQUIRE(!decoded);
        BOOST_TEST((decoded.error().fault == DecodeFault::bad_length));
    }
}

// covers 7296-3.1-i, 7296-3.1-l
BOOST_AUTO_TEST_CASE(any_version_and_exchange_are_read_and_reserved_flags_ignored) {
    auto other = sample;
    other[17] = 0x31;
    other[18] = 0xf0;
    other[19] = 0xd7;
    const auto decoded = decode_header(other);
    BOOST_REQUIRE(decoded);
    BOOST_TEST(decoded->major_version == 3);
    BOOST_TEST(decoded->minor_version == 1);
    BOOST_TEST(decoded->higher_version);
    BOOST_TEST(!decoded->initiator);
    ByteWriter out;
    encode_header(*decoded, out);
    BOOST_TEST(out.view()[19] == 0x10);
}

// RFC 2408 3.1: encryption, commit, authentication only; IKEv2 ignores these bits.
// covers 2408-3.1-e
BOOST_AUTO_TEST_CASE(the_flags_of_ikev1_are_read_and_written_with_its_version) {
    auto v1 = sample;
    v1[17] = 0x10;
    v1[19] = 0x07;
    const auto decoded = decode_header(v1);
    BOOST_REQUIRE(decoded);
    BOOST_TEST(decoded->encryption);
    BOOST_TEST(decoded->commit);
    BOOST_TEST(decoded->authentication_only);
    ByteWriter out;
    encode_header(*decoded, out);
    BOOST_TEST(hexadecimal(out.view()) == hexadecimal(v1));
    v1[19] = 0xff;
    ByteWriter without_reserved;
    encode_header(decode_header(v1).value(), without_reserved);
    BOOST_TEST(without_reserved.view()[19] == 0x07);
    v1[17] = 0x20;
    BOOST_TEST(!decode_header(v1)->encryption);
}

BOOST_AUTO_TEST_SUITE_END()
