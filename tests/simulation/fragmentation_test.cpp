// Messages too long for one datagram (RFC 7383).
#include "ike/wire/v2_message.h"
#include "tests/simulation/connections.h"
#include "tests/simulation/two_gateways.h"

#include <boost/test/unit_test.hpp>

#include <array>
#include <format>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(fragmentation)

namespace {

/// So many subnets that IKE_AUTH is some 3,000 octets long in both directions.
policy::Connection wide_vpn(std::string_view cipher = "aes256gcm16-prfsha384-x25519") {
    auto wide = left_vpn();
    wide.ike.proposals = ike_proposals({cipher});
    wide.remote_selectors.clear();
    for (int i = 0; i < 180; ++i)
        wide.remote_selectors.push_back(policy::TrafficSelector::from_subnet(
            policy::Subnet::parse(std::format("192.168.{}.0/25", i + 12)).value()));
    return wide;
}

struct Seen {
    std::size_t fragments = 0;
    /// As an IPv4 datagram.
    std::size_t longest = 0;
    std::size_t longest_encrypted = 0;
};

std::optional<ike::wire::OuterMessage> outer(std::span<const std::uint8_t> octets) {
    auto decoded = ike::wire::decode_v2_message(octets);
    return decoded ? std::optional(std::move(*decoded)) : std::nullopt;
}

void watch(TwoGateways& net, Seen& seen) {
    net.inspect = [&seen](End, std::vector<std::uint8_t>& octets) {
        const auto message = outer(octets);
        seen.longest = std::max(seen.longest, octets.size() + 28);
        if (message && message->encrypted)
            seen.longest_encrypted = std::max(seen.longest_encrypted, octets.size() + 28);
        seen.fragments += message && message->fragment ? 1u : 0u;
        return true;
    };
}

bool come_up(TwoGateways& net, Duration limit = 60s) {
    return net.run_until([&] { return net.up("vpn"); }, limit);
}

void check_agreement(const TwoGateways& net) {
    BOOST_TEST(net.children() == 2u);
    for (const auto& each : net.disagreements())
        BOOST_ERROR(each);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_long_ike_auth_travels_in_fragments_of_the_configured_size) {
    for (const auto* cipher : {"aes256gcm16-prfsha384-x25519", "aes128-sha256-x25519"}) {
        for (const auto size : std::array<std::uint16_t, 3>{576, 1000, 1280}) {
            auto left = wide_vpn(cipher);
            left.ike.fragmentation.size = size;
            TwoGateways net({{left}}, {{mirrored(left)}});
            Seen seen;
            watch(net, seen);
            // HDR, SKF(1), SKF(2), … -->    <-- HDR, SKF(1), SKF(2), …
            BOOST_TEST(come_up(net, 1s));
            check_agreement(net);
            BOOST_TEST(seen.fragments >= 6u);
            BOOST_TEST(seen.longest_encrypted <= size);
            BOOST_TEST(seen.longest_encrypted > size - 17u);
            BOOST_TEST(count<ike::Retransmitted>(net.left) == 0u);
        }
    }
}

// covers 7383-2.3-a, 7383-2.3-b, 7383-2.3-c
BOOST_AUTO_TEST_CASE(ike_sa_init_announces_fragments_in_both_directions) {
    TwoGateways net({{left_vpn()}}, {{mirrored(left_vpn())}});
    std::size_t announced = 0;
    net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
        const auto message = outer(octets);
        for (const auto& payload : message ? message->payloads : decltype(message->payloads){}) {
            const auto* notify = std::get_if<ike::wire::NotifyPayload>(&payload);
            if (!notify || static_cast<int>(notify->type) != 16430)
                continue;
            ++announced;
            BOOST_TEST((notify->protocol == policy::ProtocolId::none));
            BOOST_TEST(notify->spi.empty());
            BOOST_TEST(notify->data.empty());
        }
        return true;
    };
    BOOST_TEST(come_up(net));
    BOOST_TEST(announced == 2u);
}

// covers 7383-2.4-a
BOOST_AUTO_TEST_CASE(both_sides_have_to_want_fragments) {
    for (const auto end : {End::left, End::right}) {
        auto left = wide_vpn();
        auto right = mirrored(left);
        (end == End::left ? left : right).ike.fragmentation.enabled = false;
        TwoGateways net({{left}}, {{right}});
        Seen seen;
        watch(net, seen);
        BOOST_TEST(come_up(net));
        BOOST_TEST(seen.fragments == 0u);
        BOOST_TEST(seen.longest > 3000u);
    }
}

