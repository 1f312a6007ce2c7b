// How IKEv1's SAs end: Deletes, dead peers, forgotten ones, and what nobody vouches for
// (RFC 2408 section 3.15, RFC 2409 section 5.7, RFC 3706).
#include "ike/wire/v1_message.h"
#include "tests/simulation/v1_connections.h"
#include "tests/simulation/v1_scripted_peer.h"

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(v1_end_of_life)

// covers 2408-4.1-b, 2408-4.8-a, 2408-5.15-a
BOOST_AUTO_TEST_CASE(the_operator_closes_and_the_peer_hears_of_it) {
    for (const auto end : {End::left, End::right}) {
        OldTunnel t;
        t.net.traffic = false;
        // INFORMATIONAL_V1 { HASH, D } -->  the child
        // INFORMATIONAL_V1 { HASH, D } -->  phase 1
        t.net.command(end, ike::Terminate{"vpn"});
        t.net.run_for(1s);
        BOOST_TEST(t.net.left.kernel_children() == 0u);
        BOOST_TEST(t.net.right.kernel_children() == 0u);
        BOOST_TEST(ike_sas(t.net.left, "vpn").empty());
        BOOST_TEST(ike_sas(t.net.right, "vpn").empty());
        // Who is to keep it up begins again; who closed it does not.
        BOOST_TEST(t.net.run_until([&] { return t.net.up("vpn"); }, 1min) == (end == End::right));
    }
}

// covers 2408-5.15-a
BOOST_AUTO_TEST_CASE(the_end_of_a_lifetime_is_said_twice_where_no_child_is_left) {
    auto own = OldScriptedPeer::peer_connection();
    own.ike.lifetime = 60s;
    OldScriptedPeer peer(own);
    peer.establish();
    const auto cookies = peer.cookies();
    peer.pass(61s);
    const auto said = std::ranges::count_if(peer.heard, [&](const OldHeard& each) {
        return std::ranges::any_of(each.payloads, [&](const auto& payload) {
            const auto* deletes = std::get_if<ike::wire::v1::DeletePayload>(&payload);
            return deletes && std::ranges::contains(deletes->isakmp, cookies);
        });
    });
    BOOST_TEST(said == 2);
    BOOST_TEST(std::ranges::none_of(peer.status().ike_sas, &ike::IkeSaStatus::established));
}

BOOST_AUTO_TEST_CASE(a_stop_tells_every_peer_and_leaves_nothing) {
    OldTunnel t;
    t.net.traffic = false;
    t.net.command(End::left, ike::Shutdown{});
    t.net.run_for(2s);
    BOOST_TEST(t.net.left.kernel_children() == 0u);
    BOOST_TEST(t.net.right.kernel_children() == 0u);
    BOOST_TEST(!t.net.left.endpoint->next_deadline().has_value());
}

// covers 3706-5.2-a
BOOST_AUTO_TEST_CASE(a_silent_peer_is_asked_and_an_idle_one_lives) {
    auto left = old_left_vpn();
    left.dpd.interval = 10s;
    OldTunnel t(left);
    t.net.traffic = false;
    t.net.run_for(10min);
    // INFORMATIONAL_V1 { HASH, N(R-U-THERE) } -->
    //                     <-- INFORMATIONAL_V1 { HASH, N(R-U-THERE-ACK) }
    const auto asked = std::ranges::count_if(
        t.net.left.sent, [](const auto& line) { return line.contains("N(R-U-THERE)"); });
    BOOST_TEST(asked >= 20);
    BOOST_TEST(std::ranges::any_of(
        t.net.right.sent, [](const auto& line) { return line.contains("N(R-U-THERE-ACK)"); }));
    t.check_settled();
    BOOST_TEST(count<ike::IkeSaEstablished>(t.net.left) == 1u);
}

BOOST_AUTO_TEST_CASE(traffic_is_life_enough) {
    auto left = old_left_vpn();
    left.dpd.interval = 10s;
    OldTunnel t(left);
    const auto before = t.net.datagrams();
    // Packets come and go with every step.
    t.net.run_for(10min);
    BOOST_TEST(t.net.datagrams() - before < 10u);
    t.check_settled();
}

