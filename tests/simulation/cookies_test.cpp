// First requests in numbers: cookies (RFC 7296 section 2.6), and what a flood leaves untouched.
#include "ike/wire/v2_message.h"
#include "tests/simulation/connections.h"
#include "tests/simulation/two_gateways.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(cookie_exchanges)

namespace {

ike::EndpointSettings always_cookies() {
    ike::EndpointSettings settings;
    settings.cookie_threshold = 0;
    return settings;
}

bool come_up(TwoGateways& net, Duration limit = 10s) {
    return net.run_until([&] { return net.up("vpn"); }, limit);
}

std::size_t times(const Gateway& gateway, std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(gateway.sent, [&](const auto& each) { return each.contains(text); }));
}

/// First requests like `pattern` from addresses that never were there.
struct Flood {
    TwoGateways& net;
    std::vector<std::uint8_t> pattern;
    std::uint32_t sent = 0;

    void send(std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; ++i, ++sent) {
            for (std::size_t octet = 0; octet < 4; ++octet)
                pattern[octet] = static_cast<std::uint8_t>(sent >> (8 * octet));
            const auto from = policy::IpAddress::v4(172, 16, static_cast<std::uint8_t>(sent >> 8),
                                                    static_cast<std::uint8_t>(sent));
            net.inject(End::right, {{address("10.10.10.4"), 500}, {from, 500}}, pattern);
        }
    }
};

} // namespace

// covers 7296-2.6-d
BOOST_AUTO_TEST_CASE(a_peer_that_shows_the_cookie_gets_in) {
    TwoGateways net({{left_vpn()}}, {{mirrored(left_vpn())}}, 1, always_cookies());
    // IKE_SA_INIT { SA, KE, Ni, … } -->    <-- IKE_SA_INIT { N(COOKIE) }
    // IKE_SA_INIT { N(COOKIE), SA, KE, Ni, … } -->    <-- IKE_SA_INIT { SA, KE, Nr, … }
    BOOST_TEST(come_up(net, 1s));
    BOOST_TEST(times(net.left, "IKE_SA_INIT { SA") == 1u);
    BOOST_TEST(times(net.left, "IKE_SA_INIT { N(COOKIE), SA") == 1u);
    BOOST_TEST(net.right.endpoint->status().dropped.cookies_sent == 1u);
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
    for (const auto& each : net.disagreements())
        BOOST_ERROR(each);
}

// covers 7296-2.6-d, class-cookies
BOOST_AUTO_TEST_CASE(a_cookie_that_was_altered_or_is_somebody_elses_is_asked_for_again) {
    TwoGateways net({{left_vpn()}}, {{mirrored(left_vpn())}}, 1, always_cookies());
    std::vector<std::uint8_t> shown;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        const auto message = ike::wire::decode_v2_message(octets);
        const bool with_cookie =
            sender == End::left && message && !message->encrypted &&
            std::holds_alternative<ike::wire::NotifyPayload>(message->payloads.front());
        if (with_cookie)
            shown = octets;
        return !with_cookie;
    };
    net.run_for(100ms);
    BOOST_REQUIRE(!shown.empty());
    const auto here = address("10.10.10.4");
    const policy::UdpPath from_left{{here, 500}, {address("10.10.10.5"), 500}};
    const auto right = [&] { return net.right.endpoint->status(); };
    BOOST_TEST(right().dropped.cookies_sent == 1u);

    auto altered = shown;
    // The last octet of the cookie: behind the headers of the message and the notify.
    altered[28 + 8 + 32] ^= 1;
    net.inject(End::right, from_left, altered);
    BOOST_TEST(right().dropped.cookies_sent == 2u);
    net.inject(End::right, {{here, 500}, {address("10.10.10.6"), 500}}, shown);
    BOOST_TEST(right().dropped.cookies_sent == 3u);
    BOOST_TEST(right().half_open == 0u);
    net.inject(End::right, from_left, shown);
    BOOST_TEST(right().dropped.cookies_sent == 3u);
    BOOST_TEST(right().half_open == 1u);
}

// covers 7296-2.6.1-a
BOOST_AUTO_TEST_CASE(a_cookie_and_another_group_can_be_asked_for_in_one_negotiation) {
    auto left = left_vpn();
    left.ike.proposals = ike_proposals({"aes256gcm16-prfsha384-x25519-ecp256"});
    auto right = mirrored(left);
    right.ike.proposals = ike_proposals({"aes256gcm16-prfsha384-ecp256"});
    TwoGateways net({{left}}, {{right}}, 1, always_cookies());
    BOOST_TEST(come_up(net, 1s));
    // The cookie is shown again with the other group, so that it is asked for once.
    BOOST_TEST(times(net.left, "N(COOKIE), SA") == 2u);
    BOOST_TEST(net.right.endpoint->status().dropped.cookies_sent == 1u);
}

