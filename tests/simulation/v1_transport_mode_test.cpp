// Transport mode over IKEv1: an encapsulation mode of the transforms (RFC 2407 section 4.5), which
// a responder takes or refuses.
#include "ike/wire/v1_identification.h"
#include "tests/simulation/v1_scripted_peer.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(v1_transport_mode)

namespace {

using ike::wire::v1::NatNumbering;
using ike::wire::v1::NatOriginalAddressPayload;
using policy::EspMode;

/// What the two gateways say to each other.
policy::Connection old_gateways_vpn(EspMode mode) {
    auto left = old_left_vpn();
    left.esp.mode = mode;
    left.local_selectors = subnets({"10.10.10.5/32"});
    left.remote_selectors = subnets({"10.10.10.4/32"});
    return left;
}

void check_mode(OldTunnel& t, EspMode mode) {
    t.check_settled();
    for (const auto* gateway : {&t.net.left, &t.net.right}) {
        BOOST_TEST((gateway->kernel.installed().begin()->second.child.mode == mode));
        BOOST_TEST((child_sas(*gateway, "vpn").front().mode == mode));
    }
}

/// The same connection as the side sees it that the NAT hides the other from.
policy::Connection beyond_nat(const policy::Connection& left) {
    auto right = mirrored(left);
    right.peer_address = address("203.0.113.7");
    right.remote_selectors = subnets({"203.0.113.7/32"});
    return right;
}

void check_in_udp(TwoGateways& net, EspMode mode, std::string_view left_seen_from_right) {
    BOOST_TEST(net.children() == 2u);
    for (const auto& each : net.disagreements())
        BOOST_ERROR(each);
    for (const auto* gateway : {&net.left, &net.right}) {
        BOOST_REQUIRE(gateway->kernel_children() == 1u);
        const auto& child = gateway->kernel.installed().begin()->second.child;
        BOOST_TEST((child.mode == mode));
        BOOST_TEST(child.encapsulation.has_value());
        const bool is_left = gateway == &net.left;
        BOOST_TEST(policy::to_string(child.local_selectors) ==
                   (is_left ? "10.10.10.5/32" : "10.10.10.4/32"));
        BOOST_TEST(policy::to_string(child.remote_selectors) ==
                   (is_left ? "10.10.10.4/32" : left_seen_from_right));
    }
}

ike::EndpointSettings with_details() {
    ike::EndpointSettings settings;
    settings.message_details = true;
    return settings;
}

/// Those of the last message that had any, in their order.
std::string original_addresses(const Gateway& sender) {
    std::string out;
    for (const auto& each : sender.reports) {
        const auto* message = std::get_if<ike::MessageReport>(&each);
        if (!message || message->direction != ike::Direction::sent ||
            !message->arrow.contains("NAT-OA"))
            continue;
        out.clear();
        std::istringstream lines(message->details);
        for (std::string line; std::getline(lines, line);)
            if (line.contains("NAT-OA"))
                out += (out.empty() ? "" : " ") + line.substr(line.rfind(' ') + 1);
    }
    return out;
}

/// As the scripted peer sees it.
policy::Connection old_scripted_vpn() {
    auto own = OldScriptedPeer::peer_connection();
    own.esp.mode = EspMode::transport;
    own.local_selectors = subnets({"10.10.10.5/32"});
    own.remote_selectors = subnets({"10.10.10.4/32"});
    return own;
}

ike::wire::v1::IdPayload named(std::string_view selector) {
    return ike::wire::v1::id_of(policy::TrafficSelector::parse(selector).value()).value();
}

/// Makes of a quick mode one for transport mode in UDP, of a peer that is 192.168.77.5 to itself
/// and knows the endpoint as 203.0.113.9.
std::function<void(OldPayloads&)> from_beyond(NatNumbering numbering,
                                              std::vector<NatOriginalAddressPayload> originals) {
    return [numbering, originals = std::move(originals)](OldPayloads& payloads) {
        using namespace ike::wire::v1;
        auto& transform = std::get<SaPayload>(payloads[0]).proposals.front().transforms.front();
        auto read = read_esp_transform(transform).value();
        read.encapsulation = numbering == NatNumbering::rfc3947
                                 ? Encapsulation::udp_transport
                                 : Encapsulation::udp_transport_draft;
        transform = esp_transform(transform.number, read);
        payloads[2] = named("192.168.77.5/32[udp/1701]");
        payloads[3] = named("203.0.113.9/32[udp/1701]");
        payloads.insert(payloads.end(), originals.begin(), originals.end());
    };
}

std::string last_failure(const OldScriptedPeer& peer) {
    std::string out;
    for (const auto& each : peer.reports)
        if (const auto* failed = std::get_if<ike::NegotiationFailed>(&each))
            out = ike::to_string(failed->why);
    return out;
}

template <typename T> std::vector<T> all_of(const OldHeard& message) {
    std::vector<T> out;
    for (const auto& each : message.payloads)
        if (const auto* found = std::get_if<T>(&each))
            out.push_back(*found);
    return out;
}

/// For peers behind the NAT.
policy::Connection server_connection(std::string_view name, std::string_view peers) {
    auto right = beyond_nat(old_gateways_vpn(EspMode::transport));
    right.name = name;
    right.peer_address = policy::AnyPeer{};
    right.peer_id = policy::IdentityPattern::parse(peers).value();
    return right;
}

/// Two peers with the same address inside a NAT, and ports of their own outside; one comes up after
/// the other.
struct TwoBehindOneAddress {
    explicit TwoBehindOneAddress(std::vector<policy::Connection> server,
                                 EspMode second_mode = EspMode::transport)
        : right({std::move(server)}, 1, "right", {}) {
        for (const std::string name : {"first", "second"}) {
            auto left = old_gateways_vpn(EspMode::transport);
            left.local_id = policy::Identity::parse(name + ".example.org").value();
            if (name == "second" && second_mode == EspMode::tunnel) {
                // It knows what it is outside.
                left.esp.mode = second_mode;
                left.local_selectors = subnets({"203.0.113.7/32"});
            }
            peers.emplace_back(policy::ConnectionSet{{left}}, 100 + peers.size(), name,
                               ike::EndpointSettings{});
        }
    }

