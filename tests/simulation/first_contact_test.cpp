// First exchanges that cross or come anew, and children that do not come with them (RFC 7296
// sections 1.2 and 2.8.3, RFC 4478, RFC 6023).
#include "tests/simulation/scripted_messages.h"
#include "tests/simulation/standing_tunnel.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <span>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(first_contact)

// covers story-BB01
BOOST_AUTO_TEST_CASE(both_begin_at_the_same_moment) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const auto left = left_vpn();
        auto right = mirrored(left);
        right.start = policy::StartAction::initiate;
        TwoGateways net({{left}}, {{right}}, seed);
        BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
        net.run_for(1s);
        net.traffic = true;
        net.run_for(2min);
        BOOST_TEST(ike_sas(net.left, "vpn").size() == 1u);
        BOOST_TEST(ike_sas(net.right, "vpn").size() == 1u);
        BOOST_TEST(net.children() == 2u);
        BOOST_TEST(net.left.kernel_children() == 1u);
        BOOST_TEST(net.disagreements().empty());
        BOOST_TEST(net.lost_packets.empty());
    }
}

BOOST_AUTO_TEST_CASE(one_child_for_each_pair) {
    auto left = left_vpn();
    left.children = policy::ChildrenShape::per_pair;
    left.local_selectors = subnets({"192.168.11.0/24", "192.168.12.0/24"});
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.run_for(10s);
    BOOST_TEST(net.children() == 8u);
    BOOST_TEST(net.disagreements().empty());
    net.traffic = true;
    net.command(End::left, ike::Rekey{"vpn", child_keys});
    net.run_for(20s);
    BOOST_TEST(net.children() == 8u);
    BOOST_TEST(net.lost_packets.empty());
}

BOOST_AUTO_TEST_CASE(authenticated_anew_without_a_gap) {
    auto left = left_vpn();
    left.ike.reauthentication = 100s;
    StandingTunnel t(left);
    // With the answer to its Delete the left gateway forgets the old inbound SA.
    constexpr std::uint8_t informational = 37, response = 0x20;
    unsigned answers = 0, late = 0;
    t.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::right && octets.at(18) == informational &&
            (octets.at(19) & response) != 0) {
            const auto& kernel = t.net.right.kernel;
            const auto& newest = kernel.installed().rbegin()->second;
            const auto* used = kernel.outbound(newest.child.local_selectors.front(),
                                               newest.child.remote_selectors.front());
            ++answers;
            late += used != &newest ? 1 : 0;
        }
        return true;
    };
    t.net.run_for(1h);
    BOOST_TEST(answers > 20u);
    BOOST_TEST(late == 0u);
    // What the last one left behind goes.
    t.net.run_until(
        [&] { return t.net.left.kernel_children() + t.net.right.kernel_children() == 2; }, 2min);
    t.check_one_pair();
    BOOST_TEST(count<ike::IkeSaEstablished>(t.net.left) > 20u);
    BOOST_TEST(ike_sas(t.net.right, "vpn").size() == 1u);
}

// covers 6023-3-a, 6023-3-c, 6023-3-d, story-CL01
BOOST_AUTO_TEST_CASE(children_come_after_the_ike_sa) {
    auto left = left_vpn();
    left.ike.childless = policy::ChildlessUse::force;
    StandingTunnel t(left);
    t.check_one_pair();
}

// covers story-BB04
BOOST_AUTO_TEST_CASE(of_two_crossed_ike_sas_only_the_one_that_is_kept_is_rekeyed) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        auto left = left_vpn();
        left.esp.lifetime = 60s;
        auto right = mirrored(left);
        right.start = policy::StartAction::initiate;
        StandingTunnel t(left, right, seed);
        t.net.run_for(10min);
        t.check_one_pair();
        BOOST_TEST(ike_sas(t.net.left, "vpn").size() == 1u);
        BOOST_TEST(ike_sas(t.net.right, "vpn").size() == 1u);
    }
}

