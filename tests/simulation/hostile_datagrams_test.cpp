// What nobody should send: garbage, wrong versions, unknown SAs, truncated and altered messages.
#include "ike/wire/v2_message.h"
#include "tests/simulation/connections.h"
#include "tests/simulation/two_gateways.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(hostile_datagrams)

namespace {

using ike::wire::ExchangeType;

const policy::UdpPath stranger{{policy::IpAddress::v4(10, 10, 10, 4), 500},
                               {policy::IpAddress::v4(198, 51, 100, 9), 500}};
const policy::UdpPath peer{{policy::IpAddress::v4(10, 10, 10, 4), 500},
                           {policy::IpAddress::v4(10, 10, 10, 5), 500}};

std::vector<std::uint8_t> message(ike::wire::Header header) {
    return ike::wire::encode_v2_message(header, {});
}

/// A responder alone, and what it sends.
struct Responder {
    Botan::ChaCha_RNG rng{Botan::secure_vector<std::uint8_t>(32, 3)};
    ike::Endpoint endpoint{{{mirrored(left_vpn())}}, rng};
    ike::TimePoint now{std::chrono::hours(1)};

    std::vector<std::vector<std::uint8_t>> tell(const policy::UdpPath& path,
                                                std::span<const std::uint8_t> octets) {
        endpoint.on_datagram(now, path, octets);
        std::vector<std::vector<std::uint8_t>> sent;
        while (auto effect = endpoint.next_effect())
            if (auto* datagram = std::get_if<ike::SendDatagram>(&*effect))
                sent.push_back(std::move(datagram->octets));
        return sent;
    }
    ike::DropCounters dropped() { return endpoint.status().dropped; }
};

} // namespace

BOOST_AUTO_TEST_CASE(random_octets_are_counted_and_get_no_answer) {
    Responder r;
    Botan::ChaCha_RNG noise(Botan::secure_vector<std::uint8_t>(32, 9));
    for (std::size_t length = 0; length < 2000; ++length) {
        std::vector<std::uint8_t> octets(length);
        noise.randomize(octets);
        BOOST_TEST(r.tell(stranger, octets).empty());
        BOOST_TEST(r.tell({{stranger.local.address, 4500}, stranger.remote}, octets).empty());
    }
    BOOST_TEST(r.dropped().malformed >= 3999u);
    BOOST_TEST(r.endpoint.status().half_open == 0u);
}

// covers 7296-2.5-b, 7296-2.5-d, 7296-3.1-d
// covers class-header
BOOST_AUTO_TEST_CASE(a_higher_major_version_is_told_ours_and_a_lower_gets_no_answer) {
    Responder r;
    ike::wire::Header header{.initiator_spi = ike::wire::IkeSpi{7},
                             .major_version = 3,
                             .exchange = ExchangeType::ike_sa_init,
                             .initiator = true};
    const auto sent = r.tell(stranger, message(header));
    BOOST_REQUIRE(sent.size() == 1u);
    const auto answer = ike::wire::decode_v2_message(sent.front());
    BOOST_REQUIRE(answer.has_value());
    BOOST_TEST(answer->header.major_version == 2);
    BOOST_TEST(ike::wire::arrow_notation(answer->header.exchange, answer->payloads)
                   .contains("INVALID_MAJOR_VERSION"));
    header.major_version = 1;
    BOOST_TEST(r.tell(stranger, message(header)).empty());
    BOOST_TEST(r.dropped().unknown_version == 2u);
}

// covers 7296-2.4-e, 7296-2.21.4-a, 7296-2.21.4-b, 7296-2.21.4-c, 7296-3.1-k
BOOST_AUTO_TEST_CASE(requests_for_no_sa_are_told_so_but_not_without_limit) {
    Responder r;
    const ike::wire::Header header{.initiator_spi = ike::wire::IkeSpi{7},
                                   .responder_spi = ike::wire::IkeSpi{8},
                                   .exchange = ExchangeType::informational,
                                   .initiator = true};
    std::size_t answered = 0;
    for (int i = 0; i < 1000; ++i)
        for (const auto& octets : r.tell(stranger, message(header))) {
            ++answered;
            const auto answer = ike::wire::decode_v2_message(octets);
            BOOST_REQUIRE(answer.has_value());
            BOOST_TEST((answer->header.initiator_spi == header.initiator_spi));
            BOOST_TEST((answer->header.responder_spi == header.responder_spi));
            BOOST_TEST((answer->header.exchange == header.exchange));
            BOOST_TEST((answer->header.message_id == header.message_id));
            BOOST_TEST(answer->header.response);
            BOOST_TEST(!answer->header.initiator);
            const auto* notify = std::get_if<ike::wire::NotifyPayload>(&answer->payloads.front());
            BOOST_REQUIRE(notify);
            BOOST_TEST((notify->type == ike::wire::NotifyType::invalid_ike_spi));
        }
    BOOST_TEST(answered == 50u);
    auto response = header;
    response.response = true;
    r.now += 2s;
    BOOST_TEST(r.tell(stranger, message(response)).empty());
}

