// Main mode and the first quick modes as they should go, and every way in which they are refused
// (RFC 2409 sections 5.4 and 5.5).
#include "tests/simulation/v1_connections.h"

#include "ike/wire/v1_message.h"
#include "ike/wire/v1_transform.h"
#include "policy/proposal_choice.h"

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(v1_main_mode)

namespace {

constexpr auto soon = std::chrono::seconds(5);

bool mentions(const std::vector<std::string>& lines, std::string_view what) {
    return std::ranges::any_of(lines, [&](const auto& line) { return line.contains(what); });
}

policy::TrafficSelector range(std::string_view first, std::string_view last,
                              std::uint8_t protocol = 0, std::optional<std::uint16_t> port = {}) {
    policy::TrafficSelector out;
    out.start_address = address(first);
    out.end_address = address(last);
    out.protocol = protocol;
    if (port)
        out.start_port = out.end_port = *port;
    return out;
}

/// The transforms in the SA of a first message, or of the answer to one.
std::vector<ike::wire::v1::Transform>& transforms(ike::wire::v1::Chain& chain) {
    return std::get<ike::wire::v1::SaPayload>(chain.payloads.front()).proposals.front().transforms;
}

/// The first transforms of a first message are for these methods of authentication.
void set_method(std::vector<std::uint8_t>& octets, const std::vector<std::uint16_t>& methods) {
    auto decoded = ike::wire::v1::decode_message(octets).value();
    auto* message = std::get_if<ike::wire::v1::ClearMessage>(&decoded);
    if (!message || !std::holds_alternative<ike::wire::v1::SaPayload>(message->chain.payloads[0]))
        return;
    for (std::size_t i = 0; i < methods.size(); ++i) {
        auto& transform = transforms(message->chain).at(i);
        auto suite = ike::wire::v1::read_phase_one_suite(transform).value();
        suite.authentication = ike::wire::v1::Authentication{methods[i]};
        transform = ike::wire::v1::phase_one_transform(transform.number, suite);
    }
    octets = ike::wire::v1::encode_message(message->header, message->chain.payloads);
}

bool is_quick_mode(const std::vector<std::uint8_t>& octets) {
    constexpr std::size_t exchange_octet = 18;
    return octets.size() > exchange_octet && octets[exchange_octet] == 32;
}

/// Of what the left end, which begins, says in quick modes the first message alone arrives.
void lose_third_messages(TwoGateways& net) {
    net.inspect = [sent = 0U](End sender, std::vector<std::uint8_t>& octets) mutable {
        return sender == End::right || !is_quick_mode(octets) || ++sent == 1;
    };
}

/// What the transforms of a first message or its answer say of it.
std::vector<std::string> methods(const std::vector<std::uint8_t>& octets) {
    auto decoded = ike::wire::v1::decode_message(octets).value();
    std::vector<std::string> out;
    for (const auto& each : transforms(std::get<ike::wire::v1::ClearMessage>(decoded).chain))
        out.push_back(to_string(*ike::wire::v1::read_phase_one_suite(each)->authentication));
    return out;
}

} // namespace

