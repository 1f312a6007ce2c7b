#include "ike/wire/v1_message.h"

#include "ike/wire/payload_chain.h"
#include "ike/wire/v1_payload_codec.h"

namespace viaduct::ike::wire::v1 {

namespace {

wire::PayloadType number(PayloadType type) {
    return wire::PayloadType{static_cast<std::uint8_t>(type)};
}

/// Reads a chain whose first octet is the datagram's octet `offset`; faults are reported by that.
Decoded<Chain> decode_chain_at(std::size_t offset, PayloadType next,
                               std::span<const std::uint8_t> octets) {
    Chain chain;
    ByteReader reader(octets, 0, offset);
    while (next != PayloadType::none) {
        if (chain.payloads.size() == limit::payloads) {
            return std::unexpected(reader.error(DecodeFault::too_many, "payload chain"));
        }
        auto framed = read_chained_payload(number(next), reader);
        if (!framed) {
            return std::unexpected(framed.error());
        }
        const Extent body{framed->body.offset() - offset, framed->body.remaining()};
        auto payload = decode_payload(next, framed->body);
        if (!payload) {
            return std::unexpected(payload.error());
        }
        chain.payloads.push_back(*std::move(payload));
        chain.bodies.push_back(body);
        next = PayloadType{static_cast<std::uint8_t>(framed->next)};
    }
    // RFC 2409 appendix B pads ciphertexts; some pad what they send in clear to four octets too.
    if (reader.remaining() > limit::padding) {
        return std::unexpected(reader.error(DecodeFault::trailing_octets, "payload chain"));
    }
    const auto used = octets.first(octets.size() - reader.remaining());
    chain.octets.assign(used.begin(), used.end());
    return chain;
}

Decoded<Message> decode_fragment_message(const Header& header,
                                         std::span<const std::uint8_t> octets) {
    ByteReader reader(octets, 0, header_length);
    auto framed = read_chained_payload(header.next_payload, reader);
    if (!framed) {
        return std::unexpected(framed.error());
    }
    if (framed->next != wire::PayloadType::none) {
        return std::unexpected(
            framed->body.error(DecodeFault::unexpected_payload, "behind a fragment"));
    }
    if (auto end = reader.expect_end("behind a fragment"); !end) {
        return std::unexpected(end.error());
    }
    return decode_fragment(framed->body).transform([&](FragmentPayload fragment) {
        return Message(FragmentMessage{header, std::move(fragment)});
    });
}

Header outer(Header header, PayloadType first, std::size_t length) {
    header.major_version = 1;
    header.minor_version = 0;
    header.next_payload = number(first);
    header.length = static_cast<std::uint32_t>(header_length + length);
    return header;
}

Octets with_header(const Header& header, std::span<const std::uint8_t> behind) {
    ByteWriter out;
    encode_header(header, out);
    out.octets(behind);
    return std::move(out).take();
}

} // namespace

std::span<const std::uint8_t> Chain::body(std::size_t payload) const {
    return std::span(octets).subspan(bodies[payload].offset, bodies[payload].length);
}

std::span<const std::uint8_t> Chain::behind(std::size_t payload) const {
    return std::span(octets).subspan(bodies[payload].offset + bodies[payload].length);
}

const Header& header_of(const Message& message) {
    return std::visit([](const auto& each) -> const Header& { return each.header; }, message);
}

Decoded<Message> decode_message(std::span<const std::uint8_t> datagram) {
    const auto header = decode_header(datagram);
    if (!header) {
        return std::unexpected(header.error());
    }
    if (header->major_version != 1) {
        return std::unexpected(DecodeError{DecodeFault::wrong_version, 0, 17, "IKE header"});
    }
    const auto behind = datagram.subspan(header_length);
    const auto first = PayloadType{static_cast<std::uint8_t>(header->next_payload)};
    if (first == PayloadType::fragment) {
        return decode_fragment_message(*header, behind);
    }
    if (!header->encryption) {
        return decode_chain_at(header_length, first, behind).transform([&](Chain chain) {
            return Message(ClearMessage{*header, std::move(chain)});
        });
    }
    if (behind.empty()) {
        return std::unexpected(DecodeError{DecodeFault::truncated, 0, header_length, "ciphertext"});
    }
    return EncryptedMessage{*header, {behind.begin(), behind.end()}};
}

Decoded<Chain> decode_chain(PayloadType first, std::span<const std::uint8_t> octets) {
    return decode_chain_at(0, first, octets);
}

PayloadType first_type(std::span<const Payload> payloads) {
    return payloads.empty() ? PayloadType::none : payload_type(payloads.front());
}

Octets encode_chain(std::span<const Payload> payloads) {
    ByteWriter out;
    while (!payloads.empty()) {
        const auto& payload = payloads.front();
        payloads = payloads.subspan(1);
        PayloadFrame frame(number(first_type(payloads)), out);
        std::visit([&](const auto& content) { encode_body(content, out); }, payload);
        frame.close();
    }
    return std::move(out).take();
}

Octets encode_behind_hash(const HashPayload& hash, PayloadType first,
                          std::span<const std::uint8_t> chain) {
    ByteWriter out;
    PayloadFrame frame(number(first), out);
    encode_body(hash, out);
    frame.close();
    out.octets(chain);
    return std::move(out).take();
}

Octets encode_message(Header header, std::span<const Payload> payloads) {
    const auto chain = encode_chain(payloads);
    header.encryption = false;
    return with_header(outer(header, first_type(payloads), chain.size()), chain);
}

Octets encode_encrypted_message(Header header, PayloadType first,
                                std::span<const std::uint8_t> ciphertext) {
    header.encryption = true;
    return with_header(outer(header, first, ciphertext.size()), ciphertext);
}

} // namespace viaduct::ike::wire::v1
