#include "ike/wire/v1_attribute.h"

#include "ike/wire/field_reader.h"

namespace viaduct::ike::wire::v1 {

namespace {

constexpr std::uint16_t short_form = 0x8000;
constexpr std::size_t longest_number = 8;

Decoded<Attribute> read_attribute(ByteReader& source) {
    FieldReader fields(source, "attribute");
    const auto form_and_type = fields.u16();
    const auto value_or_length = fields.u16();
    Attribute attribute;
    attribute.type = static_cast<std::uint16_t>(form_and_type & ~short_form);
    if ((form_and_type & short_form) != 0) {
        attribute.value = value_or_length;
    } else {
        const auto octets = fields.octets(value_or_length);
        attribute.value = Octets(octets.begin(), octets.end());
    }
    return fields.finish(std::move(attribute));
}

} // namespace

std::optional<std::uint64_t> number_of(const Attribute& attribute) {
    if (const auto* value = std::get_if<std::uint16_t>(&attribute.value)) {
        return *value;
    }
    const auto& octets = std::get<Octets>(attribute.value);
    if (octets.empty() || octets.size() > longest_number) {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    for (const auto octet : octets) {
        number = number << 8 | octet;
    }
    return number;
}

Attribute number_attribute(std::uint16_t type, std::uint32_t value) {
    if (value <= 0xffff) {
        return {.type = type, .value = static_cast<std::uint16_t>(value)};
    }
    ByteWriter out;
    out.u32(value);
    return {.type = type, .value = std::move(out).take()};
}

Decoded<std::vector<Attribute>> decode_attributes(ByteReader source) {
    std::vector<Attribute> attributes;
    while (!source.empty()) {
        if (attributes.size() == max_attributes) {
            return std::unexpected(source.error(DecodeFault::too_many, "attribute"));
        }
        auto attribute = read_attribute(source);
        if (!attribute) {
            return std::unexpected(attribute.error());
        }
        attributes.push_back(*std::move(attribute));
    }
    return attributes;
}

void encode_attributes(std::span<const Attribute> attributes, ByteWriter& out) {
    for (const auto& attribute : attributes) {
        if (const auto* value = std::get_if<std::uint16_t>(&attribute.value)) {
            out.u16(short_form | attribute.type).u16(*value);
            continue;
        }
        const auto& octets = std::get<Octets>(attribute.value);
        out.u16(attribute.type).u16(static_cast<std::uint16_t>(octets.size())).octets(octets);
    }
}

} // namespace viaduct::ike::wire::v1
