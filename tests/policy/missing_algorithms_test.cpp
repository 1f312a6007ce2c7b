#include "policy/missing_algorithms.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(missing_algorithms)

using namespace viaduct::policy;

namespace {

Connection proposing(std::initializer_list<const char*> proposals) {
    Connection connection;
    for (const char* const text : proposals)
        connection.esp.proposals.push_back(parse_proposal(text, ProtocolId::esp).value());
    return connection;
}

std::vector<std::string> texts(const Connection& connection) {
    std::vector<std::string> out;
    for (const auto& proposal : connection.esp.proposals)
        out.push_back(proposal_text(proposal));
    return out;
}

std::vector<Transform> transforms(const char* proposal) {
    auto found = parse_proposal(proposal, ProtocolId::esp).value().transforms;
    std::erase_if(found, [](const Transform& transform) {
        return transform.type == TransformType::sequence_numbers;
    });
    return found;
}

} // namespace

BOOST_AUTO_TEST_CASE(ciphers_and_integrity_algorithms_are_asked_for_once_each) {
    const ConnectionSet set{{proposing({"aes128gcm16-x25519", "aes256-sha256-esn"}),
                             proposing({"aes128gcm16", "aes256-sha1-modp2048"})}};
    std::vector<std::string> names;
    for (const auto& each : esp_algorithms(set))
        names.push_back(each.to_string());
    const std::vector<std::string> expected{"AES_CBC_256", "AES_GCM_16_128", "HMAC_SHA1_96",
                                            "HMAC_SHA2_256_128"};
    BOOST_TEST(names == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_left_out_and_the_rest_stays_in_its_order) {
    const auto missing = transforms("chacha20poly1305");
    const auto set = without_algorithms(
        {{proposing({"chacha20poly1305-x25519", "aes256gcm16-chacha20poly1305-x25519-esn",
                     "aes128-sha256"}),
          proposing({"chacha20poly1305"})}},
        missing);
    const std::vector<std::string> expected{"aes256gcm16-x25519-esn", "aes128-sha256"};
    BOOST_TEST(texts(set.connections[0]) == expected, boost::test_tools::per_element());
    BOOST_TEST(set.connections[1].esp.proposals.empty());
}

BOOST_AUTO_TEST_CASE(a_cipher_does_not_stay_without_its_integrity_algorithm) {
    const auto set = without_algorithms({{proposing({"aes128-sha384", "aes128-sha384-sha1"})}},
                                        transforms("aes256-sha384"));
    const std::vector<std::string> expected{"aes128-sha1"};
    BOOST_TEST(texts(set.connections[0]) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_key_length_is_missing_by_itself) {
    const auto set =
        without_algorithms({{proposing({"aes128ccm16-aes256ccm16"})}}, transforms("aes256ccm16"));
    BOOST_TEST(texts(set.connections[0]).front() == "aes128ccm16");
}

BOOST_AUTO_TEST_SUITE_END()
