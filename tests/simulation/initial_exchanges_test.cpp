// IKE_SA_INIT and IKE_AUTH as they should go, and every way in which they are refused.
#include "ike/wire/v2_message.h"
#include "tests/simulation/connections.h"
#include "tests/simulation/two_gateways.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <format>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(initial_exchanges)

namespace {

constexpr auto soon = std::chrono::seconds(5);

void check_agreement(const TwoGateways& net) {
    for (const auto& each : net.disagreements())
        BOOST_ERROR(each);
}

template <typename T> std::optional<T> cause_of(const std::optional<ike::Cause>& cause) {
    if (!cause || !std::holds_alternative<T>(*cause))
        return std::nullopt;
    return std::get<T>(*cause);
}

bool mentions(const std::vector<std::string>& lines, std::string_view what) {
    return std::ranges::any_of(lines, [&](const auto& line) { return line.contains(what); });
}

} // namespace

// covers 7296-1-a, 7296-4-d
BOOST_AUTO_TEST_CASE(two_gateways_agree_on_one_child_for_all_subnets) {
    const auto left = left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, soon));
    net.run_for(1s);
    // IKE_SA_INIT { SA, KE, Ni } -->          <-- IKE_SA_INIT { SA, KE, Nr }
    // IKE_AUTH { IDi, IDr, AUTH, SA, TSi, TSr } -->    <-- IKE_AUTH { IDr, AUTH, SA, TSi, TSr }
    BOOST_TEST(net.datagrams() == 4u);
    BOOST_REQUIRE(net.left.sent.size() == 2u);
    BOOST_TEST(net.left.sent[0].starts_with("IKE_SA_INIT { SA, KE, N"));
    BOOST_TEST(net.left.sent[0].ends_with("-->"));
    BOOST_TEST(net.left.sent[1].starts_with("IKE_AUTH { IDi, IDr, AUTH, "));
    BOOST_REQUIRE(net.right.sent.size() == 2u);
    BOOST_TEST(net.right.sent[0].starts_with("<-- IKE_SA_INIT { SA, KE, N"));
    BOOST_TEST(net.right.sent[1].starts_with("<-- IKE_AUTH { IDr, AUTH, SA, TSi, TSr"));

    check_agreement(net);
    BOOST_REQUIRE(net.left.kernel.installed().size() == 1u);
    BOOST_REQUIRE(net.right.kernel.installed().size() == 1u);
    const auto& child = net.left.kernel.installed().begin()->second.child;
    BOOST_TEST(child.local_selectors.size() == 1u);
    BOOST_TEST(child.remote_selectors.size() == 2u);
    BOOST_TEST(child.local_address.to_string() == "10.10.10.5");
    BOOST_TEST(!child.encapsulation.has_value());
    BOOST_TEST(status(net.left, "vpn").ike_sas.size() == 1u);
    BOOST_TEST(status(net.right, "vpn").ike_sas.size() == 1u);
}

// covers 7296-2.7-a, 7296-3.14-b
BOOST_AUTO_TEST_CASE(every_pair_of_suites_works) {
    for (const auto* ike :
         {"aes128gcm16-prfsha256-ecp256", "aes256gcm16-prfsha512-ecp384", "aes128-sha256-modp2048",
          "aes192-sha384-x25519", "aes256-sha512-modp3072", "aes256-sha1-modp4096"})
        for (const auto* esp : {"aes128gcm16", "aes256gcm16", "aes128-sha256", "aes192-sha384",
                                "aes256-sha512", "aes256-sha1"}) {
            BOOST_TEST_CONTEXT(ike << " " << esp) {
                auto left = left_vpn();
                left.ike.proposals = ike_proposals({ike});
                left.esp.proposals = esp_proposals({esp});
                TwoGateways net({{left}}, {{mirrored(left)}});
                BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, soon));
                check_agreement(net);
            }
        }
}

