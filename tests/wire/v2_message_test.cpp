#include "ike/wire/v2_message.h"

#include "tests/wire/octets.h"
#include "tests/wire/recorded_exchange.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(v2_message)

using namespace viaduct;
using namespace viaduct::ike::wire;
using namespace viaduct::test;

namespace {

constexpr auto spis = "0102030405060708 1112131415161718";

/// A header with the right length before `payloads`.
Octets message(std::uint8_t next, std::string_view payloads, std::uint8_t version = 0x20) {
    auto whole = octets(spis);
    const auto chain = octets(payloads);
    ByteWriter out;
    out.octets(whole).u8(next).u8(version).u8(35).u8(0x08).u32(1);
    out.u32(static_cast<std::uint32_t>(header_length + chain.size())).octets(chain);
    return std::move(out).take();
}

/// Puts the size into the length field, so that the octets behind it are looked at.
Octets with_true_length(std::span<const std::uint8_t> datagram) {
    Octets copy(datagram.begin(), datagram.end());
    copy[26] = static_cast<std::uint8_t>(copy.size() >> 8);
    copy[27] = static_cast<std::uint8_t>(copy.size());
    return copy;
}

std::optional<DecodeFault> fault(std::span<const std::uint8_t> datagram) {
    const auto decoded = decode_v2_message(datagram);
    return decoded ? std::nullopt : std::optional(decoded.error().fault);
}

template <typename Visit> void for_each_message(Visit visit) {
    for (const auto& exchange : recorded_exchanges()) {
        std::size_t index = 0;
        for (const auto& recorded : exchange.messages) {
            BOOST_TEST_CONTEXT(exchange.scenario << " message " << index++) {
                visit(recorded);
            }
        }
    }
}

Octets reencode(const OuterMessage& decoded, std::span<const std::uint8_t> datagram) {
    if (!decoded.encrypted) {
        return encode_v2_message(decoded.header, decoded.payloads);
    }
    const auto body = datagram.subspan(decoded.encrypted->body_offset);
    const auto first = decoded.encrypted->first_inner;
    auto whole = decoded.fragment ? encode_v2_fragment_prefix(decoded.header, first,
                                                              *decoded.fragment, body.size())
                                  : encode_v2_encrypted_prefix(decoded.header, first, body.size());
    whole.insert(whole.end(), body.begin(), body.end());
    return whole;
}

} // namespace

BOOST_AUTO_TEST_CASE(charons_messages_reencode_to_the_same_octets) {
    for_each_message([](const RecordedMessage& recorded) {
        const auto decoded = decode_v2_message(recorded.datagram);
        BOOST_REQUIRE(decoded);
        if (decoded->fragment) {
            BOOST_TEST(hexadecimal(reencode(*decoded, recorded.datagram)) ==
                       hexadecimal(recorded.datagram));
            return;
        }
        BOOST_TEST(hexadecimal(reencode(*decoded, recorded.datagram)) ==
                   hexadecimal(recorded.datagram));
        BOOST_TEST(decoded->encrypted.has_value() == recorded.first_inner.has_value());
        if (recorded.first_inner) {
            BOOST_TEST((decoded->encrypted->first_inner == *recorded.first_inner));
        }
    });
}

BOOST_AUTO_TEST_CASE(charons_opened_payloads_reencode_to_the_same_octets) {
    std::size_t count = 0;
    for_each_message([&](const RecordedMessage& recorded) {
        if (recorded.first_inner) {
            const auto decoded = decode_v2_payloads(*recorded.first_inner, recorded.inner);
            BOOST_REQUIRE(decoded);
            BOOST_TEST(hexadecimal(encode_v2_payloads(*decoded)) == hexadecimal(recorded.inner));
            ++count;
        }
    });
    BOOST_TEST(count > 40U);
}

