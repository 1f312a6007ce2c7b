#include "tests/wire/payload_body.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(v2_payload_delete)

using namespace viaduct;
using namespace viaduct::ike::wire;
using namespace viaduct::test;
using policy::ChildSpi;
using policy::ProtocolId;

namespace {
constexpr auto removal = PayloadType::delete_sa;
} // namespace

BOOST_AUTO_TEST_CASE(decodes_what_it_encodes) {
    for (const auto& payload : {
             DeletePayload{ProtocolId::ike, {}},
             DeletePayload{ProtocolId::esp, {ChildSpi{1}, ChildSpi{0xfffffffe}}},
             DeletePayload{ProtocolId::ah, {}},
             DeletePayload{ProtocolId::esp, std::vector<ChildSpi>(limit::deleted_spis)},
         }) {
        BOOST_TEST((decode_body(removal, encode_body(Payload(payload))) ==
                    Decoded<Payload>(Payload(payload))));
    }
}

// covers 7296-3.11-c
BOOST_AUTO_TEST_CASE(the_ike_sa_is_deleted_without_spis) {
    BOOST_TEST((fault(removal, "01 00 0001") == DecodeFault::bad_length));
    BOOST_TEST((fault(removal, "01 08 0001 0102030405060708") == DecodeFault::bad_length));
    BOOST_TEST((fault(removal, "01 00 0000 00") == DecodeFault::trailing_octets));
}

// covers 7296-3.11-a, 7296-3.11-c
// covers class-delete
BOOST_AUTO_TEST_CASE(counts_sizes_and_lengths_must_agree) {
    BOOST_TEST((fault(removal, "03 08 0001 0102030405060708") == DecodeFault::bad_length));
    BOOST_TEST((fault(removal, "03 00 0000") == DecodeFault::bad_length));
    BOOST_TEST((fault(removal, "03 04 0002 01020304") == DecodeFault::truncated));
    BOOST_TEST((fault(removal, "03 04 0001 0102030405") == DecodeFault::trailing_octets));
    BOOST_TEST((fault(removal, "03 04 0401 01020304") == DecodeFault::too_many));
    BOOST_TEST((fault(removal, "03 04 ffff 01020304") == DecodeFault::too_many));
    BOOST_TEST((fault(removal, "00 00 0000") == DecodeFault::bad_value));
    BOOST_TEST((fault(removal, "07 04 0000") == DecodeFault::bad_value));
}

BOOST_AUTO_TEST_SUITE_END()
