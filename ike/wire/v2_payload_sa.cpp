// The Security Association payload (RFC 7296 section 3.3): proposals, in them transforms, in them
// attributes.

#include "ike/wire/field_reader.h"
#include "ike/wire/v2_payload_codec.h"

#include <algorithm>

namespace viaduct::ike::wire {

/*
   The body is a row of proposals:

    octet 0          1              2               3
   +--------------+--------------+------------------------------+
   | 0 last,      | reserved     | length of the proposal       |
   | 2 more       |              |                              |
   +--------------+--------------+--------------+---------------+
   | number       | protocol     | SPI size     | transforms    |
   +--------------+--------------+--------------+---------------+
   | SPI, then as many transforms as said, each:                |
   +--------------+--------------+------------------------------+
   | 0 last,      | reserved     | length of the transform      |
   | 3 more       |              |                              |
   +--------------+--------------+------------------------------+
   | type         | reserved     | transform id                 |
   +--------------+--------------+------------------------------+
   | attributes, each of one of two forms:                      |
   +-+---------------------------+------------------------------+
   |1| attribute type            | value                        |
   +-+---------------------------+------------------------------+
   |0| attribute type            | length, then the value       |
   +-+---------------------------+------------------------------+
*/

namespace {

constexpr std::uint8_t last = 0;
constexpr std::uint8_t more_proposals = 2;
constexpr std::uint8_t more_transforms = 3;
constexpr std::size_t substructure_header_length = 4;
constexpr std::uint16_t short_form = 0x8000;
constexpr std::uint16_t key_length_attribute = 14;
// Of the range for private use: stands for any attribute that was not understood and not kept, so
// that the transform stays one that nobody may choose.
constexpr std::uint16_t unknown_attribute = 16384;

/// The header that proposals and transforms share, and the reader of what it encloses.
struct Substructure {
    bool more = false;
    ByteReader content{{}};
};

Decoded<Substructure> read_substructure(ByteReader& source, std::uint8_t more_marker,
                                        std::string_view where) {
    FieldReader fields(source, where);
    const auto marker = fields.u8();
    fields.require(marker == last || marker == more_marker, DecodeFault::bad_value);
    fields.skip(1);
    const std::size_t length = fields.u16();
    fields.require(length >= substructure_header_length, DecodeFault::bad_length);
    Substructure result{.more = marker == more_marker};
    result.content = fields.sub(fields.failed() ? 0 : length - substructure_header_length);
    // "More" must tell the truth: either nothing follows, or something does.
    fields.require(result.more || source.empty(), DecodeFault::trailing_octets);
    fields.require(!result.more || !source.empty(), DecodeFault::truncated);
    return fields.finish(result);
}

Decoded<void> read_attribute(ByteReader& source, policy::Transform& transform) {
    FieldReader fields(source, "transform attribute");
    const auto form_and_type = fields.u16();
    const auto value_or_length = fields.u16();
    if ((form_and_type & short_form) == 0) {
        fields.skip(value_or_length);
        transform.unknown_attribute = true;
    } else if ((form_and_type & ~short_form) == key_length_attribute) {
        fields.require(!transform.key_bits, DecodeFault::bad_value);
        transform.key_bits = value_or_length;
    } else {
        // RFC 7296 3.3.6: a transform with an attribute that is not understood is not acceptable,
        // which is for whoever chooses to heed; the others stay valid.
        transform.unknown_attribute = true;
    }
    return fields.finish();
}

Decoded<policy::Transform> read_transform(ByteReader source) {
    FieldReader fields(source, "transform substructure");
    policy::Transform transform;
    transform.type = policy::TransformType{fields.u8()};
    fields.skip(1);
    transform.id = fields.u16();
    for (std::size_t count = 0; !fields.failed() && !source.empty(); ++count) {
        if (count == limit::attributes) {
            return std::unexpected(source.error(DecodeFault::too_many, "transform attribute"));
        }
        if (auto read = read_attribute(source, transform); !read) {
            return std::unexpected(read.error());
        }
    }
    return fields.finish(transform);
}

/// RFC 7296 3.3.1: none or 8 octets for IKE, 4 for AH and ESP. Of protocols that we do not know we
/// cannot say; their proposals are never chosen.
bool is_v2_spi_size(policy::ProtocolId protocol, std::size_t size) {
    switch (protocol) {
    case policy::ProtocolId::ike: return size == 0 || size == 8;
    case policy::ProtocolId::ah:
    case policy::ProtocolId::esp: return size == 4;
    default: return true;
    }
}

Decoded<std::vector<policy::Transform>> read_transforms(ByteReader source, std::size_t count) {
    constexpr std::string_view where = "transform substructure";
    std::vector<policy::Transform> transforms;
    if (count > limit::transforms) {
        return std::unexpected(source.error(DecodeFault::too_many, where));
    }
    while (!source.empty()) {
        auto next = read_substructure(source, more_transforms, where);
        if (!next) {
            return std::unexpected(next.error());
        }
        auto transform = read_transform(next->content);
        if (!transform) {
            return std::unexpected(transform.error());
        }
        transforms.push_back(*transform);
        if (transforms.size() > count) {
            return std::unexpected(source.error(DecodeFault::bad_length, where));
        }
    }
    if (transforms.size() != count) {
        return std::unexpected(source.error(DecodeFault::bad_length, where));
    }
    return transforms;
}

Decoded<OfferedProposal> read_proposal(ByteReader source) {
    FieldReader fields(source, "proposal substructure");
    OfferedProposal offered;
    offered.number = fields.u8();
    offered.proposal.protocol = policy::ProtocolId{fields.u8()};
    const auto spi_size = fields.u8();
    const auto transform_count = fields.u8();
    fields.require(is_v2_spi_size(offered.proposal.protocol, spi_size), DecodeFault::bad_length);
    const auto spi = fields.octets(spi_size);
    offered.spi.assign(spi.begin(), spi.end());
    if (!fields.failed()) {
        offered.proposal.transforms = fields.nested(read_transforms(source, transform_count));
    }
    return fields.finish(std::move(offered));
}

void write_transform(const policy::Transform& transform, bool is_last, ByteWriter& out) {
    const auto start = out.size();
    out.u8(is_last ? last : more_transforms).u8(0);
    const auto length = out.open_u16();
    out.u8(static_cast<std::uint8_t>(transform.type)).u8(0).u16(transform.id);
    if (transform.key_bits) {
        out.u16(short_form | key_length_attribute).u16(*transform.key_bits);
    }
    if (transform.unknown_attribute) {
        out.u16(short_form | unknown_attribute).u16(0);
    }
    out.close_u16(length, start);
}

void write_proposal(const OfferedProposal& offered, bool is_last, ByteWriter& out) {
    const auto& transforms = offered.proposal.transforms;
    const auto start = out.size();
    out.u8(is_last ? last : more_proposals).u8(0);
    const auto length = out.open_u16();
    out.u8(offered.number)
        .u8(static_cast<std::uint8_t>(offered.proposal.protocol))
        .u8(static_cast<std::uint8_t>(offered.spi.size()))
        .u8(static_cast<std::uint8_t>(std::min<std::size_t>(transforms.size(), 255)))
        .octets(offered.spi);
    for (const auto& transform : transforms) {
        write_transform(transform, &transform == &transforms.back(), out);
    }
    out.close_u16(length, start);
}

} // namespace

Decoded<SaPayload> decode_sa(ByteReader body) {
    constexpr std::string_view where = "proposal substructure";
    SaPayload payload;
    unsigned previous_number = 0;
    do {
        if (payload.proposals.size() == limit::proposals) {
            return std::unexpected(body.error(DecodeFault::too_many, where));
        }
        auto next = read_substructure(body, more_proposals, where);
        if (!next) {
            return std::unexpected(next.error());
        }
        auto offered = read_proposal(next->content);
        if (!offered) {
            return std::unexpected(offered.error());
        }
        // RFC 7296 3.3.1: numbers count upwards. Gaps do no harm, but an answer names a proposal by
        // its number, so no number may come twice.
        if (offered->number <= previous_number) {
            return std::unexpected(next->content.error(DecodeFault::bad_value, where));
        }
        previous_number = offered->number;
        payload.proposals.push_back(*std::move(offered));
    } while (!body.empty());
    return payload;
}

void encode_body(const SaPayload& payload, ByteWriter& out) {
    for (const auto& offered : payload.proposals) {
        write_proposal(offered, &offered == &payload.proposals.back(), out);
    }
}

} // namespace viaduct::ike::wire
