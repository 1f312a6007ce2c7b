// Two gateways talk, and a script changes what they say, adds messages of its own, gives orders and
// lets time pass. Every message verifies, so a peer with the right key that lies is what is tried.
// Nothing may crash, grow without bound or fail to end, and the kernels hold what the endpoints
// say. Built once for each version of IKE (VIADUCT_IKE_VERSION).
#include "tests/fuzz/message_edit.h"
#include "tests/simulation/connections.h"
#include "tests/simulation/two_gateways.h"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>

namespace {

using namespace viaduct;
using namespace viaduct::ike::wire;
using namespace std::chrono_literals;
using simulation::End;
using simulation::Gateway;
using simulation::TwoGateways;

constexpr bool v1 = VIADUCT_IKE_VERSION == 1;
constexpr std::size_t half_open_limit = 8;
/// A child SA that no IKE SA knows any more leaves the kernel within this time.
constexpr auto orphan_time = 60s;
constexpr std::size_t most_operations = 64;
constexpr auto longest_life = 30min;

[[noreturn]] void broken(const std::string& what) {
    std::fprintf(stderr, "broken: %s\n", what.c_str());
    std::abort();
}

void require(bool holds, const std::string& what) {
    if (!holds)
        broken(what);
}

policy::Connection left_connection(std::uint8_t shape) {
    auto left = simulation::left_vpn();
    left.ike.proposals = simulation::ike_proposals({"aes128gcm16-prfsha256-x25519-ecp256"});
    left.dpd.interval = 10s;
    if (v1) {
        left.ike.version = policy::IkeVersion::v1;
        left.ike.proposals = simulation::ike_proposals({"aes128-sha256-x25519-ecp256"});
        left.aggressive = (shape & 4) != 0;
    }
    if (shape & 1)
        left.children = policy::ChildrenShape::per_pair;
    if (shape & 2)
        left.esp.proposals = simulation::esp_proposals({"aes128gcm16"});
    if (!v1 && (shape & 4))
        left.ike.childless = policy::ChildlessUse::force;
    if (shape & 8)
        left.ike.fragmentation.size = 576;
    if (shape & 16) {
        left.esp.lifetime = 120s;
        left.ike.lifetime = 200s;
        left.ike.rekey.margin = left.esp.rekey.margin = 30s;
        left.ike.reauthentication = !v1 && (shape & 1) ? 150s : 0s;
    }
    return left;
}

policy::Connection right_connection(const policy::Connection& left, std::uint8_t shape) {
    auto right = simulation::mirrored(left);
    if (shape & 32)
        right.peer_address = policy::AnyPeer{};
    else if (shape & 64)
        right.start = policy::StartAction::initiate;
    // The first group of the other side does not fit: INVALID_KE_PAYLOAD.
    if (shape & 128)
        right.ike.proposals = simulation::ike_proposals(
            {v1 ? "aes128-sha256-ecp256" : "aes128gcm16-prfsha256-ecp256"});
    right.unique = shape & 8 ? policy::Uniqueness::keep : policy::Uniqueness::replace;
    return right;
}

/// A second connection that matches the same peers: they are told apart by their selectors only.
policy::ConnectionSet with_sibling(const policy::Connection& connection, bool left) {
    auto sibling = connection;
    sibling.name = "sibling";
    auto& selectors = left ? sibling.local_selectors : sibling.remote_selectors;
    selectors = simulation::subnets({"192.168.12.0/24"});
    return {{connection, sibling}};
}

ike::EndpointSettings settings() {
    ike::EndpointSettings out;
    out.half_open_limit = half_open_limit;
    out.cookie_threshold = 2;
    out.message_details = true;
    return out;
}

class Conversation {
public:
    explicit Conversation(fuzz::ScriptReader& script)
        : script_(script), net_(make(script.octet())) {
        net_.inspect = [this](End sender, Octets& octets) { return on_datagram(sender, octets); };
        net_.after_step = [this] { ++steps_; };
        run(2s);
    }

    void play() {
        const auto end = net_.now() + longest_life;
        while (operations_ < most_operations && net_.now() < end && !script_.empty()) {
            operate();
            ++operations_;
            check();
        }
        come_to_rest();
    }

private:
    TwoGateways make(std::uint8_t shape) {
        const auto left = left_connection(shape);
        const auto right = right_connection(left, shape);
        if (shape & 4)
            return {with_sibling(left, true), with_sibling(right, false), 1, settings()};
        return {{{left}}, {{right}}, 1, settings()};
    }

    void run(simulation::Duration time) {
        const auto before = steps_;
        net_.run_for(time);
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
        const auto allowed = 4000 + 200 * static_cast<std::size_t>(seconds);
        require(steps_ - before < allowed, "the endpoints keep each other busy");
    }

    End end(std::uint8_t choice) const { return choice & 1 ? End::right : End::left; }

