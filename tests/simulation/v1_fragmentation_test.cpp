// IKEv1's messages in parts: lost, doubled and out of order, and parts of somebody who has seen the
// cookies. What comes before anything is authenticated may cost little and change nothing.
#include "ike/wire/v1_message.h"
#include "tests/simulation/v1_connections.h"

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <utility>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(v1_fragmentation)

namespace {

namespace v1 = ike::wire::v1;
using ike::wire::Octets;

/// Key exchanges and quick modes go in several parts.
policy::Connection in_parts() {
    auto left = old_left_vpn();
    left.ike.fragmentation.size = 256;
    left.ike.proposals = ike_proposals({"aes256-sha256-modp2048"});
    return left;
}

bool is_part(std::span<const std::uint8_t> octets) {
    return octets.size() > 16 && octets[16] == 132;
}

/// Somebody on the way who sees the cookies and sends parts to both ends.
class Forger {
public:
    explicit Forger(TwoGateways& net) : net_(net) {
        net.inspect = [this](End, std::vector<std::uint8_t>& octets) {
            if (const auto read = ike::wire::decode_header(octets))
                header_ = {.initiator_spi = read->initiator_spi,
                           .responder_spi = read->responder_spi,
                           .major_version = 1,
                           .exchange = ike::wire::ExchangeType::identity_protection};
            return true;
        };
    }
    /// At every step for either end, once both cookies are known.
    void at_every_step(std::function<void(End)> act) {
        net_.after_step = [this, act = std::move(act)] {
            // What is done here is a step too.
            if (acts_ || header_.responder_spi == ike::wire::IkeSpi{})
                return;
            acts_ = true;
            for (const auto end : {End::left, End::right})
                act(end);
            acts_ = false;
        };
    }
    void send(End receiver, v1::FragmentPayload part) {
        const auto& at = receiver == End::right ? "10.10.10.4" : "10.10.10.5";
        const auto& from = receiver == End::right ? "10.10.10.5" : "10.10.10.4";
        const v1::Payload payload = std::move(part);
        net_.inject(receiver, {{address(at), 500}, {address(from), 500}},
                    v1::encode_message(header_, std::span(&payload, 1)));
    }
    /// Parts that are too many or too long for one message, and those of many messages.
    void flood(End receiver) {
        // Never whole: 64,000 octets.
        for (std::uint8_t number = 1; number <= 64; ++number)
            send(receiver,
                 {.id = 7, .number = number, .last = number == 64, .data = garbage(1000)});
        // Nor are these: 128 parts.
        for (std::uint8_t number = 1; number <= 128; ++number)
            send(receiver,
                 {.id = 8, .number = number, .last = number == 128, .data = garbage(100)});
        // Beyond the end, and another end.
        for (const std::uint8_t number : std::to_array<std::uint8_t>({3, 4, 2, 255}))
            send(receiver, {.id = 9, .number = number, .last = number != 4, .data = garbage(100)});
        for (std::uint16_t id = 100; id < 200; ++id)
            send(receiver, {.id = id, .number = 1, .last = false, .data = garbage(1000)});
    }
    /// One message that comes together and is none.
    void send_whole(End receiver, std::uint16_t id) {
        send(receiver, {.id = id, .number = 2, .last = true, .data = garbage(40)});
        send(receiver, {.id = id, .number = 1, .last = false, .data = garbage(40)});
    }

private:
    static Octets garbage(std::size_t length) { return Octets(length, 0x5a); }

    TwoGateways& net_;
    ike::wire::Header header_;
    bool acts_ = false;
};

void check_one_tunnel(const TwoGateways& net) {
    for (const auto* gateway : {&net.left, &net.right}) {
        BOOST_TEST(ike_sas(*gateway, "vpn").size() == 1u);
        BOOST_TEST(gateway->kernel_children() == 1u);
        BOOST_TEST(gateway->endpoint->status().half_open == 0u);
    }
    for (const auto& each : net.disagreements())
        BOOST_ERROR(each);
}

std::uint64_t malformed(const Gateway& gateway) {
    return gateway.endpoint->status().dropped.malformed;
}

} // namespace