// covers 7296-3.5-d, 7296-3.5-e, 7296-3.5-f, 7296-4-k
BOOST_AUTO_TEST_CASE(identities_of_every_kind_are_accepted) {
    for (const auto* name :
         {"10.10.10.5", "2001:db8::5", "gw1.example.org", "admin@example.org", "keyid:branch-17"}) {
        BOOST_TEST_CONTEXT(name) {
            auto left = left_vpn();
            left.local_id = policy::Identity::parse(name).value();
            TwoGateways net({{left}}, {{mirrored(left)}});
            BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, soon));
        }
    }
}

// covers 7296-1.2-d, 7296-1.2-e, 7296-3.4-d
BOOST_AUTO_TEST_CASE(another_group_costs_one_more_round_trip) {
    auto left = left_vpn();
    left.ike.proposals = ike_proposals({"aes256gcm16-prfsha384-x25519-ecp384"});
    auto right = mirrored(left);
    right.ike.proposals = ike_proposals({"aes256gcm16-prfsha384-ecp384"});
    TwoGateways net({{left}}, {{right}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, soon));
    // IKE_SA_INIT { SA, KE, Ni } -->          <-- IKE_SA_INIT { N(INVALID_KE_PAYLOAD) }
    BOOST_TEST(mentions(net.right.sent, "INVALID_KE_PAYLOAD"));
    BOOST_TEST(net.datagrams() == 6u);
    BOOST_TEST(count<ike::NegotiationFailed>(net.left) == 0u);
    check_agreement(net);
}

// covers 7296-2.6-c, 7296-3.1-c
// covers class-cookies
BOOST_AUTO_TEST_CASE(a_cookie_is_repeated_in_front) {
    const auto left = left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    const std::vector<std::uint8_t> cookie{1, 2, 3, 4, 5, 6, 7, 8};
    bool challenged = false;
    std::vector<std::uint8_t> repeated;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender != End::left || octets[18] != 34)
            return true;
        if (std::exchange(challenged, true)) {
            if (repeated.empty())
                repeated = octets;
            return true;
        }
        // What a responder under load answers instead (RFC 7296 2.6).
        auto header = ike::wire::decode_header(octets).value();
        header.initiator = false;
        header.response = true;
        ike::wire::NotifyPayload notify{.type = ike::wire::NotifyType::cookie, .data = cookie};
        const std::vector<ike::wire::Payload> payloads{notify};
        net.inject(End::left, {{address("10.10.10.5"), 500}, {address("10.10.10.4"), 500}},
                   ike::wire::encode_v2_message(header, payloads));
        return false;
    };
    // Injecting from within the link is only safe after the sender's turn.
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, soon));
    const auto again = ike::wire::decode_v2_message(repeated);
    BOOST_REQUIRE(again.has_value());
    const auto* first = std::get_if<ike::wire::NotifyPayload>(&again->payloads.front());
    BOOST_REQUIRE(first);
    BOOST_TEST(first->data == cookie, boost::test_tools::per_element());
    BOOST_TEST((again->header.responder_spi == ike::wire::IkeSpi{}));
    check_agreement(net);
}

// covers 7296-2.7-c, 7296-3.3.4-c, 7296-3.3.4-d
BOOST_AUTO_TEST_CASE(no_common_ike_proposal_names_both_sides) {
    const auto left = left_vpn();
    auto right = mirrored(left);
    right.ike.proposals = ike_proposals({"aes256gcm16-prfsha384-ecp384"});
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    // IKE_SA_INIT { SA, KE, Ni } -->          <-- IKE_SA_INIT { N(NO_PROPOSAL_CHOSEN) }
    BOOST_TEST(mentions(net.right.sent, "N(NO_PROPOSAL_CHOSEN)"));
    const auto why = last_failure(net.right);
    const auto mismatch = cause_of<ike::cause::NoProposal>(why);
    BOOST_REQUIRE(mismatch.has_value());
    BOOST_TEST((mismatch->mismatch.kind == policy::TransformType::key_exchange));
    const auto refused = cause_of<ike::cause::PeerRefused>(status(net.left, "vpn").reason);
    BOOST_REQUIRE(refused.has_value());
    BOOST_TEST((refused->notify == ike::wire::NotifyType::no_proposal_chosen));
    BOOST_TEST(!refused->our_proposals.empty());
    BOOST_TEST(net.children() == 0u);
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
}

