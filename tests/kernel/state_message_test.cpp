#include "xfrm/state_message.h"

#include "xfrm/larval_state.h"
#include "xfrm/state_copy.h"

#include "tests/crypto/vector_file.h"
#include "tests/kernel/fixed_child.h"
#include "tests/kernel/netlink_text.h"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <netinet/in.h>
#include <ranges>

#include <linux/xfrm.h>

BOOST_AUTO_TEST_SUITE(state_message)

using namespace viaduct;
using namespace viaduct::test;
using policy::IntegrityAlgorithm;
using xfrm::Direction;

namespace {

NetlinkParts sent_by_ip(const std::string& name, std::size_t fixed_size,
                        std::uint16_t ignored = 0) {
    static const std::vector<Vector> vectors =
        read_vectors("tests/vectors/kernel/iproute2_xfrm.txt");
    const auto found = std::ranges::find_if(
        vectors, [&](const Vector& vector) { return vector.text("case") == name; });
    BOOST_REQUIRE(found != vectors.end());
    return take_apart(found->octets("octets"), fixed_size, ignored);
}

constexpr xfrm::KernelFeatures every_feature{.sa_direction = true, .nat_keepalive = true};

void require_state_as_ip_sends_it(const std::string& name, const policy::ChildSa& child,
                                  Direction direction, const xfrm::StatePlace& place = {}) {
    const auto message = xfrm::new_state(child, direction, place);
    BOOST_REQUIRE(message);
    BOOST_TEST(take_apart(message->octets(), sizeof(xfrm_usersa_info)) ==
               sent_by_ip(name, sizeof(xfrm_usersa_info)));
}

/// An answer to GETAE as the kernel writes it.
std::vector<std::uint8_t> counters_answer(std::uint64_t bytes, std::uint64_t packets) {
    netns::NetlinkMessage message("answer", XFRM_MSG_NEWAE, 0);
    message.put_fixed(xfrm_aevent_id{});
    message.put_attribute_of(XFRMA_REPLAY_VAL, xfrm_replay_state{});
    message.put_attribute_of(XFRMA_LTIME_VAL, xfrm_lifetime_cur{bytes, packets, 0, 0});
    return {message.octets().begin(), message.octets().end()};
}

} // namespace

BOOST_AUTO_TEST_CASE(states_with_aes_gcm_are_what_ip_sends) {
    require_state_as_ip_sends_it("gcm256 in", gcm_child(), Direction::inbound);
    require_state_as_ip_sends_it("gcm256 out", gcm_child(), Direction::outbound);
}

BOOST_AUTO_TEST_CASE(states_with_aes_cbc_are_what_ip_sends) {
    policy::ChildSa with_lifetime = cbc_child(128, IntegrityAlgorithm::hmac_sha1_96);
    with_lifetime.lifetime = std::chrono::hours(1);
    require_state_as_ip_sends_it("cbc128-sha1 in", with_lifetime, Direction::inbound);
    require_state_as_ip_sends_it("cbc256-sha256 in",
                                 cbc_child(256, IntegrityAlgorithm::hmac_sha2_256_128),
                                 Direction::inbound);
    require_state_as_ip_sends_it("cbc256-sha384 in",
                                 cbc_child(256, IntegrityAlgorithm::hmac_sha2_384_192),
                                 Direction::inbound);
    require_state_as_ip_sends_it("cbc256-sha512 in",
                                 cbc_child(256, IntegrityAlgorithm::hmac_sha2_512_256),
                                 Direction::inbound);
}

