// What a peer may do wrong that has the keys: malformed contents, exchanges out of order, Deletes
// and notifications without end. Each gets one answer, and nothing but its own SA suffers.
#include "tests/simulation/scripted_peer.h"
#include "tests/wire/octets.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(hostile_peer)

namespace {

using namespace ike::wire;
using namespace std::chrono_literals;

Payload notify(NotifyType type, Octets data = {}) {
    return NotifyPayload{.type = type, .data = std::move(data)};
}

/// A payload with any content, right or wrong.
Payload raw(PayloadType type, const std::string& hexadecimal) {
    return UnknownPayload{static_cast<std::uint8_t>(type), test::octets(hexadecimal)};
}

struct Malformed {
    const char* what;
    Payload payload;
};

const std::vector<Malformed>& malformed() {
    static const std::vector<Malformed> rows{
        {"a notify cut short", raw(PayloadType::notify, "00 00 40")},
        {"a notify whose SPI is longer than it", raw(PayloadType::notify, "03 ff 4009 01020304")},
        {"REKEY_SA with an SPI of eight octets",
         raw(PayloadType::notify, "03 08 4009 0102030405060708")},
        {"INVALID_KE_PAYLOAD without a group", raw(PayloadType::notify, "00 00 0011")},
        {"a Delete with more SPIs than it holds",
         raw(PayloadType::delete_sa, "03 04 0400 01020304")},
        {"a Delete with 65535 SPIs", raw(PayloadType::delete_sa, "03 04 ffff 01020304")},
        {"a Delete of no protocol", raw(PayloadType::delete_sa, "00 00 0000")},
        {"an SA payload without proposals", raw(PayloadType::security_association, "")},
        {"a proposal of length zero",
         raw(PayloadType::security_association, "02 00 0000 01 03 04 00")},
        {"a proposal with fewer transforms than it says",
         raw(PayloadType::security_association,
             "00 00 0014 01 03 04 ff 01020304 00 00 0008 01 00 0014")},
        {"selectors that are not there",
         raw(PayloadType::ts_initiator, "ff 000000 07 00 0010 0000 ffff 00000000 ffffffff")},
        {"no selectors", raw(PayloadType::ts_responder, "00 000000")},
        {"a nonce of one octet", raw(PayloadType::nonce, "00")},
        {"a public value of no octets", raw(PayloadType::key_exchange, "001f 0000")},
        {"SK inside SK", raw(PayloadType::encrypted, "00010203")},
        {"a fragment inside SK", raw(PayloadType::encrypted_fragment, "0001 0001 aa")},
        {"an EAP message of another length", raw(PayloadType::eap, "01 02 00ff 01")},
        {"a configuration attribute beyond its payload",
         raw(PayloadType::configuration, "01 000000 0001 ffff")},
        {"a certificate request without an encoding", raw(PayloadType::certificate_request, "")},
    };
    return rows;
}

policy::ChildSpi outbound_spi(const ScriptedPeer& peer) {
    return peer.status().ike_sas.at(0).children.at(0).outbound_spi;
}
policy::ChildSpi inbound_spi(const ScriptedPeer& peer) {
    return peer.status().ike_sas.at(0).children.at(0).inbound_spi;
}

Payload removal(std::vector<policy::ChildSpi> spis) {
    return DeletePayload{policy::ProtocolId::esp, std::move(spis)};
}

} // namespace

// covers 7296-2.21.2-a, 7296-2.21.3-a, 7296-3.10.1-d
// covers class-error-answer, class-notify, class-proposals, class-delete
BOOST_AUTO_TEST_CASE(what_cannot_be_read_gets_one_answer) {
    for (const auto exchange : {ExchangeType::informational, ExchangeType::create_child_sa})
        for (const auto& row : malformed()) {
            BOOST_TEST_CONTEXT(static_cast<int>(exchange) << ", " << row.what) {
                ScriptedPeer peer;
                peer.establish();
                const auto sent = peer.datagrams.size();
                const auto heard = peer.ask(exchange, {row.payload});
                BOOST_REQUIRE(heard.has_value());
                BOOST_REQUIRE(heard->error().has_value());
                BOOST_TEST((heard->error()->type == NotifyType::invalid_syntax));
                BOOST_TEST(heard->payloads.size() == 1u);
                BOOST_TEST(peer.datagrams.size() >= sent + 1);
                peer.pass(10min);
            }
        }
}

// covers class-memory
BOOST_AUTO_TEST_CASE(what_cannot_be_read_in_ike_auth_makes_no_sa) {
    for (const auto& row : malformed()) {
        BOOST_TEST_CONTEXT(row.what) {
            ScriptedPeer peer;
            peer.greet();
            auto payloads = peer.auth_payloads();
            payloads.push_back(row.payload);
            const auto heard = peer.ask(ExchangeType::ike_auth, payloads);
            BOOST_TEST((!heard || heard->error()));
            BOOST_TEST(peer.children() == 0u);
            peer.pass(10min);
            BOOST_TEST(peer.endpoint.status().half_open == 0u);
        }
    }
}