// covers story-BB02
BOOST_AUTO_TEST_CASE(the_peer_comes_while_an_attempt_of_ours_is_stuck) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const auto left = left_vpn();
        TwoGateways net({{left}}, {{mirrored(left)}}, seed);
        constexpr std::uint8_t ike_sa_init = 34, response = 0x20;
        bool stuck = true;
        net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            return sender != End::left || octets.at(18) != ike_sa_init ||
                   (octets.at(19) & response) != 0 || !stuck;
        };
        net.run_for(3s);
        net.command(End::right, ike::Initiate{"vpn", {}});
        BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
        net.run_for(2s);
        net.traffic = true;
        stuck = false;
        net.run_for(2min);
        BOOST_TEST(status(net.left, "vpn").ike_sas.size() == 1u);
        BOOST_TEST(status(net.right, "vpn").ike_sas.size() == 1u);
        BOOST_TEST(net.children() == 2u);
        BOOST_TEST(net.left.kernel_children() == 1u);
        BOOST_TEST(net.disagreements().empty());
        BOOST_TEST(net.lost_packets.empty());
    }
}

// Its children come one by one: what only the old IKE SA carries is not taken away for being late.
BOOST_AUTO_TEST_CASE(the_answering_side_keeps_the_old_ike_sa_until_its_children_have_all_come) {
    auto left = left_vpn();
    left.children = policy::ChildrenShape::per_pair;
    left.local_selectors = subnets({"192.168.11.0/24", "192.168.12.0/24"});
    left.ike.reauthentication = 100s;
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.run_for(10s);
    BOOST_REQUIRE(net.children() == 8u);
    BOOST_REQUIRE(net.run_until([&] { return net.right.kernel_children() == 6; }, 2min));
    net.cut = true;
    net.run_for(25s);
    for (const auto& local : left.local_selectors)
        for (const auto& remote : left.remote_selectors)
            BOOST_TEST(net.right.kernel.outbound(remote, local) != nullptr);
    BOOST_TEST(count<ike::IkeSaClosed>(net.right) == 0u);
    net.cut = false;
    net.run_for(60s);
    BOOST_TEST(ike_sas(net.right, "vpn").size() == 1u);
    BOOST_TEST(net.children() == 8u);
    BOOST_TEST(net.disagreements().empty());
}

// covers story-BB06
BOOST_AUTO_TEST_CASE(both_authenticate_anew_at_once) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        auto left = left_vpn();
        left.ike.reauthentication = 100s;
        auto right = mirrored(left);
        right.start = policy::StartAction::initiate;
        StandingTunnel t(left, right, seed);
        t.net.run_for(30min);
        t.net.run_until(
            [&] { return t.net.left.kernel_children() + t.net.right.kernel_children() == 2; },
            1min);
        t.check_one_pair();
        BOOST_TEST(ike_sas(t.net.left, "vpn").size() == 1u);
        BOOST_TEST(ike_sas(t.net.right, "vpn").size() == 1u);
    }
}

// covers story-BB06
BOOST_AUTO_TEST_CASE(the_end_of_the_old_ike_sa_confirms_no_rekey_under_the_new_one) {
    auto left = left_vpn();
    left.ike.reauthentication = 100s;
    StandingTunnel t(left, mirrored(left));
    auto& net = t.net;
    const auto old = ike_sas(net.left, "vpn").front().initiator_spi;
    bool farewell_lost = true;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        std::uint64_t spi = 0;
        for (const auto each : std::span(octets).first(8))
            spi = spi << 8 | each;
        return sender != End::left || spi != static_cast<std::uint64_t>(old) || !farewell_lost;
    };
    BOOST_REQUIRE(net.run_until([&] { return count<ike::IkeSaEstablished>(net.left) == 2; }, 2min));
    net.run_for(300ms);
    // The answer to the rekey is late, the end of the old SA arrives before it.
    net.hold(End::right);
    net.command(End::left, ike::Rekey{"vpn", child_keys});
    net.run_for(100ms);
    farewell_lost = false;
    net.run_for(10s);
    BOOST_REQUIRE(count<ike::IkeSaClosed>(net.right) == 1u);
    net.release(End::right);
    net.run_for(10s);
    BOOST_TEST(net.lost_packets.empty());
    BOOST_TEST(net.children() == 2u);
    BOOST_TEST(net.disagreements().empty());
}