BOOST_AUTO_TEST_CASE(states_with_every_other_cipher_are_what_ip_sends) {
    using enum policy::EncryptionAlgorithm;
    const auto require_as_ip = [](const std::string& name, const policy::EspSuite& suite) {
        require_state_as_ip_sends_it(name, child_with(suite), Direction::inbound);
    };
    require_as_ip("chacha20poly1305 in", {.encryption = chacha20_poly1305, .key_bits = 256});
    require_as_ip("ccm128-8 in", {.encryption = aes_ccm_8, .key_bits = 128});
    require_as_ip("gcm256-12 in", {.encryption = aes_gcm_12, .key_bits = 256});
    require_as_ip("gmac192 in", {.encryption = null_auth_aes_gmac, .key_bits = 192});
    require_as_ip("ctr256-sha256 in", {.encryption = aes_ctr,
                                       .key_bits = 256,
                                       .integrity = IntegrityAlgorithm::hmac_sha2_256_128});
}

BOOST_AUTO_TEST_CASE(extended_sequence_numbers_encapsulation_and_an_interface_are_what_ip_sends) {
    policy::ChildSa child = gcm_child();
    child.local_address = policy::IpAddress::parse("fd00:ffff::5").value();
    child.remote_address = policy::IpAddress::parse("fd00:ffff::4").value();
    child.suite.sequence_numbers = policy::SequenceNumbers::extended;
    child.replay_window = 64;
    child.if_id = 9;
    child.encapsulation = policy::UdpEncapsulation{.local_port = 4500, .remote_port = 4501};
    require_state_as_ip_sends_it("esn encapsulated ipv6 in", child, Direction::inbound);
}

BOOST_AUTO_TEST_CASE(limits_by_volume_are_what_ip_sends) {
    policy::ChildSa child = gcm_child();
    child.soft_volume = {900000, 8000};
    child.hard_volume = {1000000, 10000};
    require_state_as_ip_sends_it("volume limits in", child, Direction::inbound);
}

BOOST_AUTO_TEST_CASE(how_headers_are_made_is_what_ip_sends) {
    policy::ChildSa child = gcm_child();
    child.header = {
        .copy_dscp_out = false, .copy_dscp_in = true, .copy_ecn = false, .copy_df = false};
    const xfrm::StatePlace place{.features = every_feature};
    require_state_as_ip_sends_it("header in", child, Direction::inbound, place);
    require_state_as_ip_sends_it("header out", child, Direction::outbound, place);
}

BOOST_AUTO_TEST_CASE(transport_mode_is_what_ip_sends_whatever_is_said_of_headers) {
    policy::ChildSa child = gcm_child();
    child.mode = policy::EspMode::transport;
    child.header = {
        .copy_dscp_out = false, .copy_dscp_in = true, .copy_ecn = false, .copy_df = false};
    require_state_as_ip_sends_it("transport in", child, Direction::inbound);
    BOOST_TEST(
        !take_apart(xfrm::new_state(child, Direction::outbound)->octets(), sizeof(xfrm_usersa_info))
             .attributes.contains(XFRMA_SA_EXTRA_FLAGS));
}

BOOST_AUTO_TEST_CASE(offload_is_what_ip_sends) {
    policy::ChildSa child = gcm_child();
    child.offload = policy::HardwareOffload::crypto;
    const xfrm::StatePlace loopback{.features = every_feature, .offload_interface = 1};
    require_state_as_ip_sends_it("offload crypto in", child, Direction::inbound, loopback);
    child.offload = policy::HardwareOffload::packet;
    require_state_as_ip_sends_it("offload packet out", child, Direction::outbound, loopback);
    child.offload = policy::HardwareOffload::none;
    BOOST_TEST(!take_apart(xfrm::new_state(child, Direction::outbound, loopback)->octets(),
                           sizeof(xfrm_usersa_info))
                    .attributes.contains(XFRMA_OFFLOAD_DEV));
}

