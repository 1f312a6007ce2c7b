// What every message that we send has in common, whatever it is about, and how it is repeated.
#include "ike/wire/v2_message.h"
#include "tests/simulation/connections.h"
#include "tests/simulation/two_gateways.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(sent_messages)

namespace {

using ike::wire::ExchangeType;

struct Sent {
    End sender;
    std::vector<std::uint8_t> octets;
    ike::wire::Header header;
};

/// From the first message to the left end's Delete; in between the right one asks who is alive.
std::vector<Sent> whole_life(policy::Connection left = left_vpn(),
                             std::optional<policy::Connection> right = std::nullopt) {
    if (!right)
        right = mirrored(left);
    right->dpd.interval = 20s;
    TwoGateways net({{left}}, {{*right}});
    std::vector<Sent> sent;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        sent.push_back({sender, octets, ike::wire::decode_header(octets).value()});
        return true;
    };
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    net.run_for(2min);
    net.command(End::left, ike::Terminate{"vpn"});
    net.run_for(1s);
    BOOST_REQUIRE(sent.size() > 8u);
    return sent;
}

std::vector<Sent> of_exchange(std::vector<Sent> sent, ExchangeType exchange, bool response) {
    std::erase_if(sent, [&](const Sent& each) {
        return each.header.exchange != exchange || each.header.response != response;
    });
    return sent;
}

std::vector<ike::wire::Payload> clear_payloads(const Sent& sent) {
    return ike::wire::decode_v2_message(sent.octets).value().payloads;
}

template <typename T> T only(const std::vector<ike::wire::Payload>& payloads) {
    std::optional<T> found;
    for (const auto& each : payloads)
        if (const auto* payload = std::get_if<T>(&each)) {
            BOOST_TEST(!found.has_value());
            found = *payload;
        }
    BOOST_REQUIRE(found.has_value());
    return *found;
}

/// The second octet of each payload's header that can be seen from outside: C and reserved bits.
std::vector<std::uint8_t> flag_octets(const std::vector<std::uint8_t>& message) {
    std::vector<std::uint8_t> out;
    std::size_t at = ike::wire::header_length;
    for (auto next = message[16]; next != 0 && at + 4 <= message.size();) {
        out.push_back(message[at + 1]);
        if (next == 46)
            break;
        next = message[at];
        at += std::size_t{message[at + 2]} << 8 | message[at + 3];
    }
    return out;
}

/// All that the left end sends while nothing gets through.
std::vector<std::vector<std::uint8_t>> repetitions(TwoGateways& net, Duration duration) {
    std::vector<std::vector<std::uint8_t>> out;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::left)
            out.push_back(octets);
        return false;
    };
    net.run_for(duration);
    net.inspect = nullptr;
    return out;
}

} // namespace

// covers 7296-3.1-d, 7296-3.1-g, 7296-3.1-i, 7296-3.1-j, 7296-3.1-l, 7296-3.1-m
BOOST_AUTO_TEST_CASE(headers_say_version_two_who_began_and_what_is_a_response) {
    const auto sent = whole_life();
    for (const auto& each : sent) {
        BOOST_TEST(each.octets[17] == 0x20);
        const auto own = each.sender == End::left ? 0x08 : 0x00;
        BOOST_TEST(each.octets[19] == (own | (each.header.response ? 0x20 : 0)));
        const auto partner = std::ranges::find_if(sent, [&](const Sent& other_end) {
            return other_end.sender != each.sender &&
                   other_end.header.exchange == each.header.exchange &&
                   other_end.header.message_id == each.header.message_id &&
                   other_end.header.response != each.header.response;
        });
        BOOST_TEST((partner != sent.end()));
    }
    for (const auto end : {End::left, End::right})
        BOOST_TEST(std::ranges::any_of(of_exchange(sent, ExchangeType::informational, false),
                                       [&](const Sent& each) { return each.sender == end; }));
}

