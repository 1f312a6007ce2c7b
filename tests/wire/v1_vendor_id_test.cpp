#include "ike/wire/v1_vendor_id.h"

#include "tests/wire/octets.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(v1_vendor_id)

using namespace viaduct::ike::wire::v1;
using viaduct::test::octets;

namespace {

std::string name(std::string_view hexadecimal) {
    return vendor_name({octets(hexadecimal)});
}

Extension extension(const VendorIdPayload& payload) {
    const auto* known = find_vendor_id(payload.data);
    return known == nullptr ? Extension::none : known->extension;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_peers_send_is_named) {
    BOOST_TEST(name("4a131c81070358455c5728f20e95452f") == "NAT-T RFC 3947");
    BOOST_TEST(name("90cb80913ebb696e086381b5ec427b1f") == "NAT-T draft 02\\n");
    BOOST_TEST(name("afcad71368a1f1c96b8696fc77570100") == "DPD");
    BOOST_TEST(name("4048b7d56ebce88525e7de7f00d6c2d3") == "FRAGMENTATION");
    BOOST_TEST(name("4048b7d56ebce88525e7de7f00d6c2d3c0000000") == "FRAGMENTATION");
    BOOST_TEST(name("09002689dfd6b712") == "XAUTH");
    BOOST_TEST(name("12f5f28c457168a9702d9fe274cc0100") == "Cisco Unity");
    BOOST_TEST(name("882fe56d6fd20dbc2251613b2ebe5beb") == "strongSwan");
    BOOST_TEST(name("1e2b516905991c7d7c96fcbfb587e46100000009") == "Microsoft");
    BOOST_TEST(name("8299031757a36082c6a621de00050282") == "FortiGate");
    BOOST_TEST(name("4f452d4c69627265737761 6e2d352e32") == "libreswan");
    BOOST_TEST(name("4f4548724b6e5e68557c604f") == "FreeS/WAN or Openswan");
}

BOOST_AUTO_TEST_CASE(an_unknown_one_is_shown_as_far_as_it_prints) {
    BOOST_TEST(name("") == "unknown ");
    BOOST_TEST(name("61626300") == "unknown 61626300");
    BOOST_TEST(name("616263") == "unknown \"abc\"");
    BOOST_TEST(name("4a131c81070358455c5728f20e95452f00") ==
               "unknown 4a131c81070358455c5728f20e95452f00");
    BOOST_TEST(name("0000000000000000000000000000000000000000aa") ==
               "unknown 0000000000000000000000000000000000000000…");
}

// covers 3947-3.1-a, 3706-5.1-b
BOOST_AUTO_TEST_CASE(what_we_send_is_what_we_know) {
    BOOST_TEST((extension(vendor_id(OwnVendorId::nat_traversal_rfc3947)) ==
                Extension::nat_traversal_rfc3947));
    for (const auto draft :
         {OwnVendorId::nat_traversal_draft_03, OwnVendorId::nat_traversal_draft_02,
          OwnVendorId::nat_traversal_draft_02_newline}) {
        BOOST_TEST((extension(vendor_id(draft)) == Extension::nat_traversal_draft));
    }
    BOOST_TEST(
        (extension(vendor_id(OwnVendorId::dead_peer_detection)) == Extension::dead_peer_detection));
    BOOST_TEST(viaduct::test::hexadecimal(vendor_id(OwnVendorId::dead_peer_detection).data) ==
               "afcad71368a1f1c96b8696fc77570100");
    BOOST_TEST(viaduct::test::hexadecimal(vendor_id(OwnVendorId::fragmentation).data) ==
               "4048b7d56ebce88525e7de7f00d6c2d380000000");
}

BOOST_AUTO_TEST_SUITE_END()
