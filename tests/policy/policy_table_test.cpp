#include "policy/connection_file.h"
#include "policy/proposal_choice.h"
#include "tests/policy/connection_text.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(policy_table)

using namespace viaduct::policy;
using namespace std::chrono_literals;

namespace {

Connection connection(const std::string& text) {
    const auto result = parse(text);
    BOOST_REQUIRE_MESSAGE(result, mistakes_text(text));
    return result->connections.connections.at(0);
}

IkePolicy ike(std::string_view lines) {
    return connection(with_lines("[ike.modern]", lines)).ike;
}
EspPolicy esp(std::string_view lines) {
    return connection(with_lines("[esp.modern]", lines)).esp;
}

// The lines begin in line 5 of the file for [ike.modern], in line 7 for [esp.modern].
std::string ike_mistake(std::string_view lines) {
    return mistakes_text(with_lines("[ike.modern]", lines));
}
std::string esp_mistake(std::string_view lines) {
    return mistakes_text(with_lines("[esp.modern]", lines));
}

} // namespace

BOOST_AUTO_TEST_CASE(margin_and_jitter_say_when_an_sa_is_rekeyed) {
    const auto modern = ike("lifetime = \"1h\"\nmargin = \"5m\"\njitter = 50");
    BOOST_TEST((modern.rekey == RekeyTime{5min, 50}));
    BOOST_TEST((esp("margin = \"90s\"\njitter = 0").rekey == RekeyTime{90s, 0}));
    BOOST_TEST((esp("jitter = 100").rekey == RekeyTime{{}, 100}));
}

BOOST_AUTO_TEST_CASE(lifetimes_of_seconds_are_possible) {
    BOOST_TEST((esp("lifetime = \"2s\"").lifetime == 2s));
    BOOST_TEST((esp("lifetime = \"2s\"\nmargin = \"1s\"\njitter = 0").rekey == RekeyTime{1s, 0}));
    BOOST_TEST((ike("lifetime = \"5s\"\nmargin = \"2s\"\njitter = 100").lifetime == 5s));
    BOOST_TEST(esp_mistake("lifetime = \"1s\"") ==
               "router1.toml:7:12: 'lifetime': '1s' is out of range; expected 2s to 30d");
}

BOOST_AUTO_TEST_CASE(rekeying_does_not_begin_before_the_sa) {
    BOOST_TEST(ike_mistake("lifetime = \"10m\"\nmargin = \"5m\"") ==
               "router1.toml:6:10: 'margin': 5m with a jitter of 100 percent begins up to 10m "
               "before the end; expected less than the lifetime of 10m");
    BOOST_TEST(esp_mistake("margin = \"1h\"\njitter = 0") ==
               "router1.toml:7:10: 'margin': 1h with a jitter of 0 percent begins up to 1h before "
               "the end; expected less than the lifetime of 1h");
    BOOST_TEST(esp_mistake("lifetime = \"3s\"\nmargin = \"2s\"\njitter = 51")
                   .contains("begins up to 4s before the end"));
    BOOST_TEST(esp_mistake("lifetime = \"3s\"\nmargin = \"2s\"\njitter = 49").empty());
    BOOST_TEST(esp_mistake("margin = \"59m\"\njitter = 1").empty());
    // One mistake is enough.
    BOOST_TEST(ike_mistake("lifetime = \"1s\"\nmargin = \"9h\"") ==
               "router1.toml:5:12: 'lifetime': '1s' is out of range; expected 2s to 30d");
}

BOOST_AUTO_TEST_CASE(margin_and_jitter_have_bounds) {
    BOOST_TEST(ike_mistake("margin = \"0s\"") ==
               "router1.toml:5:10: 'margin': '0s' is out of range; expected 1s to 30d");
    BOOST_TEST(ike_mistake("jitter = 101") ==
               "router1.toml:5:10: 'jitter': 101 is out of range; expected 0 to 100");
    BOOST_TEST(esp_mistake("jitter = -1") ==
               "router1.toml:7:10: 'jitter': -1 is out of range; expected 0 to 100");
    BOOST_TEST(esp_mistake("jitter = \"5%\"") == "router1.toml:7:10: 'jitter': expected an integer "
                                                 "from 0 to 100, found a string");
}