// covers 2409-4-k, 2409-4-m, 2409-5-a, 2409-5-b
// covers 2407-4.2.1-a, 2407-4.6.3-a, 2408-1.6.2-a, 2408-2.4-b, 2408-3.1-j, 2408-3.16-b, 2408-A.1-a
BOOST_AUTO_TEST_CASE(nine_messages_make_a_tunnel) {
    const auto left = old_left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, soon));
    net.run_for(1s);
    BOOST_TEST(net.datagrams() == 9u);
    BOOST_REQUIRE(net.left.sent.size() == 5u);
    BOOST_TEST(net.left.sent[0].starts_with("IDENTITY_PROTECTION { SA, V"));
    BOOST_TEST(net.left.sent[0].ends_with("-->"));
    BOOST_TEST(net.left.sent[1].starts_with("IDENTITY_PROTECTION { KE, NONCE, NAT-D, NAT-D }"));
    BOOST_TEST(net.left.sent[2].starts_with("IDENTITY_PROTECTION { ID, HASH, N("));
    BOOST_TEST(net.left.sent[3].starts_with("QUICK_MODE { HASH, SA, NONCE, KE, ID, ID }"));
    BOOST_TEST(net.left.sent[4].starts_with("QUICK_MODE { HASH }"));
    BOOST_REQUIRE(net.right.sent.size() == 4u);
    BOOST_TEST(net.right.sent[0].starts_with("<-- IDENTITY_PROTECTION { SA, V"));
    BOOST_TEST(
        net.right.sent[1].starts_with("<-- IDENTITY_PROTECTION { KE, NONCE, NAT-D, NAT-D }"));
    BOOST_TEST(net.right.sent[2].starts_with("<-- IDENTITY_PROTECTION { ID, HASH"));
    BOOST_TEST(net.right.sent[3].starts_with("<-- QUICK_MODE { HASH, SA, NONCE, KE, ID, ID }"));
    for (const auto& each : net.disagreements())
        BOOST_ERROR(each);
    BOOST_TEST(net.children() == 2u);
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
    const auto& child = net.left.kernel.installed().begin()->second.child;
    BOOST_TEST(child.local_selectors.front().to_string() == "192.168.11.0/24");
    BOOST_TEST(child.remote_selectors.front().to_string() == "192.168.30.0/24");
    BOOST_TEST(!child.encapsulation.has_value());
}

// covers 2409-4-e, 2409-4-f, 2409-4-g, 2409-5.5-c
// covers 2407-4.5-e, 2407-4.5.1-a
BOOST_AUTO_TEST_CASE(every_suite_works) {
    for (const auto* ike : {"3des-sha1-modp1024", "aes128-sha1-modp1536", "aes192-sha256-modp2048",
                            "aes256-sha384-ecp384", "aes256-sha512-ecp521", "aes128-sha256-ecp256",
                            "aes256-sha256-x25519"})
        for (const auto* esp : {"3des-sha1", "aes128-sha256_96", "aes128gcm16", "aes192-sha384",
                                "aes256-sha512-ecp256", "aes256-sha256-modp1024"}) {
            BOOST_TEST_CONTEXT(ike << " " << esp) {
                auto left = old_left_vpn();
                left.ike.proposals = ike_proposals({ike});
                left.esp.proposals = esp_proposals({esp});
                left.esp.sha256_cut_to_96 = std::string_view(esp).contains("_96");
                if (left.esp.sha256_cut_to_96)
                    left.esp.proposals = esp_proposals({"aes128-sha256"});
                TwoGateways net({{left}}, {{mirrored(left)}});
                BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, soon));
                for (const auto& each : net.disagreements())
                    BOOST_ERROR(each);
                if (left.esp.sha256_cut_to_96)
                    BOOST_TEST((net.left.kernel.installed().begin()->second.child.suite.integrity ==
                                policy::IntegrityAlgorithm::hmac_sha2_256_96));
            }
        }
}

// covers 2407-4.4.4-a
BOOST_AUTO_TEST_CASE(both_kernels_hold_the_cipher_of_esp_that_was_meant) {
    for (const auto* esp :
         {"aes128ctr-sha1", "aes192ctr-sha384", "aes256ctr-sha256-esn", "aes128ccm8", "aes192ccm12",
          "aes256ccm16", "aes256ccm16-esn-x25519", "aes128gcm8", "aes192gcm12", "aes256gcm16-esn",
          "aes128gmac", "aes192gmac", "aes256gmac", "aes256gmac-esn-modp2048", "3des-sha512-esn"}) {
        BOOST_TEST_CONTEXT(esp) {
            auto left = old_left_vpn();
            left.esp.proposals = esp_proposals({esp});
            OldTunnel t(left);
            t.net.command(End::right, ike::Rekey{"vpn", old_child_keys});
            t.net.run_for(1min);
            t.check_settled();
            const auto meant = policy::esp_suite(left.esp.proposals.front()).value();
            for (const auto* gateway : {&t.net.left, &t.net.right})
                BOOST_TEST((gateway->kernel.installed().begin()->second.child.suite == meant));
        }
    }
}