// covers 7296-2.6.1-a
BOOST_AUTO_TEST_CASE(a_peer_that_forgets_the_cookie_after_invalid_ke_is_asked_again) {
    auto left = left_vpn();
    left.ike.proposals = ike_proposals({"aes256gcm16-prfsha384-x25519-ecp256"});
    auto right = mirrored(left);
    right.ike.proposals = ike_proposals({"aes256gcm16-prfsha384-ecp256"});
    TwoGateways net({{left}}, {{right}}, 1, always_cookies());
    // The third request arrives without its cookie: as a peer would send it that knows no shortcut.
    std::size_t requests = 0;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        auto message = ike::wire::decode_v2_message(octets);
        if (sender == End::left && message && !message->encrypted && ++requests == 3) {
            message->payloads.erase(message->payloads.begin());
            octets = ike::wire::encode_v2_message(message->header, message->payloads);
        }
        return true;
    };
    net.run_for(1s);
    BOOST_TEST(net.right.endpoint->status().dropped.cookies_sent == 2u);
    // The copy of the cookie that it has shown moves nothing; the repetition does.
    BOOST_TEST(come_up(net));
}

BOOST_AUTO_TEST_CASE(loss_and_delay_do_not_keep_a_peer_out) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        TwoGateways net({{left_vpn()}}, {{mirrored(left_vpn())}}, seed, always_cookies());
        net.faults = {.loss = 0.2, .duplication = 0.2, .shortest = 1ms, .longest = 2500ms};
        BOOST_TEST_CONTEXT("seed " << seed)
        BOOST_TEST(come_up(net, 600s));
    }
}

// covers story-OT04, class-half-open
BOOST_AUTO_TEST_CASE(a_flood_from_forged_addresses_leaves_established_sas_and_new_peers_alone) {
    auto left = left_vpn();
    left.dpd.interval = 2s;
    left.esp.lifetime = 60s;
    auto right = mirrored(left);
    right.peer_address = policy::AnyPeer{};
    TwoGateways net({{left}}, {{right}});
    Flood flood{net, {}};
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::left && flood.pattern.empty())
            flood.pattern = octets;
        return true;
    };
    BOOST_REQUIRE(come_up(net));
    const auto& settings = net.right.settings;
    std::size_t most = 0, down = 0;
    for (int second = 0; second < 200; ++second) {
        flood.send(100);
        net.run_for(1s);
        most = std::max(most, net.right.endpoint->status().half_open);
        down += net.up("vpn") ? 0u : 1u;
    }
    // At the threshold forged addresses make no more half-open SAs; one more is the peer's own.
    BOOST_TEST(most >= settings.cookie_threshold);
    BOOST_TEST(most <= settings.cookie_threshold + 1);
    const auto dropped = net.right.endpoint->status().dropped;
    BOOST_TEST(dropped.cookies_sent > 19000u);
    BOOST_TEST(dropped.half_open_limit == 0u);
    BOOST_TEST(down == 0u);
    BOOST_TEST(count<ike::Retransmitted>(net.left) == 0u);
    BOOST_TEST(count<ike::Retransmitted>(net.right) == 0u);
    BOOST_TEST(net.disagreements().empty());

    // A peer that comes now is let in by its cookie.
    flood.send(200);
    net.left.restart();
    BOOST_TEST(come_up(net, 5s));
    net.run_for(60s);
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
}

BOOST_AUTO_TEST_CASE(one_address_is_asked_for_cookies_before_all_are) {
    auto left = left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    std::vector<std::uint8_t> first;
    net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
        if (first.empty())
            first = octets;
        return false;
    };
    net.run_for(100ms);
    const auto& settings = net.right.settings;
    for (std::uint8_t i = 0; i < 90; ++i) {
        first[6] = i;
        net.inject(End::right, {{address("10.10.10.4"), 500}, {address("10.10.10.5"), 500}}, first);
    }
    const auto status = net.right.endpoint->status();
    BOOST_TEST(status.half_open == settings.cookie_threshold_per_address);
    BOOST_TEST(status.dropped.cookies_sent == 90 - settings.cookie_threshold_per_address);
}

// covers class-amplification
BOOST_AUTO_TEST_CASE(a_demand_for_a_cookie_is_not_longer_than_what_brought_it) {
    TwoGateways net({{left_vpn()}}, {{mirrored(left_vpn())}}, 1, always_cookies());
    net.cut = true;
    std::vector<std::size_t> answers;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::right)
            answers.push_back(octets.size());
        return true;
    };
    for (std::size_t length = 16; length < 64; ++length) {
        const std::vector<ike::wire::Payload> payloads{
            ike::wire::NoncePayload{ike::wire::Octets(length, 3)}};
        const auto request =
            ike::wire::encode_v2_message({.initiator_spi = ike::wire::IkeSpi{length},
                                          .exchange = ike::wire::ExchangeType::ike_sa_init,
                                          .initiator = true},
                                         payloads);
        answers.clear();
        net.inject(End::right, {{address("10.10.10.4"), 500}, {address("10.10.10.5"), 500}},
                   request);
        for (const auto answer : answers)
            BOOST_TEST(answer <= request.size());
    }
    BOOST_TEST(!answers.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
