// viaduct-kernel-test NETNS: puts fixed child SAs and the firewall table into a namespace.
//
// Reads one command a line and answers each with lines that end in "ok" or "failed: WHY":
//
//   install ID [WORD=VALUE…]   install-inbound ID [WORD=VALUE…]   install-outbound ID [WORD=VALUE…]
//   remove-outbound ID   move ID [WORD=VALUE…]   remove ID   counters ID   remove-all
//   remove-leftovers   compare   mend   describe ID [WORD=VALUE…]   firewall [LOCAL>REMOTE…]
//   remove-firewall   clamp [LOCAL>REMOTE>SEGMENT…]   dropped
//   features   missing PROPOSAL
//   udp-open   udp-send LOCAL REMOTE PORT TEXT   udp-receive LOCAL PORT
//
// firewall takes interface=NAME for a tunnel's interface, too.
//
// udp-open opens 500 and 4500 as the daemon does; a TEXT is sent from and to the same port, with
// "0" for four zero octets in front; what is received is printed with its length, or "nothing".
//
// Words and what they are without: side=left (right: the same child seen from the other end),
// suite=aes256gcm16 (an ESP proposal), outer=10.10.10.5,10.10.10.4, local=192.168.10.0/24,…,
// remote=192.168.20.0/24,…, spi=0xc0000000 (left's inbound; right's is the next), reqid=7,
// window=1024, encap=no (yes, or left's and right's port: 4500,61000), lifetime=0, if_id=0,
// mode=tunnel (transport), dscp=out (no, in, both), ecn=yes, df=yes, volume=0,0,0,0 (soft and hard
// octets, soft and hard packets), keepalive=0 (seconds), offload=none (crypto, packet). A selector
// may end in [PROTOCOL/PORT] or [PROTOCOL/FIRST-LAST]. move heeds side, outer and encap.
#include "netns/firewall_table.h"
#include "netns/ike_udp_socket.h"
#include "netns/network_namespace.h"
#include "netns/outer_path.h"
#include "policy/proposal_choice.h"
#include "xfrm/kernel_probe.h"
#include "xfrm/leftovers.h"
#include "xfrm/security_associations.h"

#include <iostream>
#include <map>
#include <numeric>
#include <optional>
#include <poll.h>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace viaduct;
using Words = std::map<std::string, std::string>;

[[noreturn]] void refuse(const std::string& why) {
    throw std::runtime_error(why);
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) {
        parts.push_back(part);
    }
    return parts;
}

std::uint32_t number(const std::string& text) {
    return static_cast<std::uint32_t>(std::stoul(text, nullptr, 0));
}

policy::IpAddress address(const std::string& text) {
    const auto result = policy::IpAddress::parse(text);
    return result ? *result : (refuse("no address: " + text), policy::IpAddress());
}

/// SUBNET or FIRST-LAST, perhaps with [PROTOCOL/PORT] or [PROTOCOL/FIRST-LAST].
policy::TrafficSelector selector(const std::string& text) {
    const std::string range = text.substr(0, text.find('['));
    policy::TrafficSelector result;
    if (const auto subnet = policy::Subnet::parse(range)) {
        result = policy::TrafficSelector::from_subnet(*subnet);
    } else {
        const auto ends = split(range, '-');
        result.start_address = address(ends.at(0));
        result.end_address = address(ends.at(1));
    }
    if (range.size() != text.size()) {
        const auto parts =
            split(text.substr(range.size() + 1, text.size() - range.size() - 2), '/');
        const auto ports = split(parts.at(1), '-');
        result.protocol = static_cast<std::uint8_t>(number(parts.at(0)));
        result.start_port = static_cast<std::uint16_t>(number(ports.front()));
        result.end_port = static_cast<std::uint16_t>(number(ports.back()));
    }
    return result;
}

std::vector<policy::TrafficSelector> selectors(const std::string& text) {
    return std::ranges::to<std::vector>(split(text, ',') | std::views::transform(selector));
}

policy::EspSuite suite(const std::string& proposal) {
    const auto parsed = policy::parse_proposal(proposal, policy::ProtocolId::esp);
    const auto result = parsed ? policy::esp_suite(*parsed) : std::nullopt;
    return result ? *result : (refuse("no suite: " + proposal), policy::EspSuite());
}