BOOST_AUTO_TEST_CASE(of_what_differs_in_sequence_numbers_both_values_are_named) {
    auto left = old_left_vpn();
    left.esp.proposals = esp_proposals({"aes256gcm16-esn"});
    auto right = mirrored(left);
    right.esp.proposals = esp_proposals({"aes256gcm16"});
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    const auto seen = failure_of<ike::cause::NoProposal>(net.right);
    BOOST_REQUIRE(seen);
    BOOST_TEST(ike::to_string(ike::Cause(*seen)) ==
               "no proposal in common: ESN differs (configured NO_ESN, offered ESN)");
    BOOST_TEST(net.children() == 0u);
}

BOOST_AUTO_TEST_CASE(several_pairs_are_several_quick_modes_under_one_phase_one) {
    auto left = old_left_vpn();
    left.local_selectors = subnets({"192.168.11.0/24", "192.168.12.0/24"});
    left.remote_selectors = subnets({"192.168.30.0/24", "192.168.40.0/24", "192.168.50.0/24"});
    TwoGateways net({{left}}, {{mirrored(left)}});
    BOOST_TEST(net.run_until([&] { return net.children() == 12; }, soon));
    BOOST_TEST(net.datagrams() == 6u + 6 * 3u);
    BOOST_TEST(ike_sas(net.left, "vpn").size() == 1u);
    for (const auto& each : net.disagreements())
        BOOST_ERROR(each);
}

// Who begins sends as soon as the answer is there: what its packets bring as answers is not to wait
// for the third message, where no older child carries it.
BOOST_AUTO_TEST_CASE(a_responder_has_both_sides_of_a_first_child_from_its_answer_on) {
    for (const bool comes_late : {true, false}) {
        const auto left = old_left_vpn();
        TwoGateways net({{left}}, {{mirrored(left)}});
        unsigned sent = 0;
        bool third_passes = false;
        net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            const bool third = sender == End::left && is_quick_mode(octets) && ++sent > 1;
            return !third || third_passes;
        };
        net.run_for(500ms);
        BOOST_REQUIRE(net.right.kernel_children() == 1u);
        BOOST_TEST(net.right.kernel.installed().begin()->second.outbound);
        BOOST_TEST(!(status(net.right, "vpn").state == ike::ConnectionState::up));
        third_passes = comes_late;
        net.run_for(2min);
        if (comes_late) {
            BOOST_TEST((status(net.right, "vpn").state == ike::ConnectionState::up));
            BOOST_TEST(net.children() == 2u);
            BOOST_TEST(net.disagreements().empty());
        } else {
            BOOST_TEST(net.right.kernel_children() == 0u);
            // Who began may have lost nothing but that one message, and is told.
            BOOST_TEST(net.left.kernel_children() == 0u);
        }
    }
}

BOOST_AUTO_TEST_CASE(traffic_of_a_first_child_stands_for_a_third_message_that_is_lost) {
    const auto left = old_left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    lose_third_messages(net);
    net.run_for(500ms);
    BOOST_REQUIRE(net.right.kernel_children() == 1u);
    net.traffic = true;
    net.run_for(2s);
    BOOST_TEST((status(net.right, "vpn").state == ike::ConnectionState::up));
    net.run_for(2min);
    BOOST_TEST(net.lost_packets.empty());
    BOOST_TEST(net.children() == 2u);
    BOOST_TEST(net.disagreements().empty());
    BOOST_TEST(count<ike::ChildSaClosed>(net.right) == 0u);
}

