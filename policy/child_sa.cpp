#include "policy/child_sa.h"

#include <format>
#include <utility>

namespace viaduct::policy {

std::string to_string(ChildSpi spi) {
    return std::format("{:08x}", std::to_underlying(spi));
}

} // namespace viaduct::policy
