// What the kernel tells by itself, and what nobody may take for it.
#include "xfrm/kernel_event.h"

#include "netns/netlink_message.h"
#include "tests/kernel/netlink_text.h"

#include <boost/test/unit_test.hpp>
#include <netinet/in.h>

#include <linux/xfrm.h>

BOOST_AUTO_TEST_SUITE(kernel_event)

using namespace viaduct;
using namespace viaduct::test;
using policy::IpAddress;

namespace {

constexpr std::uint32_t reqid = policy::reqid_mark | 7;
const IpAddress gateway = IpAddress::v4(10, 10, 10, 5);
const IpAddress gateway6 = *IpAddress::parse("fd00:ffff::5");

xfrm_address_t kernel(const IpAddress& address) {
    xfrm_address_t result{};
    std::memcpy(&result, address.octets().data(), address.octets().size());
    return result;
}

std::uint16_t family(const IpAddress& address) {
    return address.family() == policy::AddressFamily::ipv4 ? AF_INET : AF_INET6;
}

template <class Fixed> netns::NetlinkMessage message(std::uint16_t type, const Fixed& fixed) {
    netns::NetlinkMessage result("", type, 0);
    result.put_fixed(fixed);
    return result;
}

xfrm_user_expire expire(const IpAddress& destination) {
    xfrm_user_expire result{};
    result.state.id.daddr = kernel(destination);
    result.state.id.spi = htonl(0xc0ffee01);
    result.state.id.proto = IPPROTO_ESP;
    result.state.family = family(destination);
    result.state.reqid = reqid;
    result.state.lft.soft_byte_limit = 1000;
    result.state.lft.hard_byte_limit = 2000;
    result.state.lft.soft_packet_limit = 10;
    result.state.lft.hard_packet_limit = 20;
    return result;
}

xfrm::StateExpired expired(const xfrm_user_expire& fixed) {
    const auto event = xfrm::read_event(message(XFRM_MSG_EXPIRE, fixed).octets());
    BOOST_REQUIRE(event);
    return std::get<xfrm::StateExpired>(*event);
}

netns::NetlinkMessage acquire(std::uint16_t selector_family = AF_INET) {
    xfrm_user_acquire fixed{};
    fixed.id.proto = IPPROTO_ESP;
    fixed.sel.family = selector_family;
    fixed.sel.saddr = kernel(IpAddress::v4(192, 168, 10, 10));
    fixed.sel.daddr = kernel(IpAddress::v4(192, 168, 20, 20));
    fixed.sel.sport = htons(40000);
    fixed.sel.dport = htons(443);
    fixed.sel.proto = IPPROTO_TCP;
    xfrm_user_tmpl first{};
    first.reqid = reqid;
    auto result = message(XFRM_MSG_ACQUIRE, fixed);
    result.put_attribute_of(XFRMA_POLICY_TYPE, xfrm_userpolicy_type{});
    result.put_attribute_of(XFRMA_TMPL, first);
    return result;
}

netns::NetlinkMessage mapping() {
    xfrm_user_mapping fixed{};
    fixed.id.daddr = kernel(gateway);
    fixed.id.spi = htonl(0xc0ffee01);
    fixed.id.family = AF_INET;
    fixed.id.proto = IPPROTO_ESP;
    fixed.reqid = reqid;
    fixed.old_saddr = kernel(IpAddress::v4(203, 0, 113, 1));
    fixed.new_saddr = kernel(IpAddress::v4(203, 0, 113, 2));
    fixed.old_sport = htons(4500);
    fixed.new_sport = htons(61000);
    return message(XFRM_MSG_MAPPING, fixed);
}

} // namespace

BOOST_AUTO_TEST_CASE(an_expired_state_is_told_by_destination_and_spi) {
    for (const auto& destination : {gateway, gateway6}) {
        const auto read = expired(expire(destination));
        BOOST_TEST((read.destination == destination));
        BOOST_TEST((read.spi == policy::ChildSpi{0xc0ffee01}));
        BOOST_TEST(read.reqid == reqid);
        BOOST_TEST(!read.hard);
    }
}

