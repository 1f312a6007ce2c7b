#include "ike/wire/v1_message.h"

#include "tests/wire/octets.h"
#include "tests/wire/recorded_exchange.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

BOOST_AUTO_TEST_SUITE(v1_message)

using namespace viaduct;
using namespace viaduct::ike::wire::v1;
using namespace viaduct::test;
using ike::wire::ByteWriter;
using ike::wire::DecodeFault;
using ike::wire::header_length;
using ike::wire::Octets;

namespace {

PayloadType first_inner(const RecordedMessage& recorded) {
    return PayloadType{static_cast<std::uint8_t>(recorded.first_inner.value())};
}

/// A header with the right length before `payloads`.
Octets message(std::uint8_t next, std::string_view payloads, std::uint8_t flags = 0,
               std::uint8_t version = 0x10) {
    const auto chain = octets(payloads);
    ByteWriter out;
    out.octets(octets("0102030405060708 1112131415161718"));
    out.u8(next).u8(version).u8(2).u8(flags).u32(0);
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
    const auto decoded = decode_message(datagram);
    return decoded ? std::nullopt : std::optional(decoded.error().fault);
}

template <typename Visit> void for_each_message(Visit visit) {
    for (const auto& exchange : recorded_v1_exchanges()) {
        std::size_t index = 0;
        for (const auto& recorded : exchange.messages) {
            BOOST_TEST_CONTEXT(exchange.scenario << " message " << index++) {
                visit(recorded);
            }
        }
    }
}

Octets reencode(const Message& decoded) {
    if (const auto* clear = std::get_if<ClearMessage>(&decoded)) {
        return encode_message(clear->header, clear->chain.payloads);
    }
    if (const auto* part = std::get_if<FragmentMessage>(&decoded)) {
        const Payload payload = part->fragment;
        return encode_message(part->header, {&payload, 1});
    }
    const auto& encrypted = std::get<EncryptedMessage>(decoded);
    return encode_encrypted_message(
        encrypted.header, PayloadType{static_cast<std::uint8_t>(encrypted.header.next_payload)},
        encrypted.ciphertext);
}

} // namespace

// covers 2409-A-a, 2407-4.5-a, 2408-2.5.2-a, 2408-3.1-a, 2408-3.1-c, 2408-5.3-a
BOOST_AUTO_TEST_CASE(charons_messages_reencode_to_the_same_octets) {
    std::size_t count = 0;
    for_each_message([&](const RecordedMessage& recorded) {
        const auto decoded = decode_message(recorded.datagram);
        BOOST_REQUIRE(decoded);
        BOOST_TEST(hexadecimal(reencode(*decoded)) == hexadecimal(recorded.datagram));
        BOOST_TEST(std::holds_alternative<EncryptedMessage>(*decoded) ==
                   recorded.first_inner.has_value());
        ++count;
    });
    BOOST_TEST(count > 150U);
}

// covers 2408-2.5.2-a, 2408-5.3-a
BOOST_AUTO_TEST_CASE(charons_opened_payloads_reencode_to_the_same_octets) {
    std::size_t count = 0;
    for_each_message([&](const RecordedMessage& recorded) {
        if (!recorded.first_inner) {
            return;
        }
        const auto decoded = decode_chain(first_inner(recorded), recorded.inner);
        BOOST_REQUIRE(decoded);
        const auto used = decoded->octets.size();
        // charon adds a whole block where none is needed.
        BOOST_TEST(recorded.inner.size() - used <= 16U);
        BOOST_TEST(std::ranges::equal(decoded->octets, std::span(recorded.inner).first(used)));
        BOOST_TEST(hexadecimal(encode_chain(decoded->payloads)) == hexadecimal(decoded->octets));
        ++count;
    });
    BOOST_TEST(count > 90U);
}