// covers 7296-1-a, 7296-1.4-a
// covers class-out-of-phase
BOOST_AUTO_TEST_CASE(the_keys_alone_open_no_other_exchange_than_ike_auth) {
    const auto try_first = [](ExchangeType exchange, const auto& payloads_of) {
        ScriptedPeer peer;
        peer.greet();
        peer.ask(exchange, payloads_of(peer));
        BOOST_TEST(peer.children() == 0u);
        BOOST_TEST(!peer.is_up());
        for (const auto& sa : peer.status().ike_sas)
            BOOST_TEST(!sa.established);
    };
    try_first(ExchangeType::create_child_sa, [](ScriptedPeer& p) { return p.child_payloads(); });
    try_first(ExchangeType::create_child_sa, [](ScriptedPeer& p) {
        auto payloads = p.child_payloads();
        payloads.insert(payloads.begin(), p.rekey_notify(policy::ChildSpi{0x1000}));
        return payloads;
    });
    try_first(ExchangeType::informational, [](ScriptedPeer&) { return Payloads{}; });
    try_first(ExchangeType::informational,
              [](ScriptedPeer&) { return Payloads{DeletePayload{policy::ProtocolId::ike, {}}}; });
    try_first(ExchangeType::informational,
              [](ScriptedPeer&) { return Payloads{notify(NotifyType::initial_contact)}; });
}

// covers 7296-1.2-b
// covers class-weak-comparison
BOOST_AUTO_TEST_CASE(an_ike_auth_without_auth_makes_no_sa) {
    const auto try_without = [](const auto& change) {
        ScriptedPeer peer;
        peer.greet();
        auto payloads = peer.auth_payloads();
        change(payloads);
        const auto heard = peer.ask(ExchangeType::ike_auth, payloads);
        BOOST_TEST((!heard || heard->error()));
        BOOST_TEST(peer.children() == 0u);
        BOOST_TEST(!peer.is_up());
    };
    const auto remove_auth = [](Payloads& payloads) {
        std::erase_if(payloads, [](const Payload& each) {
            return std::holds_alternative<AuthPayload>(each);
        });
    };
    // Without AUTH it is a request for EAP (RFC 7296 2.16).
    try_without(remove_auth);
    try_without([&](Payloads& payloads) {
        remove_auth(payloads);
        payloads.push_back(EapPayload{test::octets("02 01 0005 01")});
    });
    for (const auto method : {AuthMethod{1}, AuthMethod{14}, AuthMethod{0}, AuthMethod{200}})
        try_without(
            [&](Payloads& payloads) { std::get<AuthPayload>(payloads.at(1)).method = method; });
    try_without([](Payloads& payloads) { std::get<AuthPayload>(payloads.at(1)).data = {0}; });
}

// covers class-out-of-phase
BOOST_AUTO_TEST_CASE(a_second_ike_auth_makes_nothing_more) {
    ScriptedPeer peer;
    peer.establish();
    const auto again = peer.auth_payloads();
    const auto heard = peer.ask(ExchangeType::ike_auth, again);
    BOOST_TEST((!heard || heard->error()));
    BOOST_TEST(peer.children() <= 1u);
}

// covers 7296-1.4-d, 7296-2.21.4-e, 7296-3.10.1-b
// covers class-notify
BOOST_AUTO_TEST_CASE(notifications_that_mean_nothing_are_answered_and_ignored) {
    ScriptedPeer peer;
    peer.establish();
    for (const auto type : {NotifyType{8191}, NotifyType{16999}, NotifyType{65535},
                            NotifyType::invalid_spi, NotifyType::initial_contact}) {
        const auto heard = peer.ask(ExchangeType::informational, {notify(type)});
        BOOST_REQUIRE(heard.has_value());
        BOOST_TEST(heard->payloads.empty());
    }
    Payloads many(60, notify(NotifyType{40960}, Octets(900, 7)));
    const auto heard = peer.ask(ExchangeType::informational, many);
    BOOST_REQUIRE(heard.has_value());
    BOOST_TEST(heard->payloads.empty());
    BOOST_TEST(peer.is_up());
    BOOST_TEST(peer.children() == 1u);
}

// covers 7296-1.4.1-a, 7296-1.4.1-c, 7296-2.25.1-h, story-CD01, story-CD06
// covers class-delete
BOOST_AUTO_TEST_CASE(a_delete_removes_what_exists_and_only_once) {
    ScriptedPeer peer;
    peer.establish();
    std::vector<policy::ChildSpi> unknown;
    for (std::uint32_t i = 0; i < 1000; ++i)
        unknown.push_back(policy::ChildSpi{0xe0000000 + i});
    auto heard = peer.ask(ExchangeType::informational, {removal(unknown)});
    BOOST_REQUIRE(heard.has_value());
    BOOST_TEST(heard->deleted().empty());
    BOOST_TEST(peer.children() == 1u);
    // Ours, not the peer's: names nothing that the peer may close.
    heard = peer.ask(ExchangeType::informational, {removal({inbound_spi(peer)})});
    BOOST_REQUIRE(heard.has_value());
    BOOST_TEST(heard->deleted().empty());
    BOOST_TEST(peer.children() == 1u);

    const auto theirs = outbound_spi(peer), ours = inbound_spi(peer);
    heard = peer.ask(ExchangeType::informational,
                     {removal({unknown[0], theirs, theirs}), removal({theirs})});
    BOOST_REQUIRE(heard.has_value());
    BOOST_TEST((heard->deleted() == std::vector{ours}));
    BOOST_TEST(peer.children() == 0u);
}

