// Two endpoints in one process, on one virtual clock: the processor time of each side for setting
// up IKE SAs, rekeying them and closing them, and the memory of an SA, at several numbers of SAs.
#include "ike/endpoint.h"

#include <botan/chacha_rng.h>

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace viaduct;

namespace {

constexpr auto responder_address = "10.99.0.1";

struct Settings {
    std::string group = "x25519";
    std::vector<unsigned> sizes = {1000};
    /// Of the rekeys, and of the last handshakes.
    unsigned sample = 500;
};

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "rekey_bench: %s\n", why.c_str());
    std::exit(1);
}

double cpu_us() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

double allocated() {
    const auto info = ::mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd);
}

std::vector<policy::Proposal> proposals(const std::string& text, policy::ProtocolId protocol) {
    auto proposal = policy::parse_proposal(text, protocol);
    if (!proposal)
        give_up(text + ": " + proposal.error().message);
    return {std::move(*proposal)};
}

policy::TrafficSelector subnet(const std::string& text) {
    return policy::TrafficSelector::from_subnet(policy::Subnet::parse(text).value());
}

std::string name(unsigned index) {
    return "c" + std::to_string(index);
}

/// Every peer has an address of its own.
policy::IpAddress peer_address(unsigned index) {
    return policy::IpAddress::v4(11, static_cast<std::uint8_t>(index >> 16),
                                 static_cast<std::uint8_t>(index >> 8),
                                 static_cast<std::uint8_t>(index));
}

policy::Identity peer_identity(unsigned index) {
    return policy::Identity::parse("gateway" + std::to_string(index) + ".example.org").value();
}

policy::TrafficSelector peer_subnet(unsigned index) {
    const unsigned place = index << 4;
    const auto inner = policy::IpAddress::v4(10, static_cast<std::uint8_t>(place >> 16),
                                             static_cast<std::uint8_t>(place >> 8),
                                             static_cast<std::uint8_t>(place));
    return policy::TrafficSelector::from_subnet({inner, 28});
}

/// What the responder has configured: one connection that takes all peers, or one for each.
enum class Responder : std::uint8_t { one_connection, connection_each };

/// What both sides' connections have in common.
policy::Connection connection(const Settings& settings, bool key_exchange) {
    policy::Connection made;
    made.ike.proposals =
        proposals("aes128gcm16-prfsha256-" + settings.group, policy::ProtocolId::ike);
    made.esp.proposals = proposals("aes128gcm16" + (key_exchange ? "-" + settings.group : ""),
                                   policy::ProtocolId::esp);
    made.psk = policy::Secret::from_text("rekey bench");
    made.dpd.interval = std::chrono::seconds(0);
    made.close = policy::CloseAction::clear;
    return made;
}

policy::ConnectionSet of_initiator(const Settings& settings, unsigned count, bool key_exchange) {
    policy::ConnectionSet set;
    auto made = connection(settings, key_exchange);
    made.peer_address = policy::IpAddress::parse(responder_address).value();
    made.peer_id =
        policy::IdentityPattern::exactly(policy::Identity::parse("responder.example.org").value());
    made.remote_selectors = {subnet("172.16.0.0/16")};
    for (unsigned index = 0; index < count; ++index) {
        made.name = name(index);
        made.local_address = peer_address(index);
        made.local_id = peer_identity(index);
        made.local_selectors = {peer_subnet(index)};
        set.connections.push_back(made);
    }
    return set;
}

policy::ConnectionSet of_responder(const Settings& settings, unsigned count, bool key_exchange,
                                   Responder kind) {
    policy::ConnectionSet set;
    auto made = connection(settings, key_exchange);
    made.local_address = policy::IpAddress::parse(responder_address).value();
    made.local_id = policy::Identity::parse("responder.example.org").value();
    made.local_selectors = {subnet("172.16.0.0/16")};
    for (unsigned index = 0; kind == Responder::connection_each && index < count; ++index) {
        made.name = name(index);
        made.peer_address = peer_address(index);
        made.peer_id = policy::IdentityPattern::exactly(peer_identity(index));
        made.remote_selectors = {peer_subnet(index)};
        set.connections.push_back(made);
    }
    if (kind == Responder::connection_each)
        return set;
    made.name = "peers";
    made.peer_address = policy::AnyPeer{};
    made.peer_id = policy::IdentityPattern::parse("*.example.org").value();
    made.remote_selectors = {subnet("10.0.0.0/8")};
    set.connections.push_back(std::move(made));
    return set;
}

struct Side {
    std::optional<ike::Endpoint> endpoint;
    double cpu = 0;
    unsigned children = 0;
    unsigned failures = 0;
};

/// Per operation, in microseconds of processor time.
struct Cost {
    double initiator = 0;
    double responder = 0;
};

