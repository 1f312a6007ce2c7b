// What an authenticated peer over IKEv1, or somebody who repeats its messages, may say beside what
// is right.
#include "tests/simulation/v1_scripted_peer.h"

#include <algorithm>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(v1_hostile_peer)

namespace {

namespace v1 = ike::wire::v1;
using v1::NotifyType;

constexpr auto interval = 10s;

OldScriptedPeer asked_peer() {
    auto own = OldScriptedPeer::peer_connection();
    own.dpd.interval = interval;
    return OldScriptedPeer(own);
}

v1::NotifyPayload question(const OldScriptedPeer& peer, std::uint32_t number) {
    return v1::dead_peer_detection(NotifyType::r_u_there, peer.cookies(), number);
}

std::uint64_t unexpected(const OldScriptedPeer& peer) {
    return peer.endpoint.status().dropped.unexpected;
}

/// For so long, answering each question as `answer` makes it of the number.
void live(OldScriptedPeer& peer, ike::TimePoint::duration time,
          const std::function<v1::NotifyPayload(std::uint32_t number)>& answer) {
    std::size_t seen = peer.heard.size();
    for (const auto end = peer.now + time; peer.now < end; peer.pass(1s))
        for (; seen < peer.heard.size(); ++seen)
            if (const auto* asked = peer.heard[seen].notify(NotifyType::r_u_there))
                peer.inform({answer(*v1::sequence_number(*asked))});
}

} // namespace

// covers 3706-6.1-b, 2408-5.14-g
BOOST_AUTO_TEST_CASE(an_answer_counts_with_the_number_and_the_cookies_of_the_question) {
    const auto lives = [](auto make_answer) {
        auto peer = asked_peer();
        peer.establish();
        live(peer, 3min, [&](std::uint32_t number) { return make_answer(peer, number); });
        const bool alive = !peer.status().ike_sas.empty();
        BOOST_TEST((unexpected(peer) > 0) == !alive);
        return alive;
    };
    const auto ack = [](const v1::Cookies& cookies, std::uint32_t number) {
        return v1::dead_peer_detection(NotifyType::r_u_there_ack, cookies, number);
    };
    BOOST_TEST(lives([&](const auto& peer, auto number) { return ack(peer.cookies(), number); }));
    BOOST_TEST(
        !lives([&](const auto& peer, auto number) { return ack(peer.cookies(), number - 1); }));
    BOOST_TEST(
        !lives([&](const auto& peer, auto number) { return ack(peer.cookies(), number + 1); }));
    BOOST_TEST(!lives([&](const auto& peer, auto number) {
        const auto right = peer.cookies();
        return ack({right.responder, right.initiator}, number);
    }));
    BOOST_TEST(!lives([&](const auto&, auto number) { return ack({}, number); }));
}

BOOST_AUTO_TEST_CASE(an_answer_that_nobody_asked_for_puts_no_question_off) {
    auto peer = asked_peer();
    peer.establish();
    for (unsigned i = 0; i < 10; ++i) {
        peer.inform({v1::dead_peer_detection(NotifyType::r_u_there_ack, peer.cookies(), i)});
        peer.pass(1s);
    }
    peer.pass(1s);
    const auto* last = peer.last(ike::wire::ExchangeType::informational_v1);
    BOOST_REQUIRE(last);
    BOOST_TEST(last->notify(NotifyType::r_u_there));
    BOOST_TEST(unexpected(peer) == 10u);
}

// covers 2408-5.14-g
BOOST_AUTO_TEST_CASE(a_question_about_another_sa_is_not_answered) {
    OldScriptedPeer peer;
    peer.establish();
    const auto before = peer.heard.size();
    peer.inform({v1::dead_peer_detection(NotifyType::r_u_there, {}, 1)});
    BOOST_TEST(peer.heard.size() == before);
    BOOST_TEST(unexpected(peer) == 1u);
    peer.inform({question(peer, 1)});
    BOOST_TEST(peer.heard.size() == before + 1);
}