// covers 7296-1.2-b
BOOST_AUTO_TEST_CASE(a_wrong_key_is_named_on_both_sides) {
    const auto left = left_vpn();
    auto right = mirrored(left);
    right.psk = policy::Secret::from_text("something else");
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    BOOST_TEST(mentions(net.right.sent, "IKE_AUTH { N(AUTHENTICATION_FAILED) }"));
    const auto wrong = cause_of<ike::cause::PeerNotAuthenticated>(status(net.right, "vpn").reason);
    BOOST_REQUIRE(wrong.has_value());
    BOOST_TEST(wrong->peer.to_string() == "10.10.10.5");
    BOOST_TEST(wrong->connections == std::vector<std::string>{"vpn"},
               boost::test_tools::per_element());
    const auto left_reason = status(net.left, "vpn").reason;
    const auto refused = cause_of<ike::cause::PeerRefused>(left_reason);
    BOOST_REQUIRE(refused.has_value());
    BOOST_TEST((refused->notify == ike::wire::NotifyType::authentication_failed));
    BOOST_TEST((status(net.left, "vpn").state == ike::ConnectionState::waiting));
    BOOST_TEST(status(net.left, "vpn").next_attempt.has_value());
    BOOST_TEST(net.children() == 0u);
}

// covers 7296-1.2-c
BOOST_AUTO_TEST_CASE(an_unexpected_identity_is_refused_and_named) {
    auto left = left_vpn();
    auto right = mirrored(left);
    left.local_id = policy::Identity::parse("mallory.example.org").value();
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    const auto why = status(net.right, "vpn").reason;
    const auto mismatch = cause_of<ike::cause::IdentityMismatch>(why);
    BOOST_REQUIRE(mismatch.has_value());
    BOOST_TEST(mismatch->offered.to_string() == "mallory.example.org");
    BOOST_TEST(net.children() == 0u);
}

BOOST_AUTO_TEST_CASE(every_key_that_was_tried_is_named) {
    const auto left = left_vpn();
    auto first = mirrored(left), second = first, other = first;
    second.name = "vpn2";
    second.local_selectors = subnets({"192.168.50.0/24"});
    other.name = "other";
    other.peer_id = policy::IdentityPattern::parse("gw.example.org").value();
    for (auto* each : {&first, &second, &other})
        each->psk = policy::Secret::from_text(each->name);
    TwoGateways net({{left}}, {{first, second, other}});
    net.run_for(1s);
    const auto wrong = cause_of<ike::cause::PeerNotAuthenticated>(last_failure(net.right));
    BOOST_REQUIRE(wrong.has_value());
    const std::vector<std::string> tried{"vpn", "vpn2"};
    BOOST_TEST(wrong->connections == tried, boost::test_tools::per_element());
    BOOST_TEST(ike::to_string(*wrong) == "the AUTH of '10.10.10.5' does not verify: the pre-shared "
                                         "keys differ (tried: that of vpn, vpn2)");
}

// RFC 7296 1.2: IDr names whom the initiator wants to talk to.
BOOST_AUTO_TEST_CASE(an_identity_that_is_asked_for_in_vain_is_told_from_one_that_is_not_accepted) {
    auto left = left_vpn();
    const auto right = mirrored(left);
    left.peer_id = policy::IdentityPattern::parse("gw.example.org").value();
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    const auto why = cause_of<ike::cause::IdentityMismatch>(status(net.right, "vpn").reason);
    BOOST_REQUIRE(why.has_value());
    BOOST_TEST(ike::to_string(*why) == "the peer '10.10.10.5' asks for 'gw.example.org', here is "
                                       "10.10.10.4");
}