BOOST_AUTO_TEST_CASE(the_kernel_sends_keepalives_with_outbound_states_in_udp_alone) {
    policy::ChildSa child = gcm_child();
    child.nat_keepalive = std::chrono::seconds(20);
    const auto asks = [&](Direction direction, const xfrm::KernelFeatures& features) {
        const auto parts =
            take_apart(xfrm::new_state(child, direction, {.features = features})->octets(),
                       sizeof(xfrm_usersa_info));
        const auto found = parts.attributes.find(XFRMA_NAT_KEEPALIVE_INTERVAL);
        return found != parts.attributes.end() && found->second == (Octets{20, 0, 0, 0});
    };
    BOOST_TEST(!asks(Direction::outbound, every_feature));
    child.encapsulation = policy::UdpEncapsulation{};
    BOOST_TEST(asks(Direction::outbound, every_feature));
    BOOST_TEST(!asks(Direction::inbound, every_feature));
    BOOST_TEST(!asks(Direction::outbound, {.sa_direction = true}));
    BOOST_TEST(!asks(Direction::outbound, {}));
}

BOOST_AUTO_TEST_CASE(an_outbound_state_that_says_so_has_no_window) {
    policy::ChildSa child = gcm_child();
    child.suite.sequence_numbers = policy::SequenceNumbers::extended;
    const auto parts = take_apart(
        xfrm::new_state(child, Direction::outbound, {.features = every_feature})->octets(),
        sizeof(xfrm_usersa_info));
    BOOST_REQUIRE_EQUAL(parts.attributes.count(XFRMA_REPLAY_ESN_VAL), 1);
    const auto& value = parts.attributes.find(XFRMA_REPLAY_ESN_VAL)->second;
    BOOST_TEST(std::ranges::all_of(value, [](std::uint8_t octet) { return octet == 0; }));
}

BOOST_AUTO_TEST_CASE(extended_sequence_numbers_always_have_a_window) {
    policy::ChildSa child = gcm_child();
    child.suite.sequence_numbers = policy::SequenceNumbers::extended;
    child.replay_window = 0;
    for (const Direction direction : {Direction::inbound, Direction::outbound}) {
        const auto parts =
            take_apart(xfrm::new_state(child, direction)->octets(), sizeof(xfrm_usersa_info));
        BOOST_REQUIRE_EQUAL(parts.attributes.count(XFRMA_REPLAY_ESN_VAL), 1);
        xfrm_replay_state_esn window{};
        std::memcpy(&window, parts.attributes.find(XFRMA_REPLAY_ESN_VAL)->second.data(),
                    sizeof(window));
        BOOST_TEST(window.replay_window == 32);
        BOOST_TEST(window.bmp_len == 1);
    }
}

BOOST_AUTO_TEST_CASE(a_state_is_deleted_as_ip_does) {
    const auto message = xfrm::delete_state(gcm_child(), Direction::inbound);
    auto expected = sent_by_ip("delete state", sizeof(xfrm_usersa_id));
    // ip names the source too, which XFRM only looks at for protocols without SPI.
    expected.attributes.erase(XFRMA_SRCADDR);
    BOOST_TEST(take_apart(message.octets(), sizeof(xfrm_usersa_id)) == expected);
}

BOOST_AUTO_TEST_CASE(a_state_is_read_and_a_larval_one_is_named_as_ip_does) {
    const auto with_acknowledgement = [](NetlinkParts parts) {
        parts.flags |= NLM_F_ACK;
        return parts;
    };
    policy::ChildSa child = gcm_child();
    child.outbound_spi = policy::ChildSpi{0xc0ffee01};
    child.local_address = policy::IpAddress::v4(10, 10, 10, 5);
    child.remote_address = policy::IpAddress::v4(10, 10, 10, 4);
    // ip(8) also says the source, which the kernel does not need for ESP.
    BOOST_TEST(
        take_apart(xfrm::read_state(child, Direction::outbound).octets(), sizeof(xfrm_usersa_id)) ==
        with_acknowledgement(sent_by_ip("get state", sizeof(xfrm_usersa_id), XFRMA_SRCADDR)));
    BOOST_TEST(
        take_apart(xfrm::end_larval_state(child).front().octets(), sizeof(xfrm_userspi_info)) ==
        with_acknowledgement(sent_by_ip("allocspi", sizeof(xfrm_userspi_info))));
    // GETAE, which ip(8) has no word for: struct xfrm_aevent_id (linux/xfrm.h) with the same
    // state's name, its source, and nothing else.
    const auto counters =
        take_apart(xfrm::query_state(child, Direction::outbound).octets(), sizeof(xfrm_aevent_id));
    BOOST_TEST(counters.type == XFRM_MSG_GETAE);
    auto expected = Octets(sizeof(xfrm_aevent_id), 0);
    const auto id = sent_by_ip("get state", sizeof(xfrm_usersa_id)).fixed;
    std::ranges::copy(id, expected.begin());
    std::ranges::copy(child.local_address.octets(), expected.begin() + sizeof(xfrm_usersa_id));
    BOOST_TEST(counters.fixed == expected, boost::test_tools::per_element());
    BOOST_TEST(counters.attributes.empty());
}