// However many exchanges there were since.
// covers 2409-5.7-a, 2408-5.2-g
BOOST_AUTO_TEST_CASE(no_message_is_heard_twice_while_the_sa_lasts) {
    OldScriptedPeer peer;
    peer.establish();
    const auto first = peer.informational({question(peer, 1)}, ike::wire::MessageId{0xabcdef});
    peer.send(first);
    const auto answer = peer.heard.back().octets;
    for (std::uint32_t number = 2; number < 5000; ++number) {
        peer.inform({question(peer, number)});
        peer.heard.clear();
    }
    peer.pass(1s);
    const auto heard_at = peer.status().ike_sas.front().last_heard;
    const auto repeated = peer.endpoint.status().dropped.repeated;
    peer.send(first);
    // Our own message, sent back to us.
    peer.send(answer);
    BOOST_TEST(peer.endpoint.status().dropped.repeated == repeated + 2);
    BOOST_TEST(peer.heard.empty());
    BOOST_TEST((peer.status().ike_sas.front().last_heard == heard_at));
}

// covers 2408-2.4-a
BOOST_AUTO_TEST_CASE(an_sa_whose_message_ids_run_out_is_replaced_and_ends) {
    OldScriptedPeer peer;
    peer.establish();
    const auto ask_until = [&](std::uint32_t last) {
        // An answer takes an ID too.
        static std::uint32_t number;
        for (number = last == 8191 ? 1 : number; number <= last; ++number) {
            peer.heard.clear();
            peer.inform({question(peer, number)});
        }
        peer.pass(1ms);
    };
    ask_until(8191);
    BOOST_TEST(!peer.last(ike::wire::ExchangeType::aggressive));
    ask_until(8192);
    // AGGRESSIVE { SA, KE, … }, with no responder's cookie yet.
    const auto* begun = peer.last(ike::wire::ExchangeType::aggressive);
    BOOST_REQUIRE(begun);
    BOOST_TEST((begun->header.responder_spi == ike::wire::IkeSpi{}));
    const auto established = [&] {
        return std::ranges::count_if(peer.status().ike_sas,
                                     [](const auto& each) { return each.established; });
    };
    ask_until(16383);
    BOOST_TEST(established() == 1);
    ask_until(16384);
    BOOST_TEST(established() == 0);
}

// covers class-delete
BOOST_AUTO_TEST_CASE(one_message_may_end_an_sa_and_announce_a_first_contact) {
    for (const bool with_child : {false, true}) {
        OldScriptedPeer peer;
        peer.establish();
        if (with_child)
            peer.finish_quick_mode(peer.begin_quick_mode().value());
        const auto cookies = peer.cookies();
        peer.inform(
            {v1::NotifyPayload{.spi = v1::spi_of(cookies), .type = NotifyType::initial_contact},
             v1::DeletePayload{
                 .protocol = policy::ProtocolId::ike, .isakmp = {cookies}, .children = {}},
             v1::NotifyPayload{.spi = v1::spi_of(cookies), .type = NotifyType::initial_contact},
             question(peer, 1), v1::NotifyPayload{.type = NotifyType::no_proposal_chosen}});
        // Nothing was said under the SA that is over, and what is left of it is its child.
        BOOST_TEST(!peer.last(ike::wire::ExchangeType::informational_v1));
        const auto sas = peer.status().ike_sas;
        BOOST_TEST(sas.size() == (with_child ? 1u : 0u));
        BOOST_TEST(std::ranges::none_of(sas, [](const auto& each) { return each.established; }));
        peer.pass(2h);
        BOOST_TEST(peer.status().ike_sas.empty());
    }
}

// RFC 2408 3.1: CONNECTED comes under the message ID of the quick mode that it confirms.
// covers 2408-3.1-h, 2408-4.8-c
BOOST_AUTO_TEST_CASE(connected_is_taken_for_what_it_is) {
    OldScriptedPeer peer;
    peer.establish();
    const auto answer = peer.begin_quick_mode().value();
    peer.finish_quick_mode(answer);
    const auto failed = peer.endpoint.status().dropped;
    peer.inform_behind({v1::NotifyPayload{.protocol = policy::ProtocolId::esp,
                                          .spi = {0xd0, 0, 0, 0},
                                          .type = NotifyType::connected}},
                       answer.header.message_id);
    BOOST_TEST((peer.endpoint.status().dropped == failed));
    BOOST_TEST(peer.status().ike_sas.front().children.size() == 1u);
}

