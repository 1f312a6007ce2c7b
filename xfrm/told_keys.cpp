#include "xfrm/told_keys.h"

#include <algorithm>
#include <cstddef>

namespace viaduct::xfrm {
namespace {

std::size_t key_offset(std::uint16_t type) {
    switch (type) {
    case XFRMA_ALG_AEAD: return sizeof(xfrm_algo_aead);
    case XFRMA_ALG_AUTH_TRUNC: return sizeof(xfrm_algo_auth);
    default: return sizeof(xfrm_algo);
    }
}

} // namespace

std::span<const std::uint8_t> key_in(std::uint16_t type, std::span<const std::uint8_t> value) {
    return value.subspan(std::min(value.size(), key_offset(type)));
}

bool lacks_keys(const AttributeViews& attributes) {
    return std::ranges::any_of(keyed_attributes, [&](std::uint16_t type) {
        const auto entry = attributes.find(type);
        const auto key = entry == attributes.end() ? std::span<const std::uint8_t>{}
                                                   : key_in(type, entry->second);
        return !key.empty() && std::ranges::all_of(key, [](auto octet) { return octet == 0; });
    });
}

} // namespace viaduct::xfrm
