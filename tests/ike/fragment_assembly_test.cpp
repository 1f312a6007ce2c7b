// What a peer can make us keep, and in which order fragments may come.
#include "ike/fragment_assembly.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::ike {

BOOST_AUTO_TEST_SUITE(fragment_assembly)

namespace {

using Octets = std::vector<std::uint8_t>;

const TimePoint start{std::chrono::hours(1)};

wire::Header header(std::uint32_t id = 1, bool response = false) {
    return {.exchange = wire::ExchangeType::ike_auth,
            .response = response,
            .message_id = wire::MessageId{id},
            .length = 100};
}

/// Each fragment's content is its number, repeated.
struct Peer {
    FragmentAssembly assembly;
    std::size_t most = limit::fragmented_content;

    std::optional<AssembledContent> send(std::uint16_t number, std::uint16_t total,
                                         std::size_t length = 3, const wire::Header& in = header(),
                                         TimePoint now = start) {
        const wire::FragmentNumber fragment{number, total};
        if (!assembly.wants(in, fragment))
            return std::nullopt;
        const auto first = number == 1 ? wire::PayloadType::id_initiator : wire::PayloadType::none;
        return assembly.add(now, in, fragment, first,
                            Octets(length, static_cast<std::uint8_t>(number)), most);
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_message_is_whole_when_the_last_fragment_comes_in_any_order) {
    Peer peer;
    BOOST_TEST(!peer.send(3, 3, 1));
    BOOST_TEST(!peer.send(1, 3));
    const auto whole = peer.send(2, 3);
    BOOST_REQUIRE(whole.has_value());
    BOOST_TEST((whole->first == wire::PayloadType::id_initiator));
    BOOST_TEST(whole->octets == (Octets{1, 1, 1, 2, 2, 2, 3}));
    BOOST_TEST(whole->longest_fragment == 100u);
    BOOST_TEST(peer.assembly.kept() == 0u);
    BOOST_TEST(!peer.assembly.deadline());
}

BOOST_AUTO_TEST_CASE(a_single_fragment_is_a_message) {
    Peer peer;
    BOOST_TEST(peer.send(1, 1).has_value());
}

// covers 7383-2.6-b
BOOST_AUTO_TEST_CASE(a_fragment_that_is_there_is_not_wanted_again) {
    Peer peer;
    peer.send(2, 3);
    BOOST_TEST(!peer.assembly.wants(header(), {2, 3}));
    BOOST_TEST(peer.assembly.wants(header(), {1, 3}));
    BOOST_TEST(peer.assembly.kept() == 3u);
}

// covers 7383-2.6-d
BOOST_AUTO_TEST_CASE(a_finer_fragmentation_replaces_a_coarser_one_and_not_the_reverse) {
    Peer peer;
    peer.send(1, 2);
    BOOST_TEST(!peer.send(1, 3));
    BOOST_TEST(!peer.assembly.wants(header(), {2, 2}));
    BOOST_TEST(peer.assembly.kept() == 3u);
    BOOST_TEST(!peer.send(2, 3));
    BOOST_TEST(peer.send(3, 3).has_value());
}

BOOST_AUTO_TEST_CASE(another_message_replaces_an_incomplete_one) {
    Peer peer;
    peer.send(1, 2, 1000);
    peer.send(1, 2, 10, header(2));
    BOOST_TEST(peer.assembly.kept() == 10u);
    BOOST_TEST(peer.send(2, 2, 10, header(2)).has_value());
}

BOOST_AUTO_TEST_CASE(a_request_and_a_response_do_not_disturb_each_other) {
    Peer peer;
    peer.send(1, 2, 3, header(1));
    peer.send(1, 2, 3, header(1, true));
    BOOST_TEST(peer.send(2, 2, 3, header(1)).has_value());
    BOOST_TEST(peer.send(2, 2, 3, header(1, true)).has_value());
}

// Giant totals, and fragments that together are more than a message: racoon CVE-2016-10396, Cisco
// CVE-2016-1287 and CVE-2026-12413 are faults of this kind.
// covers class-fragments
BOOST_AUTO_TEST_CASE(the_number_of_fragments_is_limited) {
    Peer peer;
    BOOST_TEST(!peer.assembly.wants(header(), {1, limit::fragments + 1}));
    BOOST_TEST(!peer.assembly.wants(header(), {0xffff, 0xffff}));
    for (std::uint16_t number = 1; number < limit::fragments; ++number)
        BOOST_TEST(!peer.send(number, limit::fragments, 1));
    BOOST_TEST(peer.send(limit::fragments, limit::fragments, 1).has_value());
}

// covers class-fragments
BOOST_AUTO_TEST_CASE(the_octets_that_are_kept_are_limited) {
    Peer peer;
    peer.most = 10000;
    for (std::uint16_t number = 1; number < 60; ++number) {
        peer.send(number, 60, 999);
        BOOST_TEST(peer.assembly.kept() <= peer.most);
    }
}

// covers class-fragments, class-memory
BOOST_AUTO_TEST_CASE(many_messages_keep_no_more_than_one) {
    Peer peer;
    for (std::uint32_t id = 0; id < 1000; ++id)
        peer.send(1, 2, 1000, header(id));
    BOOST_TEST(peer.assembly.kept() == 1000u);
}

// covers 7383-2.6-e
BOOST_AUTO_TEST_CASE(an_incomplete_message_is_forgotten_after_its_time) {
    Peer peer;
    peer.send(1, 3);
    const auto late = start + limit::reassembly_time;
    // What comes later does not prolong it.
    peer.send(2, 3, 3, header(), late - std::chrono::seconds(1));
    BOOST_TEST((peer.assembly.deadline() == late));
    peer.assembly.on_deadline(late - std::chrono::milliseconds(1));
    BOOST_TEST(peer.assembly.kept() == 6u);
    peer.assembly.on_deadline(late);
    BOOST_TEST(peer.assembly.kept() == 0u);
    BOOST_TEST(!peer.assembly.deadline());
    BOOST_TEST(!peer.send(3, 3, 3, header(), late));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::ike