// covers class-out-of-bounds, 2408-5.1-a
BOOST_AUTO_TEST_CASE(a_message_that_was_cut_is_never_read_further) {
    for_each_message([](const RecordedMessage& recorded) {
        const std::span datagram(recorded.datagram);
        for (std::size_t length = 0; length < datagram.size(); ++length) {
            BOOST_TEST(fault(datagram.first(length)).has_value());
        }
        if (recorded.first_inner || datagram[16] == 132) {
            return;
        }
        for (std::size_t length = header_length; length < datagram.size(); ++length) {
            BOOST_TEST(fault(with_true_length(datagram.first(length))).has_value());
        }
    });
}

// A cut inside the padding is none.
BOOST_AUTO_TEST_CASE(every_truncation_of_opened_payloads_fails) {
    for_each_message([](const RecordedMessage& recorded) {
        if (!recorded.first_inner) {
            return;
        }
        const auto type = first_inner(recorded);
        const auto used = decode_chain(type, recorded.inner).value().octets.size();
        for (std::size_t length = 0; length < used; ++length) {
            BOOST_TEST(!decode_chain(type, std::span(recorded.inner).first(length)));
        }
    });
}

// covers class-out-of-bounds
BOOST_AUTO_TEST_CASE(any_octet_changed_to_anything_is_survived) {
    for_each_message([](const RecordedMessage& recorded) {
        const bool opened = recorded.first_inner.has_value();
        auto changed = opened ? recorded.inner : recorded.datagram;
        for (std::size_t i = opened ? 0 : header_length; i < changed.size(); ++i) {
            for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
                changed[i] ^= static_cast<std::uint8_t>(flip);
                if (opened) {
                    if (const auto chain = decode_chain(first_inner(recorded), changed)) {
                        BOOST_TEST(describe(chain->payloads).size() < 100'000U);
                    }
                } else {
                    (void)decode_message(changed);
                }
                changed[i] ^= static_cast<std::uint8_t>(flip);
            }
        }
    });
}

// covers 2408-5.2-d
BOOST_AUTO_TEST_CASE(another_major_version_is_refused_and_another_minor_one_read) {
    BOOST_TEST((fault(message(0, "", 0, 0x20)) == DecodeFault::wrong_version));
    BOOST_TEST(!fault(message(0, "", 0, 0x11)));
}

BOOST_AUTO_TEST_CASE(payload_lengths_must_agree) {
    BOOST_TEST((fault(message(13, "00 00 0003")) == DecodeFault::bad_length));
    BOOST_TEST((fault(message(13, "00 00 0005")) == DecodeFault::truncated));
    BOOST_TEST((fault(message(13, "0d 00 0004")) == DecodeFault::truncated));
    BOOST_TEST((fault(message(13, "")) == DecodeFault::truncated));
}

// libreswan pads what it sends in clear to four octets, ciphers pad to their block.
BOOST_AUTO_TEST_CASE(octets_behind_the_last_payload_are_padding_within_bounds) {
    const auto padded = [](std::size_t count) {
        return message(13, "00 00 0005 61" + hexadecimal(Octets(count, 0xee)));
    };
    const auto decoded = decode_message(padded(3));
    BOOST_REQUIRE(decoded);
    BOOST_TEST(hexadecimal(std::get<ClearMessage>(*decoded).chain.octets) == "0000000561");
    BOOST_TEST(!fault(padded(limit::padding)));
    BOOST_TEST((fault(padded(limit::padding + 1)) == DecodeFault::trailing_octets));
}

BOOST_AUTO_TEST_CASE(a_chain_tells_where_bodies_lie_as_they_were_sent) {
    // A reserved octet that is not zero is part of what a hash covers.
    const auto chain = decode_chain(PayloadType::hash, octets("0a 00 0006 aabb"
                                                              "05 77 000c 0102030405060708"
                                                              "00 00 000c 01 11 01f4 0a000001"
                                                              "0000"));
    BOOST_REQUIRE(chain);
    BOOST_REQUIRE(chain->payloads.size() == 3U);
    BOOST_TEST(hexadecimal(chain->body(0)) == "aabb");
    BOOST_TEST(hexadecimal(chain->body(2)) == "011101f40a000001");
    BOOST_TEST(hexadecimal(chain->behind(0)) == "0577000c01020304050607080000000c011101f40a000001");
    BOOST_TEST(chain->behind(2).empty());
}

