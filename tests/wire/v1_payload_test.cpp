#include "ike/wire/v1_message.h"
#include "tests/wire/v1_payload_body.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(v1_payload)

using namespace viaduct;
using namespace viaduct::ike::wire::v1;
using namespace viaduct::test::v1;
using ike::wire::Decoded;
using ike::wire::DecodeFault;
using ike::wire::IkeSpi;
using ike::wire::Octets;
using policy::ProtocolId;
using test::hexadecimal;
using test::octets;

namespace {

const Cookies cookies{IkeSpi{0x0102030405060708}, IkeSpi{0x1112131415161718}};
constexpr auto cookie_octets = "0102030405060708 1112131415161718";

const std::vector<Payload> samples = {
    SaPayload{{{1, ProtocolId::ike, {}, {{1, 1, {{1, std::uint16_t{7}}, {12, Octets(4, 9)}}}}}}},
    KeyExchangePayload{Octets(128, 0xab)},
    IdPayload{IdType::ipv4_address, 17, 500, octets("0a0a0a05")},
    IdPayload{IdType::ipv4_subnet, 0, 0, octets("c0a80a00 ffffff00")},
    IdPayload{IdType::ipv4_range, 6, 443, octets("0a000001 0a000009")},
    IdPayload{IdType::ipv6_address, 0, 0, Octets(16, 1)},
    IdPayload{IdType::ipv6_subnet, 0, 0, Octets(32, 1)},
    IdPayload{IdType::fqdn, 0, 0, octets("677731")},
    IdPayload{IdType::user_fqdn, 0, 0, octets("6140622e63")},
    IdPayload{IdType::key_id, 0, 0, octets("00")},
    IdPayload{IdType::der_asn1_dn, 0, 0, octets("3000")},
    IdPayload{IdType{250}, 0, 0, octets("00")},
    CertificatePayload{4, octets("3000")},
    CertificateRequestPayload{4, {}},
    CertificateRequestPayload{4, octets("3000")},
    HashPayload{Octets(20, 2)},
    SignaturePayload{Octets(256, 2)},
    NoncePayload{Octets(8, 3)},
    NoncePayload{Octets(256, 3)},
    NotifyPayload{Doi::ipsec, ProtocolId::ike, spi_of(cookies), NotifyType::initial_contact, {}},
    NotifyPayload{Doi::isakmp, ProtocolId::none, {}, NotifyType::no_proposal_chosen, octets("01")},
    dead_peer_detection(NotifyType::r_u_there, cookies, 77),
    DeletePayload{Doi::ipsec, ProtocolId::ike, {cookies}, {}, 0},
    DeletePayload{Doi::ipsec, ProtocolId::esp, {}, {policy::ChildSpi{0xc0000001}}, 0},
    VendorIdPayload{octets("7669616475637420")},
    VendorIdPayload{},
    NatDetectionPayload{NatNumbering::rfc3947, Octets(20, 4)},
    NatDetectionPayload{NatNumbering::draft, Octets(16, 4)},
    NatOriginalAddressPayload{NatNumbering::rfc3947, policy::IpAddress::v4(10, 0, 0, 1)},
    NatOriginalAddressPayload{NatNumbering::draft, *policy::IpAddress::parse("2001:db8::1")},
    FragmentPayload{1, 3, true, octets("aa")},
    FragmentPayload{0xffff, 255, false, Octets(400, 1)},
    UnknownPayload{200, octets("010203")},
};

} // namespace

// covers 2408-5.15-b
BOOST_AUTO_TEST_CASE(each_decodes_what_it_encodes) {
    for (const auto& payload : samples) {
        BOOST_TEST_CONTEXT(to_string(payload_type(payload))) {
            const auto decoded = decode_body(payload_type(payload), encode_body(payload));
            BOOST_TEST((decoded == Decoded<Payload>(payload)));
        }
    }
}

// covers class-other-version
BOOST_AUTO_TEST_CASE(payloads_of_ikev2_are_unknown_ones) {
    for (unsigned type = 33; type <= 54; ++type) {
        const auto number = static_cast<std::uint8_t>(type);
        const auto decoded = decode_body(PayloadType{number}, "00000001 0000000c");
        BOOST_TEST(
            (decoded == Decoded<Payload>(UnknownPayload{number, octets("00000001 0000000c")})));
    }
}