    void come_up() {
        right.endpoint->on_deadline(now);
        for (std::size_t peer = 0; peer < peers.size(); ++peer)
            for (int round = 0; round < 8; ++round)
                exchange(peer);
    }
    void check_second_refused(std::string_view first_connection,
                              std::string_view second_connection) {
        BOOST_REQUIRE(right.kernel.installed().size() == 1u);
        BOOST_TEST(right.kernel.installed().begin()->second.child.connection == first_connection);
        const auto sas = ike_sas(right, std::string(second_connection));
        BOOST_TEST(std::ranges::contains(sas, policy::Identity::parse("second.example.org").value(),
                                         &ike::IkeSaStatus::peer));
        const auto why = failure_of<ike::cause::LocalFault>(right);
        BOOST_REQUIRE(why);
        BOOST_TEST(why->what.contains("first.example.org"));
        BOOST_TEST(why->what.contains("203.0.113.7/32"));
        BOOST_TEST(failure_of<ike::cause::PeerRefused>(peers[1]).has_value());
    }

    void exchange(std::size_t peer, TimePoint::duration time = 10ms) {
        auto& left = peers[peer];
        now += time;
        right.endpoint->on_deadline(now);
        left.endpoint->on_deadline(now);
        drain(left, [&](const ike::SendDatagram& sent) {
            right.endpoint->on_datagram(
                now,
                {{address("10.10.10.4"), sent.path.remote.port},
                 {address("203.0.113.7"), outside(peer, sent.path.local.port)}},
                sent.octets);
        });
        drain(right, [&](const ike::SendDatagram& sent) {
            for (const std::uint16_t port : {std::uint16_t{500}, std::uint16_t{4500}})
                if (sent.path.remote.port == outside(peer, port))
                    left.endpoint->on_datagram(
                        now, {{address("10.10.10.5"), port}, sent.path.local}, sent.octets);
        });
    }

