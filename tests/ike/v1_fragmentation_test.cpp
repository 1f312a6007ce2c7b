// What anybody who sees the cookies can make us keep of IKEv1's parts, and in which order they may
// come.
#include "ike/v1/fragmentation.h"
#include "ike/wire/v1_message.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace viaduct::ike::v1 {

BOOST_AUTO_TEST_SUITE(v1_fragmentation)

namespace {

using wire::Octets;
using namespace std::chrono_literals;

// As fragmentation.h promises them; written out, so that another limit is seen.
constexpr std::size_t most_parts = 64;
constexpr std::size_t most_octets = 32768;
constexpr auto longest_wait = 30s;

const TimePoint start{1h};

enum class Last : std::uint8_t { no, yes };

struct Peer {
    PartAssembly assembly;
    std::uint16_t id = 1;
    TimePoint now = start;

    std::optional<Octets> send(std::size_t number, const Octets& data, Last last = Last::no) {
        return assembly.add(now, {.id = id,
                                  .number = static_cast<std::uint8_t>(number),
                                  .last = last == Last::yes,
                                  .data = data});
    }
    /// So many parts of so many octets each, the last one with `rest`; what the last one made.
    std::optional<Octets> send_all(std::size_t parts, std::size_t length, std::size_t rest) {
        for (std::size_t number = 1; number < parts; ++number)
            BOOST_TEST(!send(number, Octets(length, 0xaa)));
        return send(parts, Octets(rest, 0xbb), Last::yes);
    }
    bool keeps_something() const { return assembly.deadline().has_value(); }
};

const Octets a{0xa1, 0xa2}, b{0xb1, 0xb2, 0xb3}, c{0xc1};
const Octets abc{0xa1, 0xa2, 0xb1, 0xb2, 0xb3, 0xc1};

IkeSaFacts facts_with(std::uint16_t size) {
    IkeSaFacts facts;
    facts.path = {{policy::IpAddress::parse("10.10.10.5").value(), 500},
                  {policy::IpAddress::parse("10.10.10.4").value(), 500}};
    facts.fragmentation = true;
    facts.fragment_size = size;
    return facts;
}

} // namespace

BOOST_AUTO_TEST_CASE(parts_make_the_message_in_any_order) {
    const std::array<std::pair<const Octets*, Last>, 3> parts{
        {{&a, Last::no}, {&b, Last::no}, {&c, Last::yes}}};
    std::array<std::size_t, 3> order{0, 1, 2};
    do {
        Peer peer;
        BOOST_TEST(!peer.send(order[0] + 1, *parts[order[0]].first, parts[order[0]].second));
        BOOST_TEST(!peer.send(order[1] + 1, *parts[order[1]].first, parts[order[1]].second));
        const auto whole = peer.send(order[2] + 1, *parts[order[2]].first, parts[order[2]].second);
        BOOST_REQUIRE(whole.has_value());
        BOOST_TEST(*whole == abc);
        BOOST_TEST(!peer.keeps_something());
    } while (std::ranges::next_permutation(order).found);
}

BOOST_AUTO_TEST_CASE(a_single_part_is_a_message) {
    Peer peer;
    BOOST_TEST((peer.send(1, a, Last::yes) == a));
    BOOST_TEST(!peer.keeps_something());
}

BOOST_AUTO_TEST_CASE(a_part_that_comes_again_takes_the_place_of_the_first) {
    Peer peer;
    peer.send(1, Octets(100, 0xff));
    peer.send(1, a);
    peer.send(2, b);
    peer.send(2, b);
    BOOST_TEST((peer.send(3, c, Last::yes) == abc));
    // After the whole message it begins another one.
    BOOST_TEST(!peer.send(3, c, Last::yes));
    BOOST_TEST(peer.keeps_something());
}

BOOST_AUTO_TEST_CASE(an_end_that_comes_again_loses_nothing) {
    Peer peer;
    peer.send(1, a);
    BOOST_TEST(!peer.send(3, c, Last::yes));
    BOOST_TEST(!peer.send(3, c, Last::yes));
    BOOST_TEST((peer.send(2, b) == abc));
}

