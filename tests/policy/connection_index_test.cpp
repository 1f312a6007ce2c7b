#include "policy/connection_index.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(connection_index)

using namespace viaduct::policy;

namespace {

const auto here = IpAddress::v4(10, 10, 10, 5);
const auto there = IpAddress::v4(10, 10, 10, 4);

Connection connection(std::string name, PeerAddress peer, std::string_view peer_id = "any") {
    Connection value;
    value.name = std::move(name);
    value.local_address = here;
    value.local_id = Identity::from_address(here);
    value.peer_address = std::move(peer);
    value.peer_id = IdentityPattern::parse(peer_id).value();
    return value;
}

std::string names(const ConnectionSet& set, const std::vector<std::size_t>& positions) {
    std::string text;
    for (const auto position : positions)
        text += (text.empty() ? "" : " ") + set.connections.at(position).name;
    return text;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_connection_is_found_by_its_name) {
    const ConnectionIndex index({{connection("b", there), connection("a", there)}});
    BOOST_TEST(index.find("b").value() == 0u);
    BOOST_TEST(index.find("a").value() == 1u);
    BOOST_TEST(!index.find("c"));
}

BOOST_AUTO_TEST_CASE(a_fixed_peer_comes_before_a_name_before_anybody) {
    const ConnectionSet set{
        {connection("any1", AnyPeer{}), connection("any2", AnyPeer{}),
         connection("name1", PeerName{"gw.example.org"}), connection("fixed1", there),
         connection("other", here), connection("alias", PeerName{"alias.example.org"}),
         connection("fixed2", there), connection("name2", PeerName{"gw.example.org"}),
         connection("elsewhere", PeerName{"other.example.org"})}};
    const ConnectionIndex index(set);
    const std::set<std::string> resolved{"gw.example.org", "alias.example.org", "unused"};
    BOOST_TEST(names(set, index.candidates(IkeVersion::v2, here, there, resolved)) ==
               "fixed1 fixed2 name1 alias name2 any1 any2");
    BOOST_TEST(names(set, index.candidates(IkeVersion::v2, here, there, {})) ==
               "fixed1 fixed2 any1 any2");
}

BOOST_AUTO_TEST_CASE(version_and_local_address_must_fit) {
    auto old = connection("old", there);
    old.ike.version = IkeVersion::v1;
    auto elsewhere = connection("elsewhere", there);
    elsewhere.local_address = IpAddress::v4(10, 10, 10, 6);
    const ConnectionSet set{{old, elsewhere, connection("new", there)}};
    const ConnectionIndex index(set);
    BOOST_TEST(names(set, index.candidates(IkeVersion::v2, here, there, {})) == "new");
    BOOST_TEST(names(set, index.candidates(IkeVersion::v1, here, there, {})) == "old");
    BOOST_TEST(index.candidates(IkeVersion::v2, there, here, {}).empty());
}

BOOST_AUTO_TEST_CASE(connections_are_found_by_the_name_of_their_peer) {
    const ConnectionSet set{{connection("a", PeerName{"gw.example.org"}),
                             connection("b", PeerName{"other.example.org"}), connection("c", there),
                             connection("d", PeerName{"gw.example.org"})}};
    const ConnectionIndex index(set);
    BOOST_TEST(names(set, index.with_peer_name("gw.example.org")) == "a d");
    BOOST_TEST(index.with_peer_name("c").empty());
}

BOOST_AUTO_TEST_CASE(connections_between_the_same_identities_are_rivals) {
    const auto left = connection("left", there, "left.example.org");
    auto twin = connection("twin", there, "left.example.org");
    const auto right = connection("right", there, "right.example.org");
    BOOST_TEST(ConnectionIndex({{left, twin, right}}).has_rival(left));
    BOOST_TEST(!ConnectionIndex({{left, twin, right}}).has_rival(right));
    twin.local_id = Identity::from_address(there);
    BOOST_TEST(!ConnectionIndex({{left, twin, right}}).has_rival(left));
    BOOST_TEST(!ConnectionIndex({{left, twin, right}}).has_rival(twin));
}

BOOST_AUTO_TEST_CASE(a_pattern_is_a_rival_of_all_that_have_our_identity) {
    const auto exact = connection("exact", there, "left.example.org");
    const auto pattern = connection("pattern", there, "*.example.net");
    BOOST_TEST(ConnectionIndex({{exact, pattern}}).has_rival(exact));
    BOOST_TEST(ConnectionIndex({{exact, pattern}}).has_rival(pattern));
    BOOST_TEST(!ConnectionIndex({{pattern}}).has_rival(pattern));
    // One that was configured otherwise before is judged by what is configured now.
    BOOST_TEST(!ConnectionIndex({{exact}}).has_rival(connection("exact", there, "any")));
    BOOST_TEST(ConnectionIndex({{exact}}).has_rival(connection("new", there, "any")));
}

BOOST_AUTO_TEST_SUITE_END()
