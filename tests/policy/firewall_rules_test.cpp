#include "policy/firewall_rules.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(firewall_rules_of_connections)

using namespace viaduct::policy;

namespace {

TrafficSelector range(const std::string& text) {
    if (const auto subnet = Subnet::parse(text)) {
        return TrafficSelector::from_subnet(*subnet);
    }
    TrafficSelector result;
    result.start_address = IpAddress::parse(text.substr(0, text.find('-'))).value();
    result.end_address = IpAddress::parse(text.substr(text.find('-') + 1)).value();
    return result;
}

Connection connection(const std::vector<std::string>& local,
                      const std::vector<std::string>& remote) {
    Connection result;
    for (const std::string& text : local) {
        result.local_selectors.push_back(range(text));
    }
    for (const std::string& text : remote) {
        result.remote_selectors.push_back(range(text));
    }
    return result;
}

std::vector<std::string> guarded(std::vector<Connection> connections) {
    std::vector<std::string> lines;
    for (const ProtectedPair& pair : firewall_rules({std::move(connections)}).guarded) {
        lines.push_back(pair.local_start.to_string() + "-" + pair.local_end.to_string() + " > " +
                        pair.remote_start.to_string() + "-" + pair.remote_end.to_string());
    }
    return lines;
}

void require_guarded(std::vector<Connection> connections, const std::vector<std::string>& lines) {
    BOOST_TEST(guarded(std::move(connections)) == lines, boost::test_tools::per_element());
}

} // namespace

BOOST_AUTO_TEST_CASE(no_connection_guards_nothing) {
    require_guarded({}, {});
}

BOOST_AUTO_TEST_CASE(every_pair_of_one_family_is_guarded) {
    require_guarded({connection({"192.168.11.0/24", "fd00:11::/64"},
                                {"192.168.30.0/24", "192.168.40.0/24", "fd00:30::/64"})},
                    {"192.168.11.0-192.168.11.255 > 192.168.30.0-192.168.30.255",
                     "192.168.11.0-192.168.11.255 > 192.168.40.0-192.168.40.255",
                     "fd00:11::-fd00:11::ffff:ffff:ffff:ffff > "
                     "fd00:30::-fd00:30::ffff:ffff:ffff:ffff"});
}

BOOST_AUTO_TEST_CASE(equal_and_contained_pairs_count_once) {
    require_guarded({connection({"10.0.0.0/8"}, {"10.0.0.0/8"}),
                     connection({"10.0.0.0/8"}, {"10.0.0.0/8"}),
                     connection({"10.1.0.0/16"}, {"10.2.0.0/16"})},
                    {"10.0.0.0-10.255.255.255 > 10.0.0.0-10.255.255.255"});
}

BOOST_AUTO_TEST_CASE(pairs_that_overlap_are_cut_apart) {
    require_guarded({connection({"10.0.0.0-10.0.0.9"}, {"10.1.0.0-10.1.0.9"}),
                     connection({"10.0.0.5-10.0.0.14"}, {"10.1.0.5-10.1.0.14"})},
                    {"10.0.0.0-10.0.0.4 > 10.1.0.0-10.1.0.9",
                     "10.0.0.5-10.0.0.9 > 10.1.0.0-10.1.0.14",
                     "10.0.0.10-10.0.0.14 > 10.1.0.5-10.1.0.14"});
}

BOOST_AUTO_TEST_CASE(neighbours_grow_together) {
    require_guarded(
        {connection({"10.0.0.0/25", "10.0.0.128/25"}, {"10.1.0.0/25", "10.1.0.128/25"})},
        {"10.0.0.0-10.0.0.255 > 10.1.0.0-10.1.0.255"});
}

BOOST_AUTO_TEST_CASE(packets_wait_where_a_connection_is_on_demand) {
    auto one = connection({"10.0.0.0/8"}, {"11.0.0.0/8"});
    BOOST_TEST(!firewall_rules({{one}}).packets_wait);
    one.start = StartAction::on_demand;
    BOOST_TEST(firewall_rules({{connection({"10.0.0.0/8"}, {"12.0.0.0/8"}), one}}).packets_wait);
}

