// Two endpoints, one virtual clock, one link that can lose, double, delay and reorder, and two fake
// kernels that check what is installed. No time passes but the virtual one. With VIADUCT_TRACE set,
// what happens is written to standard error.
#pragma once

#include "ike/endpoint.h"

#include <botan/chacha_rng.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace viaduct::simulation {

using namespace std::chrono_literals;
using ike::TimePoint;
using Duration = TimePoint::duration;

/// What the link does to each datagram, drawn from the run's seed.
struct LinkFaults {
    double loss = 0;
    double duplication = 0;
    std::chrono::milliseconds shortest{10};
    std::chrono::milliseconds longest{10};
};

/// What a gateway's clock shows while the link's counts: it goes faster by so many parts in a
/// million, and began elsewhere.
struct Clock {
    std::int64_t fast = 0;
    TimePoint::duration ahead{};

    TimePoint shows(TimePoint time) const;
    /// The first moment at which it shows `time` or later.
    TimePoint until_it_shows(TimePoint time) const;
};

/// A child SA in a fake kernel.
struct InstalledChild {
    policy::ChildSa child;
    bool inbound = true;
    bool outbound = true;
    /// Counts installations of outbound SAs: of several, a kernel takes the newest.
    std::uint64_t outbound_number = 0;
    std::uint64_t inbound_packets = 0;
    std::uint64_t outbound_packets = 0;
};

/// A kernel that takes child SAs and complains about what a real one would complain about.
class FakeKernel {
public:
    explicit FakeKernel(std::string name) : name_(std::move(name)) {}

    enum class Sides : std::uint8_t { both, inbound };
    /// Nothing, or why it is refused.
    std::optional<std::string> install(const policy::ChildSa& child, Sides sides);
    std::optional<std::string> install_outbound(const policy::ChildSa& child);
    void remove_outbound(policy::ChildSaId child);
    void remove(policy::ChildSaId child);
    /// False when it is refused.
    bool move(const ike::MoveChildSa& moved);
    std::uint64_t inbound_packets(policy::ChildSaId child) const;

    const std::map<policy::ChildSaId, InstalledChild>& installed() const { return installed_; }
    /// The SA that a packet between these selectors leaves by; null: none.
    const InstalledChild* outbound(const policy::TrafficSelector& local,
                                   const policy::TrafficSelector& remote) const;
    /// Takes a packet in; false when no SA has this SPI.
    bool receive(policy::ChildSpi spi);
    /// Sends a packet through the outbound SA of a child.
    void send(policy::ChildSaId child);
    /// What limits by volume gave rise to since they were asked for last. A packet counts as
    /// `packet_octets`; what has reached a hard limit is gone.
    std::vector<ike::KernelEvent> take_events() { return std::exchange(events_, {}); }
    static constexpr std::uint64_t packet_octets = 100;
    /// Broken promises: an SPI twice, keys of the wrong length, empty selectors.
    const std::vector<std::string>& complaints() const { return complaints_; }

    /// Refuses that many installations from now on.
    unsigned refusals = 0;
    bool refuses_moves = false;
    /// Refuses this installation, counted from 1 on; 0: none.
    std::uint64_t refused_installation = 0;
    std::uint64_t installations() const { return installations_; }

private:
    void check(const policy::ChildSa& child);
    bool refuses();
    void count(const policy::ChildSa& child, std::uint64_t& packets, bool& present);

    std::string name_;
    std::vector<ike::KernelEvent> events_;
    std::uint64_t installations_ = 0;
    std::map<policy::ChildSaId, InstalledChild> installed_;
    std::set<policy::ChildSaId> refused_;
    std::uint64_t outbound_number_ = 0;
    std::vector<std::string> complaints_;
};

enum class End : std::uint8_t { left, right };
constexpr End other(End end) {
    return end == End::left ? End::right : End::left;
}

struct Gateway {
    Gateway(policy::ConnectionSet set, std::uint64_t seed, std::string gateway_name,
            ike::EndpointSettings endpoint_settings);

    /// The daemon dies without a word and starts anew; its kernel is emptied.
    void restart();

    std::string name;
    Clock clock;
    policy::ConnectionSet connections;
    ike::EndpointSettings settings;
    Botan::ChaCha_RNG rng;
    std::optional<ike::Endpoint> endpoint;
    FakeKernel kernel;
    std::vector<ike::ReportEvent> reports;
    /// In the kernel, whichever sides of them.
    std::size_t kernel_children() const { return kernel.installed().size(); }
    /// Messages sent, in arrow notation.
    std::vector<std::string> sent;
};

class TwoGateways {
public:
    TwoGateways(policy::ConnectionSet left_connections, policy::ConnectionSet right_connections,
                std::uint64_t run_seed = 1, ike::EndpointSettings settings = {});