// covers story-CL03, 6023-3-b, 6023-3-f, 6023-3-g
BOOST_AUTO_TEST_CASE(childless_is_insisted_on_and_the_peer_does_not_announce_it) {
    auto left = left_vpn();
    left.ike.childless = policy::ChildlessUse::force;
    auto right = mirrored(left);
    right.ike.childless = policy::ChildlessUse::never;
    TwoGateways net({{left}}, {{right}});
    net.run_for(1min);
    const auto why = last_failure(net.left);
    BOOST_REQUIRE(why.has_value());
    BOOST_TEST(std::holds_alternative<ike::cause::PeerLacks>(*why));
    for (const auto& each : net.left.sent)
        BOOST_TEST(!each.contains("IKE_AUTH"));
    for (const auto& each : net.right.sent)
        BOOST_TEST(!each.contains("CHILDLESS"));
    BOOST_TEST(net.children() == 0u);
}

// covers story-CL04
BOOST_AUTO_TEST_CASE(childless_is_insisted_on_by_the_one_that_is_asked_for_a_child) {
    const auto left = left_vpn();
    auto right = mirrored(left);
    right.ike.childless = policy::ChildlessUse::force;
    TwoGateways net({{left}}, {{right}});
    net.run_for(10s);
    BOOST_TEST(net.left.kernel_children() + net.right.kernel_children() == 0u);
    BOOST_TEST(ike_sas(net.left, "vpn").empty());
    BOOST_TEST(ike_sas(net.right, "vpn").empty());
    const auto ours = status(net.left, "vpn").reason, theirs = status(net.right, "vpn").reason;
    BOOST_REQUIRE(ours.has_value());
    const auto* refused = std::get_if<ike::cause::PeerRefused>(&*ours);
    BOOST_REQUIRE(refused);
    BOOST_TEST((refused->exchange == ExchangeType::ike_auth));
    BOOST_REQUIRE(theirs.has_value());
    BOOST_TEST(std::holds_alternative<ike::cause::PeerLacks>(*theirs));
    // The other way round it works, since A takes what B asks for.
    net.command(End::right, ike::Initiate{"vpn", {}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 10s));
}

namespace {

Payloads without_child(Payloads payloads) {
    std::erase_if(payloads, [](const Payload& each) {
        return std::holds_alternative<SaPayload>(each) || std::holds_alternative<TsPayload>(each);
    });
    return payloads;
}

bool announces_childless(const std::vector<std::uint8_t>& octets) {
    // Length 8, no protocol, no SPI, 16418.
    const std::vector<std::uint8_t> notify{0, 8, 0, 0, 0x40, 0x22};
    return !std::ranges::search(octets, notify).empty();
}

} // namespace

// covers story-CL05, 6023-3-e
BOOST_AUTO_TEST_CASE(a_child_left_out_without_an_announcement_is_refused) {
    auto own = plain();
    own.ike.childless = policy::ChildlessUse::never;
    ScriptedPeer peer(own);
    peer.greet();
    BOOST_TEST(!announces_childless(peer.datagrams.back()));
    const auto heard = peer.ask(ExchangeType::ike_auth, without_child(peer.auth_payloads()));
    BOOST_REQUIRE(heard.has_value());
    BOOST_REQUIRE(heard->error().has_value());
    BOOST_TEST((heard->error()->type == NotifyType::invalid_syntax));
    BOOST_TEST(peer.status().ike_sas.empty());
}

