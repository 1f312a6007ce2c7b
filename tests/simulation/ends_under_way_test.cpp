// Ends that come while something else is under way: what is over stays over, and what is not goes
// on carrying traffic.
#include "tests/simulation/matrix_cell.h"
#include "tests/simulation/scripted_messages.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(ends_under_way)

namespace {

/// Both ends rekey the IKE SA; the peer's successor has the keys, ours is not answered yet.
void cross_ike_rekeys(Cell& cell) {
    cell.establish();
    cell.peer.command(ike::Rekey{cell.peer.own.name, ike::Rekey::What::ike_sas});
    const auto response = cell.ask(ExchangeType::create_child_sa, cell.peer.ike_rekey_payloads());
    cell.peer.take_successor(response.value());
}

} // namespace

BOOST_AUTO_TEST_CASE(a_connection_closed_while_ike_rekeys_cross_stays_closed) {
    Cell cell(plain());
    cross_ike_rekeys(cell);
    cell.peer.command(ike::Terminate{cell.peer.own.name});
    cell.peer.pass({});
    BOOST_TEST((cell.peer.status().state == ike::ConnectionState::down));
    // The successor that the peer believes in is deleted too.
    const auto farewell = cell.peer.requests.back();
    BOOST_TEST(cell.peer.sas.at(1).has(farewell.header));
    BOOST_TEST(find<DeletePayload>(farewell.payloads));
    // The peer, which knows nothing of our rekey, deletes what it replaced.
    cell.ask(ExchangeType::informational, {ike_removal()});
    cell.peer.pass(1min);
    BOOST_TEST((cell.peer.status().state == ike::ConnectionState::down));
    BOOST_TEST(cell.kernel.installed().empty());
}

// RFC 7296 2.21.3: fatal in both peers.
BOOST_AUTO_TEST_CASE(a_peer_that_could_not_read_our_question_has_ended_the_ike_sa) {
    auto own = plain();
    own.dpd.interval = 30s;
    Cell cell(own);
    cell.establish();
    const auto question = request_of(cell.peer, 1min);
    BOOST_REQUIRE(question.has_value());
    cell.peer.answer(*question, {notify(NotifyType::invalid_syntax)});
    BOOST_TEST(cell.kernel.installed().empty());
    BOOST_TEST(!cell.peer.is_up());
}

BOOST_AUTO_TEST_CASE(a_peer_that_could_not_read_our_delete_has_ended_the_ike_sa) {
    Cell cell(plain());
    cell.establish();
    cell.peer.kernel_event(ike::HardExpired{cell.children().front().inbound_spi});
    cell.peer.answer(cell.under_way().value(), {notify(NotifyType::invalid_syntax)});
    for (const auto& sa : cell.peer.status().ike_sas)
        BOOST_TEST(!sa.established);
}

BOOST_AUTO_TEST_CASE(a_child_that_expires_leaves_the_traffic_to_the_successor_that_waits) {
    Cell cell(plain());
    cell.establish();
    const auto old = cell.children().front();
    cell.ask(ExchangeType::create_child_sa, rekey_request(cell.peer, old.outbound_spi));
    const auto fresh = cell.children().back();
    BOOST_TEST(!cell.kernel.installed().at(fresh.id).outbound);
    cell.peer.kernel_event(ike::HardExpired{old.inbound_spi});
    BOOST_TEST(!cell.kernel.installed().contains(old.id));
    BOOST_TEST(cell.kernel.installed().at(fresh.id).outbound);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