BOOST_AUTO_TEST_CASE(unknown_exchanges_are_dropped) {
    Responder r;
    const ike::wire::Header header{
        .initiator_spi = ike::wire::IkeSpi{7}, .exchange = ExchangeType{77}, .initiator = true};
    BOOST_TEST(r.tell(stranger, message(header)).empty());
    BOOST_TEST(r.dropped().unknown_exchange == 1u);
}

// covers 7296-2.5-h, 7296-2.21.2-a
BOOST_AUTO_TEST_CASE(an_unknown_critical_payload_is_named_in_the_answer) {
    Responder r;
    auto octets = message({.initiator_spi = ike::wire::IkeSpi{7},
                           .exchange = ExchangeType::ike_sa_init,
                           .initiator = true});
    octets[16] = 200;
    octets.insert(octets.end(), {0, 0x80, 0, 4});
    octets[27] = 32;
    const auto sent = r.tell(peer, octets);
    BOOST_REQUIRE(sent.size() == 1u);
    const auto answer = ike::wire::decode_v2_message(sent.front());
    BOOST_REQUIRE(answer.has_value());
    const auto* notify = std::get_if<ike::wire::NotifyPayload>(&answer->payloads.front());
    BOOST_REQUIRE(notify);
    BOOST_TEST((notify->type == ike::wire::NotifyType::unsupported_critical_payload));
    BOOST_TEST(notify->data == std::vector<std::uint8_t>{200}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_stranger_is_refused_and_remembered_as_unmatched) {
    auto alien = left_vpn();
    alien.local_address = address("198.51.100.9");
    TwoGateways net({{alien}}, {{mirrored(left_vpn())}});
    net.run_for(1s);
    BOOST_TEST(net.right.endpoint->status().dropped.no_connection >= 1u);
    BOOST_REQUIRE(!net.right.endpoint->status().unmatched.empty());
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
}

// covers story-OT04
// covers class-half-open
BOOST_AUTO_TEST_CASE(a_flood_of_first_requests_does_not_hurt_an_established_tunnel) {
    const auto left = left_vpn();
    auto right = mirrored(left);
    right.peer_address = policy::AnyPeer{};
    ike::EndpointSettings settings;
    settings.half_open_limit = 100;
    TwoGateways net({{left}}, {{right}}, 1, settings);
    std::vector<std::uint8_t> first;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::left && first.empty())
            first = octets;
        return true;
    };
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    for (std::uint8_t i = 0; i < 200; ++i) {
        first[7] = i;
        net.inject(End::right,
                   {{address("10.10.10.4"), 500}, {policy::IpAddress::v4(198, 51, 100, i), 500}},
                   first);
    }
    BOOST_TEST(net.right.endpoint->status().half_open == 100u);
    BOOST_TEST(net.right.endpoint->status().dropped.half_open_limit == 100u);
    net.run_for(2min);
    BOOST_TEST(net.right.endpoint->status().half_open == 0u);
    BOOST_TEST(net.up("vpn"));
}

// covers 7296-1.2-b, 7296-3.14-f
BOOST_AUTO_TEST_CASE(no_altered_bit_gets_past_the_integrity_check) {
    const auto left = left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    unsigned number = 0;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        // Every IKE_AUTH request but each seventh arrives with one bit turned.
        if (sender == End::left && octets[18] == 35 && ++number % 7 != 0)
            octets[30 + number * 13 % (octets.size() - 30)] ^= 0x10;
        return true;
    };
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 5min));
    BOOST_TEST(net.right.endpoint->status().dropped.integrity_failed > 0u);
    BOOST_TEST(net.disagreements().empty());
}