// Numbers without end, parts behind the last one and memory that is never given back: racoon
// CVE-2016-10396 and Cisco CVE-2016-1287 are faults of this kind in IKEv1.
// covers class-fragments
BOOST_AUTO_TEST_CASE(parts_that_come_again_and_again_count_once) {
    Peer peer;
    peer.send(2, b);
    for (int round = 0; round < 1000; ++round)
        BOOST_TEST(!peer.send(1, Octets(1000, 0xaa)));
    const auto whole = peer.send(3, c, Last::yes);
    BOOST_REQUIRE(whole.has_value());
    BOOST_TEST(whole->size() == 1004u);
}

// covers class-fragments
BOOST_AUTO_TEST_CASE(the_number_of_parts_is_limited) {
    Peer peer;
    const auto whole = peer.send_all(most_parts, 1, 1);
    BOOST_REQUIRE(whole.has_value());
    BOOST_TEST(whole->size() == most_parts);
    for (const std::size_t number : {most_parts + 1, std::size_t{255}})
        for (const auto last : {Last::no, Last::yes}) {
            BOOST_TEST(!peer.send(number, a, last));
            BOOST_TEST(!peer.keeps_something());
        }
    BOOST_TEST(!peer.send_all(most_parts + 1, 1, 1));
    // What is beyond the limit spoils nothing of what is below it.
    BOOST_TEST(peer.send(most_parts, a, Last::yes).has_value());
}

// covers class-fragments
BOOST_AUTO_TEST_CASE(there_is_no_part_0) {
    Peer peer;
    for (const auto last : {Last::no, Last::yes})
        BOOST_TEST(!peer.send(0, a, last));
    BOOST_TEST(!peer.keeps_something());
    peer.send(1, a);
    BOOST_TEST(!peer.send(0, a, Last::yes));
    BOOST_TEST(!peer.send(2, b));
    BOOST_TEST((peer.send(3, c, Last::yes) == abc));
}

// covers class-fragments, class-memory
BOOST_AUTO_TEST_CASE(the_octets_that_are_kept_are_limited) {
    Peer peer;
    const auto longest = peer.send_all(most_parts, 512, 512);
    BOOST_REQUIRE(longest.has_value());
    BOOST_TEST(longest->size() == most_octets);
    BOOST_TEST(!peer.send_all(most_parts, 512, 513));
    BOOST_TEST(!peer.keeps_something());
    // They are given back at once, not when the end comes.
    peer.send(1, Octets(most_octets, 0xaa));
    BOOST_TEST(peer.keeps_something());
    peer.send(2, c);
    BOOST_TEST(!peer.keeps_something());
    peer.send(1, Octets(most_octets + 1, 0xaa));
    BOOST_TEST(!peer.keeps_something());
    // And the next message is as good as any.
    peer.send(1, a);
    peer.send(2, b);
    BOOST_TEST((peer.send(3, c, Last::yes) == abc));
}

// covers class-fragments, class-memory
BOOST_AUTO_TEST_CASE(many_messages_keep_no_more_than_one) {
    Peer peer;
    for (std::uint16_t id = 1000; id < 2000; ++id) {
        peer.id = id;
        // Together they would be too much, and the first one would end the last one.
        BOOST_TEST(!peer.send(id % 2 == 0 ? 1 : 2, Octets(most_octets, 0xaa),
                              id % 2 == 0 ? Last::no : Last::yes));
        BOOST_TEST(peer.keeps_something());
    }
    peer.id = 1;
    peer.send(1, a);
    peer.send(2, b);
    BOOST_TEST((peer.send(3, c, Last::yes) == abc));
}

// covers class-fragments
BOOST_AUTO_TEST_CASE(parts_of_two_messages_make_none) {
    Peer peer;
    peer.send(1, a);
    peer.send(2, b);
    peer.id = 2;
    BOOST_TEST(!peer.send(3, c, Last::yes));
    BOOST_TEST(!peer.send(2, b));
    BOOST_TEST((peer.send(1, a) == abc));
}