    Gateway right;
    std::deque<Gateway> peers;
    TimePoint now{std::chrono::hours(1)};

private:
    void tell_traffic(Gateway& gateway, policy::ChildSaId child) {
        gateway.endpoint->on_kernel_event(
            now, ike::TrafficRead{child, gateway.kernel.inbound_packets(child)});
    }
    static std::uint16_t outside(std::size_t peer, std::uint16_t port) {
        return static_cast<std::uint16_t>(port + 10000 * (peer + 1));
    }
    void drain(Gateway& gateway, const std::function<void(const ike::SendDatagram&)>& on_datagram) {
        while (auto effect = gateway.endpoint->next_effect()) {
            if (const auto* datagram = std::get_if<ike::SendDatagram>(&*effect))
                on_datagram(*datagram);
            else if (const auto* child = std::get_if<ike::InstallChildSa>(&*effect))
                BOOST_TEST(!gateway.kernel.install(child->child, FakeKernel::Sides::both));
            else if (const auto* inbound = std::get_if<ike::InstallInboundSa>(&*effect))
                BOOST_TEST(!gateway.kernel.install(inbound->child, FakeKernel::Sides::inbound));
            else if (const auto* removed = std::get_if<ike::RemoveChildSa>(&*effect))
                gateway.kernel.remove(removed->child);
            else if (const auto* read = std::get_if<ike::ReadTraffic>(&*effect))
                tell_traffic(gateway, read->child);
            else if (auto* report = std::get_if<ike::Report>(&*effect))
                gateway.reports.push_back(std::move(report->event));
        }
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(both_want_it_and_keep_it_when_they_rekey) {
    OldTunnel t(old_gateways_vpn(EspMode::transport));
    check_mode(t, EspMode::transport);
    for (const auto end : {End::left, End::right}) {
        t.net.command(end, ike::Rekey{"vpn", old_child_keys});
        t.net.run_for(1min);
        check_mode(t, EspMode::transport);
    }
}

BOOST_AUTO_TEST_CASE(who_is_asked_for_tunnel_mode_agrees_to_it) {
    auto right = mirrored(old_gateways_vpn(EspMode::transport));
    OldTunnel t(old_gateways_vpn(EspMode::tunnel), right);
    check_mode(t, EspMode::tunnel);
}

BOOST_AUTO_TEST_CASE(who_is_asked_for_transport_mode_and_has_it_not_refuses) {
    const auto left = old_gateways_vpn(EspMode::transport);
    TwoGateways net({{left}}, {{mirrored(old_gateways_vpn(EspMode::tunnel))}});
    net.run_for(10s);
    BOOST_TEST(net.children() == 0u);
    const auto why = failure_of<ike::cause::EncapsulationDiffers>(net.right);
    BOOST_REQUIRE(why);
    BOOST_TEST(ike::to_string(ike::Cause(*why)) ==
               "no proposal in common: the encapsulation mode differs (here TUNNEL, offered "
               "TRANSPORT)");
    const auto told = failure_of<ike::cause::PeerRefused>(net.left);
    BOOST_REQUIRE(told);
    BOOST_TEST(told->v1_name == "NO-PROPOSAL-CHOSEN");
}

BOOST_AUTO_TEST_CASE(forced_encapsulation_is_no_hindrance) {
    const auto left = old_gateways_vpn(EspMode::transport);
    TwoGateways net({{left}}, {{mirrored(left)}}, 1, with_details());
    net.right.connections.connections.front().nat_traversal.force = true;
    net.right.restart();
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
    net.run_for(1s);
    check_in_udp(net, EspMode::transport, "10.10.10.5/32");
    BOOST_TEST(original_addresses(net.left) == "10.10.10.5 10.10.10.4");
}

// covers 3947-5.2-a, 3947-5.2-b, 3947-5.2-c
BOOST_AUTO_TEST_CASE(through_a_nat_each_side_has_the_addresses_that_it_sees) {
    const auto left = old_gateways_vpn(EspMode::transport);
    TwoGateways net({{left}}, {{beyond_nat(left)}}, 1, with_details());
    net.nat_address = address("203.0.113.7");
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
    net.run_for(5s);
    net.traffic = true;
    check_in_udp(net, EspMode::transport, "203.0.113.7/32");
    // --> SA, Ni, IDci, IDcr, NAT-OAi, NAT-OAr    <-- SA, Nr, IDci, IDcr, NAT-OAi, NAT-OAr
    BOOST_TEST(original_addresses(net.left) == "10.10.10.5 10.10.10.4");
    BOOST_TEST(original_addresses(net.right) == "203.0.113.7 10.10.10.4");
    for (const auto what : {old_child_keys, old_ike_keys}) {
        for (const auto end : {End::left, End::right}) {
            const auto inbound = child_sas(net.left, "vpn").front().inbound_spi;
            const auto cookie = ike_sas(net.left, "vpn").front().initiator_spi;
            net.command(end, ike::Rekey{"vpn", what});
            net.run_for(1min);
            check_in_udp(net, EspMode::transport, "203.0.113.7/32");
            if (what == old_child_keys)
                BOOST_TEST((child_sas(net.left, "vpn").front().inbound_spi != inbound));
            else
                BOOST_TEST((ike_sas(net.left, "vpn").front().initiator_spi != cookie));
        }
        // The right one was the last to begin a quick mode.
        BOOST_TEST(original_addresses(net.right) == "10.10.10.4 203.0.113.7");
        BOOST_TEST(original_addresses(net.left) == "10.10.10.4 10.10.10.5");
    }
    BOOST_TEST(net.lost_packets.empty());
}

BOOST_AUTO_TEST_CASE(through_a_nat_who_is_asked_for_tunnel_mode_agrees_to_it) {
    auto right = mirrored(old_gateways_vpn(EspMode::transport));
    right.nat_traversal.force = true;
    TwoGateways net({{old_gateways_vpn(EspMode::tunnel)}}, {{right}}, 1, with_details());
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
    check_in_udp(net, EspMode::tunnel, "10.10.10.5/32");
    BOOST_TEST(original_addresses(net.left).empty());
    BOOST_TEST(original_addresses(net.right).empty());
}

BOOST_AUTO_TEST_CASE(a_peer_that_gets_another_address_gets_another_child) {
    auto left = old_gateways_vpn(EspMode::transport);
    left.dpd.interval = 10s;
    auto right = beyond_nat(left);
    right.peer_address = policy::AnyPeer{};
    right.remote_selectors = subnets({"203.0.113.0/24"});
    TwoGateways net({{left}}, {{right}});
    net.nat_address = address("203.0.113.7");
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
    net.run_for(5s);
    check_in_udp(net, EspMode::transport, "203.0.113.7/32");
    net.nat_address = address("203.0.113.8");
    net.nat_port_offset = 20000;
    net.run_for(1min);
    check_in_udp(net, EspMode::transport, "203.0.113.8/32");
    // With another port of the same address it is the same child.
    const auto inbound = child_sas(net.right, "vpn").front().inbound_spi;
    net.nat_port_offset = 30000;
    net.run_for(1min);
    check_in_udp(net, EspMode::transport, "203.0.113.8/32");
    BOOST_TEST((child_sas(net.right, "vpn").front().inbound_spi == inbound));
    BOOST_TEST(child_sas(net.right, "vpn").front().encapsulation->remote_port == 34500u);
}

// RFC 3947 section 5.2, example 3: a NAT before either side, so that the peer knows both of us by
// other addresses.
BOOST_AUTO_TEST_CASE(identifications_from_beyond_a_nat_stand_for_the_addresses_seen_here) {
    for (const auto numbering : {NatNumbering::rfc3947, NatNumbering::draft}) {
        OldScriptedPeer peer(old_scripted_vpn());
        peer.establish_through_nat(numbering);
        const auto answer = peer.begin_quick_mode(
            {}, from_beyond(numbering, {{numbering, address("192.168.77.5")},
                                        {numbering, address("203.0.113.9")}}));
        BOOST_REQUIRE(answer);
        BOOST_REQUIRE(peer.installed.size() == 1u);
        const auto& child = peer.installed.front();
        BOOST_TEST((child.mode == EspMode::transport));
        BOOST_TEST(child.encapsulation.has_value());
        BOOST_TEST(policy::to_string(child.local_selectors) == "10.10.10.4/32[udp/1701]");
        BOOST_TEST(policy::to_string(child.remote_selectors) == "10.10.10.5/32[udp/1701]");
        const auto ids = all_of<ike::wire::v1::IdPayload>(*answer);
        BOOST_REQUIRE(ids.size() == 2u);
        BOOST_TEST((ids[0] == named("192.168.77.5/32[udp/1701]")));
        BOOST_TEST((ids[1] == named("203.0.113.9/32[udp/1701]")));
        const std::vector<NatOriginalAddressPayload> seen{{numbering, address("10.10.10.5")},
                                                          {numbering, address("10.10.10.4")}};
        BOOST_TEST((all_of<NatOriginalAddressPayload>(*answer) == seen));
    }
}

BOOST_AUTO_TEST_CASE(a_peer_may_leave_its_original_address_out) {
    OldScriptedPeer peer(old_scripted_vpn());
    peer.establish_through_nat(NatNumbering::rfc3947);
    BOOST_TEST(peer.begin_quick_mode({}, from_beyond(NatNumbering::rfc3947, {})).has_value());
    BOOST_REQUIRE(peer.installed.size() == 1u);
    BOOST_TEST((peer.installed.front().mode == EspMode::transport));
}

BOOST_AUTO_TEST_CASE(through_a_nat_no_identifications_mean_the_gateways) {
    OldScriptedPeer peer(old_scripted_vpn());
    peer.establish_through_nat(NatNumbering::rfc3947);
    const auto change =
        from_beyond(NatNumbering::rfc3947, {{NatNumbering::rfc3947, address("192.168.77.5")},
                                            {NatNumbering::rfc3947, address("203.0.113.9")}});
    const auto answer = peer.begin_quick_mode({}, [&](OldPayloads& payloads) {
        change(payloads);
        payloads.erase(payloads.begin() + 2, payloads.begin() + 4);
    });
    BOOST_REQUIRE(answer);
    BOOST_TEST(all_of<ike::wire::v1::IdPayload>(*answer).empty());
    BOOST_TEST(all_of<NatOriginalAddressPayload>(*answer).size() == 2u);
    BOOST_REQUIRE(peer.installed.size() == 1u);
    BOOST_TEST((peer.installed.front().mode == EspMode::transport));
    BOOST_TEST(policy::to_string(peer.installed.front().local_selectors) == "10.10.10.4/32");
    BOOST_TEST(policy::to_string(peer.installed.front().remote_selectors) == "10.10.10.5/32");
}

BOOST_AUTO_TEST_CASE(an_original_address_that_is_not_the_identification_is_refused) {
    OldScriptedPeer peer(old_scripted_vpn());
    peer.establish_through_nat(NatNumbering::rfc3947);
    BOOST_TEST(!peer.begin_quick_mode(
        {}, from_beyond(NatNumbering::rfc3947, {{NatNumbering::rfc3947, address("192.168.77.6")},
                                                {NatNumbering::rfc3947, address("203.0.113.9")}})));
    BOOST_TEST(peer.installed.empty());
    const auto* told = peer.last(ike::wire::ExchangeType::informational_v1);
    BOOST_REQUIRE(told);
    BOOST_TEST(told->notify(ike::wire::v1::NotifyType::payload_malformed));
    BOOST_TEST(last_failure(peer).contains("192.168.77.6"));
    BOOST_TEST(last_failure(peer).contains("192.168.77.5"));
}

BOOST_AUTO_TEST_CASE(an_original_address_that_is_none_spoils_the_message) {
    OldScriptedPeer peer(old_scripted_vpn());
    peer.establish_through_nat(NatNumbering::rfc3947);
    const auto change = from_beyond(NatNumbering::rfc3947, {});
    BOOST_TEST(!peer.begin_quick_mode({}, [&](OldPayloads& payloads) {
        change(payloads);
        payloads.emplace_back(ike::wire::v1::UnknownPayload{21, {1, 0, 0, 0, 10, 0, 0}});
    }));
    BOOST_TEST(peer.installed.empty());
    BOOST_TEST(peer.endpoint.status().dropped.integrity_failed == 1u);
}

BOOST_AUTO_TEST_CASE(a_network_beyond_a_nat_is_not_the_peer) {
    OldScriptedPeer peer(old_scripted_vpn());
    peer.establish_through_nat(NatNumbering::rfc3947);
    const auto change = from_beyond(NatNumbering::rfc3947, {});
    BOOST_TEST(!peer.begin_quick_mode({}, [&](OldPayloads& payloads) {
        change(payloads);
        payloads[2] = named("192.168.77.0/24");
    }));
    BOOST_TEST(peer.installed.empty());
}

BOOST_AUTO_TEST_CASE(a_peer_that_calls_itself_otherwise_is_no_other) {
    const auto left = old_gateways_vpn(EspMode::transport);
    auto edited = left;
    edited.local_id = policy::Identity::parse("left.example.org").value();
    OldTunnel t(left);
    const auto child = t.inbound(End::left);
    t.net.command(End::right, ike::Reconfigure{{{mirrored(edited)}}});
    t.net.command(End::left, ike::Reconfigure{{{edited}}});
    t.net.run_for(90s);
    check_mode(t, EspMode::transport);
    BOOST_TEST((t.inbound(End::left) != child));
}

BOOST_AUTO_TEST_CASE(a_peer_that_comes_through_another_mapping_is_no_other) {
    const auto left = old_gateways_vpn(EspMode::transport);
    auto edited = left;
    edited.psk = policy::Secret::from_text("another secret");
    TwoGateways net({{left}}, {{beyond_nat(left)}});
    net.nat_address = address("203.0.113.7");
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 10s));
    net.run_for(5s);
    const auto child = child_sas(net.left, "vpn").front().inbound_spi;
    net.nat_port_offset = 20000;
    net.command(End::right, ike::Reconfigure{{{beyond_nat(edited)}}});
    net.command(End::left, ike::Reconfigure{{{edited}}});
    net.run_for(90s);
    check_in_udp(net, EspMode::transport, "203.0.113.7/32");
    BOOST_TEST((child_sas(net.left, "vpn").front().inbound_spi != child));
    for (const auto* gateway : {&net.left, &net.right})
        BOOST_TEST(!failure_of<ike::cause::LocalFault>(*gateway).has_value());
}

// covers 3948-5.2-a, 3948-5.2-b
BOOST_AUTO_TEST_CASE(of_two_peers_behind_one_address_the_second_is_refused) {
    TwoBehindOneAddress t({server_connection("first", "first.example.org"),
                           server_connection("second", "second.example.org")});
    t.come_up();
    t.check_second_refused("first", "second");
    // Nor do we ask the second for it.
    t.right.reports.clear();
    t.right.endpoint->on_command(t.now, ike::Initiate{"second"});
    for (int round = 0; round < 8; ++round)
        t.exchange(1);
    t.check_second_refused("first", "second");
    BOOST_TEST(std::ranges::any_of(t.right.reports, [](const auto& each) {
        const auto* failed = std::get_if<ike::NegotiationFailed>(&each);
        return failed && failed->role == ike::Role::initiator;
    }));
}

BOOST_AUTO_TEST_CASE(nor_does_the_second_take_it_over_by_tunnel_mode) {
    TwoBehindOneAddress t({server_connection("first", "first.example.org"),
                           server_connection("second", "second.example.org")},
                          EspMode::tunnel);
    t.come_up();
    t.check_second_refused("first", "second");
}

BOOST_AUTO_TEST_CASE(one_that_vanished_makes_room_for_the_second) {
    auto first = server_connection("first", "first.example.org");
    // Nobody else asks whether it is there.
    first.dpd.interval = 0s;
    TwoBehindOneAddress t({first, server_connection("second", "second.example.org")});
    t.come_up();
    t.check_second_refused("first", "second");
    for (int second = 0; second < 600; ++second)
        t.exchange(1, 1s);
    BOOST_REQUIRE(t.right.kernel.installed().size() == 1u);
    BOOST_TEST(t.right.kernel.installed().begin()->second.child.connection == "second");
    BOOST_TEST(ike_sas(t.right, "first").empty());
}

BOOST_AUTO_TEST_CASE(one_that_answers_no_question_but_sends_is_there) {
    auto first = server_connection("first", "first.example.org");
    first.dpd.interval = 0s;
    TwoBehindOneAddress t({first, server_connection("second", "second.example.org")});
    t.come_up();
    for (int second = 0; second < 600; ++second) {
        t.exchange(1, 1s);
        t.right.kernel.receive(t.right.kernel.installed().begin()->second.child.inbound_spi);
    }
    t.check_second_refused("first", "second");
}

BOOST_AUTO_TEST_CASE(so_it_is_where_one_connection_takes_both) {
    TwoBehindOneAddress t({server_connection("all", "*.example.org")});
    t.come_up();
    t.check_second_refused("all", "all");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