    Gateway left, right;
    LinkFaults faults;
    /// While set, nothing gets through.
    bool cut = false;
    /// Nothing gets to this address of a gateway, or from it.
    std::optional<policy::IpAddress> gone_address;
    /// Looks at each datagram before the link does; false: it is lost.
    std::function<bool(End sender, std::vector<std::uint8_t>& octets)> inspect;
    /// Datagrams of a sender are kept back, in order, until released.
    void hold(End sender);
    void release(End sender);
    /// How many are kept back.
    std::size_t held(End sender) const { return holds_[index(sender)].datagrams.size(); }

    /// After every step a packet goes each way through the tunnel, arriving at once; where it is
    /// lost although both ends have been up, it is noted in `lost_packets`.
    bool traffic = false;
    std::vector<std::string> lost_packets;
    /// Rewrites the path as the receiver sees it, and back for what it sends: a NAT before `left`.
    std::optional<policy::IpAddress> nat_address;
    /// Between the ports of `left` and those that the NAT gives them; another one, or another
    /// address, makes the old mappings void. Only to be raised.
    std::uint16_t nat_port_offset = 10000;

    /// What the resolver says, at once. On other names it says nothing.
    std::map<std::string, policy::IpAddress> names{
        {"left.example.org", *policy::IpAddress::parse("10.10.10.5")},
        {"right.example.org", *policy::IpAddress::parse("10.10.10.4")}};

    TimePoint now() const { return now_; }
    Gateway& at(End end) { return end == End::left ? left : right; }

    void command(End end, const ike::Command& command);
    void kernel_event(End end, const ike::KernelEvent& event);
    /// A datagram out of nowhere.
    void inject(End receiver, const policy::UdpPath& path, std::vector<std::uint8_t> octets);
    /// Handles the next thing that happens, if it happens before `limit`.
    bool step(TimePoint limit);
    void run_for(Duration duration);
    /// Until the condition holds; false when it does not within `limit`.
    bool run_until(const std::function<bool()>& condition, Duration limit);

    /// Called after every step: an invariant.
    std::function<void()> after_step;

    bool up(const std::string& connection);
    /// Both kernels hold the same children, with each other's keys, SPIs and selectors. What only
    /// takes in what is under way is left out.
    std::vector<std::string> disagreements() const;
    /// In both kernels, those that carry traffic or will.
    std::size_t children() const;
    std::uint64_t datagrams() const { return datagrams_; }
    /// Pairs of SAs with each other's SPIs, but not with each other's keys and selectors, seen when
    /// the second was installed.
    std::vector<std::string> strangers;

private:
    struct Flight {
        TimePoint arrival;
        std::uint64_t number;
        End receiver;
        policy::UdpPath path;
        std::vector<std::uint8_t> octets;
        bool operator>(const Flight& rhs) const {
            return std::tie(arrival, number) > std::tie(rhs.arrival, rhs.number);
        }
    };

    struct Hold {
        bool holding = false;
        std::vector<ike::SendDatagram> datagrams;
    };
    static std::size_t index(End end) { return end == End::left ? 0 : 1; }
    void trace(End end, const ike::Effect& effect) const;
    void note_lost(std::string what);
    /// What the gateway's clock shows now.
    TimePoint time_of(End end) { return at(end).clock.shows(now_); }
    /// When the gateway has something to do, by the link's clock.
    std::optional<TimePoint> due(const Gateway& gateway) const;
    void install(End end, const policy::ChildSa& child, FakeKernel::Sides sides);
    void carry_out(End end, const ike::Effect& effect);
    void offer_packet(End sender);
    void tell_events(End end);
    void drain(End end);
    void send(End sender, const ike::SendDatagram& datagram);
    void launch(End sender, const ike::SendDatagram& datagram);
    std::optional<policy::UdpPath> path_at(End receiver, const policy::UdpPath& sent) const;
    double draw();

    TimePoint now_{std::chrono::hours(1)};
    Botan::ChaCha_RNG rng_;
    std::uint64_t datagrams_ = 0;
    std::array<Hold, 2> holds_;
    std::priority_queue<Flight, std::vector<Flight>, std::greater<>> flights_;
};

/// The state of a connection at one end.
ike::ConnectionStatus status(const Gateway& gateway, const std::string& connection);
/// The last reason that a gateway reported for a failed negotiation.
std::optional<ike::Cause> last_failure(const Gateway& gateway);
/// The established IKE SAs of a connection at one end, and their children.
std::vector<ike::IkeSaStatus> ike_sas(const Gateway& gateway, const std::string& connection);
std::vector<ike::ChildSaStatus> child_sas(const Gateway& gateway, const std::string& connection);
/// How many reports of a kind there are.
template <typename T> std::size_t count(const Gateway& gateway) {
    std::size_t n = 0;
    for (const auto& each : gateway.reports)
        n += std::holds_alternative<T>(each) ? 1u : 0u;
    return n;
}

} // namespace viaduct::simulation
