#include "ike/nat_traversal.h"

#include "ike/crypto/nat_detection_hash.h"

#include <algorithm>

namespace viaduct::ike {

namespace {

constexpr std::size_t marker_length = 4;

wire::NotifyPayload detection_notify(wire::NotifyType type, wire::IkeSpi spi_i, wire::IkeSpi spi_r,
                                     const policy::UdpEndpoint& endpoint) {
    const auto hash = crypto::nat_detection_hash(spi_i, spi_r, endpoint);
    return {.protocol = policy::ProtocolId::none,
            .spi = {},
            .type = type,
            .data = {hash.begin(), hash.end()}};
}

} // namespace

std::array<wire::NotifyPayload, 2> nat_detection_notifies(wire::IkeSpi spi_i, wire::IkeSpi spi_r,
                                                          const policy::UdpPath& path,
                                                          SourceNotify source) {
    // No message comes from there, so that the hash fits no path.
    const policy::UdpEndpoint nowhere{policy::IpAddress::unspecified(path.local.address.family()),
                                      0};
    return {
        detection_notify(wire::NotifyType::nat_detection_source_ip, spi_i, spi_r,
                         source == SourceNotify::truthful ? path.local : nowhere),
        detection_notify(wire::NotifyType::nat_detection_destination_ip, spi_i, spi_r, path.remote),
    };
}

NatDetection detect_nat(std::span<const wire::NotifyPayload> notifies, wire::IkeSpi spi_i,
                        wire::IkeSpi spi_r, const policy::UdpPath& path) {
    bool any_source = false, any_destination = false;
    bool source_matches = false, destination_matches = false;
    const auto source = crypto::nat_detection_hash(spi_i, spi_r, path.remote);
    const auto destination = crypto::nat_detection_hash(spi_i, spi_r, path.local);
    for (const auto& notify : notifies) {
        // RFC 7296 2.23: there may be several source notifies; one that matches is enough.
        if (notify.type == wire::NotifyType::nat_detection_source_ip) {
            any_source = true;
            source_matches |= std::ranges::equal(notify.data, source);
        } else if (notify.type == wire::NotifyType::nat_detection_destination_ip) {
            any_destination = true;
            destination_matches |= std::ranges::equal(notify.data, destination);
        }
    }
    if (!any_source || !any_destination)
        return {};
    return {.supported = true,
            .local_behind_nat = !destination_matches,
            .remote_behind_nat = !source_matches};
}

std::optional<std::span<const std::uint8_t>> ike_message(std::span<const std::uint8_t> datagram,
                                                         std::uint16_t local_port,
                                                         const EndpointSettings& settings) {
    if (local_port != settings.nat_port)
        return datagram;
    if (datagram.size() <= marker_length)
        return std::nullopt;
    const auto marker = datagram.first(marker_length);
    if (std::ranges::any_of(marker, [](std::uint8_t octet) { return octet != 0; }))
        return std::nullopt;
    return datagram.subspan(marker_length);
}

std::vector<std::uint8_t> ike_datagram(std::span<const std::uint8_t> message,
                                       std::uint16_t local_port, const EndpointSettings& settings) {
    const std::size_t marker = local_port == settings.nat_port ? marker_length : 0;
    std::vector<std::uint8_t> out(marker + message.size());
    std::ranges::copy(message, out.begin() + static_cast<std::ptrdiff_t>(marker));
    return out;
}

} // namespace viaduct::ike
