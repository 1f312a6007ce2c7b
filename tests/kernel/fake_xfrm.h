// A kernel's states and policies, as far as requests about them go: no privileges, and any request
// can be made to fail.
#pragma once

#include "netns/netlink_socket.h"
#include "tests/kernel/netlink_text.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace viaduct::test {

/// What survives the socket that speaks to it.
class FakeXfrm {
public:
    /// By destination and SPI, and by selector, direction and if_id; the whole request that made
    /// it.
    std::map<Octets, Octets> states;
    std::map<Octets, Octets> policies;
    /// Refuses this request, counted from 1 on, with this error; 0: none.
    std::uint64_t refused_request = 0;
    int error = 0;
    /// The refused one is done all the same, as when its acknowledgement is lost.
    bool done_all_the_same = false;
    std::uint64_t requests = 0;
    std::uint64_t batches = 0;
    /// How many states without SPI wait at a policy.
    unsigned larval_states = 0;
    /// Algorithms, as names in an attribute, that it does not have.
    std::set<std::string> lacking;
    /// Attributes that it does not know and therefore forgets.
    std::set<std::uint16_t> unknown_attributes;

    /// Whether two hold the same, whatever was asked of them.
    bool holds_the_same(const FakeXfrm& other) const {
        return states == other.states && policies == other.policies;
    }
    /// A socket that speaks to it.
    std::unique_ptr<netns::NetlinkExchange> socket();

private:
    class Socket;
    netns::NetlinkAnswer take(netns::NetlinkMessage& request);
    netns::NetlinkAnswer carry_out(netns::NetlinkMessage& request);
    netns::NetlinkAnswer add_state(std::span<const std::uint8_t> request, bool must_be_new);
};

} // namespace viaduct::test
