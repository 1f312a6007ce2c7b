// What RFC 2409 and RFC 3706 ask of exchanges beyond how they go: a peer that keeps to nothing.
#include "ike/wire/v1_message.h"
#include "ike/wire/v1_message_rules.h"
#include "tests/simulation/v1_connections.h"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(v1_exchange_rules)

namespace {

constexpr std::size_t exchange_octet = 18;
constexpr std::uint8_t main_mode = 2, aggressive = 4, quick_mode = 32;

/// The last numbers of all lines that speak of this notification.
std::vector<std::string> numbers(const Gateway& gateway, ike::Direction direction,
                                 std::string_view notification) {
    std::vector<std::string> out;
    for (const auto& each : gateway.reports) {
        const auto* message = std::get_if<ike::MessageReport>(&each);
        if (!message || message->direction != direction)
            continue;
        std::istringstream lines(message->details);
        for (std::string line; std::getline(lines, line);)
            if (line.contains(notification))
                out.push_back(line.substr(line.rfind(' ') + 1));
    }
    return out;
}

/// The transforms in the SA of a message of main mode; the proposals in front of them are counted.
std::vector<ike::wire::v1::Transform> transforms(const std::vector<std::uint8_t>& octets,
                                                 std::size_t& proposals) {
    const auto message = ike::wire::v1::decode_message(octets).value();
    const auto sa =
        ike::wire::v1::read_main_mode_sa(std::get<ike::wire::v1::ClearMessage>(message).chain);
    proposals = sa->sa.proposals.size();
    return sa->sa.proposals.front().transforms;
}

/// A vendor id that nobody knows stands in the place of each of these.
void spoil(std::vector<std::uint8_t>& octets, const std::array<std::uint8_t, 4>& vendor_id) {
    if (const auto found = std::ranges::search(octets, vendor_id); !found.empty())
        found[3] ^= 0xff;
}

} // namespace

// covers 2409-5-i, 2409-5-k, 2409-A-c, 2408-4.1.1-a, 2408-4.2-g, 2408-4.2-h, 2408-4.2-i
BOOST_AUTO_TEST_CASE(an_offer_is_one_proposal_and_the_answer_one_of_its_transforms_unchanged) {
    auto left = old_left_vpn();
    left.ike.proposals =
        ike_proposals({"aes256-sha512-ecp384", "3des-sha1-modp1024", "aes128-sha256-x25519"});
    auto right = mirrored(left);
    for (const auto* taken : {"3des-sha1-modp1024", "aes128-sha256-x25519"}) {
        right.ike.proposals = ike_proposals({taken});
        std::vector<ike::wire::v1::Transform> offered, answered;
        std::size_t proposals = 0;
        TwoGateways net({{left}}, {{right}});
        net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            if (sender == End::left && offered.empty())
                offered = transforms(octets, proposals);
            if (sender == End::right && answered.empty())
                answered = transforms(octets, proposals);
            BOOST_TEST((proposals == 1u || !answered.empty()));
            return true;
        };
        BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
        BOOST_TEST(offered.size() == 3u);
        BOOST_REQUIRE(answered.size() == 1u);
        BOOST_TEST(std::ranges::contains(offered, answered.front()));
        constexpr std::uint16_t key_length = 14;
        BOOST_TEST(std::ranges::none_of(offered[1].attributes, [](const auto& each) {
            return std::uint16_t{each.type} == key_length;
        }));
    }
}

// covers 2409-5.5-a, 3947-4-d
BOOST_AUTO_TEST_CASE(quick_mode_is_encrypted_and_a_marker_stands_before_it_at_the_port_for_nat) {
    const auto left = old_left_vpn();
    auto right = mirrored(left);
    right.peer_address = policy::AnyPeer{};
    TwoGateways net({{left}}, {{right}});
    net.nat_address = address("203.0.113.7");
    unsigned number = 0, quick_modes = 0;
    net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
        constexpr std::array<std::uint8_t, 4> marker{};
        const bool marked = std::ranges::equal(std::span(octets).first(4), marker);
        BOOST_TEST(marked == (++number > 4));
        const std::size_t start = marked ? 4 : 0;
        if (octets[start + exchange_octet] == quick_mode) {
            ++quick_modes;
            BOOST_TEST((octets[start + exchange_octet + 1] & 1) == 1);
        }
        return true;
    };
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    net.run_for(1s);
    BOOST_TEST(quick_modes == 3u);
}

// covers 3947-3.1-b, 3706-5.1-a, 2408-3.16-a
BOOST_AUTO_TEST_CASE(what_the_peer_does_not_announce_is_not_done) {
    auto left = old_left_vpn();
    left.dpd.interval = 10s;
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::right && octets[exchange_octet] == main_mode) {
            spoil(octets, {0x4a, 0x13, 0x1c, 0x81});
            spoil(octets, {0xaf, 0xca, 0xd7, 0x13});
        }
        return true;
    };
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    net.run_for(1min);
    BOOST_TEST(std::ranges::none_of(net.left.sent, [](const auto& line) {
        return line.contains("NAT-D") || line.contains("N(R-U-THERE)");
    }));
}