BOOST_AUTO_TEST_CASE(a_responder_with_another_identity_is_told_that_it_is_not_accepted) {
    auto left = left_vpn();
    auto right = mirrored(left);
    right.local_id = policy::Identity::parse("other.example.org").value();
    left.peer_id = policy::IdentityPattern::parse("*.example.net").value();
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    // <-- IKE_AUTH { IDr, AUTH, SA, TSi, TSr }     INFORMATIONAL { N(AUTHENTICATION_FAILED) } -->
    BOOST_TEST(mentions(net.left.sent, "INFORMATIONAL { N(AUTHENTICATION_FAILED) }"));
    BOOST_TEST(cause_of<ike::cause::IdentityMismatch>(status(net.left, "vpn").reason).has_value());
    BOOST_TEST(net.children() == 0u);
    BOOST_TEST(status(net.right, "vpn").ike_sas.empty());
}

// covers 7296-3.3.4-d
BOOST_AUTO_TEST_CASE(no_common_esp_proposal_leaves_no_tunnel_and_says_why) {
    const auto left = left_vpn();
    auto right = mirrored(left);
    right.esp.proposals = esp_proposals({"aes256-sha256"});
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    // <-- IKE_AUTH { IDr, AUTH, N(NO_PROPOSAL_CHOSEN) }
    BOOST_TEST(mentions(net.right.sent, "IKE_AUTH { IDr, AUTH, N(NO_PROPOSAL_CHOSEN) }"));
    const auto why = last_failure(net.right);
    const auto mismatch = cause_of<ike::cause::NoProposal>(why);
    BOOST_REQUIRE(mismatch.has_value());
    BOOST_TEST((mismatch->protocol == policy::ProtocolId::esp));
    BOOST_TEST(cause_of<ike::cause::PeerRefused>(status(net.left, "vpn").reason).has_value());
    BOOST_TEST(net.children() == 0u);
    BOOST_TEST(status(net.right, "vpn").ike_sas.empty());
}

BOOST_AUTO_TEST_CASE(no_common_selectors_leave_no_tunnel_and_say_why) {
    const auto left = left_vpn();
    auto right = mirrored(left);
    right.local_selectors = subnets({"192.168.50.0/24"});
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    BOOST_TEST(mentions(net.right.sent, "IKE_AUTH { IDr, AUTH, N(TS_UNACCEPTABLE) }"));
    const auto why = last_failure(net.right);
    const auto mismatch = cause_of<ike::cause::NoSelectors>(why);
    BOOST_REQUIRE(mismatch.has_value());
    BOOST_TEST(mismatch->mismatch.local_differs);
    BOOST_TEST(!mismatch->mismatch.remote_differs);
    const auto left_reason = status(net.left, "vpn").reason;
    const auto refused = cause_of<ike::cause::PeerRefused>(left_reason);
    BOOST_REQUIRE(refused.has_value());
    // The peer might have wanted one child for each pair: that was tried too.
    BOOST_TEST(refused->our_remote_selectors.size() == 1u);
    BOOST_TEST(net.children() == 0u);
}

// covers 7296-2.9-a
BOOST_AUTO_TEST_CASE(a_responder_narrows_and_both_install_the_narrowed_selectors) {
    const auto left = left_vpn();
    auto right = mirrored(left);
    right.local_selectors = subnets({"192.168.40.128/25"});
    TwoGateways net({{left}}, {{right}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, soon));
    check_agreement(net);
    const auto& child = net.left.kernel.installed().begin()->second.child;
    BOOST_TEST(policy::to_string(child.remote_selectors) == "192.168.40.128/25");
}