// covers class-out-of-bounds
BOOST_AUTO_TEST_CASE(every_truncation_of_a_message_fails) {
    for_each_message([](const RecordedMessage& recorded) {
        const std::span datagram(recorded.datagram);
        for (std::size_t length = 0; length < datagram.size(); ++length) {
            BOOST_TEST(fault(datagram.first(length)).has_value());
            if (length >= header_length) {
                BOOST_TEST(fault(with_true_length(datagram.first(length))).has_value());
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(every_truncation_of_opened_payloads_fails) {
    for_each_message([](const RecordedMessage& recorded) {
        for (std::size_t length = 0; length < recorded.inner.size(); ++length) {
            BOOST_TEST(!decode_v2_payloads(recorded.first_inner.value(),
                                           std::span(recorded.inner).first(length)));
        }
    });
}

BOOST_AUTO_TEST_CASE(an_octet_behind_the_last_payload_fails) {
    for_each_message([](const RecordedMessage& recorded) {
        auto longer = recorded.datagram;
        longer.push_back(0);
        BOOST_TEST((fault(longer) == DecodeFault::bad_length));
        BOOST_TEST((fault(with_true_length(longer)) == DecodeFault::trailing_octets));
        if (recorded.first_inner) {
            auto inner = recorded.inner;
            inner.push_back(0);
            BOOST_TEST(!decode_v2_payloads(*recorded.first_inner, inner));
        }
    });
}

// covers class-out-of-bounds
BOOST_AUTO_TEST_CASE(any_octet_changed_to_anything_is_survived) {
    for_each_message([](const RecordedMessage& recorded) {
        auto changed = recorded.datagram;
        for (std::size_t i = header_length; i < changed.size(); ++i) {
            for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
                changed[i] ^= static_cast<std::uint8_t>(flip);
                if (const auto decoded = decode_v2_message(changed)) {
                    BOOST_TEST(describe(decoded->payloads).size() < 100'000U);
                }
                changed[i] ^= static_cast<std::uint8_t>(flip);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(a_message_may_hold_nothing) {
    BOOST_TEST(!fault(message(0, "")));
    BOOST_TEST(decode_v2_payloads(PayloadType::none, {}).value().empty());
    BOOST_TEST((fault(message(0, "00000004")) == DecodeFault::trailing_octets));
    BOOST_TEST((fault(message(43, "")) == DecodeFault::truncated));
}

// covers 7296-2.5-a, 7296-2.5-b
BOOST_AUTO_TEST_CASE(another_major_version_is_refused_and_another_minor_one_read) {
    BOOST_TEST((fault(message(0, "", 0x10)) == DecodeFault::wrong_version));
    BOOST_TEST((fault(message(0, "", 0x30)) == DecodeFault::wrong_version));
    BOOST_TEST(!fault(message(0, "", 0x2f)));
}

BOOST_AUTO_TEST_CASE(payload_lengths_must_agree) {
    BOOST_TEST((fault(message(43, "00 00 0000")) == DecodeFault::bad_length));
    BOOST_TEST((fault(message(43, "00 00 0003")) == DecodeFault::bad_length));
    BOOST_TEST((fault(message(43, "00 00 0005")) == DecodeFault::truncated));
    BOOST_TEST((fault(message(43, "00 00 ffff 01")) == DecodeFault::truncated));
    BOOST_TEST((fault(message(43, "2b 00 0004")) == DecodeFault::truncated));
}

// covers 7296-2.5-g, 7296-2.5-h
BOOST_AUTO_TEST_CASE(an_unknown_critical_payload_is_named) {
    const auto decoded = decode_v2_message(message(200, "00 80 0005 01"));
    BOOST_REQUIRE(!decoded);
    BOOST_TEST((decoded.error() == DecodeError{DecodeFault::unknown_critical, 200, 32, "payload"}));
    BOOST_TEST(!fault(message(200, "00 7f 0005 01")));
}

// covers 7296-3.1-a
BOOST_AUTO_TEST_CASE(sk_is_the_last_payload_and_found_behind_others) {
    const auto decoded = decode_v2_message(message(43, "2e 00 0005 61  23 00 0006 0102"));
    BOOST_REQUIRE(decoded);
    BOOST_TEST(decoded->payloads.size() == 1U);
    BOOST_TEST((decoded->encrypted == EncryptedPayload{PayloadType::id_initiator, 37}));
    BOOST_TEST((fault(message(46, "23 00 0006 0102 00 00 0004")) == DecodeFault::trailing_octets));
    BOOST_TEST((fault(message(46, "23 00 0007 0102")) == DecodeFault::truncated));
}

// covers 7296-3.1-a
BOOST_AUTO_TEST_CASE(sk_does_not_stand_inside_sk) {
    const auto inside = octets("00 00 0006 0102");
    for (const auto type : {PayloadType::encrypted, PayloadType::encrypted_fragment}) {
        const auto decoded = decode_v2_payloads(type, inside);
        BOOST_REQUIRE(!decoded);
        BOOST_TEST((decoded.error().fault == DecodeFault::unexpected_payload));
    }
}

// covers 7383-2.5-d, 7383-2.5-e, 7383-2.5-f
// covers class-fragments
BOOST_AUTO_TEST_CASE(a_fragment_is_recognised_and_its_numbers_checked) {
    const auto decoded = decode_v2_message(message(53, "23 00 0009 0001 0002 aa"));
    BOOST_REQUIRE(decoded);
    BOOST_TEST((decoded->fragment == FragmentNumber{1, 2}));
    BOOST_REQUIRE(decoded->encrypted);
    BOOST_TEST(decoded->encrypted->body_offset == header_length + 8);
    BOOST_TEST(static_cast<int>(decoded->encrypted->first_inner) == 0x23);
    BOOST_TEST((fault(message(53, "23 00 0009 0000 0002 aa")) == DecodeFault::bad_value));
    BOOST_TEST((fault(message(53, "23 00 0009 0003 0002 aa")) == DecodeFault::bad_value));
    BOOST_TEST((fault(message(53, "23 00 0007 0001 00")) == DecodeFault::truncated));
    BOOST_TEST((fault(message(53, "23 00 0009 0000 0000 aa")) == DecodeFault::bad_value));
    BOOST_TEST((fault(message(53, "23 00 0009 ffff fffe aa")) == DecodeFault::bad_value));
    const auto& recorded = recorded_exchange("fragments").messages.at(3);
    BOOST_TEST((decode_v2_message(recorded.datagram).value().fragment == FragmentNumber{2, 3}));
}

BOOST_AUTO_TEST_CASE(the_number_of_payloads_is_limited) {
    const std::vector<Payload> most(limit::payloads, VendorIdPayload{});
    BOOST_TEST(decode_v2_payloads(PayloadType::vendor_id, encode_v2_payloads(most)).has_value());
    const std::vector<Payload> more(limit::payloads + 1, VendorIdPayload{});
    const auto decoded = decode_v2_payloads(PayloadType::vendor_id, encode_v2_payloads(more));
    BOOST_REQUIRE(!decoded);
    BOOST_TEST((decoded.error().fault == DecodeFault::too_many));
}

BOOST_AUTO_TEST_CASE(a_payload_too_long_for_its_length_field_makes_an_invalid_message) {
    const Payload payload = VendorIdPayload{Octets(70000)};
    BOOST_TEST(!decode_v2_payloads(PayloadType::vendor_id, encode_v2_payloads({&payload, 1})));
}

BOOST_AUTO_TEST_SUITE_END()
