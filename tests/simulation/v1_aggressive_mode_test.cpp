// Aggressive mode, which only a connection that says so begins or answers (RFC 2409 section 5.4).
#include "tests/simulation/v1_scripted_peer.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(v1_aggressive_mode)

namespace {

policy::Connection aggressive_left() {
    auto left = old_left_vpn();
    left.aggressive = true;
    left.local_id = policy::Identity::parse("branch17.example.org").value();
    return left;
}

policy::Connection waiting_for_anybody(const policy::Connection& left) {
    auto right = mirrored(left);
    right.peer_address = policy::AnyPeer{};
    return right;
}

ike::Cause last_cause(const std::vector<ike::ReportEvent>& reports) {
    ike::Cause out = ike::cause::NoChildLeft{};
    for (const auto& each : reports)
        if (const auto* failed = std::get_if<ike::NegotiationFailed>(&each))
            out = failed->why;
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(six_messages_make_a_tunnel_with_a_peer_of_any_address) {
    const auto left = aggressive_left();
    TwoGateways net({{left}}, {{waiting_for_anybody(left)}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    net.run_for(1s);
    BOOST_TEST(net.datagrams() == 6u);
    BOOST_TEST(net.left.sent[0].starts_with("AGGRESSIVE { SA, KE, NONCE, ID, V"));
    BOOST_TEST(net.right.sent[0].starts_with("<-- AGGRESSIVE { SA, KE, NONCE, ID, HASH, NAT-D"));
    BOOST_TEST(net.left.sent[1].starts_with("AGGRESSIVE { HASH, NAT-D, NAT-D"));
    for (const auto& each : net.disagreements())
        BOOST_ERROR(each);
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
}

BOOST_AUTO_TEST_CASE(the_identity_tells_which_secret_is_meant) {
    const auto left = aggressive_left();
    auto right = waiting_for_anybody(left), other = right;
    other.name = "other";
    other.peer_id = policy::IdentityPattern::parse("branch18.example.org").value();
    other.psk = policy::Secret::from_text("of branch 18");
    TwoGateways net({{left}}, {{other, right}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 5s));
}

// covers class-ikev1
BOOST_AUTO_TEST_CASE(nobody_is_answered_who_was_not_to_be) {
    const auto left = aggressive_left();
    auto right = waiting_for_anybody(left);
    right.aggressive = false;
    TwoGateways net({{left}}, {{right}});
    net.run_for(10s);
    BOOST_TEST(net.right.sent.empty());
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
    const auto why = failure_of<ike::cause::AggressiveModeOff>(net.right);
    BOOST_REQUIRE(why);
    BOOST_TEST(ike::code(ike::Cause(*why)) == "aggressive_mode_off");
    BOOST_TEST(ike::to_string(ike::Cause(*why)).contains("aggressive = true"));
}

// Whatever costs a key pair leaves a half-open SA, and those have a limit.
// covers class-ikev1, 2408-5.7-b
BOOST_AUTO_TEST_CASE(no_key_pair_is_made_for_a_first_message_that_is_refused) {
    // The cookie of the SA that is not made, and the message ID of the refusal.
    constexpr std::size_t refusal = 8 + 4;
    for (const auto* suite :
         {"aes256-sha256-x25519", "aes256-sha256-ecp256", "aes256-sha256-modp2048"}) {
        for (const auto& [what, make_wrong] :
             std::map<std::string, std::function<void(ike::wire::Octets&)>>{
                 {"too short", [](auto& value) { value.pop_back(); }},
                 {"too long", [](auto& value) { value.push_back(1); }},
                 {"zero", [](auto& value) { std::ranges::fill(value, 0); }},
                 {"one, in some order",
                  [](auto& value) {
                      std::ranges::fill(value, 0);
                      (value.size() == 32 ? value.front() : value.back()) = 1;
                  }},
                 {"beyond the prime", [](auto& value) {
                      std::ranges::fill(value, 0xff);
                      if (value.size() == 32)
                          value.front() = 0xed;
                  }}}) {
            BOOST_TEST_CONTEXT(suite << ", " << what) {
                auto own = OldScriptedPeer::peer_connection();
                own.ike.proposals = ike_proposals({suite});
                OldScriptedPeer peer(own);
                const auto before = peer.endpoint_rng.octets();
                const auto answer = peer.greet([&](OldPayloads& payloads) {
                    make_wrong(std::get<ike::wire::v1::KeyExchangePayload>(payloads[1]).data);
                });
                BOOST_TEST(peer.endpoint_rng.octets() - before <= refusal);
                BOOST_TEST((!answer ||
                            answer->header.exchange == ike::wire::ExchangeType::informational_v1));
                BOOST_TEST(peer.endpoint.status().half_open == 0u);
                // And then as it should be.
                peer.establish();
                BOOST_TEST(peer.status().ike_sas.size() == 1u);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(first_messages_that_cost_a_key_pair_have_a_limit) {
    auto own = OldScriptedPeer::peer_connection();
    auto endpoints = mirrored(own);
    endpoints.aggressive = true;
    endpoints.peer_address = policy::AnyPeer{};
    OldScriptedPeer peer(own, endpoints);
    peer.greet();
    const auto first = peer.first_message();
    for (unsigned i = 0; i < 1000; ++i) {
        auto octets = first;
        octets[0] = static_cast<std::uint8_t>(1 + i / 250);
        octets[1] = static_cast<std::uint8_t>(i % 250);
        peer.path.remote.address =
            address("172.16." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250));
        peer.send(octets);
    }
    BOOST_TEST(peer.endpoint.status().half_open == 100u);
    BOOST_TEST(peer.endpoint.status().dropped.half_open_limit == 901u);
}

BOOST_AUTO_TEST_CASE(main_mode_is_answered_beside_it) {
    auto left = aggressive_left();
    const auto right = waiting_for_anybody(left);
    left.aggressive = false;
    TwoGateways net({{left}}, {{right}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 5s));
}

// covers 2408-1.5.3-a, 2408-5.11-c
BOOST_AUTO_TEST_CASE(different_secrets_are_found_by_the_initiator) {
    const auto left = aggressive_left();
    auto right = waiting_for_anybody(left);
    right.psk = policy::Secret::from_text("another secret");
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    const auto seen = failure_of<ike::cause::PeerNotAuthenticated>(net.left);
    BOOST_REQUIRE(seen);
    BOOST_TEST(seen->connections == std::vector<std::string>{"vpn"});
    BOOST_TEST(ike::to_string(ike::Cause(*seen)) ==
               "the HASH_R of '10.10.10.4' does not verify: the pre-shared keys differ, or one is "
               "for another identity (tried: that of vpn)");
    // AGGRESSIVE { SA, KE, NONCE, ID } -->
    //                          <-- AGGRESSIVE { SA, KE, NONCE, ID, HASH }
    // INFORMATIONAL_V1 { N(AUTHENTICATION-FAILED) }  in clear -->
    const auto told = failure_of<ike::cause::PeerRefused>(net.right);
    BOOST_REQUIRE(told);
    BOOST_TEST(told->v1_name == "AUTHENTICATION-FAILED");
    net.command(End::left, ike::Terminate{"vpn"});
    net.run_for(1min);
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
    BOOST_TEST(net.children() == 0u);
}

BOOST_AUTO_TEST_CASE(an_initiator_that_signs_is_told_what_is_configured) {
    OldScriptedPeer peer;
    const auto answer = peer.greet().value();
    const ike::wire::v1::Payload signature = ike::wire::v1::SignaturePayload{{1, 2, 3, 4}};
    // AGGRESSIVE { SIG } -->   in clear
    //                          <-- INFORMATIONAL_V1 { N(AUTHENTICATION-FAILED) }
    peer.send(ike::wire::v1::encode_message(answer.header, std::span(&signature, 1)));
    BOOST_TEST(ike::to_string(last_cause(peer.reports)) ==
               "the peer wants authentication by RSA_SIGNATURES, configured is PSK");
    const auto* told = peer.last(ike::wire::ExchangeType::informational_v1);
    BOOST_REQUIRE(told);
    BOOST_TEST(told->notify(ike::wire::v1::NotifyType::authentication_failed));
    BOOST_TEST(peer.status().ike_sas.empty());
    // Anybody could have said so in clear.
    peer.authenticate(answer);
    BOOST_TEST(peer.status().ike_sas.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_responder_that_signs_is_told_what_is_configured) {
    const auto left = aggressive_left();
    TwoGateways net({{left}}, {{waiting_for_anybody(left)}});
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        auto decoded = ike::wire::v1::decode_message(octets).value();
        auto* message = std::get_if<ike::wire::v1::ClearMessage>(&decoded);
        if (sender == End::left || !message)
            return true;
        for (auto& each : message->chain.payloads)
            if (std::holds_alternative<ike::wire::v1::HashPayload>(each))
                each = ike::wire::v1::SignaturePayload{{1, 2, 3, 4}};
        octets = ike::wire::v1::encode_message(message->header, message->chain.payloads);
        return true;
    };
    net.run_for(1s);
    const auto seen = failure_of<ike::cause::UnsupportedAuthMethod>(net.left);
    BOOST_REQUIRE(seen);
    BOOST_TEST(ike::to_string(ike::Cause(*seen)) ==
               "the peer wants authentication by RSA_SIGNATURES, configured is PSK");
    const auto told = failure_of<ike::cause::PeerRefused>(net.right);
    BOOST_REQUIRE(told);
    BOOST_TEST(told->v1_name == "AUTHENTICATION-FAILED");
    BOOST_TEST(net.children() == 0u);
}

BOOST_AUTO_TEST_CASE(another_identity_is_told_to_both_ends) {
    auto left = aggressive_left();
    const auto right = waiting_for_anybody(left);
    left.peer_id = policy::IdentityPattern::parse("hub.example.org").value();
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    BOOST_TEST(failure_of<ike::cause::IdentityMismatch>(net.left).has_value());
    const auto told = failure_of<ike::cause::PeerRefused>(net.right);
    BOOST_REQUIRE(told);
    BOOST_TEST(told->v1_name == "INVALID-ID-INFORMATION");
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
}

// What only the responder can find out, where the peer does not look at HASH_R.
// covers 2408-1.5.3-a, 2408-5.11-c
BOOST_AUTO_TEST_CASE(a_third_message_that_does_not_verify_is_told_of_once) {
    auto own = OldScriptedPeer::peer_connection();
    auto endpoints = mirrored(own);
    endpoints.aggressive = true;
    endpoints.psk = policy::Secret::from_text("another secret");
    OldScriptedPeer peer(own, endpoints);
    const auto answer = peer.greet().value();
    for (unsigned i = 0; i < 3; ++i)
        peer.authenticate(answer);
    std::vector<ike::Cause> causes;
    for (const auto& each : peer.reports)
        if (const auto* failed = std::get_if<ike::NegotiationFailed>(&each))
            causes.push_back(failed->why);
    BOOST_REQUIRE(causes.size() == 1u);
    BOOST_TEST(ike::to_string(causes.front()) ==
               "the HASH_I of '10.10.10.5' does not verify: the pre-shared keys differ, or one is "
               "for another identity (tried: that of vpn)");
    BOOST_TEST(peer.endpoint.status().dropped.integrity_failed == 3u);
    const auto* told = peer.last(ike::wire::ExchangeType::informational_v1);
    BOOST_REQUIRE(told);
    BOOST_TEST(told->notify(ike::wire::v1::NotifyType::authentication_failed));
}

BOOST_AUTO_TEST_CASE(any_single_message_may_be_lost_or_come_twice) {
    for (unsigned lost = 1; lost <= 6; ++lost) {
        BOOST_TEST_CONTEXT("message " << lost) {
            const auto left = aggressive_left();
            TwoGateways net({{left}}, {{waiting_for_anybody(left)}});
            net.faults.duplication = 0.5;
            unsigned number = 0;
            net.inspect = [&](End, std::vector<std::uint8_t>&) { return ++number != lost; };
            BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 1min));
            net.run_for(1min);
            BOOST_TEST(net.children() == 2u);
            BOOST_TEST(net.disagreements().empty());
        }
    }
}

// covers 3947-4-i, 3947-4-j
// covers 2407-4.5.4-a
BOOST_AUTO_TEST_CASE(a_responder_that_keeps_it_for_less_says_so_when_there_are_keys) {
    const auto left = aggressive_left();
    auto right = mirrored(left);
    right.ike.lifetime = 30min;
    TwoGateways net({{left}}, {{right}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    BOOST_TEST(std::ranges::any_of(net.right.sent, [](const std::string& each) {
        return each.contains("N(RESPONDER-LIFETIME)");
    }));
    BOOST_TEST((*ike_sas(net.left, "vpn").front().replace_at < net.now() + 30min));
    BOOST_TEST((*ike_sas(net.right, "vpn").front().replace_at < net.now() + 30min));
}

BOOST_AUTO_TEST_CASE(the_peers_vendor_ids_are_shown_in_words) {
    const auto left = aggressive_left();
    TwoGateways net({{left}}, {{mirrored(left)}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    for (const auto* gateway : {&net.left, &net.right}) {
        const auto told = ike_sas(*gateway, "vpn").front().vendor_ids;
        BOOST_TEST(std::ranges::contains(told, "NAT-T RFC 3947"));
        BOOST_TEST(std::ranges::contains(told, "DPD"));
    }
}

BOOST_AUTO_TEST_CASE(it_finds_a_nat) {
    const auto left = aggressive_left();
    TwoGateways net({{left}}, {{waiting_for_anybody(left)}});
    net.nat_address = address("203.0.113.7");
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    BOOST_TEST(ike_sas(net.left, "vpn").front().local_behind_nat);
    BOOST_TEST(ike_sas(net.right, "vpn").front().remote_behind_nat);
    BOOST_TEST(!ike_sas(net.right, "vpn").front().local_behind_nat);
    for (const auto* gateway : {&net.left, &net.right})
        BOOST_TEST(gateway->kernel.installed().begin()->second.child.encapsulation.has_value());
    BOOST_TEST(net.disagreements().empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
