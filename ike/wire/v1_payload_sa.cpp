// The Security Association payload (RFC 2408 sections 3.4 to 3.6, RFC 2407 section 4.6.1):
// proposals, in them transforms, in them attributes.

#include "ike/wire/field_reader.h"
#include "ike/wire/v1_payload_codec.h"

#include <algorithm>

namespace viaduct::ike::wire::v1 {

/*
    octet 0          1              2               3
   +------------------------------------------------------------+
   | domain of interpretation: 1, IPsec                         |
   +------------------------------------------------------------+
   | situation: 1, SIT_IDENTITY_ONLY                            |
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
   | number       | transform id | reserved                     |
   +--------------+--------------+------------------------------+
   | attributes                                                 |
   +------------------------------------------------------------+
*/

namespace {

constexpr std::uint8_t last = 0;
constexpr auto more_proposals = static_cast<std::uint8_t>(PayloadType::proposal);
constexpr auto more_transforms = static_cast<std::uint8_t>(PayloadType::transform);
constexpr std::size_t substructure_header_length = 4;
constexpr std::size_t longest_isakmp_spi = 16;
constexpr std::size_t child_spi_length = 4;

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

Decoded<Transform> read_transform(ByteReader source) {
    FieldReader fields(source, "transform");
    Transform transform;
    transform.number = fields.u8();
    transform.id = fields.u8();
    fields.skip(2);
    if (!fields.failed()) {
        transform.attributes = fields.nested(decode_attributes(source));
    }
    return fields.finish(std::move(transform));
}

/// RFC 2408 3.5: up to 16 octets for ISAKMP, ignored there. Of protocols that we do not know we
/// cannot say; their proposals are never chosen.
bool is_v1_spi_size(policy::ProtocolId protocol, std::size_t size) {
    switch (protocol) {
    case policy::ProtocolId::ike: return size <= longest_isakmp_spi;
    case policy::ProtocolId::ah:
    case policy::ProtocolId::esp: return size == child_spi_length;
    default: return true;
    }
}

Decoded<std::vector<Transform>> read_transforms(ByteReader source, std::size_t count) {
    constexpr std::string_view where = "transform";
    std::vector<Transform> transforms;
    while (!source.empty()) {
        auto next = read_substructure(source, more_transforms, where);
        if (!next) {
            return std::unexpected(next.error());
        }
        auto transform = read_transform(next->content);
        if (!transform) {
            return std::unexpected(transform.error());
        }
        transforms.push_back(*std::move(transform));
        if (transforms.size() > count) {
            return std::unexpected(source.error(DecodeFault::bad_length, where));
        }
    }
    if (transforms.size() != count) {
        return std::unexpected(source.error(DecodeFault::bad_length, where));
    }
    return transforms;
}

Decoded<Proposal> read_proposal(ByteReader source) {
    FieldReader fields(source, "proposal");
    Proposal proposal;
    proposal.number = fields.u8();
    proposal.protocol = policy::ProtocolId{fields.u8()};
    const auto spi_size = fields.u8();
    const auto transform_count = fields.u8();
    fields.require(is_v1_spi_size(proposal.protocol, spi_size), DecodeFault::bad_length);
    const auto spi = fields.octets(spi_size);
    proposal.spi.assign(spi.begin(), spi.end());
    if (!fields.failed()) {
        proposal.transforms = fields.nested(read_transforms(source, transform_count));
    }
    return fields.finish(std::move(proposal));
}

/// RFC 2408 3.5: numbers count upwards; those of one number belong together and stand together.
bool follows(const Proposal& proposal, const std::vector<Proposal>& before) {
    return before.empty() || proposal.number >= before.back().number;
}

Decoded<std::vector<Proposal>> read_proposals(ByteReader source) {
    constexpr std::string_view where = "proposal";
    std::vector<Proposal> proposals;
    std::size_t transforms = 0;
    do {
        if (proposals.size() == limit::proposals) {
            return std::unexpected(source.error(DecodeFault::too_many, where));
        }
        auto next = read_substructure(source, more_proposals, where);
        if (!next) {
            return std::unexpected(next.error());
        }
        auto proposal = read_proposal(next->content);
        if (!proposal) {
            return std::unexpected(proposal.error());
        }
        transforms += proposal->transforms.size();
        if (transforms > limit::transforms) {
            return std::unexpected(next->content.error(DecodeFault::too_many, where));
        }
        if (!follows(*proposal, proposals)) {
            return std::unexpected(next->content.error(DecodeFault::bad_value, where));
        }
        proposals.push_back(*std::move(proposal));
    } while (!source.empty());
    return proposals;
}

void write_transform(const Transform& transform, bool is_last, ByteWriter& out) {
    const auto start = out.size();
    out.u8(is_last ? last : more_transforms).u8(0);
    const auto length = out.open_u16();
    out.u8(transform.number).u8(transform.id).u16(0);
    encode_attributes(transform.attributes, out);
    out.close_u16(length, start);
}

void write_proposal(const Proposal& proposal, bool is_last, ByteWriter& out) {
    const auto& transforms = proposal.transforms;
    const auto start = out.size();
    out.u8(is_last ? last : more_proposals).u8(0);
    const auto length = out.open_u16();
    out.u8(proposal.number)
        .u8(static_cast<std::uint8_t>(proposal.protocol))
        .u8(static_cast<std::uint8_t>(proposal.spi.size()))
        .u8(static_cast<std::uint8_t>(std::min<std::size_t>(transforms.size(), 255)))
        .octets(proposal.spi);
    for (const auto& transform : transforms) {
        write_transform(transform, &transform == &transforms.back(), out);
    }
    out.close_u16(length, start);
}

} // namespace

Decoded<SaPayload> decode_sa(ByteReader body) {
    FieldReader fields(body, "security association");
    const auto doi = Doi{fields.u32()};
    const auto situation = fields.u32();
    // RFC 2407 4.2.1: labels would follow another situation.
    fields.require(doi == Doi::ipsec && situation == situation_identity_only,
                   DecodeFault::bad_value);
    SaPayload payload;
    if (!fields.failed()) {
        payload.proposals = fields.nested(read_proposals(body));
    }
    return fields.finish(std::move(payload));
}

void encode_body(const SaPayload& payload, ByteWriter& out) {
    out.u32(static_cast<std::uint32_t>(Doi::ipsec)).u32(situation_identity_only);
    for (const auto& proposal : payload.proposals) {
        write_proposal(proposal, &proposal == &payload.proposals.back(), out);
    }
}

} // namespace viaduct::ike::wire::v1
