// A router's interfaces with their addresses and routes, as far as requests about them go: no
// privileges, and any request can be made to fail.
#pragma once

#include "netns/netlink_socket.h"
#include "tests/kernel/netlink_text.h"
#include "tests/kernel/request_refusal.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

namespace viaduct::test {

/// What survives the socket that speaks to it.
class FakeLinks {
public:
    struct Link {
        /// Of an XFRM interface.
        std::optional<std::uint32_t> if_id;
        std::uint32_t mtu = 0;
        bool up = false;
        std::string alias;
        std::set<Octets> addresses;
        friend bool operator==(const Link&, const Link&) = default;
    };
    /// Where a route leads, and who made it.
    struct Route {
        std::string link;
        std::uint8_t protocol = 0;
        friend bool operator==(const Route&, const Route&) = default;
    };

    std::map<std::string, Link> links;
    /// By destination; to each there is one.
    std::map<Octets, Route> routes;
    RequestRefusal refusal;

    /// Whether the same is there, under whatever numbers.
    bool holds_the_same(const FakeLinks& other) const {
        return links == other.links && routes == other.routes;
    }
    std::int32_t index_of(const std::string& name) const { return indexes_.at(name); }
    /// What somebody else does.
    void add(const std::string& name, std::optional<std::uint32_t> if_id);
    void remove(const std::string& name);
    void take_down(const std::string& name);
    /// As Linux does it: what is narrower than 1280 has no IPv6 (tried on 6.18).
    void set_mtu(const std::string& name, std::uint32_t mtu);

    /// A socket that speaks to it.
    std::unique_ptr<netns::NetlinkExchange> socket();

private:
    class Socket;
    netns::NetlinkAnswer take(const netns::NetlinkMessage& request);
    netns::NetlinkAnswer carry_out(const netns::NetlinkMessage& request);
    int change_link(std::span<const std::uint8_t> request, bool may_create);
    int change_address(std::span<const std::uint8_t> request, bool adds);
    int change_route(std::span<const std::uint8_t> request, bool adds);
    void list(const netns::NetlinkMessage& request,
              const std::function<void(std::span<const std::uint8_t>)>& each) const;
    void list_addresses(const std::string& name,
                        const std::function<void(std::span<const std::uint8_t>)>& each) const;
    void list_routes(const std::string& name,
                     const std::function<void(std::span<const std::uint8_t>)>& each) const;
    Octets listed(const std::string& name) const;
    /// Nothing where it is gone.
    std::optional<std::string> name_of(std::int64_t index) const;

    std::map<std::string, std::int32_t> indexes_;
    std::int32_t last_index_ = 0;
};

} // namespace viaduct::test
