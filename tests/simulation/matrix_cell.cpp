#include "tests/simulation/matrix_cell.h"

#include "ike/overloaded.h"
#include "tests/simulation/scripted_messages.h"

#include <algorithm>
#include <format>
#include <ranges>

namespace viaduct::simulation {

Cell::Cell(policy::Connection own, ike::EndpointSettings settings)
    : peer(std::move(own), std::move(settings)) {
    peer.observe = [this](const ike::Effect& effect, const Heard* heard) {
        on_effect(effect, heard);
    };
}

void Cell::be_greeted() {
    peer.greet({notify(NotifyType::ikev2_fragmentation_supported)});
    last_request = peer.greeting();
}

void Cell::establish() {
    be_greeted();
    ask(ExchangeType::ike_auth, peer.auth_payloads());
    auth_request = last_request;
    peer.pass({});
}

void Cell::call() {
    peer.be_called();
    greets = true;
}

void Cell::call_and_agree() {
    call();
    agree();
    agree();
}

std::optional<Heard> Cell::ask(ExchangeType exchange, const Payloads& payloads) {
    return deliver(
        peer.seal({.exchange = exchange, .message_id = MessageId{peer.sa().next_id++}}, payloads));
}

std::optional<Heard> Cell::deliver(const Octets& octets) {
    last_request = delivered_ = octets;
    ++requests_;
    last_response_.clear();
    return peer.send(octets);
}

std::optional<Heard> Cell::under_way() const {
    for (const auto& each : peer.requests | std::views::reverse)
        if (greets ? each.header.exchange == ExchangeType::ike_sa_init
                   : !peer.sas.empty() && peer.sas.at(peer.current).has(each.header))
            return each;
    return std::nullopt;
}

void Cell::respond(const Payloads& payloads) {
    const auto request = under_way().value();
    std::erase_if(peer.requests, [&](const Heard& each) {
        return each.header.initiator_spi == request.header.initiator_spi &&
               each.header.message_id == request.header.message_id;
    });
    if (request.header.exchange != ExchangeType::ike_sa_init) {
        peer.answer(request, payloads);
        return;
    }
    auto header = request.header;
    header.initiator = false;
    header.response = true;
    peer.send(encode_v2_message(header, payloads));
}

void Cell::agree() {
    const auto request = under_way().value();
    switch (request.header.exchange) {
    case ExchangeType::ike_sa_init:
        std::erase_if(peer.requests, [](const Heard& each) {
            return each.header.exchange == ExchangeType::ike_sa_init;
        });
        peer.answer_greeting(request, {notify(NotifyType::ikev2_fragmentation_supported)});
        greets = false;
        return;
    case ExchangeType::ike_auth:
        respond(peer.auth_answer(request));
        // What follows at once.
        peer.pass({});
        return;
    case ExchangeType::create_child_sa: {
        const bool child = find<TsPayload>(request.payloads) != nullptr;
        auto payloads = child ? peer.child_answer(request, new_spi)
                              : peer.ike_rekey_answer(request, answer_nonce);
        if (child && answer_nonce)
            std::get<NoncePayload>(payloads.at(1)).data = *answer_nonce;
        respond(payloads);
        return;
    }
    default: respond({});
    }
}

void Cell::begin() {
    noting_ = true;
    drops_before_ = peer.endpoint.status().dropped;
    delivered_.clear();
    requests_ = responses_ = 0;
    for (const auto& each : peer.status().ike_sas)
        name(each.initiator_spi);
}

void Cell::on_effect(const ike::Effect& effect, const Heard* heard) {
    carry_out(effect);
    if (const auto* datagram = std::get_if<ike::SendDatagram>(&effect)) {
        if (heard && heard->header.response) {
            ++responses_;
            last_response_ = datagram->octets;
        }
        if (noting_)
            sent_.push_back(heard ? text_of(*heard, *datagram) : "NAT keepalive");
    }
    const auto* report = std::get_if<ike::Report>(&effect);
    if (auto text = report ? report_text(report->event) : std::string(); noting_ && !text.empty())
        reported_.push_back(std::move(text));
}

void Cell::carry_out(const ike::Effect& effect) {
    const auto note = [&](std::string text) {
        if (noting_)
            kernel_.push_back(std::move(text));
    };
    const auto made = [&](const policy::ChildSa& child) {
        if (!std::ranges::contains(children_, child.id, &policy::ChildSa::id))
            children_.push_back(child);
        return name(child.id);
    };
    std::visit(ike::Overloaded{
                   [&](const ike::InstallChildSa& each) {
                       kernel.install(each.child, FakeKernel::Sides::both);
                       note("+" + made(each.child));
                   },
                   [&](const ike::InstallInboundSa& each) {
                       kernel.install(each.child, FakeKernel::Sides::inbound);
                       note("+" + made(each.child) + ".in");
                   },
                   [&](const ike::InstallOutboundSa& each) {
                       kernel.install_outbound(each.child);
                       note("+" + made(each.child) + ".out");
                   },
                   [&](const ike::RemoveOutboundSa& each) {
                       kernel.remove_outbound(each.child);
                       note("-" + name(each.child) + ".out");
                   },
                   [&](const ike::RemoveChildSa& each) {
                       kernel.remove(each.child);
                       note("-" + name(each.child));
                   },
                   [&](const ike::MoveChildSa& each) {
                       kernel.move(each);
                       note("move " + name(each.child));
                   },
                   [&](const ike::ReadTraffic& each) { note("read " + name(each.child)); },
                   [](const auto&) {},
               },
               effect);
}

} // namespace viaduct::simulation
