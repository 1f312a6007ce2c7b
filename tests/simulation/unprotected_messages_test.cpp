// What anybody can send who sees or guesses the SPIs: nothing without protection changes an SA.
#include "ike/wire/v2_message.h"
#include "tests/simulation/connections.h"
#include "tests/simulation/two_gateways.h"

#include <boost/test/unit_test.hpp>

#include <array>
#include <set>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(unprotected_messages)

namespace {

using ike::wire::ExchangeType;
using ike::wire::NotifyType;

const policy::UdpPath left_path{{policy::IpAddress::v4(10, 10, 10, 5), 500},
                                {policy::IpAddress::v4(10, 10, 10, 4), 500}};
const policy::UdpPath right_path{{policy::IpAddress::v4(10, 10, 10, 4), 500},
                                 {policy::IpAddress::v4(10, 10, 10, 5), 500}};

ike::wire::Payload notify(NotifyType type) {
    return ike::wire::NotifyPayload{.type = type};
}

/// A tunnel, the last message that the left end sent, and all that was sent.
struct Watched {
    policy::Connection connection = left_vpn();
    TwoGateways net{{{connection}}, {{mirrored(connection)}}};
    std::vector<std::uint8_t> last;
    std::set<std::vector<std::uint8_t>> sent;

    Watched() {
        net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
            if (sender == End::left)
                last = octets;
            sent.insert(octets);
            return true;
        };
    }
    ike::wire::Header header() const { return ike::wire::decode_header(last).value(); }
};

/// The left end's IKE_SA_INIT request as it stands on the wire.
std::vector<std::uint8_t> first_request() {
    Watched w;
    w.net.step(w.net.now() + 1s);
    BOOST_REQUIRE(!w.last.empty());
    return w.last;
}

struct Answer {
    policy::UdpPath path;
    std::vector<std::uint8_t> octets;
};

/// What a fresh responder says to a datagram.
std::vector<Answer> answers(const policy::UdpPath& path, std::span<const std::uint8_t> octets) {
    Botan::ChaCha_RNG rng(Botan::secure_vector<std::uint8_t>(32, 4));
    auto connection = mirrored(left_vpn());
    connection.peer_address = policy::AnyPeer{};
    ike::Endpoint endpoint({{connection}}, rng);
    endpoint.on_datagram(ike::TimePoint(1h), path, octets);
    std::vector<Answer> out;
    while (auto effect = endpoint.next_effect())
        if (auto* datagram = std::get_if<ike::SendDatagram>(&*effect))
            out.push_back({datagram->path, std::move(datagram->octets)});
    return out;
}

std::vector<std::uint8_t> with_payloads(std::span<const std::uint8_t> message,
                                        std::vector<ike::wire::Payload> front,
                                        const std::vector<ike::wire::Payload>& back) {
    const auto decoded = ike::wire::decode_v2_message(message).value();
    front.insert(front.end(), decoded.payloads.begin(), decoded.payloads.end());
    front.insert(front.end(), back.begin(), back.end());
    return ike::wire::encode_v2_message(decoded.header, front);
}

bool is_accepted(const std::vector<Answer>& answers) {
    if (answers.size() != 1)
        return false;
    const auto decoded = ike::wire::decode_v2_message(answers.front().octets);
    return decoded && std::holds_alternative<ike::wire::SaPayload>(decoded->payloads.front());
}

} // namespace

