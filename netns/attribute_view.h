// Views of what lies in a netlink message from the kernel, without copies: it may hold keys.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>

namespace viaduct::netns {

/// A struct at the front of the octets, wherever they lie. Nothing when they are too few.
template <class Fixed> std::optional<Fixed> read_fixed(std::span<const std::uint8_t> octets) {
    Fixed result{};
    if (octets.size() < sizeof(result)) {
        return std::nullopt;
    }
    std::memcpy(&result, octets.data(), sizeof(result));
    return result;
}

using AttributeViews = std::map<std::uint16_t, std::span<const std::uint8_t>>;
/// The values of the attributes that stand one after another, by type; of several of one type the
/// first. Ends at the first that does not fit.
AttributeViews read_attributes(std::span<const std::uint8_t> octets);

} // namespace viaduct::netns