// covers 2409-5.5-e, 2408-5.7-a
BOOST_AUTO_TEST_CASE(every_transform_names_the_group_of_the_public_value) {
    auto left = old_left_vpn();
    left.esp.proposals = esp_proposals({"aes256gcm16-x25519", "aes128-sha256-x25519"});
    ike::EndpointSettings settings;
    settings.message_details = true;
    TwoGateways net({{left}}, {{mirrored(left)}}, 1, settings);
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    const auto is_offer = [](const ike::ReportEvent& each) {
        const auto* message = std::get_if<ike::MessageReport>(&each);
        return message && message->arrow == "QUICK_MODE { HASH, SA, NONCE, KE, ID, ID } -->";
    };
    const auto offer = std::ranges::find_if(net.left.reports, is_offer);
    BOOST_REQUIRE((offer != net.left.reports.end()));
    const auto& details = std::get<ike::MessageReport>(*offer).details;
    const auto count = [&](std::string_view text) {
        unsigned n = 0;
        for (auto at = details.find(text); at != details.npos; at = details.find(text, at + 1))
            ++n;
        return n;
    };
    BOOST_TEST(count("AES_") == 2u, details);
    BOOST_TEST(count("CURVE_25519") == 2u, details);
}

// covers 2409-4-a, 2409-4-b, 2409-5-c, 2408-5.2-e
BOOST_AUTO_TEST_CASE(exchanges_keep_to_their_phase_and_their_type) {
    for (unsigned changed = 2; changed <= 9; ++changed)
        for (const auto other : {main_mode, aggressive, quick_mode}) {
            BOOST_TEST_CONTEXT("message " << changed << " as " << int{other}) {
                const auto left = old_left_vpn();
                TwoGateways net({{left}}, {{mirrored(left)}});
                unsigned number = 0;
                net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
                    if (++number == changed)
                        octets[exchange_octet] = other;
                    return true;
                };
                // It is taken for nothing, and repeated.
                BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 10s));
                net.run_for(1min);
                BOOST_TEST(net.children() == 2u);
                BOOST_TEST(net.disagreements().empty());
                BOOST_TEST(count<ike::IkeSaEstablished>(net.left) == 1u);
            }
        }
}

// RFC 2408 3.1: no hash covers the flags, and gateways differ over what the commit bit asks for.
BOOST_AUTO_TEST_CASE(the_commit_bit_changes_nothing) {
    constexpr std::size_t flags_octet = 19;
    constexpr std::uint8_t commit = 2;
    for (const auto end : {End::left, End::right}) {
        OldTunnel t;
        t.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            if (sender == end)
                octets[flags_octet] |= commit;
            return true;
        };
        const auto child = t.inbound(End::left);
        t.net.command(End::left, ike::Rekey{"vpn", old_child_keys});
        t.net.run_for(30s);
        t.check_settled();
        BOOST_TEST((t.inbound(End::left) != child));
        // And from the first message on.
        const auto left = old_left_vpn();
        TwoGateways net({{left}}, {{mirrored(left)}});
        net.inspect = t.net.inspect;
        BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
        net.run_for(1s);
        BOOST_TEST(net.datagrams() == 9u);
        BOOST_TEST(net.disagreements().empty());
    }
}

// covers 2409-5-l, 2408-4.2-j
BOOST_AUTO_TEST_CASE(an_answer_with_another_value_than_was_offered_is_refused) {
    const auto left = old_left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        constexpr std::array<std::uint8_t, 4> key_of_256_bits{0x80, 14, 1, 0};
        if (sender == End::right)
            if (const auto found = std::ranges::search(octets, key_of_256_bits); !found.empty()) {
                found[2] = 0;
                found[3] = 128;
            }
        return true;
    };
    net.run_for(1s);
    BOOST_TEST(!net.up("vpn"));
    BOOST_TEST(
        std::ranges::none_of(net.left.sent, [](const auto& line) { return line.contains("KE"); }));
    BOOST_TEST(status(net.left, "vpn").reason.has_value());
}

// covers 3706-6.1-a, 3706-6.1-b, 3706-6.2-a, 3706-6.2-b, 3706-6.2-c, 3706-5.3-d, 3706-5.3-f
BOOST_AUTO_TEST_CASE(an_answer_repeats_the_number_of_its_question_and_numbers_count_up) {
    std::set<std::string> beginnings;
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            auto left = old_left_vpn();
            left.dpd.interval = 10s;
            ike::EndpointSettings settings;
            settings.message_details = true;
            TwoGateways net({{left}}, {{mirrored(left)}}, seed, settings);
            BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
            net.run_for(5min);
            const auto asked = numbers(net.left, ike::Direction::sent, "N(R-U-THERE)");
            const auto answered = numbers(net.left, ike::Direction::received, "N(R-U-THERE-ACK)");
            BOOST_REQUIRE(asked.size() > 10u);
            BOOST_TEST(asked == answered);
            beginnings.insert(asked.front());
            for (std::size_t i = 1; i < asked.size(); ++i)
                BOOST_TEST(std::stoul(asked[i]) == std::stoul(asked[i - 1]) + 1);
        }
    }
    BOOST_TEST(beginnings.size() == 3u);
}

// covers 3947-4-h
BOOST_AUTO_TEST_CASE(a_negotiation_may_begin_at_the_port_for_nat) {
    auto left = old_left_vpn();
    left.peer_ports.ike = left.peer_ports.nat;
    const auto right = mirrored(old_left_vpn());
    TwoGateways net({{left}}, {{right}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    BOOST_TEST(ike_sas(net.right, "vpn").front().path.local.port == 4500u);
    BOOST_TEST(net.disagreements().empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