BOOST_AUTO_TEST_CASE(a_route_based_connection_is_not_guarded) {
    auto one = connection({"0.0.0.0/0"}, {"0.0.0.0/0"});
    one.interface = TunnelInterface{.name = "vti-a", .addresses = {}};
    BOOST_TEST(firewall_rules({{one}}).guarded.empty());
}

BOOST_AUTO_TEST_CASE(everything_is_one_pair_up_to_the_last_address) {
    require_guarded({connection({"0.0.0.0/0"}, {"0.0.0.0/0"}), connection({"::/0"}, {"fd00::/8"})},
                    {"0.0.0.0-255.255.255.255 > 0.0.0.0-255.255.255.255",
                     "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff > "
                     "fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"});
    require_guarded({connection({"255.255.255.0/24"}, {"255.255.255.254/31"}),
                     connection({"255.255.255.255/32"}, {"0.0.0.0/32"})},
                    {"255.255.255.0-255.255.255.254 > 255.255.255.254-255.255.255.255",
                     "255.255.255.255-255.255.255.255 > 0.0.0.0-0.0.0.0",
                     "255.255.255.255-255.255.255.255 > 255.255.255.254-255.255.255.255"});
}

BOOST_AUTO_TEST_CASE(a_connection_may_do_without_a_guard) {
    auto open = connection({"10.0.0.0/24"}, {"10.1.0.0/24"});
    open.leak_guard = false;
    require_guarded({open}, {});
    // What another connection guards stays guarded.
    require_guarded({open, connection({"10.0.0.0/25"}, {"10.1.0.0/24"})},
                    {"10.0.0.0-10.0.0.127 > 10.1.0.0-10.1.0.255"});
}

BOOST_AUTO_TEST_CASE(routes_say_what_belongs_into_an_interface_to_everywhere) {
    auto everywhere = connection({"0.0.0.0/0", "::/0", "10.0.0.0/24"}, {"0.0.0.0/0", "::/0"});
    everywhere.interface = TunnelInterface{.name = "ipsec1"};
    auto somewhere = connection({"0.0.0.0/0"}, {"10.1.0.0/16"});
    somewhere.interface = TunnelInterface{.name = "ipsec0"};
    auto same = somewhere;
    const auto rules = firewall_rules({{everywhere, somewhere, same}});
    BOOST_TEST(rules.guarded.size() == 1u);
    BOOST_TEST(rules.guarded.front().remote_start.to_string() == "10.1.0.0");
    const std::vector<std::string> interfaces{"ipsec0", "ipsec1"};
    BOOST_TEST(rules.tunnel_interfaces == interfaces);
}

BOOST_AUTO_TEST_CASE(any_pairs_are_covered_exactly_once) {
    // A square of 16 by 16 addresses, so that every pair of addresses can be looked at.
    std::mt19937 random(20261123);
    const auto below = [&](unsigned end) { return static_cast<unsigned>(random() % end); };
    const auto address = [](unsigned net, unsigned last) {
        return IpAddress::v4(10, static_cast<std::uint8_t>(net), 0,
                             static_cast<std::uint8_t>(last));
    };
    for (int round = 0; round < 500; ++round) {
        ConnectionSet set;
        bool wanted[16][16]{};
        for (unsigned count = below(6); count > 0; --count) {
            const unsigned a = below(16), b = a + below(16 - a);
            const unsigned c = below(16), d = c + below(16 - c);
            Connection pair;
            pair.local_selectors = {{.start_address = address(0, a), .end_address = address(0, b)}};
            pair.remote_selectors = {
                {.start_address = address(1, c), .end_address = address(1, d)}};
            set.connections.push_back(pair);
            for (unsigned x = a; x <= b; ++x) {
                std::fill(wanted[x] + c, wanted[x] + d + 1, true);
            }
        }
        const FirewallRules rules = firewall_rules(set);
        BOOST_TEST(std::ranges::is_sorted(rules.guarded));
        for (unsigned x = 0; x < 16; ++x) {
            for (unsigned y = 0; y < 16; ++y) {
                const auto covering = std::ranges::count_if(rules.guarded, [&](const auto& pair) {
                    return pair.local_start <= address(0, x) && address(0, x) <= pair.local_end &&
                           pair.remote_start <= address(1, y) && address(1, y) <= pair.remote_end;
                });
                BOOST_TEST(covering == (wanted[x][y] ? 1 : 0));
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