BOOST_AUTO_TEST_CASE(a_message_that_fits_is_not_fragmented) {
    TwoGateways net({{left_vpn()}}, {{mirrored(left_vpn())}});
    Seen seen;
    watch(net, seen);
    BOOST_TEST(come_up(net));
    BOOST_TEST(seen.fragments == 0u);
}

BOOST_AUTO_TEST_CASE(each_side_keeps_to_its_own_size) {
    auto left = wide_vpn();
    auto right = mirrored(left);
    left.ike.fragmentation.size = 1400;
    right.ike.fragmentation.size = 600;
    TwoGateways net({{left}}, {{right}});
    std::size_t longest[2] = {};
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        const auto message = outer(octets);
        if (message && message->fragment) {
            auto& seen = longest[sender == End::left ? 0 : 1];
            seen = std::max(seen, octets.size() + 28);
        }
        return true;
    };
    BOOST_TEST(come_up(net));
    BOOST_TEST(longest[0] == 1400u);
    BOOST_TEST(longest[1] == 600u);
}

BOOST_AUTO_TEST_CASE(an_ipv6_header_and_the_non_esp_marker_count) {
    auto left = wide_vpn();
    left.local_address = address("2001:db8::5");
    left.peer_address = address("2001:db8::4");
    left.local_id = policy::Identity::from_address(left.local_address);
    left.peer_id =
        policy::IdentityPattern::exactly(policy::Identity::from_address(address("2001:db8::4")));
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.nat_address = address("2001:db8:1::1");
    std::size_t longest = 0;
    net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
        if (octets.size() > 500)
            longest = std::max(longest, octets.size() + 48);
        return true;
    };
    auto right = mirrored(left);
    right.peer_address = policy::AnyPeer{};
    net.right.connections = {{right}};
    net.right.restart();
    BOOST_TEST(come_up(net));
    BOOST_TEST(longest == 1280u);
}

BOOST_AUTO_TEST_CASE(a_lost_fragment_is_mended_by_repeating_all) {
    for (std::size_t lost = 1; lost <= 6; ++lost) {
        const auto left = wide_vpn();
        TwoGateways net({{left}}, {{mirrored(left)}});
        std::size_t fragments = 0;
        net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
            const auto message = outer(octets);
            return !(message && message->fragment && ++fragments == lost);
        };
        BOOST_TEST(come_up(net, 5s));
        check_agreement(net);
        BOOST_TEST(count<ike::Retransmitted>(net.left) == 1u);
    }
}

// covers 7383-2.6.1-a, 7383-2.6.1-b, 7383-2.6.1-c
BOOST_AUTO_TEST_CASE(a_repeated_request_is_answered_once_and_not_once_for_each_fragment) {
    const auto left = wide_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    std::size_t answers = 0, requests = 0, per_answer = 0;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        const auto message = outer(octets);
        if (!message || !message->fragment)
            return true;
        if (sender == End::left) {
            ++requests;
            return true;
        }
        per_answer = message->fragment->total;
        // The first answer is lost.
        return ++answers > per_answer;
    };
    BOOST_TEST(come_up(net, 5s));
    BOOST_TEST(requests >= 6u);
    BOOST_TEST(answers == 2 * per_answer);
    check_agreement(net);
}

// covers 7383-2.5.2-a, 7383-2.5.2-b, 7383-2.5.2-c, 7383-2.5.2-d, 7383-2.5.2-e
BOOST_AUTO_TEST_CASE(a_narrower_path_is_found_in_both_directions) {
    for (const auto* cipher : {"aes256gcm16-prfsha384-x25519", "aes128-sha256-x25519"}) {
        const auto left = wide_vpn(cipher);
        TwoGateways net({{left}}, {{mirrored(left)}});
        net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
            return octets.size() + 28 <= 600;
        };
        BOOST_TEST(come_up(net, 10s));
        check_agreement(net);
    }
}

BOOST_AUTO_TEST_CASE(a_path_that_is_narrower_on_the_way_back_is_found_too) {
    const auto left = wide_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    std::size_t asked = 0;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        const auto message = outer(octets);
        asked += sender == End::left && message && message->fragment ? 1u : 0u;
        return sender == End::left || octets.size() + 28 <= 600;
    };
    // The request is answered in long datagrams, which are lost. Repeated in short ones, it has the
    // answer repeated in short ones.
    BOOST_TEST(come_up(net, 10s));
    check_agreement(net);
    BOOST_TEST(count<ike::IkeSaEstablished>(net.right) == 1u);
}