BOOST_AUTO_TEST_CASE(the_end_of_phase_one_tells_of_a_first_child_whose_third_message_was_lost) {
    const auto left = old_left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    lose_third_messages(net);
    net.run_for(500ms);
    BOOST_REQUIRE(net.left.kernel_children() == 1u);
    net.command(End::right, ike::Terminate{"vpn"});
    net.run_for(500ms);
    BOOST_TEST(net.right.kernel_children() == 0u);
    BOOST_TEST(net.left.kernel_children() == 0u);
}

BOOST_AUTO_TEST_CASE(selectors_carry_protocols_and_ports) {
    auto left = old_left_vpn();
    left.local_selectors = {policy::TrafficSelector::parse("192.168.11.7/32").value()};
    left.remote_selectors = {policy::TrafficSelector::parse("192.168.30.0/24[tcp/443]").value()};
    TwoGateways net({{left}}, {{mirrored(left)}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, soon));
    const auto& child = net.right.kernel.installed().begin()->second.child;
    BOOST_TEST(child.local_selectors.front().to_string() == "192.168.30.0/24[tcp/443]");
    BOOST_TEST(child.remote_selectors.front().protocol == 6);
}

// Ranges that are no subnet are not for configurations of ours; a peer may ask for one.
BOOST_AUTO_TEST_CASE(ranges_of_addresses_are_identifications) {
    struct Row {
        policy::TrafficSelector local, remote;
        const char *local_subnet, *remote_subnet;
    };
    const Row rows[] = {
        {range("192.168.11.7", "192.168.11.99"), range("192.168.30.1", "192.168.31.2", 17, 53),
         "192.168.11.0/24", "192.168.30.0/23"},
        {range("2001:db8:a::7", "2001:db8:a::99"), range("2001:db8:b::1", "2001:db8:b:1::2"),
         "2001:db8:a::/48", "2001:db8:b::/48"}};
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.remote.to_string()) {
            auto left = old_left_vpn();
            left.local_selectors = {row.local};
            left.remote_selectors = {row.remote};
            // One protocol is that of both sides.
            auto local = row.local;
            local.protocol = row.remote.protocol;
            auto right = mirrored(left);
            right.local_selectors = subnets({row.remote_subnet});
            right.remote_selectors = subnets({row.local_subnet});
            for (const auto& other : {mirrored(left), right}) {
                OldTunnel t(left, other);
                t.check_settled();
                const auto& child = t.net.right.kernel.installed().begin()->second.child;
                BOOST_TEST((child.local_selectors == std::vector{row.remote}));
                BOOST_TEST((child.remote_selectors == std::vector{local}));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_range_beyond_the_configured_subnet_is_refused) {
    auto left = old_left_vpn();
    left.remote_selectors = {range("192.168.30.0", "192.168.31.0")};
    auto right = mirrored(left);
    right.local_selectors = subnets({"192.168.30.0/24"});
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    const auto seen = failure_of<ike::cause::NoSelectors>(net.right);
    BOOST_REQUIRE(seen);
    BOOST_TEST(ike::to_string(ike::Cause(*seen))
                   .contains("local differs (configured 192.168.30.0/24, "
                             "offered 192.168.30.0-192.168.31.0)"));
}

BOOST_AUTO_TEST_CASE(identities_of_every_kind_are_accepted) {
    for (const auto* name :
         {"10.10.10.5", "2001:db8::5", "gw1.example.org", "admin@example.org", "keyid:branch-17"}) {
        BOOST_TEST_CONTEXT(name) {
            auto left = old_left_vpn();
            left.local_id = policy::Identity::parse(name).value();
            TwoGateways net({{left}}, {{mirrored(left)}});
            BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, soon));
        }
    }
}

