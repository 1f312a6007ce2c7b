#include "policy/connection_file.h"
#include "tests/policy/connection_text.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(ikev1_limits)

using namespace viaduct::policy;

namespace {

/// The file with an IKEv1 policy of these proposals, and `extra` at the end of the connection.
std::string old_text(std::string_view proposals = R"(["aes256-sha256-modp2048"])",
                     std::string_view extra = "") {
    auto text = connection_text(extra);
    const std::string modern = R"(["aes256gcm16-prfsha384-x25519"])";
    text.replace(text.find(modern), modern.size(), proposals);
    return with_lines("[ike.modern]", "version = 1", text);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_policy_is_for_one_version) {
    const auto old = parse(old_text()).value().connections.connections.front();
    BOOST_TEST((old.ike.version == IkeVersion::v1));
    BOOST_TEST(!old.aggressive);
    const auto modern = parse(connection_text()).value().connections.connections.front();
    BOOST_TEST((modern.ike.version == IkeVersion::v2));
}

BOOST_AUTO_TEST_CASE(an_aead_cannot_protect_ikev1_itself) {
    BOOST_TEST(mistakes_text(old_text(R"(["aes256gcm16-prfsha384-x25519"])"))
                   .contains("an AEAD does not protect IKEv1 itself, only ESP"));
}

BOOST_AUTO_TEST_CASE(ikev1_itself_is_encrypted_in_cbc_mode) {
    BOOST_TEST(mistakes_text(old_text(R"(["aes256ctr-sha256-modp2048"])"))
                   .contains("IKEv1 itself is encrypted with AES-CBC"));
}

BOOST_AUTO_TEST_CASE(ikev1_has_no_number_for_chacha20) {
    for (const auto* proposals :
         {R"(["chacha20poly1305-x25519"])", R"(["aes256gcm16", "chacha20poly1305"])"}) {
        const auto esp = "proposals = " + std::string(proposals);
        auto text = old_text();
        const std::string modern = R"(proposals = ["aes256gcm16-x25519"])";
        text.replace(text.find(modern), modern.size(), esp);
        BOOST_TEST(mistakes_text(text).contains(
            "IKEv1 has no number for ChaCha20-Poly1305; the IPsec policy 'modern'"));
        auto modern_text = connection_text();
        modern_text.replace(modern_text.find(modern), modern.size(), esp);
        BOOST_TEST(mistakes_text(modern_text) == "");
    }
}

BOOST_AUTO_TEST_CASE(other_ciphers_of_esp_are_taken) {
    auto text = old_text();
    const std::string modern = R"(["aes256gcm16-x25519"])";
    text.replace(
        text.find(modern), modern.size(),
        R"(["aes256ctr-sha256", "aes256ccm16", "aes256gmac", "aes256gcm16-esn", "3des-sha1"])");
    BOOST_TEST(mistakes_text(text) == "");
}

BOOST_AUTO_TEST_CASE(the_hash_makes_the_prf) {
    BOOST_TEST(mistakes_text(old_text(R"(["aes256-sha256-prfsha512-modp2048"])"))
                   .contains("in IKEv1 the hash algorithm makes the PRF"));
    BOOST_TEST(mistakes_text(old_text(R"(["aes256-sha256-sha1-modp2048-modp1024"])")).empty());
}

BOOST_AUTO_TEST_CASE(keys_of_ikev2_are_refused) {
    for (const auto* line : {"childless = \"allow\"", "reauthentication = \"1h\""})
        BOOST_TEST(mistakes_text(with_lines("[ike.modern]", line, old_text()))
                       .contains("belongs to IKEv2"));
}

BOOST_AUTO_TEST_CASE(transport_mode_is_taken) {
    auto text = with_lines("[esp.modern]", "mode = \"transport\"", old_text());
    text = with_line("local_subnets", "local_subnets = [\"10.10.10.5\"]", text);
    text = with_line("remote_subnets", "remote_subnets = [\"10.10.10.4\"]", text);
    BOOST_TEST(mistakes_text(text) == "");
}

BOOST_AUTO_TEST_CASE(aggressive_mode_is_a_word_of_ikev1) {
    BOOST_TEST(parse(old_text(R"(["aes256-sha256-modp2048"])", "aggressive = true\n"))
                   .value()
                   .connections.connections.front()
                   .aggressive);
    BOOST_TEST(mistakes_text(connection_text("aggressive = true\n"))
                   .contains("'aggressive' belongs to IKEv1"));
}

BOOST_AUTO_TEST_CASE(one_port_or_all_of_a_protocol) {
    const auto with_remote = [](std::string_view remote) {
        return mistakes_text(with_line(
            "remote_subnets", "remote_subnets = [\"" + std::string(remote) + "\"]", old_text()));
    };
    BOOST_TEST(with_remote("192.168.30.0/24").empty());
    BOOST_TEST(with_remote("192.168.30.0/24[tcp]").empty());
    BOOST_TEST(with_remote("192.168.30.0/24[tcp/443]").empty());
    BOOST_TEST(with_remote("192.168.30.0/24[tcp/1024-2047]")
                   .contains("IKEv1 has no word for ranges of ports"));
    BOOST_TEST(with_remote("192.168.30.0/24[icmp/8]").contains("IKEv1 has no word"));
}

BOOST_AUTO_TEST_SUITE_END()
