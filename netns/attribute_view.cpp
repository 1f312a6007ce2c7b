#include "netns/attribute_view.h"

#include <linux/netlink.h>

#include <algorithm>

namespace viaduct::netns {

AttributeViews read_attributes(std::span<const std::uint8_t> octets) {
    AttributeViews result;
    while (const auto attribute = read_fixed<nlattr>(octets)) {
        if (attribute->nla_len < sizeof(nlattr) || attribute->nla_len > octets.size()) {
            break;
        }
        result.emplace(static_cast<std::uint16_t>(attribute->nla_type & NLA_TYPE_MASK),
                       octets.first(attribute->nla_len).subspan(sizeof(nlattr)));
        octets =
            octets.subspan(std::min<std::size_t>(octets.size(), NLA_ALIGN(attribute->nla_len)));
    }
    return result;
}

} // namespace viaduct::netns