// covers 7296-1-a, 7296-3.1-b, 7296-3.1-c
BOOST_AUTO_TEST_CASE(the_first_request_knows_no_spi_of_the_peers) {
    auto left = left_vpn(), right = mirrored(left);
    left.ike.proposals = ike_proposals({"aes256gcm16-prfsha384-x25519-ecp384"});
    right.ike.proposals = ike_proposals({"aes256gcm16-prfsha384-ecp384"});
    const auto sent = whole_life(left, right);
    const auto first = of_exchange(sent, ExchangeType::ike_sa_init, false);
    BOOST_TEST(first.size() == 2u);
    for (const auto& each : first) {
        BOOST_TEST((each.header.initiator_spi != ike::wire::IkeSpi{}));
        BOOST_TEST((each.header.responder_spi == ike::wire::IkeSpi{}));
    }
    const std::vector<ExchangeType> order{ExchangeType::ike_sa_init, ExchangeType::ike_auth,
                                          ExchangeType::informational};
    BOOST_TEST(std::ranges::is_sorted(sent, {}, [&](const Sent& each) {
        return std::ranges::find(order, each.header.exchange) - order.begin();
    }));
}

// covers 7296-2.6-a
BOOST_AUTO_TEST_CASE(ike_sas_have_spis_of_their_own) {
    std::vector<policy::Connection> lefts, rights;
    for (int i = 0; i < 20; ++i) {
        lefts.push_back(left_vpn("vpn" + std::to_string(i)));
        lefts.back().local_selectors = subnets({"192.168." + std::to_string(100 + i) + ".0/24"});
        rights.push_back(mirrored(lefts.back()));
    }
    TwoGateways net({lefts}, {rights});
    net.run_for(5s);
    std::set<ike::wire::IkeSpi> spis;
    for (const auto& connection : net.left.endpoint->status().connections)
        for (const auto& sa : connection.ike_sas) {
            BOOST_TEST(spis.insert(sa.initiator_spi).second);
            BOOST_TEST(spis.insert(sa.responder_spi).second);
        }
    BOOST_TEST(spis.size() == 40u);
}

// covers 7296-2.5-j, 7296-3.2-d, 7296-3.2-f
BOOST_AUTO_TEST_CASE(no_payload_is_critical) {
    for (const auto& each : whole_life())
        for (const auto octet : flag_octets(each.octets))
            BOOST_TEST(octet == 0);
}

// covers 7296-2.23-g
BOOST_AUTO_TEST_CASE(both_ends_send_both_hashes_for_nat_detection) {
    using ike::wire::NotifyType;
    for (const auto& each : whole_life()) {
        if (each.header.exchange != ExchangeType::ike_sa_init)
            continue;
        const auto payloads = clear_payloads(each);
        for (const auto type :
             {NotifyType::nat_detection_source_ip, NotifyType::nat_detection_destination_ip})
            BOOST_TEST(std::ranges::any_of(payloads, [&](const ike::wire::Payload& payload) {
                const auto* notify = std::get_if<ike::wire::NotifyPayload>(&payload);
                return notify && notify->type == type;
            }));
    }
}

// covers 7296-2.10-a, 7296-2.10-b, 7296-2.10-c, 7296-3.9-b
BOOST_AUTO_TEST_CASE(nonces_are_long_and_never_come_again) {
    std::set<std::vector<std::uint8_t>> nonces;
    const auto left = left_vpn();
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        TwoGateways net({{left}}, {{mirrored(left)}}, seed);
        net.inspect = [&](End, std::vector<std::uint8_t>& octets) {
            if (octets[18] == 34) {
                const auto payloads = ike::wire::decode_v2_message(octets).value().payloads;
                const auto nonce = only<ike::wire::NoncePayload>(payloads).data;
                // Half of the longest key of a PRF that there is, PRF_HMAC_SHA2_512.
                BOOST_TEST(nonce.size() >= 32u);
                BOOST_TEST(nonces.insert(nonce).second);
            }
            return true;
        };
        for (int i = 0; i < 3; ++i) {
            net.command(End::left, ike::Initiate{"vpn", {}});
            BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
            net.command(End::left, ike::Terminate{"vpn"});
            net.run_for(1s);
        }
    }
    BOOST_TEST(nonces.size() == 30u);
}