    void operate() {
        const auto what = script_.octet();
        const auto side = end(what >> 7);
        switch (what % 16) {
        case 0: run(std::chrono::milliseconds(20) * script_.octet()); break;
        case 1: run(2s * script_.octet()); break;
        case 2:
        case 3:
        case 4:
        case 5: edits_[side].push_back(fuzz::read_edit(script_)); break;
        case 6:
        case 7: say(side); break;
        case 8:
        case 9: command(side); break;
        case 10: kernel_event(side); break;
        case 11:
            held_[side] = !held_[side];
            held_[side] ? net_.hold(side) : net_.release(side);
            break;
        case 12: net_.cut = !net_.cut; break;
        case 13: net_.at(side).restart(); break;
        case 14: repeat(side); break;
        default: net_.at(side).kernel.refusals = script_.octet() % 4; break;
        }
    }

    /// Looks at what an honest gateway sends, and changes it if the script said so.
    bool on_datagram(End sender, Octets& octets) {
        const bool marked =
            octets.size() > 4 && std::ranges::count(octets.begin(), octets.begin() + 4, 0) == 4;
        const auto start = octets.begin() + (marked ? 4 : 0);
        auto message = fuzz::read_clear({start, octets.end()});
        require(message.has_value(), "a gateway sends what cannot be read");
        const auto& header = message->header;
        if (!header.response)
            last_request_[{header.initiator_spi, sender}] =
                static_cast<std::uint32_t>(header.message_id);
        auto& edits = edits_[sender];
        if (!edits.empty()) {
            for (const auto& each : edits)
                fuzz::apply(each, *message);
            edits.clear();
            auto changed = fuzz::write_clear(*message);
            octets.erase(start, octets.end());
            octets.insert(octets.end(), changed.begin(), changed.end());
        }
        said_.push_back(octets);
        if (said_.size() > 16)
            said_.pop_front();
        return true;
    }

    std::vector<ike::IkeSaStatus> sas(End side) {
        std::vector<ike::IkeSaStatus> out;
        for (auto& connection : net_.at(side).endpoint->status().connections)
            std::ranges::move(connection.ike_sas, std::back_inserter(out));
        return out;
    }

    /// A message to `receiver` as its peer would send it, with a content of the script's own.
    void say(End receiver) {
        const auto sas = this->sas(receiver);
        const auto kind = script_.octet();
        const auto delta = static_cast<std::uint32_t>(kind >> 6) - ((kind & 32) ? 1u : 0u);
        fuzz::ClearMessage message;
        message.encrypted = true;
        message.first = PayloadType{script_.octet()};
        const auto chain = script_.octets(script_.u16() % 2048);
        message.chain.assign(chain.begin(), chain.end());
        if (sas.empty())
            return;
        const auto& sa = sas[(kind >> 2) % sas.size()];
        auto& header = message.header;
        header.initiator_spi = sa.initiator_spi;
        header.responder_spi = sa.responder_spi;
        if (v1) {
            say_v1(receiver, sa, kind, message);
            return;
        }
        header.exchange = ExchangeType{static_cast<std::uint8_t>(35 + kind % 3)};
        header.initiator = sa.role == ike::Role::responder;
        header.response = (kind & 16) != 0;
        const auto speaker = header.response ? receiver : simulation::other(receiver);
        const auto last = last_request_.find({sa.initiator_spi, speaker});
        const auto number = last == last_request_.end() ? 0 : last->second;
        header.message_id = MessageId{number + delta + (header.response ? 0u : 1u)};
        if (!header.response && delta == 0)
            last_request_[{sa.initiator_spi, speaker}] = number + 1;
        inject(receiver, sa.path, fuzz::write_clear(message));
    }

    /// In the exchange that the receiver's peer spoke in last, in the receiver's own, or in a new
    /// one.
    void say_v1(End receiver, const ike::IkeSaStatus& sa, std::uint8_t kind,
                fuzz::ClearMessage& message) {
        constexpr ExchangeType exchanges[] = {ExchangeType::quick_mode,
                                              ExchangeType::informational_v1};
        auto& header = message.header;
        header.major_version = 1;
        header.exchange = exchanges[kind % std::size(exchanges)];
        const auto speaker = (kind & 16) != 0 ? receiver : simulation::other(receiver);
        const auto last = last_request_.find({sa.initiator_spi, speaker});
        const bool fresh = (kind & 32) != 0 || last == last_request_.end();
        header.message_id = MessageId{fresh ? script_.u16() + 1u : last->second};
        inject(receiver, sa.path, fuzz::write_clear(message));
    }

    void inject(End receiver, const policy::UdpPath& path, Octets octets) {
        if (path.local.port == net_.at(receiver).settings.nat_port)
            octets.insert(octets.begin(), 4, 0);
        net_.inject(receiver, path, std::move(octets));
    }

    void repeat(End receiver) {
        const auto choice = script_.octet();
        if (said_.empty())
            return;
        const auto there = simulation::other(receiver);
        const auto port = choice & 128 ? std::uint16_t{4500} : std::uint16_t{500};
        const policy::UdpPath path{{local_address(receiver), port}, {local_address(there), port}};
        net_.inject(receiver, path, said_[choice % said_.size()]);
    }

    policy::IpAddress local_address(End side) {
        return net_.at(side).connections.connections.front().local_address;
    }

