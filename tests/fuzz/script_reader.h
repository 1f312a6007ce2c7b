// A fuzz input read as a script: octet by octet, zeros when it is used up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace viaduct::fuzz {

class ScriptReader {
public:
    ScriptReader(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

    bool empty() const { return rest_.empty(); }
    std::uint8_t octet() {
        const auto taken = octets(1);
        return taken.empty() ? std::uint8_t{0} : taken.front();
    }
    std::uint16_t u16() {
        const auto high = octet();
        return static_cast<std::uint16_t>(high << 8 | octet());
    }
    /// Fewer when the script ends before.
    std::span<const std::uint8_t> octets(std::size_t count) {
        const auto taken = rest_.first(std::min(count, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    /// So many as the next octet says.
    std::span<const std::uint8_t> counted() { return octets(octet()); }

private:
    std::span<const std::uint8_t> rest_;
};

} // namespace viaduct::fuzz
