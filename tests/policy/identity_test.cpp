#include "policy/identity.h"
#include "policy/ip_address.h"
#include "tests/policy/print_values.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(identity)

using namespace viaduct::policy;

namespace {

Identity named(IdentityType type, std::string_view text) {
    return {type, {text.begin(), text.end()}};
}
Identity fqdn(std::string_view text) {
    return named(IdentityType::fqdn, text);
}
Identity mail(std::string_view text) {
    return named(IdentityType::rfc822_address, text);
}
Identity key_id(std::string_view text) {
    return named(IdentityType::key_id, text);
}

bool matches(std::string_view pattern, const Identity& identity) {
    return IdentityPattern::parse(pattern).value().matches(identity);
}

} // namespace

// covers 7296-3.5-b, 7296-3.5-c
BOOST_AUTO_TEST_CASE(an_identity_is_read_by_its_form) {
    BOOST_TEST(Identity::parse("10.10.10.5").value() ==
               Identity::from_address(IpAddress::v4(10, 10, 10, 5)));
    BOOST_TEST((Identity::parse("10.10.10.5")->data == std::vector<std::uint8_t>{10, 10, 10, 5}));
    BOOST_TEST((Identity::parse("2001:db8::1")->type == IdentityType::ipv6_address));
    BOOST_TEST(Identity::parse("2001:db8::1")->data.size() == 16u);
    BOOST_TEST(Identity::parse("gw.example.org").value() == fqdn("gw.example.org"));
    BOOST_TEST(Identity::parse("router1").value() == fqdn("router1"));
    BOOST_TEST(Identity::parse("@gw.example.org").value() == fqdn("gw.example.org"));
    BOOST_TEST(Identity::parse("@10.10.10.5").value() == fqdn("10.10.10.5"));
    BOOST_TEST(Identity::parse("bob@example.org").value() == mail("bob@example.org"));
    BOOST_TEST(Identity::parse("keyid:branch 7").value() == key_id("branch 7"));
    BOOST_TEST(Identity::parse("keyid:0x00ff0A").value() ==
               key_id(std::string_view("\x00\xff\x0a", 3)));
}

BOOST_AUTO_TEST_CASE(what_is_no_identity_is_refused) {
    for (const std::string text : {"",
                                   "@",
                                   "keyid:",
                                   "keyid:0x",
                                   "keyid:0x0",
                                   "keyid:0xgg",
                                   "10.10.10.256",
                                   "1.2.3",
                                   "a..b",
                                   ".a",
                                   "a.",
                                   "a b",
                                   "@a b",
                                   "bob@",
                                   "@\x01",
                                   "bob@a..b",
                                   "*.example.org",
                                   "*@example.org",
                                   "bob@x@y",
                                   "a\\b",
                                   "gw.exämple.org",
                                   "10.10.10.0/24",
                                   "keyid:\n"})
        BOOST_TEST(!Identity::parse(text), text);
    BOOST_TEST(!Identity::parse(std::string(64, 'a') + ".org"));
    BOOST_TEST(!Identity::parse("@" + std::string(255, 'a')));
    BOOST_TEST(Identity::parse("@" + std::string(254, 'a')).has_value());
    BOOST_TEST(!Identity::parse("keyid:" + std::string(256, 'a')));
    BOOST_TEST(!Identity::parse("keyid:0x" + std::string(512, 'a')));
    BOOST_TEST(Identity::parse("keyid:0x" + std::string(510, 'a')).has_value());
}

BOOST_AUTO_TEST_CASE(text_and_identity_are_inverse) {
    for (const auto* const text :
         {"10.10.10.5", "2001:db8::1", "gw.example.org", "@10.10.10.5", "@a@b", "bob@example.org",
          "keyid:branch 7", "keyid:0x00ff", "@keyid:x", "@2001:db8::1", "@-.-"})
        BOOST_TEST(Identity::parse(text)->to_string() ==
                   (text == std::string("@-.-") ? "-.-" : text));
    BOOST_TEST(Identity::parse("@gw.example.org")->to_string() == "gw.example.org");
    BOOST_TEST(key_id("0x12").to_string() == "keyid:0x30783132");
}