// covers 7296-2.1-b, story-CD07
BOOST_AUTO_TEST_CASE(a_delete_that_comes_again_is_answered_with_the_same_octets) {
    ScriptedPeer peer;
    peer.establish();
    const Payloads payloads{removal({outbound_spi(peer)})};
    const auto id = peer.sa().next_id;
    BOOST_REQUIRE(peer.ask(ExchangeType::informational, payloads).has_value());
    const auto first = peer.datagrams.back();
    const auto sent = peer.datagrams.size();
    BOOST_REQUIRE(peer.ask_as(id, ExchangeType::informational, payloads).has_value());
    BOOST_TEST(peer.datagrams.size() == sent + 1);
    BOOST_TEST(peer.datagrams.back() == first, boost::test_tools::per_element());
}

// covers 7296-2.1-e, 7296-2.3-g
BOOST_AUTO_TEST_CASE(message_ids_out_of_order_are_dropped) {
    ScriptedPeer peer;
    peer.establish();
    BOOST_REQUIRE(peer.ask(ExchangeType::informational, {}).has_value());
    BOOST_REQUIRE(peer.ask(ExchangeType::informational, {}).has_value());
    for (const std::uint32_t id :
         {0u, 1u, peer.sa().next_id + 1, peer.sa().next_id + 1000, 0xffffffffu})
        BOOST_TEST(!peer.ask_as(id, ExchangeType::informational,
                                {DeletePayload{policy::ProtocolId::ike, {}}})
                        .has_value());
    BOOST_TEST(peer.is_up());
    BOOST_TEST(peer.ask(ExchangeType::informational, {}).has_value());
}

// covers 7296-3.1-k
// covers class-out-of-phase
BOOST_AUTO_TEST_CASE(responses_that_nobody_asked_for_are_dropped) {
    ScriptedPeer peer;
    peer.establish();
    const auto sent = peer.datagrams.size();
    for (const auto exchange : {ExchangeType::informational, ExchangeType::create_child_sa,
                                ExchangeType::ike_auth, ExchangeType::ike_sa_init})
        for (std::uint32_t id = 0; id < 4; ++id) {
            Heard request{.header = {.exchange = exchange, .message_id = MessageId{id}},
                          .payloads = {}};
            peer.answer(request, {DeletePayload{policy::ProtocolId::ike, {}}});
            peer.answer(request, peer.child_payloads());
        }
    BOOST_TEST(peer.datagrams.size() == sent);
    BOOST_TEST(peer.is_up());
    BOOST_TEST(peer.children() == 1u);
}

// covers 7296-2.19-e, 7296-3.15.1-e
BOOST_AUTO_TEST_CASE(what_is_not_supported_is_left_out_of_the_answer) {
    ScriptedPeer peer;
    peer.greet();
    auto payloads = peer.auth_payloads();
    // A request for an address, a DNS server and an attribute that nobody knows.
    payloads.push_back(raw(PayloadType::configuration, "01 000000 0001 0000 0003 0000 3fff 0000"));
    payloads.push_back(notify(NotifyType{16391}));                  // USE_TRANSPORT_MODE
    payloads.push_back(notify(NotifyType{16387}, {0x12, 0x34, 2})); // IPCOMP_SUPPORTED
    payloads.push_back(notify(NotifyType{16417}));                  // EAP_ONLY_AUTHENTICATION
    payloads.push_back(notify(NotifyType{16396}));                  // MOBIKE_SUPPORTED
    const auto heard = peer.ask(ExchangeType::ike_auth, payloads);
    BOOST_REQUIRE(heard.has_value());
    BOOST_TEST(!heard->error().has_value());
    for (const auto& each : heard->payloads)
        BOOST_TEST(!std::holds_alternative<ConfigurationPayload>(each));
    for (const auto type : std::to_array<std::uint16_t>({16391, 16387, 16417, 16396}))
        BOOST_TEST(!heard->has(NotifyType{type}));
    BOOST_TEST(peer.children() == 1u);
}

// covers class-certificate-request
BOOST_AUTO_TEST_CASE(certificate_requests_of_any_size_and_kind_are_ignored) {
    for (const auto size : std::to_array<std::size_t>({0, 1, 19, 20, 21, 60'000}))
        for (const auto encoding : std::to_array<std::uint8_t>({0, 4, 12, 255})) {
            ScriptedPeer peer;
            peer.greet();
            auto payloads = peer.auth_payloads();
            payloads.push_back(CertificateRequestPayload{encoding, Octets(size, 0x5a)});
            const auto heard = peer.ask(ExchangeType::ike_auth, payloads);
            BOOST_REQUIRE(heard.has_value());
            BOOST_TEST(!heard->error().has_value());
            BOOST_TEST(peer.is_up());
        }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