// covers story-CL02, 6023-4-a, 6023-4-b, 6023-4-c
BOOST_AUTO_TEST_CASE(the_child_follows_when_the_operator_asks) {
    ScriptedPeer peer(plain());
    peer.greet();
    BOOST_TEST(announces_childless(peer.datagrams.back()));
    const auto heard = peer.ask(ExchangeType::ike_auth, without_child(peer.auth_payloads()));
    BOOST_REQUIRE(heard.has_value());
    BOOST_REQUIRE(!heard->error().has_value());
    peer.pass(10min);
    BOOST_TEST(peer.requests.empty());
    BOOST_REQUIRE(peer.status().ike_sas.size() == 1u);
    peer.command(ike::Initiate{"vpn", {}});
    const auto request = request_of(peer, 1s);
    BOOST_REQUIRE(request.has_value());
    BOOST_TEST(!rekey_of(*request));
    peer.answer(*request, acceptance(peer, *request, new_spi));
    BOOST_TEST(has_child(peer, new_spi));
    BOOST_TEST(peer.is_up());
}

// covers 4478-2-a, 4478-2-b, 4478-3-a
BOOST_AUTO_TEST_CASE(a_limit_on_authentication_is_told_in_ike_auth) {
    auto own = plain();
    own.ike.reauthentication = 3600s;
    ScriptedPeer peer(own);
    peer.greet();
    const std::vector<std::uint8_t> in_clear{0, 12, 0, 0, 0x40, 0x13};
    for (const auto& each : peer.datagrams)
        BOOST_TEST(std::ranges::search(each, in_clear).empty());
    const auto heard = peer.ask(ExchangeType::ike_auth, peer.auth_payloads());
    BOOST_REQUIRE(heard.has_value());
    const NotifyPayload* told = nullptr;
    for (const auto& each : heard->payloads)
        if (const auto* found = std::get_if<NotifyPayload>(&each);
            found && found->type == NotifyType::auth_lifetime)
            told = found;
    BOOST_REQUIRE(told);
    BOOST_TEST((told->protocol == policy::ProtocolId{}));
    BOOST_TEST(told->spi.empty());
    BOOST_TEST(told->data == (Octets{0, 0, 0x0e, 0x10}), boost::test_tools::per_element());
}

// covers story-RB09
BOOST_AUTO_TEST_CASE(
    an_ike_auth_that_nobody_answers_is_given_up_soon_after_a_half_open_sa_is_forgotten) {
    ScriptedPeer peer(left_vpn());
    peer.be_called();
    const auto greeting = request_of(peer, 1s);
    BOOST_REQUIRE(greeting.has_value());
    peer.answer_greeting(*greeting);
    const auto began = peer.now;
    // IKE_AUTH { IDi, IDr, AUTH, SA, TSi, TSr } -->      again and again
    for (;;) {
        const auto request = request_of(peer, 1min);
        BOOST_REQUIRE(request.has_value());
        if (request->header.exchange == ExchangeType::ike_sa_init)
            break;
    }
    BOOST_TEST((peer.now - began > 30s));
    BOOST_TEST((peer.now - began < 1min));
}

BOOST_AUTO_TEST_CASE(an_auth_lifetime_of_no_time_does_not_keep_us_busy) {
    ScriptedPeer peer(plain());
    peer.be_called();
    const auto greeting = request_of(peer, 1s);
    BOOST_REQUIRE(greeting.has_value());
    peer.answer_greeting(*greeting);
    const auto auth = request_of(peer, 1s);
    BOOST_REQUIRE(auth.has_value());
    auto payloads = peer.auth_answer(*auth);
    payloads.emplace_back(NotifyPayload{.type = NotifyType::auth_lifetime, .data = Octets(4, 0)});
    // <-- IKE_AUTH { IDr, AUTH, SA, TSi, TSr, N(AUTH_LIFETIME) }
    peer.answer(*auth, payloads);
    const auto began = peer.now;
    const auto anew = request_of(peer, 10s);
    BOOST_REQUIRE(anew.has_value());
    BOOST_TEST((anew->header.exchange == ExchangeType::ike_sa_init));
    BOOST_TEST((peer.now - began >= 500ms));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
