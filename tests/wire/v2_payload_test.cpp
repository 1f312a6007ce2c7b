#include "ike/wire/v2_message.h"
#include "tests/wire/payload_body.h"

#include <boost/test/unit_test.hpp>

#include <fstream>

BOOST_AUTO_TEST_SUITE(v2_payload)

using namespace viaduct;
using namespace viaduct::ike::wire;
using namespace viaduct::test;
using policy::IdentityType;

namespace {

const std::vector<Payload> samples = {
    KeyExchangePayload{31, Octets(32, 0xab)},
    KeyExchangePayload{60000, octets("01")},
    IdPayload{IdPayload::Side::initiator, {IdentityType::ipv4_address, octets("0a0a0a05")}},
    IdPayload{IdPayload::Side::responder, {IdentityType::fqdn, octets("677731")}},
    IdPayload{IdPayload::Side::responder, {IdentityType::ipv6_address, Octets(16, 1)}},
    IdPayload{IdPayload::Side::responder, {IdentityType{250}, octets("00")}},
    CertificatePayload{4, octets("3000")},
    CertificateRequestPayload{4, {}},
    CertificateRequestPayload{4, Octets(20, 7)},
    AuthPayload{AuthMethod::shared_key, Octets(32, 2)},
    AuthPayload{AuthMethod{201}, octets("00")},
    NoncePayload{Octets(16, 3)},
    NoncePayload{Octets(256, 3)},
    VendorIdPayload{octets("7669616475637420")},
    VendorIdPayload{},
    ConfigurationPayload{1, octets("0001 0000 000a 0002 0102")},
    ConfigurationPayload{2, {}},
    EapPayload{octets("01 02 0005 01")},
    UnknownPayload{200, octets("010203")},
};

} // namespace

// covers 7296-3.2-e, 7296-4-b
BOOST_AUTO_TEST_CASE(each_decodes_what_it_encodes) {
    for (const auto& payload : samples) {
        BOOST_TEST_CONTEXT(to_string(payload_type(payload))) {
            const auto decoded = decode_body(payload_type(payload), encode_body(payload));
            BOOST_TEST((decoded == Decoded<Payload>(payload)));
        }
    }
}

// covers 7296-2.5-g
BOOST_AUTO_TEST_CASE(payloads_of_ikev1_are_unknown_ones) {
    for (unsigned type = 1; type <= 21; ++type) {
        const auto number = static_cast<std::uint8_t>(type);
        const auto decoded = decode_body(PayloadType{number}, "00000001 0000000c");
        BOOST_TEST(
            (decoded == Decoded<Payload>(UnknownPayload{number, octets("00000001 0000000c")})));
    }
}

BOOST_AUTO_TEST_CASE(an_unknown_payload_with_the_critical_bit_is_refused_by_its_number) {
    const auto decoded = decode_body(PayloadType{200}, "01", true);
    BOOST_REQUIRE(!decoded);
    BOOST_TEST((decoded.error().fault == DecodeFault::unknown_critical));
    BOOST_TEST(decoded.error().payload == 200);
}

// covers 7296-3.2-c
BOOST_AUTO_TEST_CASE(the_critical_bit_on_a_known_payload_is_ignored) {
    BOOST_TEST(decode_body(PayloadType::nonce, hexadecimal(Octets(16)), true).has_value());
}