// covers 2408-5.4-d, 2408-5.11-b
BOOST_AUTO_TEST_CASE(a_differing_algorithm_is_named_with_both_values) {
    const auto left = old_left_vpn();
    auto right = mirrored(left);
    right.ike.proposals = ike_proposals({"aes256-sha512-x25519"});
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    // IDENTITY_PROTECTION { SA, … } -->
    //                          <-- INFORMATIONAL_V1 { N(NO-PROPOSAL-CHOSEN) }
    const auto seen = failure_of<ike::cause::NoProposal>(net.right);
    BOOST_REQUIRE(seen);
    BOOST_TEST(ike::to_string(ike::Cause(*seen)) ==
               "no proposal in common: PRF differs (configured PRF_HMAC_SHA2_512, offered "
               "PRF_HMAC_SHA2_256)");
    const auto told = failure_of<ike::cause::PeerRefused>(net.left);
    BOOST_REQUIRE(told);
    BOOST_TEST(told->v1_name == "NO-PROPOSAL-CHOSEN");
    BOOST_TEST(!told->our_proposals.empty());
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
}

// covers 2408-5.4-d
BOOST_AUTO_TEST_CASE(another_method_of_authentication_is_named_with_both_values) {
    struct Row {
        std::uint16_t method;
        const char* name;
    };
    for (const bool aggressive : {false, true})
        for (const auto& row :
             {Row{3, "RSA_SIGNATURES"}, Row{9, "ECDSA_256"}, Row{64221, "HYBRID_INIT_RSA"},
              Row{65001, "XAUTH_INIT_PSK"}, Row{65534, "65534"}}) {
            BOOST_TEST_CONTEXT(row.name << (aggressive ? ", aggressive mode" : ", main mode")) {
                auto left = old_left_vpn();
                left.aggressive = aggressive;
                TwoGateways net({{left}}, {{mirrored(left)}});
                net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
                    if (sender == End::left)
                        set_method(octets, {row.method});
                    return true;
                };
                net.run_for(100ms);
                // IDENTITY_PROTECTION { SA } -->
                //                          <-- INFORMATIONAL_V1 { N(NO-PROPOSAL-CHOSEN) }
                const auto seen = failure_of<ike::cause::UnsupportedAuthMethod>(net.right);
                BOOST_REQUIRE(seen);
                BOOST_TEST(ike::to_string(ike::Cause(*seen)) ==
                           "the peer wants authentication by " + std::string(row.name) +
                               ", configured is PSK");
                const auto told = failure_of<ike::cause::PeerRefused>(net.left);
                BOOST_REQUIRE(told);
                BOOST_TEST(told->v1_name == "NO-PROPOSAL-CHOSEN");
                BOOST_TEST(net.right.endpoint->status().half_open == 0u);
            }
        }
}

BOOST_AUTO_TEST_CASE(of_several_methods_of_authentication_ours_is_taken) {
    auto left = old_left_vpn();
    left.ike.proposals = ike_proposals({"aes256-sha256-x25519-ecp256"});
    TwoGateways net({{left}}, {{mirrored(left)}});
    std::vector<std::string> offered;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::left && offered.empty()) {
            set_method(octets, {65001, 1});
            offered = methods(octets);
        } else if (sender == End::right) {
            BOOST_TEST(methods(octets) == std::vector<std::string>{"PSK"},
                       boost::test_tools::per_element());
            return false;
        }
        return true;
    };
    net.run_for(100ms);
    BOOST_TEST(offered == (std::vector<std::string>{"XAUTH_INIT_PSK", "PSK"}),
               boost::test_tools::per_element());
    BOOST_TEST(count<ike::NegotiationFailed>(net.right) == 0u);
    BOOST_TEST(net.right.endpoint->status().half_open == 1u);
}

