#include "ike/wire/byte_writer.h"

#include "tests/wire/octets.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(byte_writer)

using namespace viaduct::ike::wire;
using viaduct::test::hexadecimal;

BOOST_AUTO_TEST_CASE(integers_are_big_endian) {
    ByteWriter out;
    out.u8(0x01).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0f);
    BOOST_TEST(hexadecimal(out.view()) == "0102030405060708090a0b0c0d0e0f");
}

BOOST_AUTO_TEST_CASE(a_length_field_counts_from_where_it_is_told) {
    ByteWriter out;
    out.u8(0xaa);
    const auto start = out.size();
    out.u8(0xbb);
    const auto field = out.open_u16();
    out.u32(1);
    out.close_u16(field, start);
    BOOST_TEST(hexadecimal(out.view()) == "aabb000700000001");
}

BOOST_AUTO_TEST_CASE(a_length_field_that_is_not_closed_or_too_small_is_invalid) {
    ByteWriter out;
    const auto field = out.open_u16();
    BOOST_TEST(hexadecimal(out.view()) == "ffff");
    out.octets(std::vector<std::uint8_t>(70000));
    out.close_u16(field, 0);
    BOOST_TEST(hexadecimal(out.view().first(2)) == "ffff");
}

BOOST_AUTO_TEST_SUITE_END()
