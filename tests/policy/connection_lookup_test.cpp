#include "policy/connection_lookup.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(connection_lookup)

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

std::string names(const std::vector<const Connection*>& connections) {
    std::string text;
    for (const auto* const value : connections)
        text += (text.empty() ? "" : " ") + value->name;
    return text;
}

std::vector<const Connection*> pointers(const ConnectionSet& set) {
    std::vector<const Connection*> found;
    for (const auto& value : set.connections)
        found.push_back(&value);
    return found;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_exact_identity_comes_before_a_suffix_before_any) {
    const ConnectionSet set{{connection("any", there, "any"),
                             connection("suffix", there, "*.example.org"),
                             connection("exact", there, "gw.example.org"),
                             connection("other", there, "gw.example.net")}};
    const auto gw = Identity::parse("GW.example.org").value();
    BOOST_TEST(names(matching_identity(pointers(set), gw, std::nullopt)) == "exact suffix any");
    const auto stranger = Identity::parse("keyid:x").value();
    BOOST_TEST(names(matching_identity(pointers(set), stranger, std::nullopt)) == "any");
}

BOOST_AUTO_TEST_CASE(the_identity_that_the_peer_asks_for_must_be_ours) {
    auto named = connection("named", there);
    named.local_id = Identity::parse("router1.example.org").value();
    const ConnectionSet set{{connection("address", there), named}};
    const auto peer = Identity::from_address(there);
    BOOST_TEST(names(matching_identity(pointers(set), peer,
                                       Identity::parse("Router1.Example.org"))) == "named");
    BOOST_TEST(names(matching_identity(pointers(set), peer, Identity::from_address(here))) ==
               "address");
    BOOST_TEST(matching_identity(pointers(set), peer, peer).empty());
}

BOOST_AUTO_TEST_SUITE_END()
