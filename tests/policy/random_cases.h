// Seeded random values for property tests. VIADUCT_SEED replays a run.
#pragma once

#include "policy/traffic_selector.h"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <random>

namespace viaduct::policy {

class RandomCases {
public:
    RandomCases() : seed_(chosen_seed()), engine_(seed_) {
        BOOST_TEST_MESSAGE("VIADUCT_SEED=" << seed_);
    }
    std::uint64_t seed() const { return seed_; }

    std::uint32_t below(std::uint32_t bound) {
        return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(engine_);
    }
    /// One of 16 addresses a family, some at its ends, so that ranges meet often.
    IpAddress address(AddressFamily family) {
        auto address = below(2) == 0 ? IpAddress::unspecified(family) : IpAddress::highest(family);
        for (auto steps = below(8); steps > 0; --steps)
            address = address.is_unspecified() || below(3) != 0
                          ? address.next().value_or(address)
                          : address.previous().value_or(address);
        return address;
    }
    IpAddress any_address(AddressFamily family) {
        std::array<std::uint8_t, 16> octets{};
        for (auto& octet : octets)
            octet = static_cast<std::uint8_t>(below(256));
        return family == AddressFamily::ipv6 ? IpAddress::v6(octets)
                                             : IpAddress::v4(std::span(octets).first<4>());
    }
    TrafficSelector selector() {
        const auto family = below(3) == 0 ? AddressFamily::ipv6 : AddressFamily::ipv4;
        TrafficSelector selector;
        selector.start_address = address(family);
        selector.end_address = address(family);
        if (selector.end_address < selector.start_address)
            std::swap(selector.start_address, selector.end_address);
        constexpr std::array<std::uint8_t, 4> protocols{0, 0, 6, 17};
        selector.protocol = protocols[below(4)];
        if (below(3) == 0) {
            selector.start_port = static_cast<std::uint16_t>(below(4));
            selector.end_port = static_cast<std::uint16_t>(selector.start_port + below(4));
        } else if (below(8) == 0) {
            selector.start_port = 65535;
            selector.end_port = 0;
        }
        return selector;
    }

private:
    static std::uint64_t chosen_seed() {
        const char* const given = std::getenv("VIADUCT_SEED");
        return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    }

    std::uint64_t seed_;
    std::mt19937_64 engine_;
};

} // namespace viaduct::policy