/// Octets that count up from `first`: no secret at all.
policy::Secret octets(std::uint8_t first, std::size_t length) {
    std::vector<std::uint8_t> result(length);
    std::iota(result.begin(), result.end(), first);
    return policy::Secret(result);
}

policy::EspKeys keys(const policy::EspSuite& suite, std::uint8_t first) {
    return {octets(first, suite.encryption_key_length()),
            octets(static_cast<std::uint8_t>(first + 128), suite.integrity_key_length())};
}

policy::ChildSa mirrored(policy::ChildSa child) {
    std::swap(child.local_address, child.remote_address);
    std::swap(child.inbound_spi, child.outbound_spi);
    std::swap(child.inbound_keys, child.outbound_keys);
    std::swap(child.local_selectors, child.remote_selectors);
    if (child.encapsulation) {
        std::swap(child.encapsulation->local_port, child.encapsulation->remote_port);
    }
    return child;
}

policy::ChildSa child(std::uint64_t id, const Words& words) {
    const auto word = [&](const char* name, const char* otherwise) {
        const auto entry = words.find(name);
        return entry == words.end() ? std::string(otherwise) : entry->second;
    };
    const auto outer = split(word("outer", "10.10.10.5,10.10.10.4"), ',');
    const std::uint32_t spi = number(word("spi", "0xc0000000"));
    policy::ChildSa result;
    result.id = policy::ChildSaId{id};
    result.connection = "test";
    result.reqid = number(word("reqid", "7"));
    result.if_id = number(word("if_id", "0"));
    result.local_address = address(outer.at(0));
    result.remote_address = address(outer.at(1));
    result.inbound_spi = policy::ChildSpi{spi};
    result.outbound_spi = policy::ChildSpi{spi + 1};
    result.suite = suite(word("suite", "aes256gcm16"));
    result.inbound_keys = keys(result.suite, 1);
    result.outbound_keys = keys(result.suite, 65);
    result.replay_window = number(word("window", "1024"));
    if (const auto encap = word("encap", "no"); encap == "yes") {
        result.encapsulation = policy::UdpEncapsulation{};
    } else if (encap != "no") {
        const auto ports = split(encap, ',');
        result.encapsulation =
            policy::UdpEncapsulation{static_cast<std::uint16_t>(number(ports.at(0))),
                                     static_cast<std::uint16_t>(number(ports.at(1)))};
    }
    result.local_selectors = selectors(word("local", "192.168.10.0/24"));
    result.remote_selectors = selectors(word("remote", "192.168.20.0/24"));
    result.lifetime = std::chrono::seconds(number(word("lifetime", "0")));
    result.nat_keepalive = std::chrono::seconds(number(word("keepalive", "0")));
    if (word("mode", "tunnel") == "transport") {
        result.mode = policy::EspMode::transport;
    }
    const auto dscp = word("dscp", "out");
    result.header = {.copy_dscp_out = dscp == "out" || dscp == "both",
                     .copy_dscp_in = dscp == "in" || dscp == "both",
                     .copy_ecn = word("ecn", "yes") == "yes",
                     .copy_df = word("df", "yes") == "yes"};
    const auto volume = split(word("volume", "0,0,0,0"), ',');
    result.soft_volume = {number(volume.at(0)), number(volume.at(2))};
    result.hard_volume = {number(volume.at(1)), number(volume.at(3))};
    if (const auto offload = word("offload", "none"); offload != "none") {
        result.offload =
            offload == "crypto" ? policy::HardwareOffload::crypto : policy::HardwareOffload::packet;
    }
    return word("side", "left") == "left" ? result : mirrored(std::move(result));
}

template <class Result> void expect(const Result& result) {
    if (!result) {
        refuse(result.error().to_string());
    }
}