BOOST_AUTO_TEST_CASE(reauthentication_is_off_with_zero) {
    BOOST_TEST((ike("reauthentication = \"1d\"").reauthentication == 24h));
    BOOST_TEST((ike("reauthentication = \"0s\"").reauthentication == 0s));
    BOOST_TEST((ike("reauthentication = \"2s\"").reauthentication == 2s));
    BOOST_TEST(ike_mistake("reauthentication = \"1s\"") ==
               "router1.toml:5:20: 'reauthentication': '1s' is out of range; expected 0s for "
               "never, or 2s to 365d");
    BOOST_TEST(ike_mistake("reauthentication = \"366d\"")
                   .starts_with("router1.toml:5:20: 'reauthentication': '366d' is out of range"));
    BOOST_TEST(
        esp_mistake("reauthentication = \"1d\"")
            .starts_with("router1.toml:7:1: unknown key 'reauthentication' in [esp.modern]"));
}

BOOST_AUTO_TEST_CASE(each_part_of_a_retransmission_schedule_has_its_default) {
    const auto modern =
        ike("first_contact = { first = \"500ms\", factor = 2, longest = \"10m\", attempts = 50 }\n"
            "retransmission = { factor = 1.5 }");
    BOOST_TEST((modern.first_contact == RetransmissionSchedule{500ms, 2.0, 10min, 50}));
    auto expected = established_schedule;
    expected.factor = 1.5;
    BOOST_TEST((modern.retransmission == expected));
    BOOST_TEST((ike("retransmission = {}").retransmission == established_schedule));
    BOOST_TEST((ike("retransmission.first = \"100ms\"").retransmission.first == 100ms));
    BOOST_TEST((ike("first_contact = { first = \"30s\" }").first_contact.first == 30s));
    BOOST_TEST((ike("retransmission = { first = \"60s\", longest = \"60s\", attempts = 1 }")
                    .retransmission.longest == 60s));
}

BOOST_AUTO_TEST_CASE(a_retransmission_schedule_has_bounds) {
    const auto with = [](std::string_view value) {
        return ike_mistake("retransmission = { " + std::string(value) + " }");
    };
    BOOST_TEST(with("first = \"99ms\"") ==
               "router1.toml:5:28: 'first': '99ms' is out of range; expected 100ms to 1m");
    BOOST_TEST(with("first = \"61s\"").contains("'first': '61s' is out of range"));
    BOOST_TEST(with("first = \"0.5s\"") ==
               "router1.toml:5:28: 'first': '0.5s' is no duration; expected a number with a unit, "
               "such as \"500ms\", \"2s\" or \"1m\"");
    BOOST_TEST(with("first = 1") == "router1.toml:5:28: 'first': expected a string such as "
                                    "\"500ms\", found an integer");
    BOOST_TEST(with("factor = 0.9") ==
               "router1.toml:5:29: 'factor': 0.9 is out of range; expected 1 to 4");
    BOOST_TEST(with("factor = 5") ==
               "router1.toml:5:29: 'factor': 5 is out of range; expected 1 to 4");
    BOOST_TEST(with("factor = nan").contains("is out of range; expected 1 to 4"));
    BOOST_TEST(with("factor = inf").contains("is out of range; expected 1 to 4"));
    BOOST_TEST(with("factor = \"2\"") ==
               "router1.toml:5:29: 'factor': expected a number from 1 to 4, found a string");
    BOOST_TEST(with("longest = \"11m\"") ==
               "router1.toml:5:30: 'longest': '11m' is out of range; expected 100ms to 10m");
    BOOST_TEST(with("attempts = 0") ==
               "router1.toml:5:31: 'attempts': 0 is out of range; expected 1 to 50");
    BOOST_TEST(with("attempts = 51").contains("'attempts': 51 is out of range"));
    BOOST_TEST(with("atempts = 5") == "router1.toml:5:20: unknown key 'atempts' in retransmission "
                                      "of [ike.modern], did you mean 'attempts'?");
    BOOST_TEST(ike_mistake("first_contact = 5")
                   .starts_with("router1.toml:5:17: 'first_contact': expected a table such as { "
                                "first = \"1s\""));
}