// The child of a quick mode has gone to a new phase 1; what the peer says of it comes under the
// old.
BOOST_AUTO_TEST_CASE(what_is_told_of_a_child_that_has_moved_reaches_it) {
    for (const bool connected : {true, false}) {
        OldScriptedPeer peer;
        peer.establish();
        peer.finish_quick_mode(peer.begin_quick_mode().value());
        peer.command(ike::Rekey{"vpn", old_child_keys});
        const auto offer = *peer.last(ike::wire::ExchangeType::quick_mode);
        const auto id = offer.header.message_id;
        const auto answer = peer.answer_quick_mode(offer, {});
        const auto older = peer.keys();
        peer.establish();
        peer.use(older);
        const auto old_is_closed = [&] {
            return std::ranges::any_of(peer.reports, [](const ike::ReportEvent& event) {
                return std::holds_alternative<ike::ChildSaClosed>(event);
            });
        };
        if (connected) {
            peer.inform_behind({v1::NotifyPayload{.protocol = policy::ProtocolId::esp,
                                                  .spi = {0xd0, 0, 0, 0},
                                                  .type = NotifyType::connected}},
                               id);
            peer.pass(5s);
            BOOST_TEST(old_is_closed());
        } else {
            // Traffic waits for the third message half a minute from here on.
            peer.pass(10s);
            peer.send(answer);
            peer.pass(25s);
            BOOST_TEST(!old_is_closed());
            peer.pass(10s);
            BOOST_TEST(old_is_closed());
        }
    }
}

/// The endpoint has asked for a child.
struct AskedForChild {
    AskedForChild() {
        peer.establish();
        peer.command(ike::Initiate{"vpn", std::nullopt});
        const auto* asked = peer.last(ike::wire::ExchangeType::quick_mode);
        BOOST_REQUIRE(asked);
        id = asked->header.message_id;
        for (const auto& each : asked->payloads)
            if (const auto* sa = std::get_if<v1::SaPayload>(&each))
                spi = sa->proposals.front().spi;
    }
    bool refused() const {
        return std::ranges::any_of(peer.reports, [](const ike::ReportEvent& event) {
            return std::holds_alternative<ike::NegotiationFailed>(event);
        });
    }
    OldScriptedPeer peer;
    ike::wire::MessageId id{};
    ike::wire::Octets spi;
};

BOOST_AUTO_TEST_CASE(what_comes_under_the_message_id_of_a_quick_mode_counts_once) {
    OldScriptedPeer peer;
    peer.establish();
    const auto answer = peer.begin_quick_mode().value();
    peer.finish_quick_mode(answer);
    const auto said = peer.informational({v1::NotifyPayload{.protocol = policy::ProtocolId::esp,
                                                            .spi = {0xd0, 0, 0, 0},
                                                            .type = NotifyType::connected}},
                                         answer.header.message_id);
    const auto before = peer.endpoint.status().dropped.repeated;
    peer.send(said);
    BOOST_TEST(peer.endpoint.status().dropped.repeated == before);
    // From somewhere else: it would take the SA there.
    peer.path.remote.port = 4711;
    peer.send(said);
    BOOST_TEST(peer.endpoint.status().dropped.repeated == before + 1);

    // Of one that we began.
    AskedForChild t;
    const auto asked =
        t.peer.informational({v1::NotifyPayload{.type = NotifyType::invalid_spi}}, t.id);
    t.peer.send(asked);
    t.peer.send(asked);
    BOOST_TEST(t.peer.endpoint.status().dropped.repeated == 1u);
}

