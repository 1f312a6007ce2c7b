#include "tests/wire/payload_body.h"

#include <boost/test/unit_test.hpp>

#include <format>

BOOST_AUTO_TEST_SUITE(v2_payload_sa)

using namespace viaduct;
using namespace viaduct::ike::wire;
using namespace viaduct::test;
using policy::ProtocolId;
using policy::TransformType;

namespace {

constexpr auto sa = PayloadType::security_association;

SaPayload two_proposals() {
    const policy::Transform aes{TransformType::encryption, 20, 256};
    return {.proposals = {
                {1, {}, {ProtocolId::ike, {aes, {TransformType::prf, 6}}}},
                {2, octets("0102030405060708"), {ProtocolId::ike, {{TransformType{99}, 1234}}}},
                {3, octets("01020304"), {ProtocolId::esp, {}}},
                {4, octets("00"), {ProtocolId{7}, {}}},
            }};
}

// ESP, SPI 01020304, AES-GCM-16 with 256 bits, no ESN.
constexpr auto esp_proposal = "00 00 0020 01 03 04 02 01020304"
                              "03 00 000c 01 00 0014 800e 0100"
                              "00 00 0008 05 00 0000";

} // namespace

BOOST_AUTO_TEST_CASE(decodes_what_it_encodes) {
    const Payload payload = two_proposals();
    const auto decoded = decode_body(sa, encode_body(payload));
    BOOST_REQUIRE(decoded);
    BOOST_TEST((*decoded == payload));
}

// covers 7296-3.3.5-a, 7296-3.3.5-c
BOOST_AUTO_TEST_CASE(a_proposal_is_laid_out_as_the_rfc_says) {
    const Payload payload = SaPayload{
        {{1,
          octets("01020304"),
          {ProtocolId::esp,
           {{TransformType::encryption, 20, 256}, {TransformType::sequence_numbers, 0}}}}}};
    BOOST_TEST(encode_body(payload) == hexadecimal(octets(esp_proposal)));
    BOOST_TEST((decode_body(sa, esp_proposal) == Decoded<Payload>(payload)));
}

// covers 7296-3.3.6-g
BOOST_AUTO_TEST_CASE(an_attribute_that_is_not_understood_marks_the_transform_only) {
    for (const auto* attribute : {"800f 0100", "000e 0002 0100", "0011 0000"}) {
        const auto size = octets(attribute).size();
        const auto transform = std::format("00 00 {:04x} 01 00 000c {}", 8 + size, attribute);
        const auto proposal = std::format("00 00 {:04x} 01 01 00 01 {}", 16 + size, transform);
        const auto decoded = decode_body(sa, proposal);
        BOOST_REQUIRE(decoded);
        const auto& offered = std::get<SaPayload>(*decoded).proposals.at(0);
        BOOST_TEST(offered.proposal.transforms.at(0).unknown_attribute);
        BOOST_TEST(!offered.proposal.transforms.at(0).key_bits.has_value());
        BOOST_TEST((decode_body(sa, encode_body(*decoded)) == decoded));
    }
}

struct Broken {
    const char* what;
    const char* octets;
    DecodeFault fault;
};
const Broken broken[] = {
    {"no proposal", "", DecodeFault::truncated},
    {"length below the header", "00 00 0003 01 01 00 00", DecodeFault::bad_length},
    {"length zero", "00 00 0000 01 01 00 00", DecodeFault::bad_length},
    {"length beyond the payload", "00 00 0009 01 01 00 00", DecodeFault::truncated},
    {"marker of a transform", "03 00 0008 01 01 00 00", DecodeFault::bad_value},
    {"more said, none there", "02 00 0008 01 01 00 00", DecodeFault::truncated},
    {"last said, more there", "00 00 0008 01 01 00 00 00 00 0008 02 01 00 00",
     DecodeFault::trailing_octets},
    {"number zero", "00 00 0008 00 01 00 00", DecodeFault::bad_value},
    {"number twice", "02 00 0008 01 01 00 00 00 00 0008 01 01 00 00", DecodeFault::bad_value},
    {"SPI of 4 octets for IKE", "00 00 000c 01 01 04 00 01020304", DecodeFault::bad_length},
    {"no SPI for ESP", "00 00 0008 01 03 00 00", DecodeFault::bad_length},
    {"SPI beyond the proposal", "00 00 000a 01 03 04 00 0102", DecodeFault::truncated},
    {"transform announced, none there", "00 00 0008 01 01 00 01", DecodeFault::bad_length},
    {"transform there, none announced", "00 00 0010 01 01 00 00 00 00 0008 01 00 000c",
     DecodeFault::bad_length},
    {"two announced, one there", "00 00 0010 01 01 00 02 00 00 0008 01 00 000c",
     DecodeFault::bad_length},
    {"marker of a proposal", "00 00 0010 01 01 00 01 02 00 0008 01 00 000c",
     DecodeFault::bad_value},
    {"transform too short", "00 00 000f 01 01 00 01 00 00 0007 01 00 00", DecodeFault::truncated},
    {"an octet behind the last transform", "00 00 0011 01 01 00 01 00 00 0008 01 00 000c 00",
     DecodeFault::trailing_octets},
    {"transform beyond the proposal", "00 00 0010 01 01 00 01 00 00 000c 01 00 000c",
     DecodeFault::truncated},
    {"half an attribute", "00 00 0012 01 01 00 01 00 00 000a 01 00 000c 800e",
     DecodeFault::truncated},
    {"attribute beyond the transform", "00 00 0014 01 01 00 01 00 00 000c 01 00 000c 0011 0004",
     DecodeFault::truncated},
    {"key length twice", "00 00 0018 01 01 00 01 00 00 0010 01 00 000c 800e 0080 800e 0100",
     DecodeFault::bad_value},
};

// covers 7296-3.3-b, 7296-3.3-c, 7296-3.3-d, 7296-3.3-f
// covers class-proposals
BOOST_AUTO_TEST_CASE(every_contradiction_is_refused) {
    for (const auto& row : broken) {
        BOOST_TEST_CONTEXT(row.what) {
            BOOST_TEST((fault(sa, row.octets) == row.fault));
        }
    }
}

// covers class-proposals, class-memory
BOOST_AUTO_TEST_CASE(lists_have_limits) {
    const policy::Transform transform{TransformType::prf, 5};
    SaPayload payload{{{1, {}, {ProtocolId::ike, {}}}}};
    payload.proposals[0].proposal.transforms.assign(limit::transforms, transform);
    BOOST_TEST(!fault(sa, encode_body(Payload(payload))));
    payload.proposals[0].proposal.transforms.push_back(transform);
    BOOST_TEST((fault(sa, encode_body(Payload(payload))) == DecodeFault::too_many));

    payload.proposals.clear();
    for (std::uint8_t number = 1; number <= limit::proposals; ++number) {
        payload.proposals.push_back({number, {}, {ProtocolId::ike, {}}});
    }
    BOOST_TEST(!fault(sa, encode_body(Payload(payload))));
    payload.proposals.push_back({limit::proposals + 1, {}, {ProtocolId::ike, {}}});
    BOOST_TEST((fault(sa, encode_body(Payload(payload))) == DecodeFault::too_many));

    std::string attributes;
    for (std::size_t i = 0; i <= limit::attributes; ++i) {
        attributes += "80ff0000";
    }
    const auto size = attributes.size() / 2;
    const auto proposal =
        std::format("0000{:04x}010100010000{:04x}0100000c{}", 16 + size, 8 + size, attributes);
    BOOST_TEST((fault(sa, proposal) == DecodeFault::too_many));
}

BOOST_AUTO_TEST_SUITE_END()