// covers 7296-2.6-a
BOOST_AUTO_TEST_CASE(selectors_tell_connections_of_the_same_peers_apart) {
    auto vpn1 = left_vpn("vpn1"), vpn2 = left_vpn("vpn2");
    vpn1.local_selectors = subnets({"192.168.10.0/24"});
    vpn1.remote_selectors = subnets({"192.168.20.0/24"});
    TwoGateways net({{vpn1, vpn2}}, {{mirrored(vpn1), mirrored(vpn2)}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn1") && net.up("vpn2"); }, soon));
    net.run_for(1s);
    check_agreement(net);
    BOOST_TEST(net.children() == 4u);
    BOOST_TEST(!mentions(net.left.sent, "INITIAL_CONTACT"));
    for (const auto* gateway : {&net.left, &net.right})
        for (const auto* name : {"vpn1", "vpn2"}) {
            // Each connection's record holds its own four messages, in order.
            const auto messages = status(*gateway, name).messages;
            BOOST_REQUIRE(messages.size() == 4u);
            BOOST_TEST(messages[0].starts_with("IKE_SA_INIT"));
            BOOST_TEST(messages[1].starts_with("<-- IKE_SA_INIT"));
            BOOST_TEST(messages[2].starts_with("IKE_AUTH"));
            BOOST_TEST(messages[3].starts_with("<-- IKE_AUTH"));
        }
}

// covers 7296-1.2-c
BOOST_AUTO_TEST_CASE(keys_tell_connections_of_the_same_peers_apart) {
    auto vpn1 = left_vpn("vpn1"), vpn2 = left_vpn("vpn2");
    vpn2.psk = policy::Secret::from_text("another key");
    vpn1.local_selectors = subnets({"192.168.10.0/24"});
    TwoGateways net({{vpn1, vpn2}}, {{mirrored(vpn1), mirrored(vpn2)}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn1") && net.up("vpn2"); }, soon));
    check_agreement(net);
}

BOOST_AUTO_TEST_CASE(a_peer_at_any_address_is_served) {
    const auto left = left_vpn();
    auto right = mirrored(left);
    right.peer_address = policy::AnyPeer{};
    right.peer_id = policy::IdentityPattern{};
    TwoGateways net({{left}}, {{right}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, soon));
    check_agreement(net);
}

// covers 7296-2.23-b, 7296-2.23-c, 7296-2.23-e, 7296-2.23-h, 3948-2.1-a
BOOST_AUTO_TEST_CASE(a_nat_moves_both_to_port_4500_with_encapsulation) {
    const auto left = left_vpn();
    auto right = mirrored(left);
    right.peer_address = policy::AnyPeer{};
    TwoGateways net({{left}}, {{right}});
    net.nat_address = address("203.0.113.7");
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, soon));
    check_agreement(net);
    const auto ours = status(net.left, "vpn").ike_sas.front();
    BOOST_TEST(ours.local_behind_nat);
    BOOST_TEST(ours.path.remote.port == 4500);
    BOOST_TEST(status(net.right, "vpn").ike_sas.front().remote_behind_nat);
    const auto& child = net.right.kernel.installed().begin()->second.child;
    BOOST_TEST(child.remote_address.to_string() == "203.0.113.7");
    BOOST_REQUIRE(child.encapsulation.has_value());
    BOOST_TEST(child.encapsulation->remote_port == 14500);
    BOOST_TEST(child.encapsulation->local_port == 4500);
}

// covers story-RB05
BOOST_AUTO_TEST_CASE(a_kernel_that_refuses_is_reported_and_the_peer_is_told) {
    const auto left = left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.left.kernel.refusals = 1;
    net.run_for(1s);
    BOOST_TEST(cause_of<ike::cause::KernelRefused>(status(net.left, "vpn").reason).has_value());
    BOOST_TEST(net.children() == 0u);
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 10s));
    check_agreement(net);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