// covers 2408-4.2-g, 2408-5.4-d
BOOST_AUTO_TEST_CASE(a_differing_algorithm_of_a_child_is_named_with_both_values) {
    const auto left = old_left_vpn();
    auto right = mirrored(left);
    right.esp.proposals = esp_proposals({"aes128gcm16-x25519"});
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    const auto seen = failure_of<ike::cause::NoProposal>(net.right);
    BOOST_REQUIRE(seen);
    BOOST_TEST(ike::to_string(ike::Cause(*seen)) ==
               "no proposal in common: ENCR differs (configured AES_GCM_16_128, offered "
               "AES_GCM_16_256)");
    BOOST_TEST(failure_of<ike::cause::PeerRefused>(net.left).has_value());
    BOOST_TEST((status(net.left, "vpn").state == ike::ConnectionState::ike_only));
}

BOOST_AUTO_TEST_CASE(the_group_of_a_quick_mode_is_found_by_trying) {
    auto left = old_left_vpn();
    left.esp.proposals = esp_proposals({"aes256gcm16-ecp384-x25519", "aes256gcm16"});
    auto right = mirrored(left);
    right.esp.proposals = esp_proposals({"aes256gcm16"});
    TwoGateways net({{left}}, {{right}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 1min));
    BOOST_TEST(net.children() == 2u);
}

BOOST_AUTO_TEST_CASE(selectors_that_differ_are_named_with_both_sides) {
    const auto left = old_left_vpn();
    auto right = mirrored(left);
    right.remote_selectors = subnets({"192.168.99.0/24"});
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    const auto seen = failure_of<ike::cause::NoSelectors>(net.right);
    BOOST_REQUIRE(seen);
    BOOST_TEST(ike::to_string(ike::Cause(*seen))
                   .contains("remote differs (configured 192.168.99.0/24, "
                             "offered 192.168.11.0/24)"));
    BOOST_TEST(failure_of<ike::cause::PeerRefused>(net.left).has_value());
}

// IKEv1 has no narrowing: a wider offer is not cut.
BOOST_AUTO_TEST_CASE(an_offer_beyond_the_configuration_is_refused) {
    const auto left = old_left_vpn();
    auto right = mirrored(left);
    right.remote_selectors = subnets({"192.168.11.0/25"});
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    BOOST_TEST(failure_of<ike::cause::NoSelectors>(net.right).has_value());
    BOOST_TEST(net.children() == 0u);
}

// covers 2408-1.5.3-a
BOOST_AUTO_TEST_CASE(different_secrets_are_suspected_on_both_sides) {
    const auto left = old_left_vpn();
    auto right = mirrored(left);
    right.psk = policy::Secret::from_text("another secret");
    TwoGateways net({{left}}, {{right}});
    net.run_for(2s);
    // IDENTITY_PROTECTION { ID, HASH } -->  does not open
    //                          <-- INFORMATIONAL_V1 { N(AUTHENTICATION-FAILED) }  in clear
    const auto seen = failure_of<ike::cause::PeerNotAuthenticated>(net.right);
    BOOST_REQUIRE(seen);
    BOOST_TEST(seen->peer.to_string() == "10.10.10.5");
    BOOST_TEST(seen->connections == std::vector<std::string>{"vpn"});
    const auto told = failure_of<ike::cause::PeerRefused>(net.left);
    BOOST_REQUIRE(told);
    BOOST_TEST(told->v1_name == "AUTHENTICATION-FAILED");
    BOOST_TEST(net.children() == 0u);
    // Nobody vouches for it: the initiator goes on asking.
    BOOST_TEST((status(net.left, "vpn").state == ike::ConnectionState::negotiating));
}

BOOST_AUTO_TEST_CASE(a_peer_that_calls_itself_otherwise_is_refused_by_either_side) {
    auto left = old_left_vpn();
    left.local_id = policy::Identity::parse("gw1.example.org").value();
    auto right = mirrored(left);
    right.peer_id = policy::IdentityPattern::parse("gw2.example.org").value();
    TwoGateways net({{left}}, {{right}});
    net.run_for(1s);
    BOOST_TEST(failure_of<ike::cause::IdentityMismatch>(net.right).has_value());
    BOOST_TEST(failure_of<ike::cause::PeerRefused>(net.left).has_value());

    left.peer_id = policy::IdentityPattern::parse("gw3.example.org").value();
    auto other = mirrored(old_left_vpn());
    other.peer_id = policy::IdentityPattern::parse("gw1.example.org").value();
    TwoGateways again({{left}}, {{other}});
    again.run_for(1s);
    BOOST_TEST(failure_of<ike::cause::IdentityMismatch>(again.left).has_value());
    BOOST_TEST(again.children() == 0u);
}

