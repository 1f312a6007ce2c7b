#include "xfrm/told_keys.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace viaduct::xfrm {
namespace {

std::size_t key_offset(std::uint16_t type) {
    switch (type) {
    case XFRMA_ALG_AEAD: return sizeof(xfrm_algo_aead);
    case XFRMA_ALG_AUTH_TRUNC: return sizeof(xfrm_algo_auth);
    default: return sizeof(xfrm_algo);
    }
}

/// Those that are not empty.
std::vector<std::span<const std::uint8_t>> keys_in(const AttributeViews& attributes) {
    std::vector<std::span<const std::uint8_t>> keys;
    for (const std::uint16_t type : keyed_attributes) {
        const auto entry = attributes.find(type);
        if (entry == attributes.end()) {
            continue;
        }
        if (const auto key = key_in(type, entry->second); !key.empty()) {
            keys.push_back(key);
        }
    }
    return keys;
}

bool is_zeros(std::span<const std::uint8_t> key) {
    return std::ranges::all_of(key, [](auto octet) { return octet == 0; });
}

} // namespace

std::span<const std::uint8_t> key_in(std::uint16_t type, std::span<const std::uint8_t> value) {
    return value.subspan(std::min(value.size(), key_offset(type)));
}

bool lacks_keys(const AttributeViews& attributes) {
    return std::ranges::any_of(keys_in(attributes), is_zeros);
}

bool shows_no_key(const AttributeViews& attributes) {
    return std::ranges::all_of(keys_in(attributes), is_zeros);
}

} // namespace viaduct::xfrm
