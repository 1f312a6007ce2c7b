#include "xfrm/state_copy.h"

#include "tests/kernel/fixed_child.h"
#include "tests/kernel/netlink_text.h"

#include <boost/test/unit_test.hpp>
#include <cerrno>

#include <linux/xfrm.h>

BOOST_AUTO_TEST_SUITE(state_copy)

using namespace viaduct;
using namespace viaduct::test;
using xfrm::Direction;

namespace {

Octets octets_of(std::initializer_list<std::uint32_t> words) {
    Octets result(words.size() * 4);
    std::memcpy(result.data(), std::data(words), result.size());
    return result;
}

/// A replay window of 32 packets as the kernel tells it: bitmap length, outbound and inbound
/// number, their high halves, window, bitmap.
Octets window(std::uint32_t outbound, std::uint32_t outbound_high = 0) {
    return octets_of({1, outbound, 77, outbound_high, 3, 32, 0xf0f0f0f0});
}

/// What the kernel answers about the outbound state of gcm_child() when it is in UDP.
Octets answer(const Octets& numbers, std::uint16_t type = XFRMA_REPLAY_ESN_VAL,
              std::uint8_t flags = XFRM_STATE_AF_UNSPEC) {
    netns::NetlinkMessage message("answer", XFRM_MSG_NEWSA, 0);
    xfrm_usersa_info info{};
    info.id.daddr = xfrm::kernel_address(policy::IpAddress::v4(10, 10, 10, 4));
    info.id.spi = htonl(0xc0000001);
    info.id.proto = IPPROTO_ESP;
    info.saddr = xfrm::kernel_address(policy::IpAddress::v4(10, 10, 10, 5));
    info.lft.hard_add_expires_seconds = 3600;
    info.curlft = {8400, 100, 1111, 2222};
    info.reqid = 7;
    info.family = AF_INET;
    info.mode = XFRM_MODE_TUNNEL;
    info.flags = flags;
    message.put_fixed(info);
    message.put_attribute_of(XFRMA_LASTUSED, std::uint64_t{5});
    message.put_attribute(XFRMA_ALG_AUTH, octets_of({1}));
    message.put_attribute(XFRMA_ALG_AUTH_TRUNC, octets_of({2}));
    message.put_attribute(XFRMA_ALG_CRYPT, octets_of({3, 4}));
    xfrm_encap_tmpl encapsulation{};
    encapsulation.encap_type = 2;
    encapsulation.encap_sport = encapsulation.encap_dport = htons(4500);
    message.put_attribute_of(XFRMA_ENCAP, encapsulation);
    message.put_attribute(type, numbers);
    message.put_attribute_of(XFRMA_IF_ID, std::uint32_t{9});
    return {message.octets().begin(), message.octets().end()};
}

policy::ChildSa moved_child(const char* remote, std::uint16_t port) {
    policy::ChildSa child = gcm_child();
    child.remote_address = policy::IpAddress::parse(remote).value();
    child.encapsulation = policy::UdpEncapsulation{.local_port = 4500, .remote_port = port};
    return child;
}

NetlinkParts copy(const Octets& told, const policy::ChildSa& child, std::uint32_t skipped) {
    const auto message = xfrm::copied_state(told, child, Direction::outbound, skipped, 0);
    BOOST_REQUIRE(message);
    return take_apart(message->octets(), sizeof(xfrm_usersa_info));
}

Octets only(const NetlinkParts& parts, std::uint16_t type) {
    BOOST_REQUIRE_EQUAL(parts.attributes.count(type), 1);
    return parts.attributes.find(type)->second;
}

template <class Fixed> Fixed as(const Octets& octets) {
    Fixed result{};
    BOOST_REQUIRE_GE(octets.size(), sizeof(result));
    std::memcpy(&result, octets.data(), sizeof(result));
    return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_copy_differs_in_addresses_and_ports_alone) {
    const auto told = answer(window(100));
    const auto parts = copy(told, moved_child("10.10.10.44", 61000), 0);
    BOOST_TEST(parts.type == XFRM_MSG_NEWSA);
    auto expected = take_apart(told, sizeof(xfrm_usersa_info)).fixed;
    const auto destination = xfrm::kernel_address(policy::IpAddress::v4(10, 10, 10, 44));
    std::memcpy(expected.data() + offsetof(xfrm_usersa_info, id), &destination,
                sizeof(destination));
    BOOST_TEST(parts.fixed == expected, boost::test_tools::per_element());
    const auto encapsulation = as<xfrm_encap_tmpl>(only(parts, XFRMA_ENCAP));
    BOOST_TEST(ntohs(encapsulation.encap_sport) == 4500);
    BOOST_TEST(ntohs(encapsulation.encap_dport) == 61000);
    BOOST_TEST(only(parts, XFRMA_REPLAY_ESN_VAL) == window(100));
    BOOST_TEST(only(parts, XFRMA_ALG_CRYPT) == octets_of({3, 4}));
    BOOST_TEST(only(parts, XFRMA_ALG_AUTH_TRUNC) == octets_of({2}));
    BOOST_TEST(only(parts, XFRMA_IF_ID) == octets_of({9}));
    const auto counters = as<xfrm_lifetime_cur>(only(parts, XFRMA_LTIME_VAL));
    BOOST_TEST(counters.bytes == 8400);
    BOOST_TEST(counters.packets == 100);
    BOOST_TEST(counters.add_time == 1111);
    BOOST_TEST(counters.use_time == 2222);
    BOOST_TEST(parts.attributes.count(XFRMA_ALG_AUTH) == 0);
    BOOST_TEST(parts.attributes.count(XFRMA_LASTUSED) == 0);
}

BOOST_AUTO_TEST_CASE(a_copy_follows_to_the_other_family_and_out_of_udp) {
    policy::ChildSa child = gcm_child();
    child.local_address = policy::IpAddress::parse("fd00:ffff::5").value();
    child.remote_address = policy::IpAddress::parse("fd00:ffff::4").value();
    const auto parts = copy(answer(window(100)), child, 0);
    const auto info = as<xfrm_usersa_info>(parts.fixed);
    BOOST_TEST(info.family == AF_INET6);
    BOOST_TEST(info.saddr.a6[3] == htonl(5));
    BOOST_TEST(info.id.daddr.a6[3] == htonl(4));
    BOOST_TEST(parts.attributes.count(XFRMA_ENCAP) == 0);
}

BOOST_AUTO_TEST_CASE(numbers_that_the_original_may_still_spend_are_left_out) {
    const auto child = moved_child("10.10.10.44", 4500);
    BOOST_TEST(only(copy(answer(window(100)), child, 65536), XFRMA_REPLAY_ESN_VAL) ==
               window(65636));
    // In 32 bits there is an end; extended numbers go on.
    BOOST_TEST(only(copy(answer(window(0xffffff00)), child, 65536), XFRMA_REPLAY_ESN_VAL) ==
               window(0xffffffff));
    BOOST_TEST(only(copy(answer(window(0xffffff00, 1), XFRMA_REPLAY_ESN_VAL, XFRM_STATE_ESN), child,
                         65536),
                    XFRMA_REPLAY_ESN_VAL) == window(0xff00, 2));
    BOOST_TEST(only(copy(answer(octets_of({100, 77, 0xf0}), XFRMA_REPLAY_VAL), child, 65536),
                    XFRMA_REPLAY_VAL) == octets_of({65636, 77, 0xf0}));
}

BOOST_AUTO_TEST_CASE(a_redirected_state_is_the_same_but_for_its_ports) {
    const auto told = answer(window(100));
    const auto message =
        xfrm::redirected_state(told, moved_child("10.10.10.4", 61000), Direction::outbound);
    BOOST_REQUIRE(message);
    const auto parts = take_apart(message->octets(), sizeof(xfrm_usersa_info));
    BOOST_TEST(parts.type == XFRM_MSG_UPDSA);
    BOOST_TEST(parts.fixed == take_apart(told, sizeof(xfrm_usersa_info)).fixed,
               boost::test_tools::per_element());
    BOOST_TEST(ntohs(as<xfrm_encap_tmpl>(only(parts, XFRMA_ENCAP)).encap_dport) == 61000);
}

/// What the kernel says of a state that hardware has taken over, flags of its own included.
Octets offloaded_answer(int interface) {
    netns::NetlinkMessage message("answer", XFRM_MSG_NEWSA, 0);
    const auto told = answer(window(100));
    message.put_fixed(as<xfrm_usersa_info>(take_apart(told, sizeof(xfrm_usersa_info)).fixed));
    xfrm_user_offload offload{};
    offload.ifindex = interface;
    offload.flags = XFRM_OFFLOAD_PACKET;
    message.put_attribute_of(XFRMA_OFFLOAD_DEV, offload);
    return {message.octets().begin(), message.octets().end()};
}

BOOST_AUTO_TEST_CASE(a_copy_asks_the_hardware_that_it_is_told_to_ask) {
    const auto told = offloaded_answer(3);
    BOOST_TEST(xfrm::offloaded_to(told) == 3U);
    BOOST_TEST(xfrm::offloaded_to(answer(window(100))) == 0U);
    BOOST_TEST(xfrm::offloaded_to({}) == 0U);
    auto child = moved_child("10.10.10.44", 61000);
    const auto asked = [&](policy::HardwareOffload wanted, std::uint32_t interface) {
        child.offload = wanted;
        const auto copied = xfrm::copied_state(told, child, Direction::outbound, 0, interface);
        return take_apart(copied.value().octets(), sizeof(xfrm_usersa_info));
    };
    const auto elsewhere = asked(policy::HardwareOffload::packet, 7);
    const auto offload = as<xfrm_user_offload>(only(elsewhere, XFRMA_OFFLOAD_DEV));
    BOOST_TEST(offload.ifindex == 7);
    BOOST_TEST(offload.flags == XFRM_OFFLOAD_PACKET);
    using policy::HardwareOffload;
    BOOST_TEST(asked(HardwareOffload::packet, 0).attributes.count(XFRMA_OFFLOAD_DEV) == 0);
    BOOST_TEST(asked(HardwareOffload::none, 7).attributes.count(XFRMA_OFFLOAD_DEV) == 0);
    const auto redirected = xfrm::redirected_state(told, child, Direction::outbound).value();
    BOOST_TEST(take_apart(redirected.octets(), sizeof(xfrm_usersa_info))
                   .attributes.count(XFRMA_OFFLOAD_DEV) == 0);
}

BOOST_AUTO_TEST_CASE(a_cut_answer_is_refused) {
    const auto told = answer(window(100));
    for (std::size_t length = 0; length < told.size(); ++length) {
        const auto message = xfrm::copied_state(std::span(told).first(length), gcm_child(),
                                                Direction::outbound, 0, 0);
        BOOST_REQUIRE(!message);
        BOOST_TEST(message.error().code == EBADMSG);
    }
}

BOOST_AUTO_TEST_CASE(what_comes_without_its_key_is_not_copied) {
    xfrm_algo cipher{};
    cipher.alg_key_len = 128;
    const auto* const front = reinterpret_cast<const std::uint8_t*>(&cipher);
    Octets algorithm(front, front + sizeof(cipher));
    algorithm.resize(algorithm.size() + 16);
    const auto told = [&] {
        auto octets = answer(window(100));
        netns::NetlinkMessage message("answer", XFRM_MSG_NEWSA, 0);
        message.put_fixed(
            as<xfrm_usersa_info>(Octets(octets.begin() + NLMSG_HDRLEN, octets.end())));
        message.put_attribute(XFRMA_ALG_CRYPT, algorithm);
        return Octets(message.octets().begin(), message.octets().end());
    };
    const auto child = moved_child("10.10.10.44", 61000);
    const auto copied = xfrm::copied_state(told(), child, Direction::outbound, 0, 0);
    BOOST_REQUIRE(!copied);
    BOOST_TEST(copied.error().code == ENOKEY);
    // In place, no key is set.
    BOOST_TEST(xfrm::redirected_state(told(), child, Direction::outbound).has_value());
    algorithm.back() = 1;
    BOOST_TEST(xfrm::copied_state(told(), child, Direction::outbound, 0, 0).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