BOOST_AUTO_TEST_CASE(the_counters_say_which_limit_was_reached) {
    auto fixed = expire(gateway);
    BOOST_TEST(to_string(expired(fixed)) == "soft limit of time");
    fixed.state.curlft.packets = 10;
    BOOST_TEST(to_string(expired(fixed)) == "soft limit of packets");
    fixed.hard = 1;
    BOOST_TEST(to_string(expired(fixed)) == "hard limit of time");
    fixed.state.curlft.packets = 20;
    BOOST_TEST(to_string(expired(fixed)) == "hard limit of packets");
    fixed.state.curlft.bytes = 2000;
    BOOST_TEST(to_string(expired(fixed)) == "hard limit of bytes");
}

BOOST_AUTO_TEST_CASE(an_acquire_tells_the_policy_by_its_reqid) {
    const auto event = xfrm::read_event(acquire().octets());
    BOOST_REQUIRE(event);
    const auto& read = std::get<xfrm::Acquire>(*event);
    BOOST_TEST(read.reqid == reqid);
    BOOST_TEST(read.source.to_string() == "192.168.10.10[40000]");
    BOOST_TEST(read.destination.to_string() == "192.168.20.20[443]");
    BOOST_TEST(read.protocol == IPPROTO_TCP);
}

BOOST_AUTO_TEST_CASE(an_acquire_without_template_is_nothing) {
    xfrm_user_acquire fixed{};
    fixed.id.proto = IPPROTO_ESP;
    fixed.sel.family = AF_INET;
    BOOST_TEST(!xfrm::read_event(message(XFRM_MSG_ACQUIRE, fixed).octets()));
    auto short_template = message(XFRM_MSG_ACQUIRE, fixed);
    short_template.put_attribute_of(XFRMA_TMPL, std::uint32_t{reqid});
    BOOST_TEST(!xfrm::read_event(short_template.octets()));
}

BOOST_AUTO_TEST_CASE(a_new_mapping_has_both_ends) {
    const auto event = xfrm::read_event(mapping().octets());
    BOOST_REQUIRE(event);
    const auto& read = std::get<xfrm::MappingChanged>(*event);
    BOOST_TEST((read.destination == gateway));
    BOOST_TEST((read.spi == policy::ChildSpi{0xc0ffee01}));
    BOOST_TEST(read.before.to_string() == "203.0.113.1[4500]");
    BOOST_TEST(read.now.to_string() == "203.0.113.2[61000]");
}

BOOST_AUTO_TEST_CASE(other_families_and_protocols_are_nothing) {
    BOOST_TEST(!xfrm::read_event(acquire(AF_UNIX).octets()));
    auto fixed = expire(gateway);
    fixed.state.family = 0;
    BOOST_TEST(!xfrm::read_event(message(XFRM_MSG_EXPIRE, fixed).octets()));
    fixed = expire(gateway);
    fixed.state.id.proto = IPPROTO_AH;
    BOOST_TEST(!xfrm::read_event(message(XFRM_MSG_EXPIRE, fixed).octets()));
    BOOST_TEST(!xfrm::read_event(message(XFRM_MSG_NEWSA, expire(gateway)).octets()));
}

BOOST_AUTO_TEST_CASE(a_message_cut_short_is_nothing) {
    for (const auto& whole : {message(XFRM_MSG_EXPIRE, expire(gateway)), acquire(), mapping()}) {
        for (std::size_t size = 0; size < whole.octets().size(); ++size) {
            BOOST_TEST(!xfrm::read_event(whole.octets().first(size)));
            // Also when the header was cut to fit.
            Octets cut(whole.octets().begin(),
                       whole.octets().begin() + static_cast<std::ptrdiff_t>(size));
            if (size >= sizeof(nlmsghdr)) {
                const auto length = static_cast<std::uint32_t>(size);
                std::memcpy(cut.data(), &length, sizeof(length));
                BOOST_TEST(!xfrm::read_event(cut));
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
