#include "ike/crypto/key_exchange.h"
#include "tests/simulation/matrix_states.h"
#include "tests/simulation/scripted_messages.h"

namespace viaduct::simulation {

namespace {

bool has_keys(Cell& cell) {
    return !cell.peer.sas.empty() && cell.peer.sa().keys.has_value();
}

/// Only IKE_AUTH is a matter for an IKE SA that is half-open.
bool is_authenticated(Cell& cell) {
    return has_keys(cell) && cell.peer.sa().next_id != 1;
}

MatrixEvent request(std::string name, ExchangeType exchange,
                    std::function<std::optional<Payloads>(Cell&)> payloads) {
    return {std::move(name), [exchange, payloads = std::move(payloads)](Cell& cell) {
                if (!has_keys(cell))
                    return false;
                const auto made = payloads(cell);
                if (made)
                    cell.ask(exchange, *made);
                return made.has_value();
            }};
}

bool greet_anew(Cell& cell) {
    auto& peer = cell.peer;
    const auto& proposal = peer.own.ike.proposals.front();
    const auto method = policy::ike_suite(proposal).value().key_exchange;
    const auto key_exchange = ike::crypto::KeyExchange::generate(method, peer.rng).value();
    const auto value = key_exchange.public_value();
    cell.deliver(encode_v2_message({.initiator_spi = IkeSpi{0x9999999999999999},
                                    .exchange = ExchangeType::ike_sa_init,
                                    .initiator = true},
                                   Payloads{SaPayload{{{1, {}, proposal}}},
                                            KeyExchangePayload{static_cast<std::uint16_t>(method),
                                                               {value.begin(), value.end()}},
                                            NoncePayload{Octets(32, 0x55)}}));
    return true;
}

bool repeat_last_request(Cell& cell) {
    if (cell.last_request.empty())
        return false;
    cell.deliver(Octets(cell.last_request));
    return true;
}

bool ask_unknown_critical(Cell& cell) {
    if (!has_keys(cell))
        return false;
    const Octets critical{0, 0x80, 0, 4};
    cell.deliver(cell.peer.seal_octets({.exchange = ExchangeType::informational,
                                        .message_id = MessageId{cell.peer.sa().next_id++}},
                                       PayloadType{200}, critical));
    return true;
}

bool skip_a_message_id(Cell& cell) {
    if (!has_keys(cell))
        return false;
    cell.deliver(cell.peer.seal({.exchange = ExchangeType::informational,
                                 .message_id = MessageId{cell.peer.sa().next_id + 1}},
                                {}));
    return true;
}

Payloads wrong_auth(Cell& cell) {
    auto payloads = cell.peer.auth_payloads();
    for (auto& each : payloads)
        if (auto* auth = std::get_if<AuthPayload>(&each))
            auth->data.at(0) ^= 1;
    return payloads;
}

std::optional<Payloads> rekey_of_child(Cell& cell, std::size_t number) {
    if (number >= cell.children().size())
        return std::nullopt;
    return rekey_request(cell.peer, cell.children().at(number).outbound_spi);
}

std::optional<Payloads> removal_of_child(Cell& cell, std::size_t number) {
    if (number >= cell.children().size())
        return std::nullopt;
    return Payloads{removal(cell.children().at(number).outbound_spi)};
}

bool rekey_ike(Cell& cell) {
    if (!is_authenticated(cell))
        return false;
    const auto response =
        cell.ask(ExchangeType::create_child_sa, cell.peer.ike_rekey_payloads(Octets(32, 0x77)));
    if (response && find<SaPayload>(response->payloads))
        cell.peer.take_successor(*response);
    return true;
}

void append_requests(std::vector<MatrixEvent>& out) {
    using enum ExchangeType;
    const auto always = [](Payloads payloads) {
        return [payloads](Cell&) { return std::optional(payloads); };
    };
    const policy::ChildSpi nobodys{0x12345678};
    out.insert(
        out.end(),
        {{"asks: IKE_SA_INIT, another", greet_anew},
         {"asks: its last request again", repeat_last_request},
         {"asks: message ID skipped", skip_a_message_id},
         request("asks: IKE_AUTH", ike_auth,
                 [](Cell& c) { return std::optional(c.peer.auth_payloads()); }),
         request("asks: IKE_AUTH, wrong key", ike_auth,
                 [](Cell& c) -> std::optional<Payloads> {
                     return is_authenticated(c) ? std::nullopt : std::optional(wrong_auth(c));
                 }),
         request("asks: a child", create_child_sa,
                 [](Cell& c) { return std::optional(c.peer.child_payloads()); }),
         request("asks: rekey A", create_child_sa, [](Cell& c) { return rekey_of_child(c, 0); }),
         request("asks: rekey B", create_child_sa, [](Cell& c) { return rekey_of_child(c, 1); }),
         request("asks: rekey an unknown child", create_child_sa,
                 [](Cell& c) { return std::optional(rekey_request(c.peer, nobodys)); }),
         {"asks: rekey the IKE SA", rekey_ike},
         request("asks: empty", informational, always({})),
         request("asks: delete A", informational, [](Cell& c) { return removal_of_child(c, 0); }),
         request("asks: delete B", informational, [](Cell& c) { return removal_of_child(c, 1); }),
         request("asks: delete an unknown child", informational, always({removal(nobodys)})),
         request("asks: delete the IKE SA", informational, always({ike_removal()})),
         {"asks: unknown critical payload", ask_unknown_critical}});
}

MatrixEvent answer(std::string name, NotifyType type, Octets data = {}) {
    return {"answers: " + std::move(name), [type, data = std::move(data)](Cell& cell) {
                if (!cell.under_way())
                    return false;
                cell.respond({NotifyPayload{.type = type, .data = data}});
                return true;
            }};
}

bool agree(Cell& cell) {
    if (!cell.under_way())
        return false;
    cell.agree();
    return true;
}

bool answer_nothing(Cell& cell) {
    if (!has_keys(cell) || cell.under_way())
        return false;
    cell.peer.send(cell.peer.seal(
        {.exchange = ExchangeType::informational, .response = true, .message_id = MessageId{0}},
        {}));
    return true;
}

void append_answers(std::vector<MatrixEvent>& out) {
    // A group that we did not offer.
    const Octets group{0, 15};
    out.insert(out.end(), {{"answers: as asked", agree},
                           answer("TEMPORARY_FAILURE", NotifyType::temporary_failure),
                           answer("CHILD_SA_NOT_FOUND", NotifyType::child_sa_not_found),
                           answer("NO_ADDITIONAL_SAS", NotifyType::no_additional_sas),
                           answer("NO_PROPOSAL_CHOSEN", NotifyType::no_proposal_chosen),
                           answer("INVALID_KE_PAYLOAD", NotifyType::invalid_ke_payload, group),
                           answer("AUTHENTICATION_FAILED", NotifyType::authentication_failed),
                           answer("INVALID_SYNTAX", NotifyType::invalid_syntax),
                           {"answers: what was not asked", answer_nothing}});
}

/// Lets time pass, from one deadline to the next, until `done`.
void pass_until(Cell& cell, const std::function<bool()>& done) {
    auto& peer = cell.peer;
    const auto end = peer.now + 1h;
    while (const auto due = peer.endpoint.next_deadline()) {
        if (*due > end || done())
            return;
        peer.pass(std::max(*due - peer.now, ike::TimePoint::duration{}));
    }
}

bool wait(Cell& cell) {
    pass_until(cell,
               [&, before = cell.state()] { return cell.has_notes() || cell.state() != before; });
    return true;
}

bool stay_silent(Cell& cell) {
    if (!cell.under_way())
        return false;
    pass_until(cell, [&, before = cell.state()] { return cell.state() != before; });
    return true;
}

MatrixEvent kernel(std::string name, std::function<ike::KernelEvent(policy::ChildSpi)> event) {
    return {std::move(name), [event = std::move(event)](Cell& cell) {
                if (cell.children().empty())
                    return false;
                cell.peer.kernel_event(event(cell.children().front().inbound_spi));
                return true;
            }};
}

MatrixEvent command(std::string name, std::function<ike::Command(Cell&)> made) {
    return {std::move(name), [made = std::move(made)](Cell& cell) {
                cell.peer.command(made(cell));
                return true;
            }};
}

void append_others(std::vector<MatrixEvent>& out) {
    using What = ike::Rekey::What;
    const auto rekey = [](What what) {
        return [what](Cell& c) { return ike::Rekey{c.peer.own.name, what}; };
    };
    out.insert(
        out.end(),
        {{"time: until something happens", wait},
         {"time: no answer comes", stay_silent},
         kernel("kernel: A reaches its soft limit",
                [](policy::ChildSpi spi) { return ike::SoftExpired{spi}; }),
         kernel("kernel: A reaches its hard limit",
                [](policy::ChildSpi spi) { return ike::HardExpired{spi}; }),
         command("operator: up", [](Cell& c) { return ike::Initiate{c.peer.own.name, {}}; }),
         command("operator: rekey the children", rekey(What::child_sas)),
         command("operator: rekey the IKE SA", rekey(What::ike_sas)),
         command("operator: down", [](Cell& c) { return ike::Terminate{c.peer.own.name}; }),
         command("operator: takes the connection out", [](Cell&) { return ike::Reconfigure{}; })});
}

} // namespace

const std::vector<MatrixEvent>& matrix_events() {
    static const auto events = [] {
        std::vector<MatrixEvent> out;
        append_requests(out);
        append_answers(out);
        append_others(out);
        return out;
    }();
    return events;
}

} // namespace viaduct::simulation