    void command(End side) {
        const auto choice = script_.octet();
        const std::string name = choice & 64 ? "sibling" : "vpn";
        switch (choice % 8) {
        case 0: net_.command(side, ike::Initiate{name, {}}); break;
        case 1: net_.command(side, ike::Terminate{name}); break;
        case 2:
        case 3: net_.command(side, ike::Rekey{name, ike::Rekey::What::child_sas}); break;
        case 4:
        case 5: net_.command(side, ike::Rekey{name, ike::Rekey::What::ike_sas}); break;
        case 6: {
            auto& set = net_.at(side).connections;
            auto& connection = set.connections.front();
            connection.esp.lifetime = std::chrono::seconds(600 + choice);
            net_.command(side, ike::Reconfigure{set});
            break;
        }
        default:
            // The NAT in front of `left` comes, or takes other ports.
            net_.nat_address = simulation::address("203.0.113.7");
            net_.nat_port_offset = static_cast<std::uint16_t>(net_.nat_port_offset % 30000 + 1000);
        }
    }

    void kernel_event(End side) {
        const auto choice = script_.octet();
        const auto& installed = net_.at(side).kernel.installed();
        if (installed.empty())
            return;
        const auto& [id, entry] = *std::next(
            installed.begin(), static_cast<std::ptrdiff_t>((choice >> 2) % installed.size()));
        const auto spi = entry.child.inbound_spi;
        const auto child = id;
        switch (choice % 3) {
        case 0: net_.kernel_event(side, ike::SoftExpired{spi}); break;
        case 1:
            net_.at(side).kernel.remove(child);
            net_.kernel_event(side, ike::HardExpired{spi});
            break;
        default: (void)net_.at(side).kernel.receive(spi);
        }
    }

    void check() {
        for (const auto side : {End::left, End::right})
            check(side);
    }

    void check(End side) {
        const auto& gateway = net_.at(side);
        const auto status = gateway.endpoint->status();
        require(status.half_open <= half_open_limit, "half-open IKE SAs");
        require(status.unmatched.size() <= 16, "refusals are kept");
        if (!gateway.kernel.complaints().empty())
            broken(gateway.kernel.complaints().front());
        std::map<policy::ChildSaId, policy::ChildSpi> known;
        std::size_t ike_sas = 0;
        for (const auto& connection : status.connections) {
            require(connection.messages.size() <= 16, "messages are kept");
            ike_sas += connection.ike_sas.size();
            for (const auto& sa : connection.ike_sas)
                for (const auto& child : sa.children)
                    require(known.emplace(child.id, child.inbound_spi).second,
                            "a child SA belongs to two IKE SAs");
        }
        require(ike_sas <= 16 + 2 * operations_, "IKE SAs pile up");
        require(gateway.kernel_children() <= 64 + 8 * operations_, "child SAs pile up");
        check_kernel(side, known);
    }

    /// What the endpoint counts as its own is in the kernel, and nothing stays there for long that
    /// it does not.
    void check_kernel(End side, const std::map<policy::ChildSaId, policy::ChildSpi>& known) {
        const auto& installed = net_.at(side).kernel.installed();
        for (const auto& [id, spi] : known) {
            const auto found = installed.find(id);
            require(found != installed.end(), "a child SA is missing in the kernel");
            require(found->second.child.inbound_spi == spi, "a child SA with another SPI");
        }
        auto& orphans = orphans_[side];
        std::erase_if(orphans, [&](const auto& each) {
            return !installed.contains(each.first) || known.contains(each.first);
        });
        for (const auto& [id, entry] : installed)
            if (!known.contains(id)) {
                const auto since = orphans.try_emplace(id, net_.now()).first->second;
                require(net_.now() - since <= orphan_time, "a child SA is forgotten in the kernel");
            }
    }

    /// Nobody interferes any more: both endpoints find their end.
    void come_to_rest() {
        edits_.clear();
        net_.cut = false;
        for (const auto side : {End::left, End::right}) {
            net_.at(side).kernel.refusals = 0;
            if (held_[side])
                net_.release(side);
        }
        for (int i = 0; i < 3; ++i) {
            run(40s);
            check();
        }
        for (const auto side : {End::left, End::right})
            net_.command(side, ike::Shutdown{});
        run(3min);
        for (const auto side : {End::left, End::right}) {
            require(net_.at(side).kernel_children() == 0, "a child SA is left in a kernel");
            require(sas(side).empty(), "an IKE SA is left");
            require(!net_.at(side).endpoint->next_deadline(), "a deadline is left");
        }
    }

    fuzz::ScriptReader& script_;
    TwoGateways net_;
    std::map<End, std::vector<fuzz::MessageEdit>> edits_;
    std::map<End, bool> held_;
    /// The IDs of the last requests, by the initiator's SPI and who sent them.
    std::map<std::pair<IkeSpi, End>, std::uint32_t> last_request_;
    std::deque<Octets> said_;
    std::map<End, std::map<policy::ChildSaId, ike::TimePoint>> orphans_;
    std::size_t steps_ = 0;
    std::size_t operations_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::ScriptReader script(data, size);
    Conversation(script).play();
    return 0;
}