BOOST_AUTO_TEST_CASE(the_longest_wait_is_no_shorter_than_the_first) {
    BOOST_TEST(ike_mistake("retransmission = { first = \"5s\", longest = \"4s\" }") ==
               "router1.toml:5:44: 'longest' is 4s, which is shorter than 'first', 5s");
    BOOST_TEST(ike_mistake("retransmission = { first = \"17s\" }") ==
               "router1.toml:5:28: 'longest' is 16s by default, which is shorter than 'first', "
               "17s");
    BOOST_TEST(ike_mistake("first_contact = { longest = \"500ms\" }") ==
               "router1.toml:5:29: 'longest' is 500ms, which is shorter than 'first', 1s");
}

BOOST_AUTO_TEST_CASE(childless_sas_and_fragments_are_chosen) {
    BOOST_TEST((ike("childless = \"never\"").childless == ChildlessUse::never));
    BOOST_TEST((ike("childless = \"allow\"").childless == ChildlessUse::allow));
    BOOST_TEST((ike("childless = \"force\"").childless == ChildlessUse::force));
    BOOST_TEST(ike_mistake("childless = \"forse\"") ==
               "router1.toml:5:13: 'childless': unknown word 'forse', did you mean 'force'?");
    BOOST_TEST((ike("fragmentation = false").fragmentation == Fragmentation{false, 1280}));
    BOOST_TEST((ike("fragmentation = true\nfragment_size = 576").fragmentation ==
                Fragmentation{true, 576}));
    BOOST_TEST(ike("fragment_size = 65535").fragmentation.size == 65535);
    BOOST_TEST(ike_mistake("fragmentation = \"yes\"") ==
               "router1.toml:5:17: 'fragmentation': expected true or false, found a string");
    BOOST_TEST(ike_mistake("fragment_size = 575") ==
               "router1.toml:5:17: 'fragment_size': 575 is out of range; expected 576 to 65535");
    BOOST_TEST(ike_mistake("fragment_size = 65536").contains("65536 is out of range"));
    BOOST_TEST(ike_mistake("fragmentsize = 1280")
                   .starts_with("router1.toml:5:1: unknown key 'fragmentsize' in [ike.modern], did "
                                "you mean 'fragment_size'?"));
}

// The first line of connection_text() that begins with proposals is that of [ike.modern].
BOOST_AUTO_TEST_CASE(how_far_sha256_is_cut_is_kept_beside_what_is_negotiated) {
    const auto esp_with = [](std::string_view proposals) {
        const std::string modern = "[\"aes256gcm16-x25519\"]";
        auto text = connection_text();
        return text.replace(text.find(modern), modern.size(), proposals);
    };
    const auto old = connection(esp_with(R"(["aes128-sha256_96", "aes128-sha1"])")).esp;
    BOOST_TEST(old.sha256_cut_to_96);
    BOOST_TEST(proposal_text(old.proposals.front()) == "aes128-sha256");
    const auto agreed = esp_suite(old.proposals.front()).value();
    BOOST_TEST((installed_suite(agreed, old).integrity == IntegrityAlgorithm::hmac_sha2_256_96));
    BOOST_TEST((installed_suite(agreed, {}).integrity == IntegrityAlgorithm::hmac_sha2_256_128));
    const auto sha1 = esp_suite(old.proposals.back()).value();
    BOOST_TEST((installed_suite(sha1, old).integrity == IntegrityAlgorithm::hmac_sha1_96));
    BOOST_TEST(mistakes_text(esp_with(R"(["aes128-sha256_96", "aes256-sha256"])"))
                   .contains("'sha256_96' cannot stand beside 'sha256'"));
}

BOOST_AUTO_TEST_SUITE_END()