BOOST_AUTO_TEST_CASE(what_the_kernel_has_no_name_for_is_refused_by_name) {
    policy::ChildSa child = gcm_child();
    child.suite.encryption = policy::EncryptionAlgorithm::aes_cbc;
    const auto message = xfrm::new_state(child, Direction::inbound);
    BOOST_REQUIRE(!message);
    BOOST_TEST(message.error().code == EOPNOTSUPP);
    BOOST_TEST(message.error().to_string() ==
               "NEWSA in 10.10.10.4 -> 10.10.10.5 spi 0xc0000000: Operation not supported (no "
               "kernel algorithm for " +
                   child.suite.to_string() + ")");
}

BOOST_AUTO_TEST_CASE(a_window_beyond_the_kernels_is_refused) {
    policy::ChildSa child = gcm_child();
    child.replay_window = 4097;
    BOOST_TEST(!xfrm::new_state(child, Direction::inbound));
    BOOST_TEST(xfrm::new_state(child, Direction::outbound).has_value());
}

BOOST_AUTO_TEST_CASE(counters_are_read_from_the_answer) {
    const auto counted = xfrm::read_counters(counters_answer(8400, 100));
    BOOST_REQUIRE(counted);
    BOOST_TEST(counted->bytes == 8400);
    BOOST_TEST(counted->packets == 100);
}

BOOST_AUTO_TEST_CASE(a_cut_answer_has_no_counters) {
    const auto answer = counters_answer(8400, 100);
    for (std::size_t length = 0; length < answer.size(); ++length) {
        BOOST_TEST(!xfrm::read_counters(std::span(answer).first(length)));
    }
}

BOOST_AUTO_TEST_CASE(the_description_holds_no_key) {
    policy::ChildSa child = gcm_child();
    child.mode = policy::EspMode::transport;
    child.hard_volume.bytes = 1 << 20;
    child.lifetime = std::chrono::hours(1);
    BOOST_TEST(xfrm::describe_state(child, Direction::outbound) ==
               "ip xfrm state add src 10.10.10.5 dst 10.10.10.4 proto esp spi 0xc0000001 reqid 7 "
               "mode transport replay-window 0 aead rfc4106(gcm(aes)) (key) 128 limit byte-hard "
               "1048576 limit time-hard 3600");
    child = gcm_child();
    child.header = {.copy_dscp_out = false, .copy_ecn = false, .copy_df = false};
    BOOST_TEST(xfrm::describe_state(child, Direction::outbound) ==
               "ip xfrm state add src 10.10.10.5 dst 10.10.10.4 proto esp spi 0xc0000001 reqid 7 "
               "mode tunnel replay-window 0 flag noecn flag nopmtudisc flag af-unspec extra-flag "
               "dont-encap-dscp aead rfc4106(gcm(aes)) (key) 128");
    BOOST_TEST(
        xfrm::describe_state(gcm_child(), Direction::inbound) ==
        "ip xfrm state add src 10.10.10.4 dst 10.10.10.5 proto esp spi 0xc0000000 reqid 7 "
        "mode tunnel replay-window 1024 flag icmp flag af-unspec aead rfc4106(gcm(aes)) (key) 128");
}

BOOST_AUTO_TEST_SUITE_END()