BOOST_AUTO_TEST_CASE(what_a_peer_sends_is_fit_for_a_log) {
    BOOST_TEST(fqdn("a\nb\x1b[31m").to_string() == "@a\\x0ab\\x1b[31m");
    BOOST_TEST(fqdn("a\\x0a").to_string() == "@a\\x5cx0a");
    BOOST_TEST(mail("nobody").to_string() == "email:nobody");
    BOOST_TEST(fqdn("").to_string() == "@");
    BOOST_TEST(key_id("").to_string() == "keyid:0x");
    BOOST_TEST((Identity{IdentityType::ipv4_address, {1, 2, 3}}.to_string()) == "ipv4:0x010203");
    BOOST_TEST((Identity{IdentityType::ipv6_address, {}}.to_string()) == "ipv6:0x");
    BOOST_TEST((Identity{IdentityType::der_asn1_dn, {0x30, 0}}.to_string()) == "dn:0x3000");
    BOOST_TEST((Identity{static_cast<IdentityType>(99), {7}}.to_string()) == "id99:0x07");
}

BOOST_AUTO_TEST_CASE(names_compare_without_case_and_everything_else_exactly) {
    BOOST_TEST(matches("GW.example.org", fqdn("gw.EXAMPLE.org")));
    BOOST_TEST(matches("Bob@example.org", mail("bob@Example.org")));
    BOOST_TEST(!matches("keyid:Branch", key_id("branch")));
    BOOST_TEST(!matches("gw.example.org", mail("gw.example.org")));
    BOOST_TEST(!matches("gw.example.org", fqdn("gw.example.org.")));
    BOOST_TEST(!matches("10.10.10.5", fqdn("10.10.10.5")));
    BOOST_TEST(matches("any", fqdn("")));
    BOOST_TEST(matches("any", Identity{static_cast<IdentityType>(99), {}}));
}

BOOST_AUTO_TEST_CASE(a_suffix_matches_whole_labels_before_it) {
    BOOST_TEST(matches("*.example.org", fqdn("gw.example.org")));
    BOOST_TEST(matches("*.example.org", fqdn("a.b.EXAMPLE.org")));
    for (const std::string_view text :
         {".example.org", "example.org", "gwexample.org", "..example.org", "a..example.org",
          "gw.example.org.evil.net", "", "-\n.example.org", "x y.example.org"})
        BOOST_TEST(!matches("*.example.org", fqdn(text)), text);
    BOOST_TEST(!matches("*.example.org", fqdn(std::string_view("evil.net\0.example.org", 21))));
    BOOST_TEST(!matches("*.example.org", mail("bob@gw.example.org")));
    BOOST_TEST(!matches("*.example.org", key_id("gw.example.org")));
}

BOOST_AUTO_TEST_CASE(a_mail_suffix_matches_one_local_part) {
    BOOST_TEST(matches("*@example.org", mail("bob@example.org")));
    BOOST_TEST(!matches("*@example.org", mail("@example.org")));
    BOOST_TEST(!matches("*@example.org", mail("bob@evil.net@example.org")));
    BOOST_TEST(!matches("*@example.org", mail("bob@gw.example.org")));
    BOOST_TEST(!matches("*@example.org", fqdn("bob@example.org")));
}

BOOST_AUTO_TEST_CASE(patterns_are_read_and_written) {
    for (const auto* const text : {"any", "*.example.org", "*@example.org", "gw.example.org",
                                   "10.10.10.5", "keyid:x", "@any"})
        BOOST_TEST(IdentityPattern::parse(text)->to_string() == text);
    for (const auto* const text :
         {"", "*", "*.", "*@", "*x", "*.*.org", "*..org", "**", "gw.*.org", "*.example.org."})
        BOOST_TEST(!IdentityPattern::parse(text), text);
}

BOOST_AUTO_TEST_SUITE_END()