policy::FirewallRules firewall_rules(const std::vector<std::string>& pairs) {
    policy::ConnectionSet set;
    for (const std::string& pair : pairs) {
        policy::Connection connection;
        if (pair.starts_with("interface=")) {
            connection.interface = policy::TunnelInterface{.name = pair.substr(pair.find('=') + 1)};
            set.connections.push_back(std::move(connection));
            continue;
        }
        const auto sides = split(pair, '>');
        connection.local_selectors = selectors(sides.at(0));
        connection.remote_selectors = selectors(sides.at(1));
        set.connections.push_back(std::move(connection));
    }
    return policy::firewall_rules(set);
}

std::vector<policy::ClampedPair> clamped_pairs(const std::vector<std::string>& words) {
    std::vector<policy::ClampedPair> result;
    for (const std::string& word : words) {
        const auto parts = split(word, '>');
        for (const auto& pair : policy::pairs_of(selectors(parts.at(0)), selectors(parts.at(1)))) {
            result.push_back({pair, static_cast<std::uint16_t>(number(parts.at(2)))});
        }
    }
    return result;
}

class Tool {
public:
    explicit Tool(netns::NetworkNamespace router) : router_(std::move(router)) {}

    void run(const std::vector<std::string>& line) {
        const std::string& verb = line.at(0);
        if (verb == "features") {
            const auto features = probe().features();
            std::cout << (features.sa_direction ? "sa-direction " : "")
                      << (features.nat_keepalive ? "nat-keepalive" : "") << '\n';
        } else if (verb == "missing") {
            const auto proposal = policy::parse_proposal(line.at(1), policy::ProtocolId::esp);
            for (const auto& each : probe().missing(proposal.value().transforms)) {
                std::cout << each.to_string() << '\n';
            }
        } else if (verb == "remove-all") {
            associations().remove_all();
        } else if (verb == "remove-leftovers") {
            const auto removed = xfrm::remove_leftovers(router_);
            expect(removed);
            std::cout << removed->states << ' ' << removed->policies << '\n';
        } else if (verb == "compare" || verb == "mend") {
            compare(verb == "mend");
        } else if (verb == "firewall") {
            expect(table().install(firewall_rules({line.begin() + 1, line.end()})));
        } else if (verb == "clamp") {
            expect(table().clamp(clamped_pairs({line.begin() + 1, line.end()})));
        } else if (verb == "remove-firewall") {
            expect(table().remove());
        } else if (verb == "dropped") {
            const auto counted = table().counters();
            expect(counted);
            std::cout << counted->outbound_packets << ' ' << counted->inbound_packets << '\n';
        } else if (verb.starts_with("udp-")) {
            run_on_sockets(verb, line);
        } else {
            run_on_child(verb, line);
        }
    }

private:
    static xfrm::KernelProbe probe() {
        auto opened = xfrm::KernelProbe::open();
        expect(opened);
        return std::move(*opened);
    }

    /// Not before the sockets: opening this loads modules that they must do without.
    xfrm::SecurityAssociations& associations() {
        if (!associations_) {
            auto opened = xfrm::SecurityAssociations::open(
                router_, probe().features(), [this](const auto& local, const auto& remote) {
                    auto routes = netns::RouteLookup::open(router_);
                    expect(routes);
                    const auto route = routes->towards(remote, local);
                    return route && *route ? (*route)->interface : 0;
                });
            expect(opened);
            associations_ = std::move(*opened);
        }
        return *associations_;
    }

    /// Prints what differs; `mend` also does what can be done about it.
    void compare(bool mend) {
        auto comparison = associations().compare(router_);
        expect(comparison);
        for (auto complete = comparison->advance();; complete = comparison->advance()) {
            expect(complete);
            if (*complete) {
                break;
            }
        }
        while (const auto differences = comparison->next_differences()) {
            for (const auto& difference : *differences) {
                const auto child = associations().child_of(difference);
                std::cout << to_string(difference.kind) << ": " << difference.name
                          << (child ? " (a child's)" : "") << '\n';
                if (mend) {
                    expect(associations().mend(difference));
                }
            }
        }
    }

    netns::FirewallTable& table() {
        if (!table_) {
            auto opened = netns::FirewallTable::open(router_, netns::nft::TableOwner::none);
            expect(opened);
            table_ = std::move(*opened);
        }
        return *table_;
    }