// covers 3706-5.4-a
BOOST_AUTO_TEST_CASE(a_dead_peer_is_called_again_for_ever) {
    auto left = old_left_vpn();
    left.dpd.interval = 10s;
    OldTunnel t(left);
    t.net.traffic = false;
    t.net.cut = true;
    t.net.run_for(5min);
    BOOST_TEST(t.net.left.kernel_children() == 0u);
    BOOST_TEST((status(t.net.left, "vpn").state == ike::ConnectionState::negotiating ||
                status(t.net.left, "vpn").state == ike::ConnectionState::waiting));
    t.net.run_for(3h);
    t.net.cut = false;
    BOOST_TEST(t.net.run_until([&] { return t.net.up("vpn"); }, 2min));
    t.net.run_for(3min);
    t.check_settled();
}

BOOST_AUTO_TEST_CASE(a_dead_peer_is_forgotten_where_the_action_is_clear) {
    auto left = old_left_vpn();
    left.dpd = {.interval = 10s, .action = policy::DpdAction::clear};
    OldTunnel t(left);
    t.net.traffic = false;
    t.net.cut = true;
    t.net.run_for(5min);
    const auto down = [&] {
        const auto now = status(t.net.left, "vpn");
        return now.state == ike::ConnectionState::down && now.ike_sas.empty() &&
               t.net.left.kernel_children() == 0;
    };
    BOOST_TEST(down());
    const auto reason = status(t.net.left, "vpn").reason;
    BOOST_TEST((reason && std::holds_alternative<ike::cause::PeerDead>(*reason)));
    const auto sent = t.net.left.sent.size();
    t.net.cut = false;
    t.net.run_for(1h);
    BOOST_TEST(down());
    BOOST_TEST(t.net.left.sent.size() == sent);
    // Until somebody wants it.
    t.net.command(End::left, ike::Initiate{"vpn", {}});
    BOOST_TEST(t.net.run_until([&] { return t.net.up("vpn"); }, 5s));
    t.net.run_for(3min);
    t.check_settled();
}

// INITIAL-CONTACT: what the peer had before it died is of no use to it.
// covers 3947-6-a
BOOST_AUTO_TEST_CASE(a_peer_that_starts_anew_replaces_what_it_forgot) {
    OldTunnel t;
    t.net.traffic = false;
    t.net.left.restart();
    t.net.run_for(2s);
    BOOST_TEST(t.net.up("vpn"));
    t.check_settled();
}

BOOST_AUTO_TEST_CASE(a_responder_that_starts_anew_is_found_out) {
    auto left = old_left_vpn();
    left.dpd.interval = 10s;
    OldTunnel t(left);
    t.net.traffic = false;
    t.net.right.restart();
    BOOST_TEST(
        t.net.run_until([&] { return t.net.up("vpn") && t.net.disagreements().empty(); }, 3min));
    t.net.run_for(3min);
    t.check_settled();
}