// covers 2408-5.14-c
BOOST_AUTO_TEST_CASE(an_error_ends_the_quick_mode_that_it_speaks_of) {
    using Spi = std::function<ike::wire::Octets(const AskedForChild&)>;
    const std::vector<std::pair<std::string, Spi>> names{
        {"its SPI", [](const auto& t) { return t.spi; }},
        {"the cookies", [](const auto& t) { return v1::spi_of(t.peer.cookies()); }},
        {"no SPI", [](const auto&) { return ike::wire::Octets{}; }},
        {"a zero", [](const auto&) { return ike::wire::Octets(4, 0); }},
    };
    for (const auto& [what, spi] : names)
        for (const auto protocol : {policy::ProtocolId::esp, policy::ProtocolId::ike})
            BOOST_TEST_CONTEXT(what) {
                AskedForChild t;
                t.peer.inform({v1::NotifyPayload{
                    .protocol = protocol, .spi = spi(t), .type = NotifyType::no_proposal_chosen}});
                BOOST_TEST(t.refused());
            }
    // And under its message ID, with either vector.
    const v1::NotifyPayload error{.spi = {1, 2, 3}, .type = NotifyType::no_proposal_chosen};
    AskedForChild first, next;
    first.peer.inform({error}, first.id);
    BOOST_TEST(first.refused());
    next.peer.inform_behind({error}, next.id);
    BOOST_TEST(next.refused());
}

// covers 2408-5.14-g
BOOST_AUTO_TEST_CASE(an_error_that_speaks_of_something_else_ends_nothing) {
    AskedForChild t;
    const auto cookies = t.peer.cookies();
    const auto of = [](NotifyType type, ike::wire::Octets spi) {
        return v1::NotifyPayload{
            .protocol = policy::ProtocolId::esp, .spi = std::move(spi), .type = type};
    };
    const std::vector<v1::NotifyPayload> said{
        of(NotifyType::no_proposal_chosen, {0xd0, 1, 2, 3}),
        of(NotifyType::no_proposal_chosen, v1::spi_of({cookies.responder, cookies.initiator})),
        of(NotifyType::payload_malformed, {1, 2, 3}),
        of(NotifyType::invalid_spi, t.spi),
        of(NotifyType::invalid_spi, {}),
        of(NotifyType::invalid_cookie, v1::spi_of(cookies)),
    };
    for (const auto& each : said)
        t.peer.inform({each});
    t.peer.inform({of(NotifyType::invalid_spi, t.spi)}, t.id);
    BOOST_TEST(!t.refused());
    BOOST_TEST(unexpected(t.peer) == said.size() + 1);
    AskedForChild other;
    other.peer.inform_behind({of(NotifyType::invalid_cookie, {})}, other.id);
    BOOST_TEST(!other.refused());
    BOOST_TEST(unexpected(other.peer) == 1u);
    // It is still asked for.
    const auto before = t.peer.heard.size();
    t.peer.pass(2s);
    BOOST_TEST(t.peer.heard.size() > before);
    BOOST_TEST((t.peer.heard.back().header.message_id == t.id));
    // And without keys such an error ends no first contact either.
    auto left = old_left_vpn();
    TwoGateways net({{left}}, {{mirrored(left)}});
    net.cut = true;
    net.run_for(100ms);
    const auto cookie = status(net.left, "vpn").ike_sas.front().initiator_spi;
    for (const auto type : {NotifyType::invalid_cookie, NotifyType::invalid_spi}) {
        const v1::Payload error = v1::NotifyPayload{.type = type};
        net.inject(End::left, {{address("10.10.10.5"), 500}, {address("10.10.10.4"), 500}},
                   v1::encode_message({.initiator_spi = cookie,
                                       .responder_spi = ike::wire::IkeSpi{7},
                                       .major_version = 1,
                                       .exchange = ike::wire::ExchangeType::informational_v1,
                                       .message_id = ike::wire::MessageId{7}},
                                      std::span(&error, 1)));
    }
    BOOST_TEST(count<ike::NegotiationFailed>(net.left) == 0u);
    net.cut = false;
    BOOST_TEST(net.run_until([&] { return net.up("vpn"); }, 5s));
}

// What another ISAKMP SA has no child for is carried by nothing.
BOOST_AUTO_TEST_CASE(beside_an_isakmp_sa_without_children_a_first_child_has_both_sides) {
    OldScriptedPeer peer;
    peer.establish();
    peer.establish();
    BOOST_REQUIRE(peer.begin_quick_mode().has_value());
    BOOST_TEST(peer.installed.size() == 1u);
    BOOST_TEST(peer.installed_inbound == 0u);
    // With a child elsewhere it waits.
    const auto older = peer.keys();
    peer.establish();
    peer.finish_quick_mode(peer.begin_quick_mode().value());
    peer.use(older);
    const auto before = peer.installed_inbound;
    BOOST_REQUIRE(peer.begin_quick_mode().has_value());
    BOOST_TEST(peer.installed_inbound == before + 1);
}