// covers 7296-3.9-a, 7296-3.16-b
BOOST_AUTO_TEST_CASE(lengths_that_the_rfc_forbids_are_refused) {
    struct Row {
        PayloadType type;
        std::string octets;
        DecodeFault fault;
    };
    const Row rows[] = {
        {PayloadType::key_exchange, "", DecodeFault::truncated},
        {PayloadType::key_exchange, "001f", DecodeFault::truncated},
        {PayloadType::key_exchange, "001f 0000", DecodeFault::bad_length},
        {PayloadType::id_initiator, "01", DecodeFault::truncated},
        {PayloadType::id_initiator, "02 000000", DecodeFault::bad_length},
        {PayloadType::id_initiator, "01 000000 010203", DecodeFault::bad_length},
        {PayloadType::id_responder, "01 000000 0102030405", DecodeFault::bad_length},
        {PayloadType::id_responder, "05 000000 01020304", DecodeFault::bad_length},
        {PayloadType::certificate, "", DecodeFault::truncated},
        {PayloadType::certificate, "04", DecodeFault::bad_length},
        {PayloadType::certificate_request, "", DecodeFault::truncated},
        {PayloadType::authentication, "02 0000", DecodeFault::truncated},
        {PayloadType::authentication, "0e 000000", DecodeFault::bad_length},
        {PayloadType::nonce, "", DecodeFault::bad_length},
        {PayloadType::nonce, hexadecimal(Octets(15)), DecodeFault::bad_length},
        {PayloadType::nonce, hexadecimal(Octets(257)), DecodeFault::bad_length},
        {PayloadType::configuration, "01 0000", DecodeFault::truncated},
        {PayloadType::configuration, "01 000000 0001", DecodeFault::truncated},
        {PayloadType::configuration, "01 000000 0001 0005 01020304", DecodeFault::truncated},
        {PayloadType::eap, "01 02 00", DecodeFault::truncated},
        {PayloadType::eap, "01 02 0003", DecodeFault::bad_length},
        {PayloadType::eap, "01 02 0006 01", DecodeFault::bad_length},
        {PayloadType::none, "", DecodeFault::unexpected_payload},
        {PayloadType::encrypted, "", DecodeFault::unexpected_payload},
        {PayloadType::encrypted_fragment, "", DecodeFault::unexpected_payload},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(to_string(row.type) << " " << row.octets) {
            BOOST_TEST((fault(row.type, row.octets) == row.fault));
        }
    }
}

// covers 7296-2.5-f, 7296-3.3.1-a, 7296-3.3.2-a, 7296-3.5-a, 7296-3.8-a, 7296-3.13-a, 7296-3.15-a
// covers 7296-3.15.1-a
BOOST_AUTO_TEST_CASE(reserved_bits_are_ignored_and_sent_as_zero) {
    const auto decoded = decode_body(PayloadType::key_exchange, "001f ffff 01");
    BOOST_REQUIRE(decoded);
    BOOST_TEST(encode_body(*decoded) == "001f000001");
    const auto id = decode_body(PayloadType::id_initiator, "02 ffffff 61");
    BOOST_REQUIRE(id);
    BOOST_TEST(encode_body(*id) == "0200000061");
    struct Row {
        PayloadType type;
        const char* with_ones;
        const char* with_zeros;
    };
    const Row rows[] = {
        {PayloadType::authentication, "02ffffff61", "0200000061"},
        {PayloadType::security_association, "00ff001401010001 00ff000c01ff000c800e0100",
         "00000014010100010000000c0100000c800e0100"},
        {PayloadType::ts_initiator, "01ffffff 070000100000ffffc0a80a00c0a80aff",
         "01000000070000100000ffffc0a80a00c0a80aff"},
        // The attributes are nobody's here: they stay as they are.
        {PayloadType::configuration, "01ffffff 80010000", "0100000080010000"},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(to_string(row.type)) {
            const auto payload = decode_body(row.type, row.with_ones);
            BOOST_REQUIRE(payload);
            BOOST_TEST(encode_body(*payload) == row.with_zeros);
        }
    }
}

// RFC 5903 sections 8.1 and 8.2 print the whole payloads: Next Payload 0, then this.
BOOST_AUTO_TEST_CASE(key_exchange_payloads_have_the_octets_of_rfc_5903) {
    std::ifstream file("tests/vectors/crypto/ecp_rfc5903.txt");
    std::size_t compared = 0;
    std::uint16_t group = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("group = ")) {
            group = line.ends_with("256") ? 19 : 20;
        } else if (line.starts_with("public-")) {
            const auto value = line.substr(line.find('=') + 2);
            const Payload payload = KeyExchangePayload{group, octets(value)};
            const std::string head = group == 19 ? "0000004800130000" : "0000006800140000";
            BOOST_TEST(hexadecimal(encode_v2_payloads({&payload, 1})) == head + value);
            ++compared;
        }
    }
    BOOST_TEST(compared == 4U);
}

BOOST_AUTO_TEST_SUITE_END()
