#include "ike/wire/v1_transform.h"
#include "tests/wire/v1_payload_body.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(v1_payload_sa)

using namespace viaduct;
using namespace viaduct::ike::wire::v1;
using namespace viaduct::test::v1;
using ike::wire::DecodeFault;
using ike::wire::Octets;
using policy::ProtocolId;
using test::octets;

namespace {

constexpr auto type = PayloadType::security_association;
const std::string ipsec = "00000001 00000001";

// Of main mode between two charons: AES-CBC-256, SHA2-256, modp2048, PSK, 28800 seconds.
const std::string isakmp_sa = ipsec + "00 00 002c 01 01 00 01"
                                      "00 00 0024 01 01 0000"
                                      "8001 0007 800e 0100 8002 0004 8004 000e 8003 0001"
                                      "800b 0001 800c 7080";

std::string transforms(unsigned count) {
    std::string text;
    for (unsigned i = 1; i <= count; ++i) {
        text += (i == count ? "00 00 0008" : "03 00 0008");
        text += test::hexadecimal(Octets{static_cast<std::uint8_t>(i)}) + "01 0000";
    }
    return text;
}

std::string u16(std::size_t value) {
    return test::hexadecimal(
        Octets{static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)});
}

std::string proposal(bool last, unsigned number, unsigned count) {
    return std::string(last ? "00" : "02") + "00" + u16(8 + count * 8) +
           test::hexadecimal(Octets{static_cast<std::uint8_t>(number)}) + "01 00" +
           test::hexadecimal(Octets{static_cast<std::uint8_t>(count)}) + transforms(count);
}

Transform with_attributes(std::string_view hexadecimal) {
    const auto list = octets(hexadecimal);
    return {.attributes = decode_attributes(ike::wire::ByteReader(list)).value()};
}

} // namespace

// covers 2409-5-h, 2409-A-b, 2407-4.2.2-a, 2407-4.2.3-a, 2407-4.4.1.1-a, 2407-4.4.2.1-a, 2407-4.5-b
// covers 2408-3.4-b, 2408-3.4-c, 2408-5.4-a
BOOST_AUTO_TEST_CASE(a_proposal_of_phase_1_is_read) {
    const auto decoded = decode_body(type, isakmp_sa);
    BOOST_REQUIRE(decoded);
    const auto& sa = std::get<SaPayload>(*decoded);
    BOOST_REQUIRE(sa.proposals.size() == 1U);
    BOOST_REQUIRE(sa.proposals[0].transforms.size() == 1U);
    const auto suite = read_phase_one_suite(sa.proposals[0].transforms[0]);
    BOOST_REQUIRE(suite);
    const PhaseOneSuite expected{.encryption = Encryption::aes_cbc,
                                 .key_bits = 256,
                                 .hash = Hash::sha2_256,
                                 .authentication = Authentication::pre_shared_key,
                                 .group = 14,
                                 .lifetimes = {28800, std::nullopt}};
    BOOST_TEST((*suite == expected));
    BOOST_TEST(suite->to_string() == "AES_CBC_256/SHA2_256/MODP_2048/PSK");
    BOOST_TEST(encode_body(*decoded) == test::hexadecimal(octets(isakmp_sa)));
    BOOST_TEST((phase_one_transform(1, expected) == sa.proposals[0].transforms[0]));
}

BOOST_AUTO_TEST_CASE(every_truncation_fails) {
    const auto whole = octets(isakmp_sa);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        BOOST_TEST(fault(type, test::hexadecimal(std::span(whole).first(length))).has_value());
    }
}

