// Which traps a router has, and what takes away the state that packets wait with.
#include "xfrm/trap_table.h"

#include "tests/kernel/fixed_child.h"
#include "tests/kernel/netlink_text.h"
#include "xfrm/kernel_address.h"
#include "xfrm/larval_state.h"
#include "xfrm/state_message.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(trap_table)

using namespace viaduct;
using namespace viaduct::test;

namespace {

policy::Connection connection(std::string name,
                              policy::StartAction start = policy::StartAction::on_demand) {
    policy::Connection result;
    result.name = std::move(name);
    result.start = start;
    result.local_address = policy::IpAddress::v4(10, 10, 10, 5);
    result.peer_address = policy::IpAddress::v4(10, 10, 10, 4);
    result.local_selectors = {selector("192.168.10.0/24")};
    result.remote_selectors = {selector("192.168.20.0/24")};
    return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_trap_is_found_by_its_reqid) {
    xfrm::TrapTable table;
    const auto changes = table.replace({{connection("one"), connection("two")}});
    BOOST_REQUIRE(changes.added.size() == 2U);
    BOOST_TEST(changes.removed.empty());
    for (const auto& child : changes.added) {
        BOOST_TEST(policy::is_trap_reqid(child.reqid));
        BOOST_REQUIRE(table.find(child.reqid));
        BOOST_TEST(table.find(child.reqid)->connection == child.connection);
    }
    BOOST_TEST(changes.added[0].reqid != changes.added[1].reqid);
    BOOST_TEST((changes.added[0].id != changes.added[1].id));
    BOOST_TEST(!table.find(policy::reqid_mark | 1));
}

BOOST_AUTO_TEST_CASE(what_did_not_change_stays_as_it_is) {
    xfrm::TrapTable table;
    const auto before = table.replace({{connection("one"), connection("two")}}).added;
    auto changed = connection("two");
    changed.remote_selectors = {selector("192.168.30.0/24")};
    const auto changes = table.replace({{connection("one"), changed}});
    BOOST_REQUIRE(changes.added.size() == 1U);
    BOOST_REQUIRE(changes.removed.size() == 1U);
    BOOST_TEST((changes.removed[0] == before[1].id));
    BOOST_TEST(changes.added[0].connection == "two");
    BOOST_TEST(changes.added[0].reqid != before[1].reqid);
    BOOST_TEST(table.find(before[0].reqid));
    BOOST_TEST(!table.find(before[1].reqid));
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_no_longer_on_demand_has_none) {
    xfrm::TrapTable table;
    table.replace({{connection("one")}});
    const auto changes = table.replace({{connection("one", policy::StartAction::initiate)}});
    BOOST_TEST(changes.removed.size() == 1U);
    BOOST_TEST(table.empty());
}

BOOST_AUTO_TEST_CASE(what_could_not_be_installed_comes_again) {
    xfrm::TrapTable table;
    const auto child = table.replace({{connection("one")}}).added.front();
    table.forget(child.id);
    BOOST_TEST(table.replace({{connection("one")}}).added.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_peer_known_by_name_has_no_address) {
    auto named = connection("one");
    named.peer_address = policy::PeerName{"gw.example.org"};
    xfrm::TrapTable table;
    BOOST_TEST(table.replace({{named}}).added.front().remote_address.is_unspecified());
}

BOOST_AUTO_TEST_CASE(a_larval_state_is_named_and_deleted) {
    auto trap = gcm_child();
    trap.reqid = policy::reqid_mark | policy::trap_reqid_bit | 7;
    trap.if_id = 9;
    const auto messages = xfrm::end_larval_state(trap);
    BOOST_REQUIRE(messages.size() == 2U);

    const auto named = take_apart(messages[0].octets(), sizeof(xfrm_userspi_info));
    xfrm_userspi_info wanted{};
    std::memcpy(&wanted, named.fixed.data(), sizeof(wanted));
    BOOST_TEST(named.type == XFRM_MSG_ALLOCSPI);
    BOOST_TEST(named.flags == (NLM_F_REQUEST | NLM_F_ACK));
    BOOST_TEST(wanted.info.reqid == trap.reqid);
    BOOST_TEST(wanted.info.mode == XFRM_MODE_TUNNEL);
    BOOST_TEST(wanted.info.family == AF_INET);
    BOOST_TEST(wanted.info.id.proto == IPPROTO_ESP);
    BOOST_TEST((xfrm::read_address(wanted.info.saddr, AF_INET) == trap.local_address));
    BOOST_TEST((xfrm::read_address(wanted.info.id.daddr, AF_INET) == trap.remote_address));
    BOOST_TEST(wanted.min == 1U);
    BOOST_TEST(wanted.max == 1U);
    BOOST_TEST(
        (named.attributes == std::multimap<std::uint16_t, Octets>{{XFRMA_IF_ID, {9, 0, 0, 0}}}));

    auto with_spi = trap;
    with_spi.outbound_spi = policy::ChildSpi{1};
    BOOST_TEST(messages[1].octets() ==
                   xfrm::delete_state(with_spi, xfrm::Direction::outbound).octets(),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