BOOST_AUTO_TEST_CASE(a_hash_is_put_before_what_it_covers) {
    const std::vector<Payload> rest = {NoncePayload{Octets(8, 1)}};
    const auto covered = encode_chain(rest);
    const auto whole = encode_behind_hash({octets("aabb")}, first_type(rest), covered);
    const auto chain = decode_chain(PayloadType::hash, whole);
    BOOST_REQUIRE(chain);
    BOOST_TEST(std::ranges::equal(chain->behind(0), covered));
}

// covers 2409-3.2-b, 2409-B-c, 2408-4.1.1-b, 2408-4.1.1-c
BOOST_AUTO_TEST_CASE(a_ciphertext_is_everything_behind_the_header) {
    const auto decoded = decode_message(message(8, "0102030405060708", 0x01));
    BOOST_REQUIRE(decoded);
    const auto* encrypted = std::get_if<EncryptedMessage>(&*decoded);
    BOOST_REQUIRE(encrypted != nullptr);
    BOOST_TEST(hexadecimal(encrypted->ciphertext) == "0102030405060708");
    BOOST_TEST((fault(message(8, "", 0x01)) == DecodeFault::truncated));
}

// covers class-fragments
BOOST_AUTO_TEST_CASE(a_fragment_stands_alone) {
    const auto good = message(132, "00 00 0009 0001 01 01 aa");
    const auto decoded = decode_message(good);
    BOOST_REQUIRE(decoded);
    const auto& part = std::get<FragmentMessage>(*decoded).fragment;
    BOOST_TEST((part == FragmentPayload{1, 1, true, octets("aa")}));
    // With the encryption flag too: what it tells is the message inside.
    BOOST_TEST(std::holds_alternative<FragmentMessage>(
        decode_message(message(132, "00 00 0009 0001 01 01 aa", 0x01)).value()));
    BOOST_TEST((fault(message(132, "84 00 0009 0001 01 01 aa 00 00 0009 0001 02 01 aa")) ==
                DecodeFault::unexpected_payload));
    BOOST_TEST(
        (fault(message(132, "00 00 0009 0001 01 01 aa 00")) == DecodeFault::trailing_octets));
    BOOST_TEST((fault(message(132, "00 00 0009 0001 00 01 aa")) == DecodeFault::bad_value));
    BOOST_TEST((fault(message(132, "00 00 0008 0001 01 01")) == DecodeFault::truncated));
}

BOOST_AUTO_TEST_CASE(charons_fragments_are_messages_when_put_together) {
    Octets whole;
    std::size_t messages = 0;
    for (const auto& recorded : recorded_v1_exchange("fragments").messages) {
        const auto decoded = decode_message(recorded.datagram).value();
        const auto* part = std::get_if<FragmentMessage>(&decoded);
        if (part == nullptr) {
            continue;
        }
        whole.insert(whole.end(), part->fragment.data.begin(), part->fragment.data.end());
        if (part->fragment.last) {
            BOOST_TEST(!fault(whole));
            whole.clear();
            ++messages;
        }
    }
    BOOST_TEST(messages >= 4U);
}

// covers class-memory
BOOST_AUTO_TEST_CASE(the_number_of_payloads_is_limited) {
    const std::vector<Payload> most(limit::payloads, VendorIdPayload{});
    BOOST_TEST(decode_chain(PayloadType::vendor_id, encode_chain(most)).has_value());
    const std::vector<Payload> more(limit::payloads + 1, VendorIdPayload{});
    const auto decoded = decode_chain(PayloadType::vendor_id, encode_chain(more));
    BOOST_REQUIRE(!decoded);
    BOOST_TEST((decoded.error().fault == DecodeFault::too_many));
}

BOOST_AUTO_TEST_CASE(a_fault_names_the_payload_of_its_version) {
    const auto decoded = decode_message(message(8, "00 00 0004"));
    BOOST_REQUIRE(!decoded);
    BOOST_TEST(decoded.error().to_string() == "wrong length in HASH (hash), octet 32");
}

BOOST_AUTO_TEST_SUITE_END()
