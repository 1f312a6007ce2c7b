#include "ike/v1/fragmentation.h"

#include <algorithm>

namespace viaduct::ike::v1 {

namespace {

constexpr std::size_t max_parts = 64;
/// Enough for a chain of certificates.
constexpr std::size_t max_message = 0x8000;
constexpr auto assembly_time = std::chrono::seconds(30);
/// Generic payload header and the fragment's own four octets.
constexpr std::size_t part_header = 8;
constexpr std::size_t marker_length = 4;
constexpr std::size_t udp_header = 8;

std::size_t ip_header(const policy::UdpPath& path) {
    return path.local.address.family() == policy::AddressFamily::ipv4 ? 20 : 40;
}

/// Of the message inside one datagram of the size that is configured.
std::size_t longest_message(const IkeSaFacts& facts) {
    const auto around = ip_header(facts.path) + udp_header + marker_length;
    return facts.fragment_size > around ? facts.fragment_size - around : 0;
}

} // namespace

Messages fragmented(const IkeSaFacts& facts, const wire::Header& header, wire::Octets message) {
    const auto longest = longest_message(facts);
    const auto around = wire::header_length + part_header;
    if (!facts.fragmentation || facts.fragment_size == 0 || message.size() <= longest ||
        longest <= around)
        return {std::move(message)};
    const auto capacity = longest - around;
    if ((message.size() + capacity - 1) / capacity > 0xff)
        return {std::move(message)};
    Messages out;
    std::span<const std::uint8_t> rest(message);
    for (std::uint8_t number = 1; !rest.empty(); ++number) {
        const auto part = rest.first(std::min(capacity, rest.size()));
        rest = rest.subspan(part.size());
        out.push_back(wire::v1::encode_message(
            header, std::vector<wire::v1::Payload>{
                        wire::v1::FragmentPayload{.id = 1,
                                                  .number = number,
                                                  .last = rest.empty(),
                                                  .data = {part.begin(), part.end()}}}));
    }
    return out;
}

std::optional<wire::Octets> PartAssembly::add(TimePoint now,
                                              const wire::v1::FragmentPayload& part) {
    if (part.number == 0 || part.number > max_parts)
        return std::nullopt;
    // A sender repeats a message with the same parts; another id, or another end, is another one.
    if (id_ != part.id || (part.last && last_ && *last_ != part.number)) {
        *this = PartAssembly();
        id_ = part.id;
        give_up_ = now + assembly_time;
    }
    if (parts_.size() < part.number)
        parts_.resize(part.number);
    auto& slot = parts_[part.number - 1u];
    octets_ += part.data.size() - (slot ? slot->size() : 0);
    slot = part.data;
    if (part.last)
        last_ = part.number;
    if (octets_ > max_message || (last_ && parts_.size() > *last_)) {
        *this = PartAssembly();
        return std::nullopt;
    }
    if (!last_ || parts_.size() != *last_ ||
        !std::ranges::all_of(parts_, [](const auto& each) { return each.has_value(); }))
        return std::nullopt;
    wire::Octets whole;
    whole.reserve(octets_);
    for (const auto& each : parts_)
        whole.insert(whole.end(), each->begin(), each->end());
    *this = PartAssembly();
    return whole;
}

std::optional<TimePoint> PartAssembly::deadline() const {
    return id_ ? std::optional(give_up_) : std::nullopt;
}

void PartAssembly::on_deadline(TimePoint now) {
    if (id_ && give_up_ <= now)
        *this = PartAssembly();
}

} // namespace viaduct::ike::v1
