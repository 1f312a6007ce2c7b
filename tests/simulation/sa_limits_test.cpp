// How many SAs a peer gets that has the keys: a newer IKE SA takes the place of an older one, and
// what is more than anybody has use for is refused and counted. What stands is not touched, and
// rekeys go on.
#include "tests/simulation/scripted_peer.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(sa_limits)

namespace {

using namespace ike::wire;
using namespace std::chrono_literals;

constexpr std::size_t most_ike_sas = 16;

std::size_t established(const ScriptedPeer& peer) {
    return static_cast<std::size_t>(
        std::ranges::count_if(peer.status().ike_sas, &ike::IkeSaStatus::established));
}

ike::DropCounters dropped(const ScriptedPeer& peer) {
    return peer.endpoint.status().dropped;
}

/// The newest IKE SA by now.
ike::IkeSaStatus newest(const ScriptedPeer& peer) {
    const auto sas = peer.status().ike_sas;
    return *std::ranges::find(sas, peer.sas.front().initiator_spi,
                              &ike::IkeSaStatus::initiator_spi);
}

policy::Connection pairs_vpn(policy::Uniqueness unique) {
    auto own = left_vpn();
    own.children = policy::ChildrenShape::per_pair;
    own.unique = unique;
    return own;
}

/// What the endpoint has put into its kernel and not taken out again.
struct KernelChildren {
    explicit KernelChildren(ScriptedPeer& peer) {
        peer.observe = [this](const ike::Effect& effect, const Heard*) {
            if (std::holds_alternative<ike::InstallChildSa>(effect) ||
                std::holds_alternative<ike::InstallInboundSa>(effect))
                ++count;
            else if (std::holds_alternative<ike::RemoveChildSa>(effect))
                --count;
        };
    }
    std::size_t count = 0;
};

std::optional<NotifyType> error_of(const std::optional<Heard>& heard) {
    const auto error = heard ? heard->error() : std::nullopt;
    return error ? std::optional(error->type) : std::nullopt;
}

std::optional<Heard> ask_for_ike_sa(ScriptedPeer& peer, Payloads extra = {}) {
    peer.greet();
    auto payloads = peer.auth_payloads();
    payloads.insert(payloads.end(), extra.begin(), extra.end());
    return peer.ask(ExchangeType::ike_auth, payloads);
}

std::optional<Heard> rekey(ScriptedPeer& peer, const ike::ChildSaStatus& child) {
    auto payloads = peer.child_payloads();
    payloads.insert(payloads.begin(), peer.rekey_notify(child.outbound_spi));
    return peer.ask(ExchangeType::create_child_sa, payloads);
}

} // namespace

// covers class-memory
BOOST_AUTO_TEST_CASE(a_peer_that_begins_anew_without_end_keeps_its_newest_ike_sas) {
    // The children of one pair alone come, so that no IKE SA is complete and ends an older one.
    auto own = pairs_vpn(policy::Uniqueness::replace);
    ScriptedPeer peer(own);
    own.local_selectors = subnets({"192.168.11.0/24", "192.168.12.0/24"});
    auto endpoints = mirrored(own);
    endpoints.start = policy::StartAction::initiate;
    peer.command(ike::Reconfigure{{{endpoints}}});
    const KernelChildren kernel(peer);
    for (int i = 0; i < 100; ++i) {
        peer.establish();
        peer.pass(10ms);
        BOOST_TEST(peer.children() <= most_ike_sas);
        BOOST_TEST(kernel.count <= most_ike_sas);
        BOOST_TEST(newest(peer).children.size() == 1u);
    }
    BOOST_TEST(peer.children() == most_ike_sas);
    BOOST_TEST(dropped(peer).ike_sa_limit == 0u);
    // The peer answers no Delete.
    peer.pass(10s);
    BOOST_TEST(peer.children() == most_ike_sas);
    BOOST_TEST(kernel.count == most_ike_sas);
    BOOST_TEST(peer.status().ike_sas.size() <= most_ike_sas + 1);
}

// covers class-memory
BOOST_AUTO_TEST_CASE(so_does_one_whose_children_are_all_refused) {
    ScriptedPeer peer;
    peer.own.local_selectors = subnets({"172.16.0.0/24"});
    for (int i = 0; i < 100; ++i) {
        ask_for_ike_sa(peer);
        BOOST_TEST(established(peer) <= most_ike_sas);
    }
    BOOST_TEST(established(peer) == most_ike_sas);
    peer.pass(10s);
    BOOST_TEST(peer.status().ike_sas.size() == most_ike_sas);
}

