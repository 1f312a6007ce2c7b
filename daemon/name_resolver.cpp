#include "daemon/name_resolver.h"

#include <algorithm>

namespace viaduct::daemon {

namespace asio = boost::asio;

namespace {

policy::IpAddress policy_address(const asio::ip::address& address) {
    return address.is_v4() ? policy::IpAddress::v4(address.to_v4().to_bytes())
                           : policy::IpAddress::v6(address.to_v6().to_bytes());
}

} // namespace

void NameResolver::resolve(const std::string& name, Done done) {
    resolver_.async_resolve(
        name, "",
        [done = std::move(done)](const boost::system::error_code& error,
                                 const asio::ip::udp::resolver::results_type& found) {
            std::vector<policy::IpAddress> addresses;
            if (!error) {
                for (const auto& entry : found) {
                    const auto address = policy_address(entry.endpoint().address());
                    if (!std::ranges::contains(addresses, address)) {
                        addresses.push_back(address);
                    }
                }
            }
            done(std::move(addresses));
        });
}

} // namespace viaduct::daemon
