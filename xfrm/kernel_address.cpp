#include "xfrm/kernel_address.h"

#include <cstring>
#include <sys/socket.h>

namespace viaduct::xfrm {

std::uint16_t kernel_family(policy::AddressFamily family) {
    return family == policy::AddressFamily::ipv4 ? AF_INET : AF_INET6;
}

xfrm_address_t kernel_address(const policy::IpAddress& address) {
    xfrm_address_t result{};
    std::memcpy(&result, address.octets().data(), address.octets().size());
    return result;
}

} // namespace viaduct::xfrm
