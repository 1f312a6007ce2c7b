// Sets up many IKE SAs with one child SA each against one responder, each as a peer of its own, and
// prints how long that took. Installs nothing, and leaves without a farewell: what the responder
// then holds is what its SAs cost.
#include "ike/endpoint.h"

#include <botan/system_rng.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace viaduct;
using Clock = std::chrono::steady_clock;

namespace {

struct Settings {
    policy::IpAddress local;
    policy::IpAddress remote;
    policy::IkeVersion version = policy::IkeVersion::v2;
    unsigned first = 0;
    unsigned count = 0;
    unsigned window = 0;
    std::string ike;
    std::string esp;
};

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "handshake_initiator: %s\n", why.c_str());
    std::exit(1);
}

sockaddr_in socket_address(const policy::UdpEndpoint& endpoint) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    std::memcpy(&address.sin_addr, endpoint.address.octets().data(), 4);
    return address;
}

class Socket {
public:
    Socket(const policy::IpAddress& local, std::uint16_t port)
        : local_{local, port}, file_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        const auto address = socket_address(local_);
        const int size = 8 << 20;
        ::setsockopt(file_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        if (::bind(file_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            give_up("cannot bind " + local_.to_string() + ": " + std::strerror(errno));
    }

    int file() const { return file_; }
    const policy::UdpEndpoint& local() const { return local_; }

    void send(const ike::SendDatagram& datagram) const {
        const auto address = socket_address(datagram.path.remote);
        ::sendto(file_, datagram.octets.data(), datagram.octets.size(), 0,
                 reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }

    /// The length and the sender, or nothing.
    std::optional<std::pair<std::size_t, policy::UdpEndpoint>>
    receive(std::span<std::uint8_t> buffer) const {
        sockaddr_in from{};
        socklen_t length = sizeof from;
        const auto got = ::recvfrom(file_, buffer.data(), buffer.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &length);
        if (got < 0)
            return std::nullopt;
        std::array<std::uint8_t, 4> octets{};
        std::memcpy(octets.data(), &from.sin_addr, 4);
        return std::pair(static_cast<std::size_t>(got),
                         policy::UdpEndpoint{policy::IpAddress::v4(octets), ntohs(from.sin_port)});
    }

private:
    policy::UdpEndpoint local_;
    int file_;
};

std::vector<policy::Proposal> proposals(const std::string& text, policy::ProtocolId protocol) {
    auto proposal = policy::parse_proposal(text, protocol);
    if (!proposal)
        give_up(text + ": " + proposal.error().message);
    return {std::move(*proposal)};
}

policy::ConnectionSet connection(const Settings& settings, unsigned index) {
    policy::Connection made;
    made.name = "c";
    made.ike.version = settings.version;
    made.ike.proposals = proposals(settings.ike, policy::ProtocolId::ike);
    made.esp.proposals = proposals(settings.esp, policy::ProtocolId::esp);
    made.local_address = settings.local;
    made.peer_address = settings.remote;
    made.local_id =
        policy::Identity::parse("gateway" + std::to_string(index) + ".bench.example.org").value();
    made.peer_id =
        policy::IdentityPattern::exactly(policy::Identity::parse("responder.example.org").value());
    made.psk = policy::Secret::from_text("handshake bench");
    // A subnet of its own for every peer: 10.0.0.0/28 and so on.
    const unsigned place = index << 4;
    const auto inner = policy::IpAddress::v4(10, static_cast<std::uint8_t>(place >> 16),
                                             static_cast<std::uint8_t>(place >> 8),
                                             static_cast<std::uint8_t>(place));
    made.local_selectors = {policy::TrafficSelector::from_subnet({inner, 28})};
    made.remote_selectors = {
        policy::TrafficSelector::from_subnet(policy::Subnet::parse("172.16.0.0/16").value())};
    made.start = policy::StartAction::respond;
    made.dpd.interval = std::chrono::seconds(0);
    policy::ConnectionSet set;
    set.connections.push_back(std::move(made));
    return set;
}

class Bench {
public:
    explicit Bench(const Settings& settings)
        : settings_(settings), sockets_{Socket(settings.local, 500), Socket(settings.local, 4500)} {
        endpoints_.reserve(settings.count);
    }

    int run() {
        const auto began = Clock::now();
        while (completed_ + failed_ < settings_.count) {
            while (active_.size() < settings_.window && started_ < settings_.count)
                start_next();
            wait();
            tend();
            if (Clock::now() - last_progress_ > std::chrono::seconds(60))
                give_up("no handshake was completed for 60 s, " + std::to_string(completed_) +
                        " before");
        }
        const std::chrono::duration<double> wall = Clock::now() - began;
        std::printf(
            "{\"completed\": %u, \"failed\": %u, \"retransmitted\": %u, \"wall_s\": %.6f}\n",
            completed_, failed_, retransmitted_, wall.count());
        return failed_ == 0 ? 0 : 1;
    }

private:
    void start_next() {
        const auto place = started_++;
        endpoints_.push_back(
            std::make_unique<ike::Endpoint>(connection(settings_, settings_.first + place), rng_));
        active_.push_back(place);
        endpoints_[place]->on_command(Clock::now(), ike::Initiate{"c", std::nullopt});
        drain(place);
    }

    void wait() {
        std::array<pollfd, 2> files{pollfd{sockets_[0].file(), POLLIN, 0},
                                    pollfd{sockets_[1].file(), POLLIN, 0}};
        ::poll(files.data(), files.size(), 100);
        std::array<std::uint8_t, 4096> buffer{};
        for (const auto& socket : sockets_) {
            while (const auto got = socket.receive(buffer))
                on_datagram(socket, std::span(buffer).first(got->first), got->second);
        }
    }

    void on_datagram(const Socket& socket, std::span<const std::uint8_t> octets,
                     const policy::UdpEndpoint& from) {
        const auto owner = owners_.find(initiator_spi(socket.local().port, octets));
        if (owner == owners_.end())
            return;
        endpoints_[owner->second]->on_datagram(Clock::now(), {socket.local(), from}, octets);
        drain(owner->second);
    }

    static std::string initiator_spi(std::uint16_t port, std::span<const std::uint8_t> octets) {
        const std::size_t start = port == 4500 ? 4 : 0;
        if (octets.size() < start + 8)
            return {};
        return {reinterpret_cast<const char*>(octets.data()) + start, 8};
    }

    void drain(unsigned place) {
        while (auto effect = endpoints_[place]->next_effect()) {
            if (const auto* datagram = std::get_if<ike::SendDatagram>(&*effect)) {
                const bool nat = datagram->path.local.port == 4500;
                owners_[initiator_spi(datagram->path.local.port, datagram->octets)] = place;
                sockets_[nat ? 1 : 0].send(*datagram);
            } else if (const auto* report = std::get_if<ike::Report>(&*effect)) {
                on_report(place, report->event);
            }
        }
    }

    void on_report(unsigned place, const ike::ReportEvent& event) {
        if (std::holds_alternative<ike::ChildSaEstablished>(event)) {
            ++completed_;
            finish(place);
        } else if (const auto* failure = std::get_if<ike::NegotiationFailed>(&event)) {
            if (failed_++ == 0)
                std::fprintf(stderr, "handshake_initiator: %s\n",
                             ike::to_string(failure->why).c_str());
            finish(place);
        } else if (std::holds_alternative<ike::Retransmitted>(event)) {
            ++retransmitted_;
        }
    }

    void finish(unsigned place) {
        std::erase(active_, place);
        last_progress_ = Clock::now();
    }

    /// Retransmissions of those under way.
    void tend() {
        const auto now = Clock::now();
        const auto under_way = active_;
        for (const auto place : under_way) {
            const auto deadline = endpoints_[place]->next_deadline();
            if (deadline && *deadline <= now) {
                endpoints_[place]->on_deadline(now);
                drain(place);
            }
        }
    }

    Settings settings_;
    Botan::System_RNG rng_;
    std::array<Socket, 2> sockets_;
    std::vector<std::unique_ptr<ike::Endpoint>> endpoints_;
    std::unordered_map<std::string, unsigned> owners_;
    std::vector<unsigned> active_;
    unsigned started_ = 0;
    unsigned completed_ = 0;
    unsigned failed_ = 0;
    unsigned retransmitted_ = 0;
    Clock::time_point last_progress_ = Clock::now();
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 9) {
        give_up("usage: handshake_initiator LOCAL REMOTE VERSION FIRST COUNT WINDOW IKE-PROPOSAL "
                "ESP-PROPOSAL");
    }
    const auto local = policy::IpAddress::parse(argv[1]);
    const auto remote = policy::IpAddress::parse(argv[2]);
    if (!local || !remote)
        give_up("LOCAL and REMOTE are IPv4 addresses");
    const auto number = [&](int at) {
        return static_cast<unsigned>(std::strtoul(argv[at], nullptr, 10));
    };
    const auto version = number(3) == 1 ? policy::IkeVersion::v1 : policy::IkeVersion::v2;
    return Bench({*local, *remote, version, number(4), number(5), number(6), argv[7], argv[8]})
        .run();
}
