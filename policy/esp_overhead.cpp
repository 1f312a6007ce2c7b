#include "policy/esp_overhead.h"

#include <algorithm>

namespace viaduct::policy {
namespace {

constexpr std::size_t udp_header = 8;
constexpr std::size_t spi_and_sequence_number = 8;
constexpr std::size_t pad_length_and_next_header = 2;
constexpr std::size_t tcp_header = 20;
constexpr std::size_t least_segment = 88;

constexpr std::size_t ip_header(AddressFamily family) {
    return family == AddressFamily::ipv4 ? 20 : 40;
}

} // namespace

std::size_t EspOverhead::outer_length(std::size_t inner) const {
    const std::size_t plain = inner + pad_length_and_next_header;
    return before + (plain + alignment - 1) / alignment * alignment + behind;
}

std::size_t EspOverhead::longest_inner(std::size_t outer) const {
    if (outer < before + behind) {
        return 0;
    }
    const std::size_t plain = (outer - before - behind) / alignment * alignment;
    return plain < pad_length_and_next_header ? 0 : plain - pad_length_and_next_header;
}

EspOverhead esp_overhead(const EspSuite& suite, AddressFamily outer, EspCarrier carrier) {
    EspOverhead result;
    result.before =
        ip_header(outer) + (carrier == EspCarrier::udp ? udp_header : 0) + spi_and_sequence_number;
    if (const auto* const encryption = facts(suite.encryption)) {
        result.before += encryption->iv;
        result.alignment = std::max<std::size_t>(encryption->block, 4);
        result.behind += encryption->icv;
    }
    if (const auto* const integrity = facts(suite.integrity)) {
        result.behind += integrity->icv;
    }
    return result;
}

std::uint16_t segment_in(std::size_t packet, AddressFamily family) {
    const std::size_t headers = ip_header(family) + tcp_header;
    return static_cast<std::uint16_t>(
        std::clamp<std::size_t>(packet, headers + least_segment, 65535) - headers);
}

} // namespace viaduct::policy
