#include "tests/wire/payload_body.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(v2_payload_notify)

using namespace viaduct;
using namespace viaduct::ike::wire;
using namespace viaduct::test;
using policy::ProtocolId;

namespace {
constexpr auto notify = PayloadType::notify;
} // namespace

BOOST_AUTO_TEST_CASE(decodes_what_it_encodes) {
    for (const auto& payload : {
             NotifyPayload{ProtocolId::none, {}, NotifyType::initial_contact, {}},
             NotifyPayload{ProtocolId::esp, octets("01020304"), NotifyType::rekey_sa, {}},
             NotifyPayload{ProtocolId::ike, octets("0102030405060708"), NotifyType{40960}, {}},
             NotifyPayload{ProtocolId::none, {}, NotifyType::invalid_ke_payload, octets("001f")},
         }) {
        BOOST_TEST((decode_body(notify, encode_body(Payload(payload))) ==
                    Decoded<Payload>(Payload(payload))));
    }
}

// covers 7296-3.10-b
BOOST_AUTO_TEST_CASE(without_an_spi_any_protocol_will_do) {
    BOOST_TEST(!fault(notify, "00 00 4000"));
    BOOST_TEST(!fault(notify, "01 00 4000"));
    BOOST_TEST(!fault(notify, "c8 00 4000"));
}

// covers 7296-3.10-a, 7296-3.10-c
// covers class-notify
BOOST_AUTO_TEST_CASE(an_spi_fits_its_protocol_and_the_payload) {
    BOOST_TEST((fault(notify, "00 04 4009 01020304") == DecodeFault::bad_length));
    BOOST_TEST((fault(notify, "01 04 4009 01020304") == DecodeFault::bad_length));
    BOOST_TEST((fault(notify, "03 08 4009 0102030405060708") == DecodeFault::bad_length));
    BOOST_TEST((fault(notify, "03 01 4009 01") == DecodeFault::bad_length));
    BOOST_TEST((fault(notify, "03 ff 4009 01020304") == DecodeFault::bad_length));
    BOOST_TEST((fault(notify, "03 04 4009 010203") == DecodeFault::truncated));
    BOOST_TEST((fault(notify, "00 00 40") == DecodeFault::truncated));
}

// covers 7296-2.3-a, 7296-2.6-b
// covers class-cookies
BOOST_AUTO_TEST_CASE(data_have_the_length_that_the_rfc_gives_them) {
    BOOST_TEST((fault(notify, "00 00 0011 1f") == DecodeFault::bad_length));
    BOOST_TEST((fault(notify, "00 00 0011 00001f") == DecodeFault::bad_length));
    BOOST_TEST((fault(notify, "00 00 0001") == DecodeFault::bad_length));
    BOOST_TEST((fault(notify, "00 00 4001 000001") == DecodeFault::bad_length));
    BOOST_TEST((fault(notify, "00 00 4004 00") == DecodeFault::bad_length));
    BOOST_TEST((fault(notify, "00 00 4006") == DecodeFault::bad_length));
    const Payload cookie = NotifyPayload{ProtocolId::none, {}, NotifyType::cookie, Octets(64)};
    BOOST_TEST(!fault(notify, encode_body(cookie)));
    const Payload big = NotifyPayload{ProtocolId::none, {}, NotifyType::cookie, Octets(65)};
    BOOST_TEST((fault(notify, encode_body(big)) == DecodeFault::bad_length));
}

BOOST_AUTO_TEST_SUITE_END()