// covers 7296-1.4-a, 7296-1.5-a, 7296-2.4-c, 7296-2.21.4-d, story-RB04
// covers class-delete
BOOST_AUTO_TEST_CASE(nothing_in_clear_is_answered_or_hurts_an_established_sa) {
    Watched w;
    BOOST_REQUIRE(w.net.run_until([&] { return w.net.up("vpn"); }, 5s));
    w.net.run_for(31s);
    const auto genuine = w.header();
    const auto before = w.sent;
    const std::vector<ike::wire::Payload> forged{
        notify(NotifyType::invalid_ike_spi), notify(NotifyType::invalid_spi),
        notify(NotifyType::authentication_failed), notify(NotifyType::initial_contact),
        ike::wire::DeletePayload{policy::ProtocolId::ike, {}}};
    for (const auto& payload : forged)
        for (const auto exchange :
             {ExchangeType::informational, ExchangeType::create_child_sa, ExchangeType::ike_auth})
            for (const bool response : {false, true})
                for (std::uint32_t id = 0; id < 5; ++id) {
                    auto header = genuine;
                    header.exchange = exchange;
                    header.response = response;
                    header.message_id = ike::wire::MessageId{id};
                    header.initiator = true;
                    w.net.inject(End::right, right_path,
                                 ike::wire::encode_v2_message(header, {&payload, 1}));
                    header.initiator = false;
                    w.net.inject(End::left, left_path,
                                 ike::wire::encode_v2_message(header, {&payload, 1}));
                }
    // A response may be repeated to the peer, whose path the SA knows; nothing new is said.
    BOOST_TEST((w.sent == before));
    BOOST_TEST(w.net.up("vpn"));
    w.net.run_for(5min);
    BOOST_TEST(w.net.up("vpn"));
    BOOST_TEST(w.net.children() == 2u);
    BOOST_TEST(count<ike::IkeSaEstablished>(w.net.left) == 1u);
}

// covers 7296-1-a, 7296-1.4-a
// covers class-out-of-phase
BOOST_AUTO_TEST_CASE(a_half_open_sa_takes_no_other_exchange_than_ike_auth) {
    Watched w;
    std::vector<std::uint8_t> auth;
    w.net.inspect = [&](End sender, std::vector<std::uint8_t>& octets) {
        if (sender == End::left && octets[18] == 35) {
            auth = octets;
            return false;
        }
        return true;
    };
    BOOST_REQUIRE(w.net.run_until([&] { return !auth.empty(); }, 5s));
    const auto answered = w.net.right.sent.size();
    for (const auto exchange : std::to_array<std::uint8_t>({34, 36, 37, 43})) {
        auto other = auth;
        other[18] = exchange;
        w.net.inject(End::right, right_path, other);
        auto header = ike::wire::decode_header(auth).value();
        header.exchange = ExchangeType{exchange};
        const ike::wire::Payload removal = ike::wire::DeletePayload{policy::ProtocolId::ike, {}};
        w.net.inject(End::right, right_path, ike::wire::encode_v2_message(header, {&removal, 1}));
    }
    BOOST_TEST(w.net.right.sent.size() == answered);
    BOOST_TEST(w.net.right.endpoint->status().half_open == 1u);
    w.net.inspect = nullptr;
    BOOST_TEST(w.net.run_until([&] { return w.net.up("vpn"); }, 10s));
    BOOST_TEST(w.net.disagreements().empty());
}

// covers 7296-2.11-a, 7296-2.11-b, 7296-2.11-c, 7296-2.23-a
BOOST_AUTO_TEST_CASE(a_request_is_answered_to_where_it_came_from_and_from_where_it_came_to) {
    const auto request = first_request();
    for (const auto port : std::to_array<std::uint16_t>({500, 4500, 1, 1024, 33333, 65535})) {
        const policy::UdpPath path{{policy::IpAddress::v4(10, 10, 10, 4), 500},
                                   {policy::IpAddress::v4(203, 0, 113, 9), port}};
        const auto said = answers(path, request);
        BOOST_REQUIRE(is_accepted(said));
        BOOST_TEST((said.front().path == path));
    }
}

// covers 7296-2.5-a, 7296-3.1-g
BOOST_AUTO_TEST_CASE(another_minor_version_is_answered_with_ours) {
    auto request = first_request();
    request[17] = 0x2f;
    const auto said = answers(right_path, request);
    BOOST_REQUIRE(is_accepted(said));
    BOOST_TEST(said.front().octets[17] == 0x20);
}

// covers 7296-2.5-f, 7296-3.1-i, 7296-3.1-l, 7296-3.2-f
BOOST_AUTO_TEST_CASE(reserved_bits_of_a_request_are_ignored) {
    auto request = first_request();
    request[19] |= 0xd7;
    request[ike::wire::header_length + 1] |= 0x7f;
    BOOST_TEST(is_accepted(answers(right_path, request)));
}