// Main mode hides the identity behind the secret: the secrets are tried in turn.
BOOST_AUTO_TEST_CASE(the_secret_tells_which_of_several_connections_is_meant) {
    const auto left = old_left_vpn();
    auto first = mirrored(left), second = mirrored(left);
    for (auto* each : {&first, &second}) {
        each->peer_address = policy::AnyPeer{};
        each->peer_id = {};
    }
    first.name = "other";
    first.psk = policy::Secret::from_text("of somebody else");
    TwoGateways net({{left}}, {{first, second}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, soon));
    BOOST_TEST((status(net.right, "other").state == ike::ConnectionState::down));
    BOOST_TEST(count<ike::NegotiationFailed>(net.right) == 0u);
}

// covers 2407-4.5.1-a, 2407-4.5.4-a, 2407-4.6.3-a
BOOST_AUTO_TEST_CASE(the_shorter_lifetime_counts_on_both_sides) {
    auto left = old_left_vpn();
    left.esp.lifetime = 1h;
    auto right = mirrored(left);
    right.esp.lifetime = 10min;
    right.ike.lifetime = 30min;
    TwoGateways net({{left}}, {{right}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, soon));
    // QUICK_MODE { HASH, SA, NONCE, KE, ID, ID } -->
    //                 <-- QUICK_MODE { HASH, SA, NONCE, KE, ID, ID, N(RESPONDER-LIFETIME) }
    BOOST_TEST(mentions(net.right.sent, "N(RESPONDER-LIFETIME)"));
    for (const auto* gateway : {&net.left, &net.right}) {
        BOOST_TEST((gateway->kernel.installed().begin()->second.child.lifetime == 10min));
        BOOST_TEST((*ike_sas(*gateway, "vpn").front().replace_at < net.now() + 30min));
    }
}

// covers class-ikev1
BOOST_AUTO_TEST_CASE(a_flood_of_first_messages_leaves_room_for_ikev2) {
    auto old = mirrored(old_left_vpn());
    old.peer_address = policy::AnyPeer{};
    old.name = "old";
    const auto left = left_vpn();
    TwoGateways net({{old_left_vpn()}}, {{old, mirrored(left)}});
    std::vector<std::uint8_t> first;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::left && first.empty())
            first = octets;
        return false;
    };
    net.run_for(100ms);
    BOOST_REQUIRE(!first.empty());
    for (unsigned i = 0; i < 2000; ++i) {
        first[6] = static_cast<std::uint8_t>(i >> 8);
        first[7] = static_cast<std::uint8_t>(i);
        const auto from =
            address("172.16." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250));
        net.inject(End::right, {{address("10.10.10.4"), 500}, {from, 500}}, first);
    }
    BOOST_TEST(net.right.endpoint->status().half_open == 100u);
    BOOST_TEST(net.right.endpoint->status().dropped.half_open_limit == 1900u);
    net.run_for(1min);
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
    // And during it an IKEv2 peer is asked for a cookie, and comes up.
    for (unsigned i = 0; i < 200; ++i) {
        first[7] = static_cast<std::uint8_t>(i);
        const auto from = address("172.17.0." + std::to_string(1 + i));
        net.inject(End::right, {{address("10.10.10.4"), 500}, {from, 500}}, first);
    }
    net.inspect = nullptr;
    net.command(End::left, ike::Reconfigure{{{left}}});
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 5s));
}