// Whoever has the key may be another by the same name.
BOOST_AUTO_TEST_CASE(what_stands_is_kept_from_another_host_by_the_peers_name) {
    auto own = OldScriptedPeer::peer_connection();
    auto endpoints = mirrored(own);
    endpoints.aggressive = true;
    endpoints.unique = policy::Uniqueness::keep;
    endpoints.peer_address = policy::AnyPeer{};
    OldScriptedPeer peer(own, endpoints);
    peer.establish();
    const auto first = peer.cookies();
    const auto here = peer.path;
    peer.path.remote.address = policy::IpAddress::v4(10, 10, 10, 6);
    peer.establish();
    const auto& why = std::get<ike::NegotiationFailed>(peer.reports.back()).why;
    BOOST_TEST(std::holds_alternative<ike::cause::AlreadyUp>(why));
    peer.pass(1min);
    BOOST_REQUIRE(peer.status().ike_sas.size() == 1u);
    BOOST_TEST((peer.status().ike_sas.front().responder_spi == first.responder));
    peer.path = here;
    peer.establish();
    BOOST_TEST(peer.status().ike_sas.size() == 2u);
}

// covers class-memory
BOOST_AUTO_TEST_CASE(a_peer_that_begins_phase_one_without_end_gets_sixteen) {
    constexpr std::size_t most = 16;
    for (const auto unique : {policy::Uniqueness::replace, policy::Uniqueness::never}) {
        auto own = OldScriptedPeer::peer_connection();
        own.unique = unique;
        OldScriptedPeer peer(own);
        for (std::size_t i = 0; i < most; ++i) {
            peer.establish();
            peer.pass(100ms);
        }
        BOOST_TEST(peer.status().ike_sas.size() == most);
        const auto oldest = peer.status().ike_sas.front().responder_spi;
        const auto answer = peer.greet();
        BOOST_REQUIRE(answer.has_value());
        peer.authenticate(*answer);
        const auto stands = [&](ike::wire::IkeSpi spi) {
            return std::ranges::any_of(peer.status().ike_sas, [&](const ike::IkeSaStatus& each) {
                return each.responder_spi == spi && each.established;
            });
        };
        // Each is the renewal of the one before, whose children it has.
        BOOST_TEST(std::ranges::count_if(peer.status().ike_sas, &ike::IkeSaStatus::established) ==
                   static_cast<std::ptrdiff_t>(most));
        BOOST_TEST(stands(peer.cookies().responder));
        BOOST_TEST(!stands(oldest));
        BOOST_TEST(peer.endpoint.status().dropped.ike_sa_limit == 0u);
    }
}

// covers class-memory
BOOST_AUTO_TEST_CASE(
    children_beyond_the_limit_are_refused_under_each_isakmp_sa_and_rekeys_are_not) {
    constexpr std::size_t limit = 4;
    auto own = OldScriptedPeer::peer_connection();
    auto endpoints = mirrored(own);
    endpoints.aggressive = true;
    OldScriptedPeer peer(own, endpoints, {.child_sa_limit = limit});
    const auto ask_for_child = [&](std::size_t host) {
        peer.own.local_selectors = {policy::TrafficSelector::from_subnet(
            {policy::IpAddress::v4(192, 168, 11, static_cast<std::uint8_t>(host)), 32})};
        const auto answer = peer.begin_quick_mode();
        if (answer)
            peer.finish_quick_mode(*answer);
        return answer.has_value();
    };
    peer.establish();
    for (std::size_t host = 0; host < limit; ++host)
        BOOST_TEST(ask_for_child(host));
    BOOST_TEST(!ask_for_child(limit));
    BOOST_TEST(ask_for_child(0));
    // All go to a newer ISAKMP SA, and count under the older one.
    const auto older = peer.keys();
    peer.establish();
    BOOST_TEST(!ask_for_child(limit));
    peer.use(older);
    BOOST_TEST(!ask_for_child(limit));
    BOOST_TEST(peer.endpoint.status().dropped.child_sa_limit == 3u);
    BOOST_TEST(peer.installed.size() == limit + 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
