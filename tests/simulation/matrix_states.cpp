#include "tests/simulation/matrix_states.h"

#include "tests/simulation/scripted_messages.h"

namespace viaduct::simulation {

namespace {

using Drive = std::function<void(Cell&)>;

/// Nothing happens by itself soon, but that the IKE SA is rekeyed.
policy::Connection quiet() {
    auto own = plain();
    own.ike.lifetime = 20min;
    own.esp.lifetime = 8h;
    return own;
}

std::function<std::unique_ptr<Cell>()> cell(policy::Connection own, Drive drive) {
    return [own = std::move(own), drive = std::move(drive)] {
        auto made = std::make_unique<Cell>(own);
        drive(*made);
        return made;
    };
}

policy::Connection watched() {
    auto own = quiet();
    own.dpd.interval = 30s;
    return own;
}

policy::Connection pairs() {
    auto own = quiet();
    own.children = policy::ChildrenShape::per_pair;
    return own;
}

policy::Connection authenticating_anew() {
    auto own = quiet();
    own.ike.lifetime = 8h;
    own.ike.reauthentication = 20min;
    return own;
}

/// Lets time pass until the endpoint asks for something.
void wait_for_request(Cell& cell) {
    const auto end = cell.peer.now + 30min;
    while (cell.peer.requests.empty() && cell.peer.now < end)
        cell.peer.pass(100ms);
}

Drive rekeying(ike::Rekey::What what) {
    return [what](Cell& cell) {
        cell.establish();
        cell.peer.command(ike::Rekey{cell.peer.own.name, what});
    };
}
const auto rekeying_child = rekeying(ike::Rekey::What::child_sas);
const auto rekeying_ike = rekeying(ike::Rekey::What::ike_sas);

void ask_rekey_of_child(Cell& cell, std::optional<Octets> nonce) {
    auto payloads = rekey_request(cell.peer, cell.children().front().outbound_spi);
    if (nonce)
        std::get<NoncePayload>(payloads.at(2)).data = *nonce;
    cell.ask(ExchangeType::create_child_sa, payloads);
    cell.peer.pass({});
}

void ask_rekey_of_ike(Cell& cell, const std::optional<Octets>& nonce) {
    const auto response =
        cell.ask(ExchangeType::create_child_sa, cell.peer.ike_rekey_payloads(nonce));
    cell.peer.take_successor(response.value());
    cell.peer.pass({});
}

const Octets lowest(32, 0), highest(32, 0xff);

/// The peer's exchange has the lowest nonce of the four, or ours.
Drive crossing_child(bool peer_loses) {
    return [peer_loses](Cell& cell) {
        rekeying_child(cell);
        ask_rekey_of_child(cell, peer_loses ? lowest : highest);
        cell.answer_nonce = peer_loses ? highest : lowest;
    };
}

Drive crossing_ike(bool peer_loses) {
    return [peer_loses](Cell& cell) {
        rekeying_ike(cell);
        ask_rekey_of_ike(cell, peer_loses ? lowest : highest);
        cell.answer_nonce = peer_loses ? highest : lowest;
    };
}

void append_first_contact(std::vector<MatrixState>& out) {
    out.insert(
        out.end(),
        {{"IKE_SA_INIT sent", "we began; nothing is known of the peer",
          cell(quiet(), [](Cell& c) { c.call(); })},
         {"IKE_AUTH sent", "we began; there are keys, and we have shown who we are",
          cell(quiet(),
               [](Cell& c) {
                   c.call();
                   c.agree();
               })},
         {"IKE_SA_INIT answered", "the peer began; anybody may have",
          cell(quiet(), [](Cell& c) { c.be_greeted(); })},
         {"established, by us", "we began; the IKE SA and child A stand, and nothing is asked",
          cell(quiet(), [](Cell& c) { c.call_and_agree(); })},
         {"established, by the peer", "the peer began; the IKE SA and child A stand",
          cell(quiet(), [](Cell& c) { c.establish(); })},
         {"liveness check", "nothing came for the DPD interval, and the peer is asked",
          cell(watched(),
               [](Cell& c) {
                   c.establish();
                   wait_for_request(c);
               })},
         {"further child asked for",
          "one child for each pair of subnets, and the second is missing",
          cell(pairs(), [](Cell& c) {
              c.call_and_agree();
              wait_for_request(c);
          })}});
}

void append_children(std::vector<MatrixState>& out) {
    out.insert(
        out.end(),
        {{"child rekey asked for", "we rekey A", cell(quiet(), rekeying_child)},
         {"child rekeys cross, the peer's loses",
          "we rekey A and the peer did; its nonce is lowest", cell(quiet(), crossing_child(true))},
         {"child rekeys cross, ours loses",
          "we rekey A and the peer did; the lowest nonce will be in our exchange",
          cell(quiet(), crossing_child(false))},
         {"child rekeyed by the peer", "B came in place of A; the peer's Delete of A is awaited",
          cell(quiet(),
               [](Cell& c) {
                   c.establish();
                   ask_rekey_of_child(c, std::nullopt);
               })},
         {"old child's Delete sent", "our rekey made B, and A takes in what is under way",
          cell(quiet(),
               [](Cell& c) {
                   rekeying_child(c);
                   c.agree();
               })},
         {"child closed by the peer", "an IKE SA without child; the peer closed A",
          cell(quiet(), [](Cell& c) {
              c.establish();
              c.ask(ExchangeType::informational, {removal(c.children().front().outbound_spi)});
          })}});
}

void append_ends(std::vector<MatrixState>& out) {
    out.insert(out.end(),
               {{"IKE rekey asked for", "we rekey the IKE SA", cell(quiet(), rekeying_ike)},
                {"IKE rekeys cross, the peer's loses",
                 "we rekey the IKE SA and the peer did; its nonce is lowest",
                 cell(quiet(), crossing_ike(true))},
                {"IKE rekeys cross, ours loses",
                 "we rekey the IKE SA and the peer did; the lowest nonce will be in our exchange",
                 cell(quiet(), crossing_ike(false))},
                {"IKE SA rekeyed by the peer",
                 "SA 2 has the children; the peer's Delete of SA 1 is awaited. Events come in SA 1",
                 cell(quiet(),
                      [](Cell& c) {
                          c.establish();
                          ask_rekey_of_ike(c, std::nullopt);
                      })},
                {"old IKE SA's Delete sent", "our rekey made SA 2. Events come in SA 1",
                 cell(quiet(),
                      [](Cell& c) {
                          rekeying_ike(c);
                          c.agree();
                      })},
                {"authenticating anew",
                 "we begin SA 2, which is to take the place of SA 1. Requests come in SA 1, "
                 "answers in SA 2",
                 cell(authenticating_anew(),
                      [](Cell& c) {
                          c.call_and_agree();
                          wait_for_request(c);
                          c.greets = true;
                      })},
                {"IKE SA's Delete sent", "the operator closed the connection",
                 cell(quiet(),
                      [](Cell& c) {
                          c.establish();
                          c.peer.command(ike::Terminate{c.peer.own.name});
                      })},
                {"IKE SA closed by the peer", "only the last response is kept, to be repeated",
                 cell(quiet(), [](Cell& c) {
                     c.establish();
                     c.ask(ExchangeType::informational, {ike_removal()});
                 })}});
}

} // namespace

const std::vector<MatrixState>& matrix_states() {
    static const auto states = [] {
        std::vector<MatrixState> out;
        append_first_contact(out);
        append_children(out);
        append_ends(out);
        return out;
    }();
    return states;
}

} // namespace viaduct::simulation