// CVE-2019-10155 and others: what is in clear ends nothing once there are keys.
// covers 2409-3.2-c, 3706-5.2-b, 2408-4.8-a, 2408-5.15-d
BOOST_AUTO_TEST_CASE(unprotected_deletes_and_notifications_are_counted_and_ignored) {
    OldTunnel t;
    const auto sa = ike_sas(t.net.right, "vpn").front();
    const auto spi = child_sas(t.net.right, "vpn").front().outbound_spi;
    namespace v1 = ike::wire::v1;
    const std::vector<v1::Payload> said{
        v1::DeletePayload{.protocol = policy::ProtocolId::esp, .isakmp = {}, .children = {spi}},
        v1::DeletePayload{.protocol = policy::ProtocolId::ike,
                          .isakmp = {{sa.initiator_spi, sa.responder_spi}},
                          .children = {}},
        v1::NotifyPayload{.type = v1::NotifyType::authentication_failed},
        v1::NotifyPayload{.spi = v1::spi_of({sa.initiator_spi, sa.responder_spi}),
                          .type = v1::NotifyType::initial_contact},
        v1::dead_peer_detection(v1::NotifyType::r_u_there, {sa.initiator_spi, sa.responder_spi},
                                1)};
    const auto sent = t.net.right.sent.size();
    for (const auto& each : said) {
        const ike::wire::Header header{.initiator_spi = sa.initiator_spi,
                                       .responder_spi = sa.responder_spi,
                                       .major_version = 1,
                                       .exchange = ike::wire::ExchangeType::informational_v1,
                                       .message_id = ike::wire::MessageId{4711}};
        t.net.inject(End::right, {{address("10.10.10.4"), 500}, {address("10.10.10.5"), 500}},
                     v1::encode_message(header, std::span(&each, 1)));
    }
    BOOST_TEST(t.net.right.endpoint->status().dropped.unprotected == said.size());
    BOOST_TEST(t.net.right.sent.size() == sent);
    t.net.run_for(1s);
    t.check_settled();
}

// Whatever is recorded and sent again changes nothing.
// covers 2409-5.7-a
BOOST_AUTO_TEST_CASE(every_message_may_be_replayed) {
    std::vector<std::pair<End, std::vector<std::uint8_t>>> recorded;
    const auto left = old_left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        recorded.emplace_back(sender, octets);
        return true;
    };
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    net.command(End::left, ike::Rekey{"vpn", old_child_keys});
    net.run_for(1min);
    net.inspect = nullptr;
    const auto replay = [&] {
        for (const auto& [sender, octets] : recorded) {
            const bool from_left = sender == End::left;
            const policy::UdpEndpoint l{address("10.10.10.5"), 500}, r{address("10.10.10.4"), 500};
            net.inject(other(sender), from_left ? policy::UdpPath{r, l} : policy::UdpPath{l, r},
                       octets);
        }
        net.run_for(1min);
        BOOST_TEST(net.left.kernel_children() == 1u);
        BOOST_TEST(net.right.kernel_children() == 1u);
        BOOST_TEST(net.disagreements().empty());
        BOOST_TEST(ike_sas(net.right, "vpn").size() == 1u);
    };
    replay();
    net.run_for(10min);
    replay();
}

BOOST_AUTO_TEST_CASE(a_child_that_the_kernel_refuses_is_asked_for_again) {
    const auto left = old_left_vpn();
    for (const auto end : {End::left, End::right}) {
        TwoGateways net({{left}}, {{mirrored(left)}});
        net.at(end).kernel.refusals = 1;
        BOOST_TEST(net.run_until(
            [&] { return net.up("vpn") && net.children() == 2 && net.disagreements().empty(); },
            3min));
    }
}

BOOST_AUTO_TEST_CASE(an_expired_child_is_made_anew) {
    OldTunnel t;
    t.net.traffic = false;
    const auto spi = t.inbound(End::left);
    t.net.kernel_event(End::left, ike::HardExpired{spi});
    BOOST_TEST(t.net.run_until([&] { return t.net.up("vpn") && t.net.children() == 2; }, 10s));
    BOOST_TEST((t.inbound(End::left) != spi));
    t.net.kernel_event(End::left, ike::SoftExpired{t.inbound(End::left)});
    t.net.run_for(1min);
    t.check_settled();
}

// Only phase 1 is deleted: its children live on, and go to the next one.
// covers 2408-3.15-a, 2408-3.15-b
BOOST_AUTO_TEST_CASE(children_outlive_a_phase_one_that_the_peer_deletes) {
    auto left = old_left_vpn();
    OldTunnel t(left);
    const auto child = t.inbound(End::left);
    // The Delete of the children is lost, that of phase 1 is not.
    unsigned deletes = 0;
    t.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender != End::right || octets[18] != 5)
            return true;
        return ++deletes % 2 == 0;
    };
    t.net.traffic = false;
    t.net.command(End::right, ike::Terminate{"vpn"});
    t.net.run_for(1s);
    t.net.inspect = nullptr;
    BOOST_TEST(deletes == 4u);
    BOOST_TEST(t.net.left.kernel_children() == 1u);
    // Whether the peer has the child still is not known: it is made anew under the next one.
    t.net.run_for(5min);
    t.check_settled();
    BOOST_TEST((t.inbound(End::left) != child));
}