// covers class-memory
BOOST_AUTO_TEST_CASE(what_only_an_older_ike_sa_carries_does_not_end_with_it) {
    constexpr std::size_t limit = 2;
    auto own = pairs_vpn(policy::Uniqueness::replace);
    own.dpd.interval = 0s;
    own.local_selectors = subnets({"192.168.11.0/24", "192.168.12.0/24", "192.168.13.0/24",
                                   "192.168.14.0/24", "192.168.15.0/24"});
    ScriptedPeer peer(own, {.ike_sa_limit = limit});
    const auto call_for = [&](const std::string& subnet) {
        peer.own.local_selectors = subnets({subnet.c_str()});
        return error_of(ask_for_ike_sa(peer));
    };
    // An IKE SA for each child.
    for (const auto* each : {"192.168.11.0/24", "192.168.12.0/24", "192.168.13.0/24"})
        BOOST_TEST(!call_for(each));
    BOOST_TEST(peer.children() == 3u);
    // What is authenticated anew takes the place of its own predecessor.
    BOOST_TEST(!call_for("192.168.12.0/24"));
    BOOST_TEST(peer.children() == 3u);
    BOOST_TEST(!call_for("192.168.14.0/24"));
    BOOST_TEST((call_for("192.168.15.0/24") == NotifyType::authentication_failed));
    BOOST_TEST(dropped(peer).ike_sa_limit == 1u);
    BOOST_TEST(peer.children() == 2 * limit);
    // Unless they are dead: the peer answers nothing.
    peer.pass(1min);
    BOOST_TEST(!call_for("192.168.15.0/24"));
}

// covers class-memory
BOOST_AUTO_TEST_CASE(a_peer_that_rekeys_the_ike_sa_without_end_has_to_delete_the_old_ones) {
    auto own = left_vpn();
    own.dpd.interval = 0s;
    ScriptedPeer peer(own);
    peer.establish();
    const auto rekey_ike_sa = [&] {
        const auto response =
            peer.ask(ExchangeType::create_child_sa, peer.ike_rekey_payloads()).value();
        const auto error = error_of(response);
        if (!error) {
            peer.take_successor(response);
            peer.current = peer.sas.size() - 1;
        }
        return error;
    };
    for (std::size_t i = 0; i < most_ike_sas; ++i)
        BOOST_TEST(!rekey_ike_sa());
    // CREATE_CHILD_SA { SA, Ni, KEi } -->    <-- CREATE_CHILD_SA { N(TEMPORARY_FAILURE) }
    for (int i = 0; i < 100; ++i)
        BOOST_TEST((rekey_ike_sa() == NotifyType::temporary_failure));
    BOOST_TEST(peer.status().ike_sas.size() == most_ike_sas + 1);
    BOOST_TEST(dropped(peer).ike_sa_limit == 100u);
    // One that it deletes makes room for another.
    --peer.current;
    peer.ask(ExchangeType::informational, {DeletePayload{policy::ProtocolId::ike, {}}});
    ++peer.current;
    BOOST_TEST(!rekey_ike_sa());
    BOOST_TEST((rekey_ike_sa() == NotifyType::temporary_failure));
    // So does the time that an honest peer may need.
    peer.pass(5min);
    BOOST_TEST(!rekey_ike_sa());
    BOOST_TEST(peer.children() == 1u);
}

// covers class-memory
BOOST_AUTO_TEST_CASE(where_all_stay_those_that_are_dead_make_room) {
    auto own = pairs_vpn(policy::Uniqueness::never);
    own.dpd.interval = 0s;
    ScriptedPeer peer(own);
    for (std::size_t i = 0; i < most_ike_sas; ++i)
        peer.establish();
    peer.pass(10min);
    BOOST_TEST(peer.children() == most_ike_sas);
    // INFORMATIONAL { } --> for each of them, which nobody answers
    BOOST_TEST((error_of(ask_for_ike_sa(peer)) == NotifyType::authentication_failed));
    peer.pass(1min);
    BOOST_TEST(!error_of(ask_for_ike_sa(peer)));
    BOOST_TEST(peer.children() == 1u);
}