class Bench {
public:
    Bench(const Settings& settings, unsigned count, bool key_exchange,
          Responder kind = Responder::one_connection)
        : rng_(seed()) {
        sides_[0].endpoint.emplace(of_initiator(settings, count, key_exchange), rng_);
        const auto without = allocated();
        sides_[1].endpoint.emplace(of_responder(settings, count, key_exchange, kind), rng_);
        for (auto& side : sides_)
            work(side, [&](ike::Endpoint& endpoint) { endpoint.on_deadline(now_); });
        configured_ = allocated() - without;
        settle();
    }

    template <typename Command> Cost each(unsigned first, unsigned last, Command&& command) {
        for (auto& side : sides_)
            side.cpu = 0;
        for (unsigned index = first; index < last; ++index) {
            work(sides_[0], [&](ike::Endpoint& endpoint) {
                endpoint.on_command(now_, command(index));
                endpoint.on_deadline(now_);
            });
            settle();
        }
        const auto done = static_cast<double>(std::max(last - first, 1u));
        return {sides_[0].cpu / done, sides_[1].cpu / done};
    }

    Cost connect(unsigned first, unsigned last) {
        return each(first, last, [](unsigned index) -> ike::Command {
            return ike::Initiate{name(index), std::nullopt};
        });
    }

    Cost rekey(unsigned count, ike::Rekey::What what) {
        return each(0, count,
                    [&](unsigned index) -> ike::Command { return ike::Rekey{name(index), what}; });
    }

    Cost close(unsigned count) {
        const auto closed = each(0, 1, [](unsigned) -> ike::Command { return ike::Shutdown{}; });
        return {closed.initiator / count, closed.responder / count};
    }

    /// What the responder holds beside its configuration; both endpoints are gone after that.
    double responder_bytes() {
        sides_[0].endpoint.reset();
        const auto with = allocated();
        sides_[1].endpoint.reset();
        return with - allocated() - configured_;
    }

    unsigned children() const { return std::min(sides_[0].children, sides_[1].children); }
    unsigned failures() const { return sides_[0].failures + sides_[1].failures; }

    /// Lets what retires go.
    void pass(std::chrono::seconds time) {
        now_ += time;
        for (auto& side : sides_)
            work(side, [&](ike::Endpoint& endpoint) { endpoint.on_deadline(now_); });
        settle();
    }

private:
    static Botan::secure_vector<std::uint8_t> seed() {
        return Botan::secure_vector<std::uint8_t>(32, 7);
    }

    template <typename Work> void work(Side& side, Work&& work) {
        const auto began = cpu_us();
        work(*side.endpoint);
        std::vector<ike::Effect> effects;
        while (auto effect = side.endpoint->next_effect())
            effects.push_back(std::move(*effect));
        side.cpu += cpu_us() - began;
        for (auto& effect : effects)
            carry_out(side, effect);
    }

    void carry_out(Side& side, ike::Effect& effect) {
        if (auto* datagram = std::get_if<ike::SendDatagram>(&effect)) {
            flights_.emplace_back(&side == &sides_[0] ? 1 : 0, std::move(*datagram));
        } else if (const auto* report = std::get_if<ike::Report>(&effect)) {
            if (std::holds_alternative<ike::ChildSaEstablished>(report->event))
                ++side.children;
            if (const auto* failed = std::get_if<ike::NegotiationFailed>(&report->event);
                failed && side.failures++ == 0)
                std::fprintf(stderr, "rekey_bench: %s\n", ike::to_string(failed->why).c_str());
        }
    }

    void settle() {
        while (!flights_.empty()) {
            const auto [receiver, datagram] = std::move(flights_.front());
            flights_.pop_front();
            work(sides_[receiver], [&](ike::Endpoint& endpoint) {
                endpoint.on_datagram(now_, {datagram.path.remote, datagram.path.local},
                                     datagram.octets);
            });
        }
        now_ += std::chrono::milliseconds(1);
    }

    Botan::ChaCha_RNG rng_;
    std::array<Side, 2> sides_;
    std::deque<std::pair<std::size_t, ike::SendDatagram>> flights_;
    ike::TimePoint now_{std::chrono::hours(1)};
    double configured_ = 0;
};

void print(const char* what, unsigned count, const Cost& cost) {
    std::printf("%-26s%8u%14.0f%14.0f%16.0f\n", what, count, cost.initiator, cost.responder,
                1e6 / std::max(cost.responder, 0.001));
    std::fflush(stdout);
}

void expect(const Bench& bench, unsigned children) {
    if (bench.failures() != 0 || bench.children() != children)
        give_up(std::to_string(bench.children()) + " child SAs were made, not " +
                std::to_string(children) + ", with " + std::to_string(bench.failures()) +
                " failures");
}

