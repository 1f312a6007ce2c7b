#include "xfrm/kernel_address.h"

#include <array>
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

std::optional<policy::IpAddress> read_address(const xfrm_address_t& address, std::uint16_t family) {
    std::array<std::uint8_t, sizeof(address)> octets;
    std::memcpy(octets.data(), &address, octets.size());
    switch (family) {
    case AF_INET: return policy::IpAddress::v4(std::span(octets).first<4>());
    case AF_INET6: return policy::IpAddress::v6(octets);
    default: return std::nullopt;
    }
}

} // namespace viaduct::xfrm