/// The left end has closed phase 1, and its Delete of the child was lost: the right one has the
/// child and no phase 1.
struct Orphan : OldTunnel {
    explicit Orphan(const policy::Connection& right = mirrored(old_left_vpn()))
        : OldTunnel(old_left_vpn(), right), child(inbound(End::right)) {
        unsigned deletes = 0;
        net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            return sender != End::left || octets[18] != 5 || ++deletes % 2 == 0;
        };
        net.traffic = false;
        net.command(End::left, ike::Terminate{"vpn"});
        net.run_for(1s);
        net.inspect = nullptr;
        BOOST_TEST(net.left.kernel_children() == 0u);
        BOOST_TEST(net.right.kernel_children() == 1u);
        BOOST_TEST(ike_sas(net.right, "vpn").empty());
    }
    bool begun_by_right() const {
        return std::ranges::any_of(net.right.sent, [](const auto& line) {
            return line.starts_with("IDENTITY_PROTECTION { SA");
        });
    }
    policy::ChildSpi child;
};

BOOST_AUTO_TEST_CASE(a_child_without_phase_one_ends_by_a_hard_limit) {
    Orphan t;
    t.net.kernel_event(End::right, ike::HardExpired{policy::ChildSpi{4711}});
    BOOST_TEST(t.net.right.kernel_children() == 1u);
    t.net.kernel_event(End::right, ike::HardExpired{t.child});
    BOOST_TEST(t.net.right.kernel_children() == 0u);
    BOOST_TEST(count<ike::ChildSaClosed>(t.net.right) == 1u);
    t.net.run_for(2h);
    BOOST_TEST(!t.begun_by_right());
    BOOST_TEST(!t.net.right.endpoint->next_deadline().has_value());
}

BOOST_AUTO_TEST_CASE(a_child_without_phase_one_gets_one_by_a_soft_limit_and_is_rekeyed) {
    Orphan t;
    t.net.run_for(1min);
    BOOST_TEST(!t.begun_by_right());
    t.net.kernel_event(End::right, ike::SoftExpired{t.child});
    BOOST_TEST(t.begun_by_right());
    BOOST_TEST(t.net.run_until([&] { return t.net.up("vpn"); }, 1min));
    t.net.run_for(3min);
    t.check_settled();
    BOOST_TEST((t.inbound(End::right) != t.child));
}

BOOST_AUTO_TEST_CASE(a_child_without_phase_one_gets_one_before_its_time_is_over) {
    Orphan t;
    // An hour, of which the last minutes are for that.
    t.net.run_for(59min + 30s);
    t.check_settled();
    BOOST_TEST((t.inbound(End::right) != t.child));
}

BOOST_AUTO_TEST_CASE(a_child_without_phase_one_gets_one_with_a_peer_that_has_a_name) {
    auto right = mirrored(old_left_vpn());
    right.peer_address = policy::PeerName{"left.example.org"};
    Orphan t(right);
    t.net.kernel_event(End::right, ike::SoftExpired{t.child});
    BOOST_TEST(t.begun_by_right());
    t.net.run_for(3min);
    t.check_settled();
    BOOST_TEST((t.inbound(End::right) != t.child));
}

BOOST_AUTO_TEST_CASE(who_waits_for_its_peer_lets_such_a_child_end) {
    auto right = mirrored(old_left_vpn());
    right.close = policy::CloseAction::clear;
    Orphan t(right);
    t.net.kernel_event(End::right, ike::SoftExpired{t.child});
    t.net.run_for(2h);
    BOOST_TEST(!t.begun_by_right());
    BOOST_TEST(t.net.right.kernel_children() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