void measure(const Settings& settings, unsigned count) {
    const auto sample = std::min(settings.sample, count);
    for (const bool key_exchange : {false, true}) {
        Bench bench(settings, count, key_exchange);
        bench.connect(0, count - sample);
        const auto handshake = bench.connect(count - sample, count);
        expect(bench, count);
        if (key_exchange) {
            print("child rekey, key exchange", count,
                  bench.rekey(sample, ike::Rekey::What::child_sas));
            expect(bench, count + sample);
            continue;
        }
        print("handshake", count, handshake);
        print("child rekey", count, bench.rekey(sample, ike::Rekey::What::child_sas));
        expect(bench, count + sample);
        bench.pass(std::chrono::seconds(60));
        print("IKE SA rekey", count, bench.rekey(sample, ike::Rekey::What::ike_sas));
        expect(bench, count + sample);
        print("close, of all at once", count, bench.close(count));
    }
}

/// A line of the curve; a cost that was not measured is zero.
using Line = std::array<double, 9>;

Line curve(const Settings& settings, unsigned count, Responder kind) {
    const auto sample = std::min(settings.sample, count);
    Cost closed;
    double bytes = 0;
    Bench bench(settings, count, false, kind);
    bench.connect(0, count - sample);
    const auto handshake = bench.connect(count - sample, count);
    const auto child = bench.rekey(sample, ike::Rekey::What::child_sas);
    expect(bench, count + sample);
    bench.pass(std::chrono::seconds(60));
    const auto sa = bench.rekey(sample, ike::Rekey::What::ike_sas);
    if (kind == Responder::one_connection) {
        closed = bench.close(count);
    } else {
        bench.pass(std::chrono::seconds(60));
        bytes = bench.responder_bytes() / count;
    }
    return {handshake.initiator, handshake.responder, child.initiator,
            child.responder,     sa.initiator,        sa.responder,
            closed.initiator,    closed.responder,    bytes};
}

double bytes_with_one_connection(const Settings& settings, unsigned count) {
    Bench bench(settings, count, false);
    bench.connect(0, count);
    bench.pass(std::chrono::seconds(60));
    return bench.responder_bytes() / count;
}

void print_line(const std::string& label, const Line& line, int decimals) {
    std::printf("%8s", label.c_str());
    for (const auto each : line)
        std::printf(each > 0 ? "%10.*f" : "         -", decimals, each);
    std::printf("\n");
    std::fflush(stdout);
}

void draw_curve(const Settings& settings, Responder kind) {
    std::printf("\nresponder with %s\n", kind == Responder::one_connection
                                             ? "one connection for all peers"
                                             : "one connection for each peer");
    std::printf("%8s%20s%20s%20s%20s%10s\n%8s%10s%10s%10s%10s%10s%10s%10s%10s%10s\n", "SAs",
                "handshake", "child rekey", "IKE SA rekey", "close", "bytes/SA", "", "initiator",
                "responder", "initiator", "responder", "initiator", "responder", "initiator",
                "responder", "responder");
    std::vector<Line> lines;
    for (const auto count : settings.sizes) {
        lines.push_back(curve(settings, count, kind));
        if (kind == Responder::one_connection)
            lines.back().back() = bytes_with_one_connection(settings, count);
        print_line(std::to_string(count), lines.back(), 0);
    }
    std::printf("in terms of %u SAs\n", settings.sizes.front());
    for (std::size_t at = 1; at < lines.size(); ++at) {
        for (std::size_t i = 0; i < lines[at].size(); ++i)
            lines[at][i] /= std::max(lines.front()[i], 0.001);
        print_line(std::to_string(settings.sizes[at]), lines[at], 2);
    }
}

} // namespace

int main(int argc, char** argv) {
    Settings settings;
    bool curved = false;
    for (int at = 1; at < argc; ++at) {
        const std::string option = argv[at];
        const bool valued = at + 1 < argc;
        if (option == "--curve") {
            curved = true;
            settings.sizes = {100, 1000, 10000, 50000};
        } else if (option == "--group" && valued) {
            settings.group = argv[++at];
        } else if (option == "--count" && valued) {
            settings.sizes = {static_cast<unsigned>(std::strtoul(argv[++at], nullptr, 10))};
        } else {
            give_up("usage: rekey_bench [--curve] [--count N] [--group GROUP]");
        }
    }
    if (settings.sizes.front() == 0)
        give_up("--count is at least 1");
    std::printf("CPU time in us per operation, %s\n", settings.group.c_str());
    if (curved) {
        draw_curve(settings, Responder::one_connection);
        draw_curve(settings, Responder::connection_each);
        return 0;
    }
    std::printf("%-26s%8s%14s%14s%16s\n", "", "SAs", "initiator", "responder", "responder, /s");
    for (const auto count : settings.sizes)
        measure(settings, count);
    return 0;
}
