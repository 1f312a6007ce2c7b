#include "xfrm/state_flow.h"

#include <linux/udp.h>

#include <format>

namespace viaduct::xfrm {

using policy::ChildSa;

Flow flow_of(const ChildSa& child, Direction direction) {
    const policy::UdpEncapsulation ports = child.encapsulation.value_or(policy::UdpEncapsulation{});
    if (direction == Direction::inbound) {
        return {child.remote_address,
                child.local_address,
                static_cast<std::uint32_t>(child.inbound_spi),
                child.inbound_keys,
                ports.remote_port,
                ports.local_port};
    }
    return {
        child.local_address, child.remote_address, static_cast<std::uint32_t>(child.outbound_spi),
        child.outbound_keys, ports.local_port,     ports.remote_port};
}

std::uint8_t kernel_mode(policy::EspMode mode) {
    return mode == policy::EspMode::tunnel ? XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT;
}

const char* mode_name(policy::EspMode mode) {
    return mode == policy::EspMode::tunnel ? "tunnel" : "transport";
}

std::string request_name(const char* request, const ChildSa& child, Direction direction) {
    const Flow flow = flow_of(child, direction);
    return std::format("{} {} {} -> {} spi 0x{:08x}", request,
                       direction == Direction::inbound ? "in" : "out", flow.source.to_string(),
                       flow.destination.to_string(), flow.spi);
}

xfrm_usersa_id state_id(const ChildSa& child, Direction direction) {
    const Flow flow = flow_of(child, direction);
    xfrm_usersa_id id{};
    id.daddr = kernel_address(flow.destination);
    id.spi = htonl(flow.spi);
    id.family = kernel_family(flow.destination.family());
    id.proto = IPPROTO_ESP;
    return id;
}

void put_encapsulation(netns::NetlinkMessage& message, const ChildSa& child, Direction direction) {
    if (!child.encapsulation) {
        return;
    }
    const Flow flow = flow_of(child, direction);
    xfrm_encap_tmpl encapsulation{};
    encapsulation.encap_type = UDP_ENCAP_ESPINUDP;
    encapsulation.encap_sport = htons(flow.source_port);
    encapsulation.encap_dport = htons(flow.destination_port);
    message.put_attribute_of(XFRMA_ENCAP, encapsulation);
}

void put_offload(netns::NetlinkMessage& message, const ChildSa& child, Direction direction,
                 std::uint32_t interface_index) {
    if (interface_index == 0 || child.offload == policy::HardwareOffload::none) {
        return;
    }
    xfrm_user_offload offload{};
    offload.ifindex = static_cast<int>(interface_index);
    offload.flags = direction == Direction::inbound ? XFRM_OFFLOAD_INBOUND : 0;
    if (child.offload == policy::HardwareOffload::packet) {
        offload.flags |= XFRM_OFFLOAD_PACKET;
    }
    message.put_attribute_of(XFRMA_OFFLOAD_DEV, offload);
}

} // namespace viaduct::xfrm