    void run_on_child(const std::string& verb, const std::vector<std::string>& line) {
        const std::uint64_t id = std::stoull(line.at(1));
        Words words;
        for (const std::string& text : line | std::views::drop(2)) {
            const auto sign = text.find('=');
            words[text.substr(0, sign)] = text.substr(sign + 1);
        }
        if (verb == "install") {
            expect(associations().install(child(id, words)));
            if (const auto refusal = associations().take_offload_refusal()) {
                std::cout << "no offload: " << refusal->reason << '\n';
            }
        } else if (verb == "install-inbound") {
            expect(associations().install_inbound(child(id, words)));
        } else if (verb == "install-outbound") {
            expect(associations().install_outbound(child(id, words)));
        } else if (verb == "remove-outbound") {
            expect(associations().remove_outbound(policy::ChildSaId{id}));
        } else if (verb == "move") {
            const policy::ChildSa moved = child(id, words);
            expect(associations().move(policy::ChildSaId{id},
                                       {{moved.local_address, 500}, {moved.remote_address, 500}},
                                       moved.encapsulation));
        } else if (verb == "remove") {
            expect(associations().remove(policy::ChildSaId{id}));
        } else if (verb == "counters") {
            const auto counted = associations().counters(policy::ChildSaId{id});
            expect(counted);
            std::cout << counted->inbound_bytes << ' ' << counted->inbound_packets << ' '
                      << counted->outbound_bytes << ' ' << counted->outbound_packets << '\n';
        } else if (verb == "describe") {
            for (const std::string& text : xfrm::SecurityAssociations::describe(child(id, words))) {
                std::cout << text << '\n';
            }
        } else {
            refuse("no command: " + verb);
        }
    }

    void open_sockets() {
        using netns::UdpPurpose;
        for (const auto family : {policy::AddressFamily::ipv4, policy::AddressFamily::ipv6}) {
            for (const std::uint16_t port : {std::uint16_t{500}, std::uint16_t{4500}}) {
                auto socket = netns::IkeUdpSocket::open(
                    router_, family, port, port == 500 ? UdpPurpose::ike : UdpPurpose::ike_and_esp,
                    netns::PolicyBypass::wanted);
                expect(socket);
                sockets_.emplace(std::pair(family, port), std::move(*socket));
            }
        }
    }

    void run_on_sockets(const std::string& verb, const std::vector<std::string>& line) {
        if (verb == "udp-open") {
            return open_sockets();
        }
        const policy::IpAddress local = address(line.at(1));
        const auto port = static_cast<std::uint16_t>(number(line.at(verb == "udp-send" ? 3 : 2)));
        netns::IkeUdpSocket& socket = sockets_.at({local.family(), port});
        if (verb == "udp-send") {
            std::string text = line.at(4);
            if (text.front() == '0') {
                text.replace(0, 1, 4, '\0');
            }
            const std::vector<std::uint8_t> octets(text.begin(), text.end());
            expect(socket.send({{local, port}, {address(line.at(2)), port}}, octets));
            return;
        }
        pollfd readable{socket.descriptor(), POLLIN, 0};
        ::poll(&readable, 1, 1000);
        const auto received = socket.receive();
        expect(received);
        if (*received) {
            const auto& [path, octets] = **received;
            std::cout << path.local.to_string() << " <- " << path.remote.to_string() << ' '
                      << octets.size() << '\n';
        } else {
            std::cout << "nothing\n";
        }
    }

    netns::NetworkNamespace router_;
    std::optional<xfrm::SecurityAssociations> associations_;
    std::optional<netns::FirewallTable> table_;
    std::map<std::pair<policy::AddressFamily, std::uint16_t>, netns::IkeUdpSocket> sockets_;
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: viaduct-kernel-test NETNS\n";
        return 2;
    }
    auto router = netns::NetworkNamespace::open(argv[1]);
    if (!router) {
        std::cout << "failed: " << router.error().to_string() << std::endl;
        return 1;
    }
    Tool tool(std::move(*router));
    for (std::string line; std::getline(std::cin, line);) {
        try {
            tool.run(split(line, ' '));
            std::cout << "ok" << std::endl;
        } catch (const std::exception& error) {
            std::cout << "failed: " << error.what() << std::endl;
        }
    }
}