// covers class-fragments
BOOST_AUTO_TEST_CASE(another_end_is_another_message) {
    {
        Peer peer;
        peer.send(1, c);
        peer.send(3, c, Last::yes);
        // Shorter: nothing of the old one is in the new one.
        BOOST_TEST(!peer.send(2, b, Last::yes));
        BOOST_TEST((peer.send(1, a) == Octets{0xa1, 0xa2, 0xb1, 0xb2, 0xb3}));
    }
    {
        Peer peer;
        peer.send(2, a, Last::yes);
        // Longer.
        BOOST_TEST(!peer.send(3, c, Last::yes));
        BOOST_TEST(!peer.send(1, a));
        BOOST_TEST((peer.send(2, b) == abc));
    }
}

// covers class-fragments
BOOST_AUTO_TEST_CASE(a_part_behind_the_last_ends_it_all) {
    for (const bool end_first : {true, false}) {
        Peer peer;
        if (end_first) {
            peer.send(2, b, Last::yes);
            BOOST_TEST(!peer.send(3, c));
        } else {
            peer.send(3, c);
            BOOST_TEST(!peer.send(2, b, Last::yes));
        }
        BOOST_TEST(!peer.keeps_something());
        peer.send(1, a);
        BOOST_TEST(peer.send(2, b, Last::yes).has_value());
    }
}

// covers class-fragments, class-memory
BOOST_AUTO_TEST_CASE(an_incomplete_message_is_forgotten_after_its_time) {
    Peer peer;
    peer.send(1, a);
    const auto late = start + longest_wait;
    // What comes later does not prolong it.
    peer.now = late - 1s;
    peer.send(2, b);
    BOOST_TEST((peer.assembly.deadline() == late));
    peer.assembly.on_deadline(late - 1ms);
    BOOST_TEST(peer.keeps_something());
    peer.assembly.on_deadline(late);
    BOOST_TEST(!peer.keeps_something());
    peer.now = late;
    BOOST_TEST(!peer.send(3, c, Last::yes));
    BOOST_TEST((peer.assembly.deadline() == late + longest_wait));
}

BOOST_AUTO_TEST_CASE(what_is_cut_comes_together_again) {
    const auto facts = facts_with(576);
    Octets message(2000);
    for (std::size_t i = 0; i < message.size(); ++i)
        message[i] = static_cast<std::uint8_t>(i * 7);
    const auto parts = fragmented(facts, {}, message);
    BOOST_TEST(parts.size() == 4u);
    Peer peer;
    std::optional<Octets> whole;
    for (const auto& each : parts) {
        // Behind 20 octets of IP, 8 of UDP and 4 of the marker.
        BOOST_TEST(each.size() <= 544u);
        BOOST_TEST(!whole.has_value());
        const auto read = wire::v1::decode_message(each);
        BOOST_REQUIRE(read.has_value());
        whole = peer.assembly.add(start, std::get<wire::v1::FragmentMessage>(*read).fragment);
    }
    BOOST_TEST((whole == message));
}

BOOST_AUTO_TEST_CASE(what_fits_or_cannot_be_cut_goes_whole) {
    const Octets message(2000, 1);
    auto facts = facts_with(2032);
    BOOST_TEST((fragmented(facts, {}, message) == Messages{message}));
    facts.fragment_size = 2031;
    BOOST_TEST(fragmented(facts, {}, message).size() == 2u);
    facts.fragmentation = false;
    BOOST_TEST((fragmented(facts, {}, message) == Messages{message}));
    // No room for an octet behind the headers, or for more parts than can be numbered.
    for (const auto size : std::to_array<std::uint16_t>({0, 20, 68, 69, 75}))
        BOOST_TEST((fragmented(facts_with(size), {}, message) == Messages{message}));
    BOOST_TEST(fragmented(facts_with(76), {}, message).size() == 250u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::ike::v1