// covers 2409-5-f, 2408-3.4-a, 2408-5.2-c, 2408-5.3-b
BOOST_AUTO_TEST_CASE(lengths_and_values_that_the_rfcs_forbid_are_refused) {
    struct Row {
        PayloadType type;
        std::string octets;
        DecodeFault fault;
    };
    const std::string spi(cookie_octets);
    using enum PayloadType;
    const Row rows[] = {
        {key_exchange, "", DecodeFault::bad_length},
        {identification, "01 00 00", DecodeFault::truncated},
        {identification, "02 00 0000", DecodeFault::bad_length},
        {identification, "01 00 0000 010203", DecodeFault::bad_length},
        {identification, "04 00 0000 01020304", DecodeFault::bad_length},
        {identification, "05 00 0000 01020304", DecodeFault::bad_length},
        {identification, "06 00 0000" + hexadecimal(Octets(31)), DecodeFault::bad_length},
        {identification, "07 00 0000" + hexadecimal(Octets(9)), DecodeFault::bad_length},
        {identification, "08 00 0000" + hexadecimal(Octets(33)), DecodeFault::bad_length},
        {certificate, "", DecodeFault::truncated},
        {certificate_request, "", DecodeFault::truncated},
        {hash, "", DecodeFault::bad_length},
        {signature, "", DecodeFault::bad_length},
        {nonce, hexadecimal(Octets(7)), DecodeFault::bad_length},
        {nonce, hexadecimal(Octets(257)), DecodeFault::bad_length},
        {notification, "00000001 01 10 6002 00", DecodeFault::truncated},
        {notification, "00000001 01 11 6002" + spi + "00", DecodeFault::bad_length},
        {notification, "00000001 01 10 8d28" + spi + "000000", DecodeFault::bad_length},
        {notification, "00000001 01 00 8d28 00000001", DecodeFault::bad_length},
        {notification, "00000001 01 10 8d29" + spi + "0000000000", DecodeFault::bad_length},
        {delete_sa, "00000001 01 08 0001" + spi, DecodeFault::bad_length},
        {delete_sa, "00000001 01 10 0002" + spi, DecodeFault::truncated},
        {delete_sa, "00000001 03 04 0001 01020304 00", DecodeFault::trailing_octets},
        {delete_sa, "00000001 03 08 0001 0102030405060708", DecodeFault::bad_length},
        {delete_sa, "00000001 03 04 0401 01020304", DecodeFault::too_many},
        {delete_sa, "00000001 04 00 0001", DecodeFault::bad_length},
        {nat_detection, "", DecodeFault::bad_length},
        {nat_original_address, "01 000000 0a0000", DecodeFault::truncated},
        {nat_original_address, "01 000000 0a00000100", DecodeFault::trailing_octets},
        {nat_original_address, "05 000000 0a000001", DecodeFault::truncated},
        {nat_original_address, "04 000000 0a000001 ffffff00", DecodeFault::bad_value},
        {fragment, "0001 00 01 aa", DecodeFault::bad_value},
        {fragment, "0001 01 01", DecodeFault::truncated},
        {fragment, "0001 01", DecodeFault::truncated},
        {none, "", DecodeFault::unexpected_payload},
        {proposal, "", DecodeFault::unexpected_payload},
        {transform, "", DecodeFault::unexpected_payload},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(to_string(row.type) << " " << row.octets) {
            BOOST_TEST((fault(row.type, row.octets) == row.fault));
        }
    }
}

// covers 3706-5.3-a, 3706-5.3-b, 3706-5.3-c, 3706-5.3-e
// covers 2408-5.14-a
BOOST_AUTO_TEST_CASE(the_dead_peer_detection_names_the_sa_and_a_number) {
    const auto payload = dead_peer_detection(NotifyType::r_u_there_ack, cookies, 0x01020304);
    BOOST_TEST(
        encode_body(payload) ==
        hexadecimal(octets("00000001 01 10 8d29" + std::string(cookie_octets) + "01020304")));
    BOOST_TEST((cookies_of(payload.spi) == cookies));
    BOOST_TEST(sequence_number(payload).value() == 0x01020304U);
    BOOST_TEST(!sequence_number(NotifyPayload{.data = Octets(4)}));
    BOOST_TEST(!cookies_of(Octets(15)));
    BOOST_TEST(!cookies_of(Octets(17)));
}

// covers 2407-4.6.3.3-a
BOOST_AUTO_TEST_CASE(an_initial_contact_names_the_sa_and_has_no_data) {
    const NotifyPayload payload{.spi = spi_of(cookies), .type = NotifyType::initial_contact};
    BOOST_TEST(encode_body(payload) ==
               hexadecimal(octets("00000001 01 10 6002" + std::string(cookie_octets))));
}

// covers 2408-5.15-f
BOOST_AUTO_TEST_CASE(a_delete_of_another_protocol_is_counted_and_left) {
    const auto decoded = decode_body(PayloadType::delete_sa, "00000001 04 02 0002 0001 0002");
    BOOST_REQUIRE(decoded);
    const auto& removal = std::get<DeletePayload>(*decoded);
    BOOST_TEST(removal.skipped == 2);
    BOOST_TEST(removal.children.empty());
    BOOST_TEST(removal.isakmp.empty());
}

// covers 2408-2.5.2-a
BOOST_AUTO_TEST_CASE(reserved_octets_are_ignored_and_sent_as_zero) {
    const auto decoded = decode_body(PayloadType::nat_original_address, "01 ffffff 0a000001");
    BOOST_REQUIRE(decoded);
    BOOST_TEST(encode_body(*decoded) == "010000000a000001");
    const auto part = decode_body(PayloadType::fragment, "0001 01 fe aa");
    BOOST_REQUIRE(part);
    BOOST_TEST(!std::get<FragmentPayload>(*part).last);
}

BOOST_AUTO_TEST_SUITE_END()