BOOST_AUTO_TEST_CASE(a_threshold_for_cookies_is_not_for_ikev1) {
    ike::EndpointSettings settings;
    settings.cookie_threshold = 0;
    TwoGateways net({{old_left_vpn()}}, {{mirrored(old_left_vpn())}}, 1, settings);
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 5s));
}

// covers 2408-5.7-b
BOOST_AUTO_TEST_CASE(unusable_messages_of_a_half_open_sa_cost_nothing) {
    TwoGateways net({{old_left_vpn()}}, {{mirrored(old_left_vpn())}});
    const policy::UdpPath path{{address("10.10.10.4"), 500}, {address("10.10.10.5"), 500}};
    unsigned sent = 0;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender != End::left)
            return true;
        auto bad = octets;
        if (++sent == 2) {
            // A public value that is one octet short.
            const auto length = static_cast<std::size_t>(bad[30] << 8 | bad[31]);
            bad.erase(bad.begin() + static_cast<std::ptrdiff_t>(28 + length - 1));
            bad[30] = static_cast<std::uint8_t>((length - 1) >> 8);
            bad[31] = static_cast<std::uint8_t>(length - 1);
            bad[26] = static_cast<std::uint8_t>(bad.size() >> 8);
            bad[27] = static_cast<std::uint8_t>(bad.size());
        } else if (sent == 3) {
            bad[28] ^= 1;
        } else {
            return true;
        }
        const auto reports = net.right.reports.size();
        for (unsigned i = 0; i < 1000; ++i)
            net.inject(End::right, path, bad);
        BOOST_TEST(net.right.reports.size() - reports < 5u);
        // The real third message has to be among the first that keys are tried on.
        return sent != 3;
    };
    net.run_for(1s);
    const auto& dropped = net.right.endpoint->status().dropped;
    BOOST_TEST(sent >= 3u);
    BOOST_TEST(dropped.malformed == 1000u);
    BOOST_TEST(dropped.integrity_failed == 8u);
    BOOST_TEST(dropped.half_open_limit >= 992u);
}

// covers class-ikev1, 2408-5.7-b
BOOST_AUTO_TEST_CASE(a_third_message_with_no_public_value_is_as_if_it_had_not_come) {
    TwoGateways net({{old_left_vpn()}}, {{mirrored(old_left_vpn())}});
    unsigned sent = 0;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        // KE follows the header; zero is of low order on curve25519.
        if (sender == End::left && ++sent == 2)
            std::fill_n(octets.begin() + 32, 32, std::uint8_t{0});
        return true;
    };
    net.run_for(500ms);
    BOOST_TEST(net.right.sent.size() == 1u);
    BOOST_TEST(net.right.endpoint->status().dropped.malformed == 1u);
    BOOST_TEST(net.right.endpoint->status().half_open == 1u);
    // The true one comes again.
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 5s));
}

BOOST_AUTO_TEST_CASE(a_router_without_connection_of_version_one_does_not_answer) {
    const auto left = old_left_vpn();
    TwoGateways net({{left}}, {{mirrored(left_vpn())}});
    net.run_for(1min);
    BOOST_TEST(net.right.sent.empty());
    BOOST_TEST(net.right.endpoint->status().dropped.unknown_version > 0u);
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);

    // Nor one that has some, but none for this address.
    auto elsewhere = mirrored(left);
    elsewhere.peer_address = address("10.10.10.77");
    TwoGateways other({{left}}, {{elsewhere}});
    other.run_for(1min);
    BOOST_TEST(other.right.sent.empty());
    BOOST_TEST(other.right.endpoint->status().dropped.no_connection > 0u);
}

BOOST_AUTO_TEST_CASE(the_versions_are_never_mixed_up) {
    const auto left = left_vpn();
    TwoGateways net({{left}}, {{mirrored(old_left_vpn())}});
    net.run_for(10s);
    BOOST_TEST(net.children() == 0u);
    BOOST_TEST(failure_of<ike::cause::PeerRefused>(net.left).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
