#include "policy/weakness.h"

#include "tests/policy/connection_text.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(weakness)

using namespace viaduct::policy;

namespace {

/// Of a connection with these proposals.
Connection with_proposals(std::string_view ike, std::string_view esp) {
    auto connection = parse(connection_text()).value().connections.connections.front();
    connection.ike.proposals = {parse_proposal(ike, ProtocolId::ike).value()};
    connection.esp.proposals = {parse_proposal(esp, ProtocolId::esp).value()};
    return connection;
}

} // namespace

BOOST_AUTO_TEST_CASE(nothing_is_said_of_what_is_not_weak) {
    BOOST_TEST(weaknesses(with_proposals("aes256-sha256-modp2048", "aes128gcm16")).empty());
}

BOOST_AUTO_TEST_CASE(each_weak_algorithm_is_named_once) {
    auto old = with_proposals("3des-aes256-sha1-sha256-modp1024-modp2048", "3des-sha1-modp1536");
    old.esp.proposals.push_back(old.esp.proposals.front());
    const auto found = weaknesses(old);
    BOOST_REQUIRE(found.size() == 2u);
    BOOST_TEST(found[0] ==
               "IKE accepts weak algorithms: 3DES, PRF_HMAC_SHA1, HMAC_SHA1_96, MODP_1024");
    BOOST_TEST(found[1] == "ESP accepts weak algorithms: 3DES, HMAC_SHA1_96, MODP_1536");
}

BOOST_AUTO_TEST_CASE(the_old_truncation_is_weak) {
    auto old = with_proposals("aes256-sha256-modp2048", "aes128-sha256");
    old.esp.sha256_cut_to_96 = true;
    const auto found = weaknesses(old);
    BOOST_REQUIRE(found.size() == 1u);
    BOOST_TEST(found[0] == "ESP accepts weak algorithms: HMAC_SHA2_256_96");
}

BOOST_AUTO_TEST_CASE(the_old_version_and_its_aggressive_mode_are_weak) {
    auto old = with_proposals("aes256-sha256-modp2048", "aes128gcm16");
    old.ike.version = IkeVersion::v1;
    old.aggressive = true;
    const auto found = weaknesses(old);
    BOOST_REQUIRE(found.size() == 2u);
    BOOST_TEST(found[0].starts_with("IKEv1 is deprecated (RFC 9395)"));
    BOOST_TEST(found[1].starts_with("aggressive mode with a pre-shared key"));
}

BOOST_AUTO_TEST_CASE(several_hosts_by_one_name_are_weak_over_the_old_version) {
    auto any = with_proposals("aes256-sha256-modp2048", "aes128gcm16");
    any.peer_address = AnyPeer{};
    any.unique = Uniqueness::never;
    BOOST_TEST(weaknesses(any).empty());
    any.ike.version = IkeVersion::v1;
    const auto found = weaknesses(any);
    BOOST_REQUIRE(found.size() == 2u);
    BOOST_TEST(
        found[1].starts_with("over IKEv1 the child SAs of hosts that call themselves alike"));
    any.unique = Uniqueness::replace;
    BOOST_TEST(weaknesses(any).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
