#include "ike/wire/byte_reader.h"

#include "ike/wire/field_reader.h"
#include "tests/wire/octets.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(byte_reader)

using namespace viaduct::ike::wire;
using viaduct::test::octets;

BOOST_AUTO_TEST_CASE(integers_are_big_endian) {
    const auto data = octets("01 0203 04050607 08090a0b0c0d0e0f");
    ByteReader reader(data);
    BOOST_TEST(reader.u8("").value() == 0x01);
    BOOST_TEST(reader.u16("").value() == 0x0203);
    BOOST_TEST(reader.u32("").value() == 0x04050607U);
    BOOST_TEST(reader.u64("").value() == 0x08090a0b0c0d0e0fU);
    BOOST_TEST(reader.empty());
}

BOOST_AUTO_TEST_CASE(a_failed_read_consumes_nothing_and_says_where) {
    const auto data = octets("010203");
    ByteReader reader(data, 41, 100);
    BOOST_TEST(reader.u8("first").has_value());
    const auto failed = reader.u32("second");
    BOOST_REQUIRE(!failed);
    BOOST_TEST((failed.error() == DecodeError{DecodeFault::truncated, 41, 101, "second"}));
    BOOST_TEST(reader.u16("third").value() == 0x0203);
}

BOOST_AUTO_TEST_CASE(a_nested_reader_ends_where_it_was_cut_and_keeps_its_offset) {
    const auto data = octets("0102030405");
    ByteReader reader(data);
    BOOST_TEST(reader.u8("").has_value());
    auto nested = reader.sub(2, "");
    BOOST_REQUIRE(nested);
    BOOST_TEST(nested->offset() == 1U);
    BOOST_TEST(!nested->u32("").has_value());
    BOOST_TEST(!nested->expect_end("").has_value());
    BOOST_TEST(nested->rest().size() == 2U);
    BOOST_TEST(nested->expect_end("").has_value());
    BOOST_TEST(reader.remaining() == 2U);
    BOOST_TEST(!reader.sub(3, "").has_value());
}

BOOST_AUTO_TEST_CASE(a_field_readers_first_failure_sticks) {
    const auto data = octets("01 02 03");
    ByteReader reader(data);
    FieldReader fields(reader, "fields");
    BOOST_TEST(fields.u8() == 1);
    BOOST_TEST(fields.u32() == 0U);
    BOOST_TEST(fields.u8() == 0);
    BOOST_TEST(fields.rest().empty());
    fields.require(false, DecodeFault::bad_value);
    const auto result = fields.finish(7);
    BOOST_REQUIRE(!result);
    BOOST_TEST((result.error() == DecodeError{DecodeFault::truncated, 0, 1, "fields"}));
}

BOOST_AUTO_TEST_SUITE_END()