// covers 7296-2.5-g, 7296-3.10.1-b, 7296-3.12-a, 7296-3.12-b
BOOST_AUTO_TEST_CASE(what_is_unknown_in_a_request_is_ignored) {
    const auto request = first_request();
    const std::vector<ike::wire::Payload> unknown{
        notify(NotifyType{8191}), notify(NotifyType{16999}), notify(NotifyType{40960}),
        ike::wire::VendorIdPayload{{1, 2, 3}}, ike::wire::UnknownPayload{200, {1, 2, 3}}};
    const auto plain = answers(right_path, request);
    for (const auto& each : unknown) {
        BOOST_TEST(is_accepted(answers(right_path, with_payloads(request, {each}, {}))));
        const auto said = answers(right_path, with_payloads(request, {}, {each}));
        BOOST_REQUIRE(is_accepted(said));
        BOOST_TEST(said.front().octets == plain.front().octets, boost::test_tools::per_element());
    }
}

// covers 7296-2.6-d
// covers class-cookies
BOOST_AUTO_TEST_CASE(a_cookie_that_nobody_gave_counts_as_none) {
    ike::wire::NotifyPayload cookie{.type = NotifyType::cookie};
    cookie.data = {1, 2, 3, 4};
    BOOST_TEST(is_accepted(answers(right_path, with_payloads(first_request(), {cookie}, {}))));
}

// covers 7296-2-a
BOOST_AUTO_TEST_CASE(a_first_request_of_three_thousand_octets_is_taken) {
    const auto request = first_request();
    for (const auto length : std::to_array<std::size_t>({1280, 3000})) {
        const ike::wire::Payload filler =
            ike::wire::VendorIdPayload{std::vector<std::uint8_t>(length - request.size() - 4, 7)};
        const auto longer = with_payloads(request, {}, {filler});
        BOOST_TEST(longer.size() == length);
        BOOST_TEST(is_accepted(answers(right_path, longer)));
    }
}

// covers 7296-2.1-a, class-amplification
BOOST_AUTO_TEST_CASE(a_forged_first_request_brings_one_answer_that_is_no_larger) {
    const auto request = first_request();
    Botan::ChaCha_RNG rng(Botan::secure_vector<std::uint8_t>(32, 4));
    auto connection = mirrored(left_vpn());
    connection.peer_address = policy::AnyPeer{};
    ike::Endpoint endpoint({{connection}}, rng);
    ike::TimePoint now(1h);
    endpoint.on_datagram(now, right_path, request);
    std::vector<std::size_t> sizes;
    for (int i = 0; i < 1000; ++i) {
        while (auto effect = endpoint.next_effect())
            if (const auto* datagram = std::get_if<ike::SendDatagram>(&*effect))
                sizes.push_back(datagram->octets.size());
        now = std::max(now, endpoint.next_deadline().value_or(now)) + 1s;
        endpoint.on_deadline(now);
    }
    BOOST_REQUIRE(sizes.size() == 1u);
    // The notifications of what we support may make the difference.
    BOOST_TEST(sizes.front() <= request.size() + 16);
    BOOST_TEST(endpoint.status().half_open == 0u);
}

// covers 7296-3.10.1-a
BOOST_AUTO_TEST_CASE(an_unknown_error_in_a_response_ends_the_attempt) {
    Watched w;
    w.net.cut = true;
    w.net.step(w.net.now() + 1s);
    auto header = w.header();
    header.initiator = false;
    header.response = true;
    const auto unknown = notify(NotifyType{8191});
    w.net.inject(End::left, left_path, ike::wire::encode_v2_message(header, {&unknown, 1}));
    const auto why = last_failure(w.net.left);
    BOOST_REQUIRE(why.has_value());
    const auto* refused = std::get_if<ike::cause::PeerRefused>(&*why);
    BOOST_REQUIRE(refused);
    BOOST_TEST((refused->notify == NotifyType{8191}));
    w.net.cut = false;
    BOOST_TEST(w.net.run_until([&] { return w.net.up("vpn"); }, 2min));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
