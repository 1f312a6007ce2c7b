#include "ike/wire/v2_message.h"

#include "ike/wire/field_reader.h"
#include "ike/wire/payload_chain.h"
#include "ike/wire/v2_payload_codec.h"

#include <algorithm>

namespace viaduct::ike::wire {

namespace {

/// What a chain holds, up to its end or to an encrypted payload.
struct Chain {
    std::vector<Payload> payloads;
    std::optional<ChainedPayload> encrypted;
};

Decoded<Chain> decode_chain(PayloadType next, ByteReader reader) {
    Chain chain;
    while (next != PayloadType::none) {
        if (chain.payloads.size() == limit::payloads) {
            return std::unexpected(reader.error(DecodeFault::too_many, "payload chain"));
        }
        auto framed = read_chained_payload(next, reader);
        if (!framed) {
            return std::unexpected(framed.error());
        }
        if (next == PayloadType::encrypted || next == PayloadType::encrypted_fragment) {
            chain.encrypted = *framed;
            break;
        }
        auto payload = decode_v2_payload(next, framed->critical, framed->body);
        if (!payload) {
            return std::unexpected(payload.error());
        }
        chain.payloads.push_back(*std::move(payload));
        next = framed->next;
    }
    // RFC 7296 3.14: SK is the last payload; its Next Payload is the first one inside.
    if (auto end = reader.expect_end("payload chain"); !end) {
        return std::unexpected(end.error());
    }
    return chain;
}

/*
   In front of the body of an Encrypted Fragment payload (RFC 7383 section 2.5):

    octet 0          1              2               3
   +-----------------------------+------------------------------+
   | fragment number, from 1     | total fragments              |
   +-----------------------------+------------------------------+
*/
constexpr std::size_t fragment_number_length = 4;

Decoded<FragmentNumber> read_fragment_number(ByteReader body) {
    FieldReader fields(body, "encrypted fragment");
    FragmentNumber fragment;
    fragment.number = fields.u16();
    fragment.total = fields.u16();
    fields.require(fragment.number >= 1 && fragment.number <= fragment.total,
                   DecodeFault::bad_value);
    return fields.finish(fragment);
}

/// The header of a message that ends with this payload, whose body has `body_length` octets, and
/// the generic header of the payload.
ByteWriter encrypted_prefix(Header header, PayloadType type, PayloadType first_inner,
                            std::size_t body_length) {
    const auto payload_length = payload_header_length + body_length;
    header.next_payload = type;
    header.length = static_cast<std::uint32_t>(header_length + payload_length);
    ByteWriter out;
    encode_header(header, out);
    out.u8(static_cast<std::uint8_t>(first_inner)).u8(0);
    out.u16(static_cast<std::uint16_t>(std::min<std::size_t>(payload_length, 0xffff)));
    return out;
}

PayloadType first_type(std::span<const Payload> payloads) {
    return payloads.empty() ? PayloadType::none : payload_type(payloads.front());
}

} // namespace

Decoded<OuterMessage> decode_v2_message(std::span<const std::uint8_t> datagram) {
    const auto header = decode_header(datagram);
    if (!header) {
        return std::unexpected(header.error());
    }
    if (header->major_version != 2) {
        return std::unexpected(DecodeError{DecodeFault::wrong_version, 0, 17, "IKE header"});
    }
    const ByteReader behind_header(datagram.subspan(header_length), 0, header_length);
    auto chain = decode_chain(header->next_payload, behind_header);
    if (!chain) {
        return std::unexpected(chain.error());
    }
    OuterMessage message{*header, std::move(chain->payloads), std::nullopt, std::nullopt};
    if (!chain->encrypted) {
        return message;
    }
    message.encrypted = EncryptedPayload{chain->encrypted->next, chain->encrypted->body.offset()};
    if (chain->encrypted->type == PayloadType::encrypted_fragment) {
        const auto fragment = read_fragment_number(chain->encrypted->body);
        if (!fragment) {
            return std::unexpected(fragment.error());
        }
        message.fragment = *fragment;
        message.encrypted->body_offset += fragment_number_length;
    }
    return message;
}

Decoded<std::vector<Payload>> decode_v2_payloads(PayloadType first,
                                                 std::span<const std::uint8_t> octets) {
    auto chain = decode_chain(first, ByteReader(octets));
    if (!chain) {
        return std::unexpected(chain.error());
    }
    if (chain->encrypted) {
        return std::unexpected(
            chain->encrypted->body.error(DecodeFault::unexpected_payload, "payload chain"));
    }
    return std::move(chain->payloads);
}

Octets encode_v2_payloads(std::span<const Payload> payloads) {
    ByteWriter out;
    while (!payloads.empty()) {
        const auto& payload = payloads.front();
        payloads = payloads.subspan(1);
        PayloadFrame frame(first_type(payloads), out);
        std::visit([&](const auto& content) { encode_body(content, out); }, payload);
        frame.close();
    }
    return std::move(out).take();
}

Octets encode_v2_message(Header header, std::span<const Payload> payloads) {
    const auto chain = encode_v2_payloads(payloads);
    header.next_payload = first_type(payloads);
    header.length = static_cast<std::uint32_t>(header_length + chain.size());
    ByteWriter out;
    encode_header(header, out);
    out.octets(chain);
    return std::move(out).take();
}

Octets encode_v2_encrypted_prefix(Header header, PayloadType first_inner, std::size_t body_length) {
    return encrypted_prefix(header, PayloadType::encrypted, first_inner, body_length).take();
}

Octets encode_v2_fragment_prefix(Header header, PayloadType first_inner, FragmentNumber fragment,
                                 std::size_t body_length) {
    // RFC 7383 2.5: Next Payload is zero in all fragments but the first.
    const auto next = fragment.number == 1 ? first_inner : PayloadType::none;
    auto out = encrypted_prefix(header, PayloadType::encrypted_fragment, next,
                                fragment_number_length + body_length);
    out.u16(fragment.number).u16(fragment.total);
    return std::move(out).take();
}

} // namespace viaduct::ike::wire