// covers class-fragments, class-memory
BOOST_AUTO_TEST_CASE(a_flood_of_forged_parts_during_main_mode_harms_nothing) {
    const auto left = old_left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    Forger forger(net);
    std::uint64_t floods = 0;
    forger.at_every_step([&](End end) {
        ++floods;
        forger.flood(end);
        forger.send_whole(end, 300);
    });
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 1s));
    net.run_for(1s);
    BOOST_TEST(floods >= 16u);
    // Nothing but what nine messages are said by is said, and of each flood one message was read.
    BOOST_TEST(net.datagrams() == 9u);
    for (const auto* gateway : {&net.left, &net.right}) {
        BOOST_TEST(malformed(*gateway) == floods / 2);
        BOOST_TEST(count<ike::NegotiationFailed>(*gateway) == 0u);
    }
    check_one_tunnel(net);
}

// covers class-fragments
BOOST_AUTO_TEST_CASE(who_spoils_messages_in_parts_has_to_go_on_doing_it) {
    const auto left = in_parts();
    TwoGateways net({{left}}, {{mirrored(left)}});
    Forger forger(net);
    bool forges = true;
    forger.at_every_step([&](End end) {
        if (forges)
            forger.flood(end);
    });
    net.run_for(3s);
    BOOST_TEST(!net.up("vpn"));
    forges = false;
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
    net.run_for(1min);
    check_one_tunnel(net);
    BOOST_TEST(count<ike::IkeSaEstablished>(net.left) == 1u);
}

// covers class-fragments, class-memory
BOOST_AUTO_TEST_CASE(parts_without_an_end_are_forgotten_after_half_a_minute) {
    auto left = old_left_vpn();
    // No other deadline comes in between.
    left.dpd.interval = 0s;
    for (const auto wait : {29s, 31s}) {
        TwoGateways net({{left}}, {{mirrored(left)}});
        Forger forger(net);
        BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 1s));
        net.run_for(2min);
        for (const auto end : {End::left, End::right}) {
            const auto before = malformed(net.at(end));
            forger.send(end, {.id = 7, .number = 2, .last = true, .data = Octets(40, 0x5a)});
            net.run_for(wait);
            forger.send(end, {.id = 7, .number = 1, .last = false, .data = Octets(40, 0x5a)});
            // A message of garbage is read, or none.
            BOOST_TEST(malformed(net.at(end)) == before + (wait < 30s ? 1u : 0u));
        }
        check_one_tunnel(net);
    }
}

BOOST_AUTO_TEST_CASE(any_single_part_may_be_lost_while_all_come_twice_and_out_of_order) {
    const auto parts_of_a_run = [](std::uint64_t seed, std::size_t lost) {
        const auto left = in_parts();
        TwoGateways net({{left}}, {{mirrored(left)}}, seed);
        net.faults = {.duplication = 1, .shortest = 1ms, .longest = 80ms};
        // A part and its double are the same octets.
        std::set<std::vector<std::uint8_t>> seen;
        std::size_t copies_to_lose = 2;
        bool of_the_initiator = false;
        net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            if (!is_part(octets))
                return true;
            const bool is_new = seen.insert(octets).second;
            const bool is_lost =
                copies_to_lose > 0 && seen.size() == lost && (is_new || copies_to_lose == 1);
            copies_to_lose -= is_lost ? 1u : 0u;
            of_the_initiator |= is_lost && sender == End::left;
            return !is_lost;
        };
        BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 20s));
        net.run_for(1min);
        BOOST_TEST(copies_to_lose == (lost == 0 ? 2u : 0u));
        // Of an answer, the doubled question may bring the parts again.
        BOOST_TEST((!of_the_initiator || count<ike::Retransmitted>(net.left) > 0u));
        BOOST_TEST(count<ike::IkeSaEstablished>(net.left) == 1u);
        check_one_tunnel(net);
        return seen.size();
    };
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        const auto parts = parts_of_a_run(seed, 0);
        BOOST_TEST(parts >= 6u);
        for (std::size_t lost = 1; lost <= parts; ++lost)
            BOOST_TEST_CONTEXT("part " << lost << ", seed " << seed) {
                parts_of_a_run(seed, lost);
            }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