BOOST_AUTO_TEST_CASE(no_vector_is_used_twice_when_a_message_is_fragmented_anew) {
    const auto left = wide_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    std::map<std::pair<End, std::vector<std::uint8_t>>, std::vector<std::uint8_t>> vectors;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (const auto message = outer(octets); message && message->encrypted) {
            const auto at =
                octets.begin() + static_cast<std::ptrdiff_t>(message->encrypted->body_offset);
            const auto [found, fresh] = vectors.try_emplace({sender, {at, at + 8}}, octets);
            // The same vector only in the same message.
            BOOST_TEST((fresh || found->second == octets));
        }
        return octets.size() + 28 <= 600;
    };
    BOOST_TEST(come_up(net, 10s));
    net.command(End::left, ike::Terminate{"vpn"});
    net.run_for(5s);
    BOOST_TEST(vectors.size() > 10u);
}

// covers 7383-2.6-a, 7383-2.6-c
// covers class-fragments
BOOST_AUTO_TEST_CASE(forged_and_altered_fragments_disturb_nothing) {
    const auto left = wide_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    Botan::ChaCha_RNG noise(Botan::secure_vector<std::uint8_t>(32, 5));
    // Each fragment is preceded by copies of it: one altered at random, and some with other
    // numbers.
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        const auto message = outer(octets);
        if (!message || !message->fragment)
            return true;
        const auto path =
            sender == End::left
                ? policy::UdpPath{{address("10.10.10.4"), 500}, {address("10.10.10.5"), 500}}
                : policy::UdpPath{{address("10.10.10.5"), 500}, {address("10.10.10.4"), 500}};
        auto altered = octets;
        const auto at = message->encrypted->body_offset - 4 +
                        noise.next_byte() % (octets.size() - message->encrypted->body_offset + 4);
        altered[at] = static_cast<std::uint8_t>(altered[at] ^ 1);
        net.inject(other(sender), path, altered);
        for (const auto total : std::array<std::uint8_t, 4>{1, 2, 64, 200}) {
            auto renumbered = octets;
            renumbered[message->encrypted->body_offset - 1] = total;
            renumbered[message->encrypted->body_offset - 3] = 1;
            if (renumbered != octets)
                net.inject(other(sender), path, renumbered);
        }
        return true;
    };
    BOOST_TEST(come_up(net, 1s));
    check_agreement(net);
    BOOST_TEST(net.right.endpoint->status().dropped.integrity_failed > 0u);
    BOOST_TEST(count<ike::Retransmitted>(net.left) == 0u);
}

// covers 7383-2.4-a
BOOST_AUTO_TEST_CASE(fragments_without_agreement_are_dropped) {
    auto left = wide_vpn();
    auto right = mirrored(left);
    right.ike.fragmentation.enabled = false;
    TwoGateways net({{left}}, {{right}});
    BOOST_TEST(come_up(net));
    const auto sa = status(net.right, "vpn").ike_sas.front();
    const auto before = net.right.endpoint->status().dropped.unexpected;
    auto fragment =
        ike::wire::encode_v2_fragment_prefix({.initiator_spi = sa.initiator_spi,
                                              .responder_spi = sa.responder_spi,
                                              .exchange = ike::wire::ExchangeType::informational,
                                              .initiator = true,
                                              .message_id = ike::wire::MessageId{2}},
                                             ike::wire::PayloadType::none, {1, 2}, 40);
    fragment.resize(fragment.size() + 40);
    net.inject(End::right, {{address("10.10.10.4"), 500}, {address("10.10.10.5"), 500}}, fragment);
    BOOST_TEST(net.right.endpoint->status().dropped.unexpected == before + 1);
}

// covers 7383-2.6-e
// covers class-fragments, class-memory
BOOST_AUTO_TEST_CASE(an_unfinished_message_of_a_peer_is_forgotten_with_its_half_open_sa) {
    const auto left = wide_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
        const auto message = outer(octets);
        return !(message && message->fragment && message->fragment->number == 2);
    };
    net.run_for(31s);
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
    BOOST_TEST(!net.up("vpn"));
}

BOOST_AUTO_TEST_CASE(fragments_survive_loss_duplication_and_reordering) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        auto left = wide_vpn();
        left.ike.fragmentation.size = static_cast<std::uint16_t>(576 + seed * 3);
        TwoGateways net({{left}}, {{mirrored(left)}}, seed);
        net.faults = {.loss = 0.1, .duplication = 0.2, .shortest = 1ms, .longest = 1500ms};
        BOOST_TEST_CONTEXT("seed " << seed) {
            BOOST_TEST(come_up(net, 300s));
            net.faults = {};
            net.run_for(120s);
            check_agreement(net);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
