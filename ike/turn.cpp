#include "ike/turn.h"

#include "ike/nat_traversal.h"

namespace viaduct::ike {

void Turn::send(const policy::UdpPath& path, std::span<const std::uint8_t> message) {
    effects.emplace_back(SendDatagram{path, ike_datagram(message, path.local.port, settings)});
}

void Turn::send(const policy::UdpPath& path, std::span<const std::vector<std::uint8_t>> messages) {
    for (const auto& message : messages)
        send(path, std::span<const std::uint8_t>(message));
}

} // namespace viaduct::ike