// covers class-memory
BOOST_AUTO_TEST_CASE(where_all_stay_the_newest_is_refused_and_counted) {
    ScriptedPeer peer(pairs_vpn(policy::Uniqueness::never));
    std::string said;
    peer.observe = [&](const ike::Effect& effect, const Heard*) {
        const auto* report = std::get_if<ike::Report>(&effect);
        const auto* failed = report ? std::get_if<ike::NegotiationFailed>(&report->event) : nullptr;
        if (failed)
            said = ike::to_string(failed->why);
    };
    for (std::size_t i = 0; i < most_ike_sas; ++i)
        peer.establish();
    const auto last = peer.sas;
    // HDR, SK { IDi, AUTH, SA, TSi, TSr } -->    <-- HDR, SK { N(AUTHENTICATION_FAILED) }
    const auto heard = ask_for_ike_sa(peer);
    BOOST_TEST((error_of(heard) == NotifyType::authentication_failed));
    BOOST_TEST(heard->payloads.size() == 1u);
    BOOST_TEST(said == "'10.10.10.5' has 16 IKE SAs of this connection, and gets no other");
    BOOST_TEST(dropped(peer).ike_sa_limit == 1u);
    BOOST_TEST(peer.children() == most_ike_sas);
    BOOST_TEST(peer.endpoint.status().half_open == 0u);

    // Keys of those that stand are made anew all the same.
    peer.sas = last;
    BOOST_TEST(!error_of(rekey(peer, newest(peer).children.at(0))));
    const auto successor = peer.ask(ExchangeType::create_child_sa, peer.ike_rekey_payloads());
    BOOST_TEST(!error_of(successor));
    peer.pass(1s);
    // A peer that has forgotten them gets in, and so does one that has ended one.
    BOOST_TEST(!error_of(
        ask_for_ike_sa(peer, {NotifyPayload{.type = NotifyType::initial_contact, .data = {}}})));
    BOOST_TEST(peer.children() == 1u);
    for (std::size_t i = 1; i < most_ike_sas; ++i)
        peer.establish();
    peer.ask(ExchangeType::informational, {DeletePayload{policy::ProtocolId::ike, {}}});
    BOOST_TEST(!error_of(ask_for_ike_sa(peer)));
    BOOST_TEST((error_of(ask_for_ike_sa(peer)) == NotifyType::authentication_failed));
}

// covers class-memory
BOOST_AUTO_TEST_CASE(of_many_peers_that_one_connection_serves_those_that_are_in_stay_in) {
    auto own = left_vpn();
    own.unique = policy::Uniqueness::replace;
    ScriptedPeer peer(own, {.peer_limit = 3});
    auto endpoints = mirrored(own);
    endpoints.peer_id = {};
    endpoints.peer_address = policy::AnyPeer{};
    peer.command(ike::Reconfigure{{{endpoints}}});
    const auto call_as = [&](const std::string& name) {
        peer.own.local_id = policy::Identity::parse(name).value();
        return error_of(ask_for_ike_sa(peer));
    };
    for (const auto* name : {"a.example.org", "b.example.org", "c.example.org"})
        BOOST_TEST(!call_as(name));
    BOOST_TEST((call_as("d.example.org") == NotifyType::authentication_failed));
    BOOST_TEST(dropped(peer).ike_sa_limit == 1u);
    // Make before break is no new peer.
    BOOST_TEST(!call_as("b.example.org"));
    BOOST_TEST(peer.children() == 4u);
    peer.ask(ExchangeType::informational, {DeletePayload{policy::ProtocolId::ike, {}}});
    BOOST_TEST((call_as("d.example.org") == NotifyType::authentication_failed));
}

// covers class-memory
BOOST_AUTO_TEST_CASE(children_beyond_the_limit_are_refused_and_rekeys_are_not) {
    constexpr std::size_t limit = 8;
    ScriptedPeer peer(left_vpn(), {.child_sa_limit = limit});
    peer.establish();
    const auto own = peer.own.local_selectors;
    const auto children = [&] { return peer.status().ike_sas.at(0).children; };
    // For a host of its own each time: a further child for the same traffic makes the one before
    // redundant.
    auto ask_for_child = [&, host = std::uint8_t{0}] mutable {
        peer.own.local_selectors = {policy::TrafficSelector::from_subnet(
            {policy::IpAddress::v4(192, 168, 11, host++), 32})};
        return error_of(peer.ask(ExchangeType::create_child_sa, peer.child_payloads()));
    };
    for (std::size_t i = 1; i < limit; ++i)
        BOOST_TEST(!ask_for_child());
    // CREATE_CHILD_SA { SA, Ni, TSi, TSr } -->    <-- CREATE_CHILD_SA { N(NO_ADDITIONAL_SAS) }
    for (int i = 0; i < 100; ++i)
        BOOST_TEST((ask_for_child() == NotifyType::no_additional_sas));
    BOOST_TEST(dropped(peer).child_sa_limit == 100u);
    BOOST_TEST(children().size() == limit);

    // All are rekeyed, and the old ones go later.
    peer.own.local_selectors = own;
    const auto first = children();
    for (const auto& each : first)
        BOOST_TEST(!error_of(rekey(peer, each)));
    BOOST_TEST(children().size() == 2 * limit);
    // Who does not end the old ones gets no third generation.
    const auto second = children();
    for (std::size_t i = limit; i < second.size(); ++i)
        BOOST_TEST((error_of(rekey(peer, second[i])) == NotifyType::no_additional_sas));
    BOOST_TEST(children().size() == 2 * limit);
    for (const auto& each : first)
        peer.ask(ExchangeType::informational,
                 {DeletePayload{policy::ProtocolId::esp, {each.outbound_spi}}});
    BOOST_TEST(!error_of(rekey(peer, second.back())));
    BOOST_TEST((ask_for_child() == NotifyType::no_additional_sas));
    // Nor does the limit stand in the way of an IKE SA that takes this one's place.
    peer.own.local_selectors = own;
    peer.establish();
    BOOST_TEST(newest(peer).children.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