// covers 7296-2.7-b, 7296-3.3-a, 7296-3.3-c, 7296-3.3-d, 7296-3.3-g, 7296-3.3.1-c, 7296-3.3.1-d
// covers 7296-3.3.5-d, 7296-3.3.6-d, 7296-3.4-b
BOOST_AUTO_TEST_CASE(proposals_are_numbered_and_the_chosen_one_keeps_number_and_attributes) {
    auto left = left_vpn(), right = mirrored(left);
    left.ike.proposals =
        ike_proposals({"aes256gcm16-prfsha384-x25519", "aes256-aes192-sha256-x25519"});
    right.ike.proposals = ike_proposals({"aes192-sha256-x25519"});
    const auto sent = whole_life(left, right);
    const auto request = clear_payloads(of_exchange(sent, ExchangeType::ike_sa_init, false).at(0));
    const auto offered = only<ike::wire::SaPayload>(request).proposals;
    BOOST_REQUIRE(offered.size() == 2u);
    for (std::size_t i = 0; i < offered.size(); ++i) {
        BOOST_TEST(offered[i].number == i + 1);
        BOOST_TEST(offered[i].spi.empty());
        BOOST_TEST((offered[i].proposal == left.ike.proposals[i]));
        for (const auto& transform : offered[i].proposal.transforms)
            BOOST_TEST(transform.key_bits.has_value() ==
                       (transform.type == policy::TransformType::encryption));
    }
    BOOST_TEST(only<ike::wire::KeyExchangePayload>(request).method == 31);
    const auto response = clear_payloads(of_exchange(sent, ExchangeType::ike_sa_init, true).at(0));
    const auto chosen = only<ike::wire::SaPayload>(response).proposals;
    BOOST_REQUIRE(chosen.size() == 1u);
    BOOST_TEST(chosen[0].number == 2);
    BOOST_TEST(chosen[0].spi.empty());
    BOOST_TEST((chosen[0].proposal == right.ike.proposals[0]));
}

// covers 7296-2.1-f, 7296-2.1-g, 7296-2.2-a
BOOST_AUTO_TEST_CASE(a_request_is_repeated_octet_by_octet) {
    const auto left = left_vpn();
    const auto same = [](const std::vector<std::vector<std::uint8_t>>& sent) {
        BOOST_TEST(sent.size() >= 3u);
        for (const auto& each : sent)
            BOOST_TEST(each == sent.front(), boost::test_tools::per_element());
        return sent.front()[18];
    };
    TwoGateways net({{left}}, {{mirrored(left)}});
    BOOST_TEST(same(repetitions(net, 10s)) == 34);

    TwoGateways half({{left}}, {{mirrored(left)}});
    BOOST_REQUIRE(half.run_until([&] { return half.left.sent.size() == 2; }, 5s));
    BOOST_TEST(same(repetitions(half, 10s)) == 35);

    TwoGateways whole({{left}}, {{mirrored(left)}});
    BOOST_REQUIRE(whole.run_until([&] { return whole.up("vpn"); }, 5s));
    BOOST_TEST(same(repetitions(whole, 40s)) == 37);
}

// covers 7296-2.3-b, 7296-2.3-d, 7296-2.3-e
BOOST_AUTO_TEST_CASE(a_second_request_waits_for_the_first_ones_answer) {
    const auto left = left_vpn();
    auto right = mirrored(left);
    right.dpd.interval = 0s;
    TwoGateways net({{left}}, {{right}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    net.cut = true;
    net.run_until([&] { return net.left.sent.back() == "INFORMATIONAL { } -->"; }, 2min);
    BOOST_REQUIRE(net.left.sent.back() == "INFORMATIONAL { } -->");
    const auto before = net.left.sent.size();
    net.command(End::left, ike::Terminate{"vpn"});
    net.run_for(1s);
    for (auto i = before; i < net.left.sent.size(); ++i)
        BOOST_TEST(net.left.sent[i] == "INFORMATIONAL { } -->");
    net.cut = false;
    net.run_for(10s);
    BOOST_TEST(net.left.sent.back() == "INFORMATIONAL { D } -->");
    BOOST_TEST(net.children() == 0u);
}

// covers 7296-2.4-b
BOOST_AUTO_TEST_CASE(initial_contact_is_said_in_the_first_ike_auth_request_only) {
    const auto left = left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    net.left.restart();
    net.run_for(2min);
    std::size_t said = 0;
    for (const auto* gateway : {&net.left, &net.right})
        for (const auto& each : gateway->sent)
            if (each.contains("INITIAL_CONTACT")) {
                ++said;
                BOOST_TEST(each.starts_with("IKE_AUTH { IDi, "));
            }
    BOOST_TEST(said >= 1u);
}

// covers 7296-2.8-d
BOOST_AUTO_TEST_CASE(a_responder_has_its_child_before_it_answers) {
    const auto left = left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    bool answered = false;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::right && octets[18] == 35) {
            answered = true;
            BOOST_TEST(net.right.kernel.installed().size() == 1u);
        }
        return true;
    };
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 5s));
    BOOST_TEST(answered);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