BOOST_AUTO_TEST_CASE(a_first_request_too_large_to_be_one_is_not_kept) {
    Responder r;
    std::vector<ike::wire::Payload> payloads(
        10, ike::wire::VendorIdPayload{std::vector<std::uint8_t>(1000, 7)});
    const auto octets = ike::wire::encode_v2_message({.initiator_spi = ike::wire::IkeSpi{7},
                                                      .exchange = ExchangeType::ike_sa_init,
                                                      .initiator = true},
                                                     payloads);
    BOOST_TEST(r.tell(peer, octets).empty());
    BOOST_TEST(r.dropped().malformed == 1u);
}

BOOST_AUTO_TEST_CASE(junk_does_not_keep_a_peer_from_learning_the_group) {
    auto left = left_vpn();
    left.ike.proposals = ike_proposals({"aes256gcm16-prfsha384-x25519-ecp384"});
    auto right = mirrored(left);
    right.ike.proposals = ike_proposals({"aes256gcm16-prfsha384-ecp384"});
    TwoGateways net({{left}}, {{right}});
    const ike::wire::Header junk{.initiator_spi = ike::wire::IkeSpi{7},
                                 .responder_spi = ike::wire::IkeSpi{8},
                                 .exchange = ExchangeType::informational,
                                 .initiator = true};
    for (int i = 0; i < 1000; ++i)
        net.inject(End::right, stranger, message(junk));
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 500ms));
}

// covers 7296-2.1-a, 7296-2.1-b, 7296-2.1-d, 7296-2.1-e, 7296-2.3-g
BOOST_AUTO_TEST_CASE(a_repeated_request_gets_the_same_response_and_an_old_one_none) {
    const auto left = left_vpn();
    auto right = mirrored(left);
    // So that the next request is the initiator's.
    right.dpd.interval = 0s;
    TwoGateways net({{left}}, {{right}});
    std::vector<std::uint8_t> request, response;
    std::size_t responses = 0;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (octets[18] != 35)
            return true;
        if (sender == End::left) {
            request = octets;
            return true;
        }
        if (responses++ == 0)
            response = octets;
        BOOST_TEST(octets == response, boost::test_tools::per_element());
        return true;
    };
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    for (int i = 0; i < 3; ++i)
        net.inject(End::right, peer, request);
    BOOST_TEST(responses == 4u);
    // Beyond the window: after the next request has been answered.
    net.run_for(40s);
    const auto before = net.right.endpoint->status().dropped.bad_message_id;
    net.inject(End::right, peer, request);
    BOOST_TEST(responses == 4u);
    BOOST_TEST(net.right.endpoint->status().dropped.bad_message_id == before + 1);
    BOOST_TEST(net.children() == 2u);
}

// covers class-amplification
BOOST_AUTO_TEST_CASE(a_refusal_is_repeated_but_not_for_ever) {
    const auto left = left_vpn();
    auto right = mirrored(left);
    right.psk = policy::Secret::from_text("something else");
    TwoGateways net({{left}}, {{right}});
    std::vector<std::uint8_t> request;
    std::size_t refusals = 0;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (octets[18] == 35 && sender == End::left)
            request = octets;
        if (octets[18] == 35 && sender == End::right)
            ++refusals;
        return true;
    };
    BOOST_REQUIRE(net.run_until([&] { return refusals == 1; }, 5s));
    for (int i = 0; i < 20; ++i)
        net.inject(End::right, peer, request);
    BOOST_TEST(refusals == 6u);
}

// covers class-out-of-bounds
BOOST_AUTO_TEST_CASE(truncated_messages_of_an_established_sa_are_dropped) {
    const auto left = left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    std::vector<std::uint8_t> last;
    net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::left)
            last = octets;
        return true;
    };
    BOOST_REQUIRE(net.run_until([&] { return net.up("vpn"); }, 5s));
    net.run_for(40s);
    const auto sample = last;
    for (std::size_t length = 0; length < sample.size(); ++length) {
        std::vector<std::uint8_t> cut(sample.begin(),
                                      sample.begin() + static_cast<std::ptrdiff_t>(length));
        net.inject(End::right, peer, cut);
        if (length >= 28) {
            cut[26] = static_cast<std::uint8_t>(length >> 8);
            cut[27] = static_cast<std::uint8_t>(length);
            net.inject(End::right, peer, cut);
        }
    }
    BOOST_TEST(net.up("vpn"));
    net.run_for(5min);
    BOOST_TEST(net.up("vpn"));
    BOOST_TEST(count<ike::IkeSaEstablished>(net.right) == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
