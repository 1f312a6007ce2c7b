#include "policy/connection_file.h"
#include "tests/policy/connection_text.h"
#include "tests/policy/print_values.h"
#include "tests/policy/random_cases.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(connection_mistakes)

using namespace viaduct::policy;

namespace {

constexpr std::string_view secret = "correct horse";

std::vector<std::string> mistakes(std::string_view text, FileAccess access = FileAccess::owner_only,
                                  const SecretFileReader& read_secret = {}) {
    std::vector<std::string> messages;
    const auto result = parse(text, access, read_secret);
    if (!result)
        for (const auto& mistake : result.error())
            messages.push_back(mistake.to_string());
    return messages;
}

/// The only mistake of a file.
std::string mistake(std::string_view text, FileAccess access = FileAccess::owner_only,
                    const SecretFileReader& read_secret = {}) {
    const auto messages = mistakes(text, access, read_secret);
    for (const auto& message : messages)
        BOOST_TEST_MESSAGE(message);
    BOOST_TEST(messages.size() == 1u);
    return messages.empty() ? "none" : messages.front();
}
std::string with_extra(std::string_view extra) {
    return mistake(connection_text(extra));
}
std::string with(std::string_view key, std::string_view line) {
    return mistake(with_line(key, line));
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_no_toml_is_told_with_its_place_and_what_was_expected) {
    BOOST_TEST(mistake("[router\nname = \"router1\"\n") ==
               "router1.toml:1:8: not TOML: Error while parsing table header: expected ']'");
    BOOST_TEST(mistake("[router]\nname \"router1\"\n") ==
               "router1.toml:2:6: not TOML: Error while parsing key-value pair: expected '='");
    BOOST_TEST(mistake("[router]\nname = router1\n").starts_with("router1.toml:2:"));
    // What it quotes of the file could be a secret.
    BOOST_TEST(!mistake("[router]\n\"hidden\" = 1\n\"hidden\" = 2\n").contains("hidden"));
}

BOOST_AUTO_TEST_CASE(all_mistakes_are_reported_at_once_in_the_order_of_the_text) {
    const auto messages = mistakes(R"([router]
nmae = "router1"
[ike.modern]
version = 3
proposals = ["aes257-sha256-modp2048", "aes256-sha256-modp2048"]
[esp.modern]
proposals = []
[[connection]]
name = "vpn 2"
ike = "modren"
esp = 7
local_address = "10.10.10.500"
)");
    const std::vector<std::string> expected{
        "router1.toml:1:1: [router] has no 'name'; expected name = \"router1\"",
        "router1.toml:2:1: unknown key 'nmae' in [router], did you mean 'name'?",
        "router1.toml:4:11: 'version': 3 is out of range; expected 1 to 2",
        "router1.toml:5:15: 'aes257-sha256-modp2048': unknown algorithm 'aes257', did you mean "
        "'aes256'?",
        "router1.toml:7:13: 'proposals': expected strings in an array, such as "
        "[\"aes256gcm16-x25519\"], found an empty array",
        "router1.toml:8:1: connection 'vpn 2' has no 'peer_address'; expected peer_address = "
        "\"10.10.10.4\", a DNS name or \"any\"",
        "router1.toml:8:1: connection 'vpn 2' has neither psk nor psk_file; expected one",
        "router1.toml:8:1: connection 'vpn 2' has no 'local_subnets'; expected local_subnets = "
        "[\"192.168.10.0/24\"]",
        "router1.toml:8:1: connection 'vpn 2' has no 'remote_subnets'; expected remote_subnets = "
        "[\"192.168.10.0/24\"]",
        "router1.toml:9:8: the name 'vpn 2' is not allowed; expected 1 to 128 letters, digits and "
        "any of . _ : - (not first)",
        "router1.toml:10:7: unknown ike policy 'modren', did you mean 'modern'?",
        "router1.toml:11:7: 'esp': expected a string such as \"modern\", found an integer",
        "router1.toml:12:17: '10.10.10.500' is no address of a router; expected one such as "
        "\"10.10.10.5\"",
    };
    BOOST_TEST(messages == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(unknown_keys_and_tables_name_the_nearest) {
    BOOST_TEST(with_extra("remote_subnet = []") ==
               "router1.toml:16:1: unknown key 'remote_subnet' in connection 'vpn2', did you mean "
               "'remote_subnets'?");
    BOOST_TEST(
        with_extra("dpd = { intervall = \"3s\" }") ==
        "router1.toml:16:9: unknown key 'intervall' in dpd of connection 'vpn2', did you mean "
        "'interval'?");
    BOOST_TEST(
        with_extra("[[conection]]") ==
        "router1.toml:16:3: unknown key 'conection' in the file, did you mean 'connection'?");
    BOOST_TEST(with_extra("[esp.other]\nproposals = [\"aes128gcm16\"]\nrekey = 1") ==
               "router1.toml:18:1: unknown key 'rekey' in [esp.other]; expected one of proposals, "
               "lifetime, margin, jitter, replay_window, mode, lifetime_bytes, "
               "lifetime_packets, copy_dscp, copy_ecn, copy_df, offload");
}

BOOST_AUTO_TEST_CASE(a_proposals_mistake_is_placed_inside_the_string) {
    BOOST_TEST(with("proposals",
                    R"(proposals = ["aes256gcm16-prfsha384-x25519", "aes256-sha265-modp2048"])") ==
               "router1.toml:4:54: 'aes256-sha265-modp2048': unknown algorithm 'sha265', did you "
               "mean 'sha256'?");
    BOOST_TEST(
        with("proposals", R"(proposals = ["aes256-sha256-dh14", "aes256-sha256-modp2048"])") ==
        "router1.toml:4:37: 'aes256-sha256-modp2048' is in the list already");
}

BOOST_AUTO_TEST_CASE(the_version_is_a_number) {
    BOOST_TEST(with("proposals", "proposals = [\"aes128-sha1-modp2048\"]\nversion = \"2\"") ==
               "router1.toml:5:11: 'version': expected an integer from 1 to 2, found a string");
}

BOOST_AUTO_TEST_CASE(durations_and_numbers_have_a_range) {
    BOOST_TEST(with("proposals", "proposals = [\"aes128-sha1-modp2048\"]\nlifetime = \"1s\"") ==
               "router1.toml:5:12: 'lifetime': '1s' is out of range; expected 2s to 30d");
    BOOST_TEST(with("proposals", "proposals = [\"aes128-sha1-modp2048\"]\nlifetime = \"8 hours\"")
                   .starts_with("router1.toml:5:12: 'lifetime': '8 hours' is no duration"));
    BOOST_TEST(with("proposals", "proposals = [\"aes128-sha1-modp2048\"]\nlifetime = 28800")
                   .contains("expected a string such as \"8h\", found an integer"));
    BOOST_TEST(with_extra("dpd = { interval = \"2d\" }")
                   .contains("'interval': '2d' is out of range; expected 0s to 1d"));
    BOOST_TEST(with_extra("[esp.x]\nproposals = [\"aes128gcm16\"]\nreplay_window = 0")
                   .contains("'replay_window': 0 is out of range; expected 32 to 4096"));
}

BOOST_AUTO_TEST_CASE(subnets_with_host_bits_suggest_the_subnet) {
    BOOST_TEST(with("local_subnets", R"(local_subnets = ["192.168.11.1/24"])") ==
               "router1.toml:14:19: '192.168.11.1/24' has host bits set, did you mean "
               "'192.168.11.0/24'?");
    BOOST_TEST(with("local_subnets", R"(local_subnets = ["192.168.11.0/33"])")
                   .contains("has no valid prefix length; expected 0 to 32"));
    BOOST_TEST(with("local_subnets", R"(local_subnets = ["2001:db8::1/zz"])")
                   .contains("has no valid prefix length; expected 0 to 128"));
    BOOST_TEST(with("local_subnets", R"(local_subnets = ["private"])").contains("is no subnet"));
    BOOST_TEST(with("local_subnets", R"(local_subnets = [])").contains("found an empty array"));
    BOOST_TEST(
        with("local_subnets", R"(local_subnets = "192.168.11.0/24")")
            .contains(
                "expected strings in an array, such as [\"192.168.10.0/24\"], found a string"));
    BOOST_TEST(with("local_subnets", R"(local_subnets = ["192.168.11.0/24", 7])")
                   .starts_with("router1.toml:14:37: "));
    BOOST_TEST(with("local_subnets", R"(local_subnets = ["10.0.0.0/8", "10.0.0.0/8"])") ==
               "router1.toml:14:33: '10.0.0.0/8' is in 'local_subnets' already");
}

BOOST_AUTO_TEST_CASE(addresses_must_fit_together) {
    BOOST_TEST(
        with("peer_address", R"(peer_address = "2001:db8::1")")
            .contains("local_address 10.10.10.5 and peer_address 2001:db8::1 are of different"));
    BOOST_TEST(with("peer_address", R"(peer_address = "10.10.10.5")")
                   .contains("peer_address is the same as local_address"));
    BOOST_TEST(with("peer_address", R"(peer_address = "0.0.0.0")").contains("expected \"any\""));
    BOOST_TEST(with("peer_address", R"(peer_address = "10.10.10.400")")
                   .contains("is neither an address nor a DNS name"));
    BOOST_TEST(with("peer_address", R"(peer_address = "bob@example.org")")
                   .contains("is neither an address nor a DNS name"));
    BOOST_TEST(
        with("local_address", R"(local_address = "0.0.0.0")").contains("no address of a router"));
    BOOST_TEST(with("local_address", R"(local_address = "auto")").contains("needs a local_id"));
    const auto automatic = with_line("local_address", "local_address = \"auto\"\n"
                                                      "local_id = \"gw.example.org\"");
    BOOST_TEST(mistake(with_line("peer_address", R"(peer_address = "gw.example.org")", automatic))
                   .contains("needs a peer_address that is an address"));
    BOOST_TEST(with("local_subnets", R"(local_subnets = ["2001:db8::/32"])")
                   .contains("no address family is in both local_subnets and remote_subnets"));
}

BOOST_AUTO_TEST_CASE(anybody_cannot_be_called) {
    const auto text = with_line("peer_address", R"(peer_address = "any")",
                                connection_text("start = \"initiate\""));
    BOOST_TEST(mistake(text) ==
               "router1.toml:16:9: start = \"initiate\" needs a peer_address other than \"any\"");
    BOOST_TEST(with_extra("start = \"initate\"").contains("did you mean 'initiate'?"));
    BOOST_TEST(with_extra("start = true").contains("found a boolean"));
    BOOST_TEST(with_extra("dpd = \"30s\"").contains("'dpd': expected a table such as"));
}

BOOST_AUTO_TEST_CASE(our_identity_is_one_and_not_a_pattern) {
    BOOST_TEST(with_extra("local_id = \"any\"").contains("'any' is no identity of one gateway"));
    BOOST_TEST(
        with_extra("local_id = \"*.example.org\"").contains("is no identity of one gateway"));
    BOOST_TEST(with_extra("peer_id = \"a b\"").contains("'a b' is no identity; expected"));
    BOOST_TEST(
        with_extra("peer_id = \"" + std::string(256, 'a') + "\"").contains("longer than 255"));
}

BOOST_AUTO_TEST_CASE(connection_names_are_unique) {
    const auto text = connection_text();
    BOOST_TEST(mistake(text + text.substr(text.find("[[connection]]"))) ==
               "router1.toml:17:8: there is a connection 'vpn2' already, in line 7");
}

BOOST_AUTO_TEST_CASE(a_policy_must_exist) {
    BOOST_TEST(with("ike", R"(ike = "suiteb")") ==
               "router1.toml:9:7: unknown ike policy 'suiteb'; expected modern");
    auto text = connection_text();
    text.replace(text.find("[esp.modern]"), 12, "[ike.other] ");
    text = with_line("esp", R"(esp = "modern")", text);
    BOOST_TEST(mistakes(text).back().ends_with("unknown esp policy 'modern'; the file has no "
                                               "[esp.NAME] table"));
}

BOOST_AUTO_TEST_CASE(a_broken_policy_is_not_blamed_on_its_connections) {
    BOOST_TEST(with("proposals", "lifetime = \"1h\"") ==
               "router1.toml:3:1: [ike.modern] has no 'proposals'; expected proposals = "
               "[\"aes256gcm16-prfsha384-x25519\"]");
}

BOOST_AUTO_TEST_CASE(a_secret_where_others_may_read_it_is_refused) {
    BOOST_TEST(mistake(connection_text(), FileAccess::others_may_read) ==
               "router1.toml:13:7: a psk is refused in a file that others may read: run 'chmod 600 "
               "router1.toml', or put the secret into a psk_file of its own");
}

BOOST_AUTO_TEST_CASE(there_is_exactly_one_secret) {
    BOOST_TEST(with("psk", "").contains("has neither psk nor psk_file; expected one"));
    BOOST_TEST(with("psk", "psk = \"\"").contains("found an empty one"));
    BOOST_TEST(mistake(connection_text("psk_hex = \"00\""))
                   .contains("has both psk and psk_hex; expected one"));
    for (const auto* const digits : {"0", "0x00", "00 11", "secret"}) {
        const auto message = with("psk", "psk_hex = \"" + std::string(digits) + "\"");
        BOOST_TEST(message.contains("must hold two hexadecimal digits for each octet"));
        BOOST_TEST(!message.contains("secret"));
    }
    const auto reader = [](std::string_view) {
        return std::expected<Secret, std::string>(Secret::from_text("x"));
    };
    BOOST_TEST(mistake(connection_text("psk_file = \"x\""), FileAccess::owner_only, reader)
                   .contains("has both psk and psk_file; expected one"));
}

BOOST_AUTO_TEST_CASE(a_secret_file_that_cannot_be_used_says_why) {
    const auto text = with_line("psk", "psk_file = \"vpn2.psk\"");
    const auto refused = [](std::string_view) {
        return std::expected<Secret, std::string>(std::unexpected("no such file"));
    };
    const auto empty = [](std::string_view) {
        return std::expected<Secret, std::string>(Secret());
    };
    BOOST_TEST(mistake(text, FileAccess::owner_only, refused) ==
               "router1.toml:13:12: cannot use psk_file 'vpn2.psk': no such file");
    BOOST_TEST(mistake(text, FileAccess::owner_only, empty).contains("must hold 1 to 1024 octets"));
    BOOST_TEST(mistake(text).contains("files are not read here"));
}

BOOST_AUTO_TEST_CASE(secrets_are_never_in_a_message) {
    for (const auto* const line : {
             "psk = [\"correct horse\"]",
             "psk = { secret = \"correct horse\" }",
             "psk = correct horse",
             "psk = \"correct horse",
             "psk = \"correct horse\\q\"",
             "psk = 'correct horse' 'correct horse'",
             "psk = \"\"\"\ncorrect horse\n\\q\"\"\"",
             "psk \"correct horse\"",
             "psk = true_correct horse",
             "psk: correct horse",
             "psk = \"correct horse\"\npsk = \"correct horse\"",
         }) {
        const auto messages = mistakes(with_line("psk", line));
        BOOST_TEST(!messages.empty(), line);
        for (const auto& message : messages)
            BOOST_TEST((!message.contains("correct") && !message.contains("horse")), message);
    }
    for (const auto* const line : {"psk = 123456789012345678901234567890", "psk = 1979-05-27x",
                                   "psk = 0x1234567g", "psk = truetrue", "psk = 12345678"})
        for (const auto& message : mistakes(with_line("psk", line)))
            BOOST_TEST((!message.contains("1234") && !message.contains("1979") &&
                        !message.contains("truetrue")),
                       message);
}

BOOST_AUTO_TEST_CASE(what_is_no_toml_has_a_place_too) {
    BOOST_TEST(mistake("[router\nname = 1").starts_with("router1.toml:1:"));
    BOOST_TEST(mistake("[=").starts_with("router1.toml:1:"));
    BOOST_TEST(mistake("\u00e9 = 1").starts_with("router1.toml:1:"));
    BOOST_TEST(mistake("\ufdf7 = 1").starts_with("router1.toml:1:"));
    BOOST_TEST(mistake("a = 1 \u00e9").starts_with("router1.toml:1:"));
    BOOST_TEST(mistake("[[").starts_with("router1.toml:1:"));
    BOOST_TEST(with("peer_address", "peer_address = 10.10.10.4").starts_with("router1.toml:12:"));
    BOOST_TEST(mistake("\xff\xfe").starts_with("router1.toml:1:"));
    BOOST_TEST(mistake(std::string_view("a\0b", 3)).starts_with("router1.toml:1:"));
}

BOOST_AUTO_TEST_CASE(wrong_shapes_at_the_top_are_named) {
    BOOST_TEST(mistake("") == "router1.toml: no [router] table; expected [router] with name = "
                              "\"router1\"");
    BOOST_TEST(mistake("router = 7")
                   .contains("'router': expected a table such as [router], found an "
                             "integer"));
    const std::string start = "[router]\nname = \"r\"\n";
    BOOST_TEST(mistake(start + "[connection]\nname = \"x\"")
                   .contains("expected [[connection]] tables, "
                             "found a table"));
    BOOST_TEST(mistake("connection = [1, 2]\n" + start)
                   .contains("expected [[connection]] tables, found "
                             "an array"));
    BOOST_TEST(mistake(start + "[[ike]]\n").contains("'ike': expected a table such as [ike.NAME]"));
    BOOST_TEST(
        mistake(start + "[ike]\nmodern = 7").contains("expected a table [ike.modern], found"));
    BOOST_TEST(
        mistake("[router]\nname = \"r\"\nnetns = \"a/b\"").contains("is neither a name under"));
    BOOST_TEST(mistake("[router]\nname = \"-r\"").contains("the name '-r' is not allowed"));
}

BOOST_AUTO_TEST_CASE(everything_has_a_limit) {
    const auto subnets = [](unsigned count) {
        std::string text = "local_subnets = [";
        for (unsigned i = 0; i < count; ++i)
            text += "\"10.0." + std::to_string(i) + ".0/24\",";
        return text + "]";
    };
    BOOST_TEST(mistakes(with_line("local_subnets", subnets(128))).empty());
    BOOST_TEST(with("local_subnets", subnets(129)).contains("129 values; expected at most 128"));
    std::string proposals = "proposals = [";
    for (int i = 0; i < 33; ++i)
        proposals += "\"aes256-sha256-modp2048\",";
    BOOST_TEST(with("proposals", proposals + "]").contains("33 values; expected at most 32"));
    BOOST_TEST(
        with("psk", "psk = \"" + std::string(1025, 'x') + "\"").contains("longer than 1024"));
    std::string many = "[router]\nname = \"r\"\n";
    for (int i = 0; i < 1025; ++i)
        many += "[[connection]]\n";
    BOOST_TEST(mistake(many).contains("more than 1024 connections in one file"));
    BOOST_TEST(mistake(std::string(1024 * 1024 + 1, '#')).contains("longer than 1048576 octets"));
    std::string unknown;
    for (int i = 0; i < 50000; ++i)
        unknown += "k" + std::to_string(i) + " = 1\n";
    BOOST_TEST(mistakes(unknown).size() == 100u);
}

BOOST_AUTO_TEST_CASE(deep_nesting_is_refused_before_it_costs_stack) {
    std::string dots = "a";
    for (int i = 0; i < 400000; ++i)
        dots += ".a";
    BOOST_TEST(mistake(dots + " = 1").contains("more than 512 dots in one line"));
    BOOST_TEST(mistakes("a = " + std::string(500000, '[')).size() == 1u);
    std::string tables;
    for (int i = 0; i < 100000; ++i)
        tables += "{a=";
    BOOST_TEST(mistakes("a = " + tables).size() == 1u);
    // The deepest that is let through.
    std::string keys = "a";
    for (int i = 0; i < 512; ++i)
        keys += ".a";
    std::string deepest = "[" + keys + "]\n" + keys + " = ";
    std::string end;
    for (int i = 0; i < 6; ++i) {
        deepest += "[\n{" + keys + " = ";
        end += "}]";
    }
    BOOST_TEST(!mistakes(deepest + "1" + end).empty());
}

BOOST_AUTO_TEST_CASE(spoilt_files_are_mistakes_with_a_place_and_never_more) {
    RandomCases cases;
    const auto whole = connection_text("start = \"initiate\"\ndpd = { interval = \"30s\" }\n");
    for (int i = 0; i < 3000; ++i) {
        auto text = whole;
        for (auto edits = 1 + cases.below(4); edits > 0; --edits) {
            const auto at = cases.below(static_cast<std::uint32_t>(text.size()));
            switch (cases.below(3)) {
            case 0: text[at] = static_cast<char>(cases.below(256)); break;
            case 1: text.erase(at, cases.below(40)); break;
            default:
                text.insert(at,
                            text.substr(cases.below(static_cast<std::uint32_t>(text.size())), 20));
            }
        }
        const auto result = parse(text);
        if (result)
            continue;
        // An edit may carry the secret to where it is none.
        const bool in_place =
            text.contains("psk = \"correct horse") && text.find(secret) == text.rfind(secret);
        for (const auto& found : result.error()) {
            BOOST_REQUIRE_MESSAGE(!in_place || !found.message.contains(secret),
                                  found << " with seed " << cases.seed());
            BOOST_REQUIRE_MESSAGE(!found.message.empty() &&
                                      (found.line == 0) == (found.column == 0),
                                  found << " with seed " << cases.seed());
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