// covers 2407-4.2.2-b, 2407-4.2.3-b, 2408-3.5-a, 2408-3.6-a, 2408-4.2-c, 2408-4.2-d, 2408-5.4-b
// covers 2408-5.4-c, 2408-5.5-d, 2408-5.5-e, 2408-5.6-d
BOOST_AUTO_TEST_CASE(what_contradicts_itself_is_refused) {
    struct Row {
        const char* what;
        std::string octets;
        DecodeFault fault;
    };
    const Row rows[] = {
        {"nothing", "", DecodeFault::truncated},
        {"another DOI", "00000002 00000001" + proposal(true, 1, 1), DecodeFault::bad_value},
        {"another situation", "00000001 00000003" + proposal(true, 1, 1), DecodeFault::bad_value},
        {"one of integrity", "00000001 00000005" + proposal(true, 1, 1), DecodeFault::bad_value},
        {"no proposal", ipsec, DecodeFault::truncated},
        {"a proposal of no length", ipsec + "00 00 0000 01 01 00 00", DecodeFault::bad_length},
        {"a marker of a transform", ipsec + "03 00 0008 01 01 00 00", DecodeFault::bad_value},
        {"a proposal behind a transform", ipsec + "00 00 0010 01 01 00 01 02 00 0008 01 01 0000",
         DecodeFault::bad_value},
        {"more that is not there", ipsec + "02 00 0008 01 01 00 00", DecodeFault::truncated},
        {"less than is there", ipsec + "00 00 0008 01 01 00 00 00", DecodeFault::trailing_octets},
        {"more transforms than said", ipsec + "00 00 0018 01 01 00 01" + transforms(2),
         DecodeFault::bad_length},
        {"fewer transforms than said", ipsec + "00 00 0010 01 01 00 02" + transforms(1),
         DecodeFault::bad_length},
        {"an SPI of ESP that is none", ipsec + "00 00 000b 01 03 03 00 010203",
         DecodeFault::bad_length},
        {"numbers that go down", ipsec + proposal(false, 2, 1) + proposal(true, 1, 1),
         DecodeFault::bad_value},
        {"an attribute beyond its transform",
         ipsec + "00 00 0014 01 01 00 01 00 00 000c 01 01 0000 000c 0004", DecodeFault::truncated},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.what) {
            BOOST_TEST((fault(type, row.octets) == row.fault));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_number_of_proposals_transforms_and_attributes_is_limited) {
    std::string most;
    for (std::size_t i = 1; i <= limit::proposals; ++i) {
        most += proposal(i == limit::proposals, 1, 1);
    }
    BOOST_TEST(!fault(type, ipsec + most));
    BOOST_TEST((fault(type, ipsec + proposal(false, 1, 1) + most) == DecodeFault::too_many));
    std::string many;
    for (unsigned i = 1; i <= 3; ++i) {
        many += proposal(i == 3, i, 255);
    }
    BOOST_TEST((fault(type, ipsec + many) == DecodeFault::too_many));
    Octets attributes;
    for (std::size_t i = 0; i <= max_attributes; ++i) {
        attributes.insert(attributes.end(), {0x80, 1, 0, 7});
    }
    BOOST_TEST(!decode_attributes(ike::wire::ByteReader(attributes)));
}

// RFC 2408 4.2: ESP with compression in one proposal, ESP alone in the next.
BOOST_AUTO_TEST_CASE(proposals_of_one_number_stand_together) {
    BOOST_TEST(
        !fault(type, ipsec + proposal(false, 1, 1) + proposal(false, 1, 1) + proposal(true, 2, 1)));
}

// covers 2407-4.4.4-a
BOOST_AUTO_TEST_CASE(an_esp_transform_is_read_and_written) {
    const EspTransform esp{.id = EspTransformId::aes_cbc,
                           .key_bits = 128,
                           .authentication = EspAuthentication::hmac_sha1,
                           .group = 2,
                           .encapsulation = Encapsulation::udp_tunnel,
                           .extended_sequence_numbers = true,
                           .lifetimes = {3600, 4608000}};
    const auto read = read_esp_transform(esp_transform(1, esp));
    BOOST_REQUIRE(read);
    BOOST_TEST((*read == esp));
    BOOST_TEST(read->to_string() == "AES_CBC_128/HMAC_SHA1_96/MODP_1024/UDP_TUNNEL/ESN");
}

// covers 2407-4.5-b, 2407-4.5.2-a, 2407-4.5.2-b
BOOST_AUTO_TEST_CASE(lifetimes_are_pairs_of_either_form) {
    const auto suite = [](std::string_view list) {
        return read_phase_one_suite(with_attributes(list));
    };
    BOOST_TEST(
        (suite("800b0001 000c0004 00015180").value().lifetimes == Lifetimes{86400, std::nullopt}));
    BOOST_TEST((suite("800b0001 800c7080 800b0002 000c0004 00465000").value().lifetimes ==
                Lifetimes{28800, 4608000}));
    BOOST_TEST((suite("800b0001 000c0008 0000000100000000").value().lifetimes ==
                Lifetimes{0x100000000, std::nullopt}));
    BOOST_TEST((suite("").value().lifetimes == Lifetimes{}));
    for (const auto* wrong : {"800c7080", "800b0001", "800b0001 800b0002 800c7080",
                              "800b0003 800c7080", "800b0001 800c7080 800b0001 800c7081"}) {
        BOOST_TEST_CONTEXT(wrong) {
            BOOST_TEST(!suite(wrong));
        }
    }
}

// covers 2407-4.5.2-b, 2407-4.5.3-a
BOOST_AUTO_TEST_CASE(what_is_not_understood_is_marked_and_what_comes_twice_refused) {
    BOOST_TEST(read_phase_one_suite(with_attributes("800d0001")).value().unknown_attribute);
    BOOST_TEST(read_phase_one_suite(with_attributes("80630001")).value().unknown_attribute);
    // The prime of a group of the peer's own.
    BOOST_TEST(read_phase_one_suite(with_attributes("0006000a 00112233445566778899"))
                   .value()
                   .unknown_attribute);
    // MODP as the type of a named group.
    BOOST_TEST(
        !read_phase_one_suite(with_attributes("80040002 80050001")).value().unknown_attribute);
    BOOST_TEST(!read_phase_one_suite(with_attributes("80010007 80010005")));
    BOOST_TEST(!read_phase_one_suite(with_attributes("0001 0004 00010007")));
    BOOST_TEST(read_esp_transform(with_attributes("80070001")).value().unknown_attribute);
    BOOST_TEST(!read_esp_transform(with_attributes("800b0002")));
}

// covers 2407-4.6.3.1-a
BOOST_AUTO_TEST_CASE(a_responder_lifetime_is_read_by_its_protocol) {
    const auto esp = responder_lifetime(ProtocolId::esp, octets("01020304"), {1800, 1000000});
    BOOST_TEST((read_responder_lifetime(esp).value() == Lifetimes{1800, 1000000}));
    const auto isakmp = responder_lifetime(ProtocolId::ike, Octets(16), {1800, std::nullopt});
    BOOST_TEST((read_responder_lifetime(isakmp).value() == Lifetimes{1800, std::nullopt}));
    BOOST_TEST(test::hexadecimal(isakmp.data) == "800b0001800c0708");
    NotifyPayload cut = esp;
    cut.data.pop_back();
    BOOST_TEST(!read_responder_lifetime(cut));
}

BOOST_AUTO_TEST_SUITE_END()
