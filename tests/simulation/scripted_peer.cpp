#include "tests/simulation/scripted_peer.h"

#include "ike/crypto/key_exchange.h"
#include "ike/crypto/shared_key_auth.h"
#include "policy/proposal_choice.h"

#include <algorithm>
#include <stdexcept>

namespace viaduct::simulation {

using namespace ike::wire;

namespace {

template <typename T> const T& first_of(const Payloads& payloads) {
    for (const auto& each : payloads)
        if (const auto* found = std::get_if<T>(&each))
            return *found;
    throw std::runtime_error("a payload is missing");
}

policy::IkeSuite suite_of(const policy::Connection& connection) {
    return policy::ike_suite(connection.ike.proposals.front()).value();
}

} // namespace

std::optional<NotifyPayload> Heard::error() const {
    for (const auto& each : payloads)
        if (const auto* notify = std::get_if<NotifyPayload>(&each))
            if (static_cast<std::uint16_t>(notify->type) < 16384)
                return *notify;
    return std::nullopt;
}

bool Heard::has(NotifyType type) const {
    return std::ranges::any_of(payloads, [&](const Payload& each) {
        const auto* notify = std::get_if<NotifyPayload>(&each);
        return notify && notify->type == type;
    });
}

std::vector<policy::ChildSpi> Heard::deleted() const {
    std::vector<policy::ChildSpi> out;
    for (const auto& each : payloads)
        if (const auto* removal = std::get_if<DeletePayload>(&each))
            out.insert(out.end(), removal->spis.begin(), removal->spis.end());
    return out;
}

ScriptedPeer::ScriptedPeer(policy::Connection connection)
    : own(std::move(connection)),
      endpoint({{mirrored(own)}}, endpoint_rng),
      path_{{std::get<policy::IpAddress>(own.peer_address), 500}, {own.local_address, 500}},
      suite_(suite_of(own)) {
    endpoint.on_deadline(now);
    drain();
}

std::vector<std::uint8_t> ScriptedPeer::seal(Header header, const Payloads& payloads) {
    header.initiator_spi = own_spi_;
    header.responder_spi = peer_spi_;
    header.initiator = true;
    return ike::crypto::seal_v2_message(suite_, ike::crypto::initiator_direction(keys_.value()),
                                        header, payloads, counter_++, rng)
        .value();
}

Heard ScriptedPeer::open(std::span<const std::uint8_t> octets) const {
    const auto outer = decode_v2_message(octets).value();
    if (!outer.encrypted)
        return {outer.header, outer.payloads};
    const auto opened =
        ike::crypto::open_v2_message(suite_, ike::crypto::responder_direction(keys_.value()),
                                     octets, *outer.encrypted)
            .value();
    return {outer.header, decode_v2_payloads(opened.first(), opened.octets()).value()};
}

std::optional<Heard> ScriptedPeer::drain() {
    std::optional<Heard> response;
    while (auto effect = endpoint.next_effect()) {
        auto* datagram = std::get_if<ike::SendDatagram>(&*effect);
        if (!datagram)
            continue;
        datagrams.push_back(datagram->octets);
        // Of an IKE SA that followed this one the peer has no keys.
        if (decode_v2_message(datagram->octets).value().header.initiator_spi != own_spi_)
            continue;
        auto heard = open(datagram->octets);
        if (heard.header.response)
            response = std::move(heard);
        else
            requests.push_back(std::move(heard));
    }
    return response;
}

void ScriptedPeer::greet(Payloads extra) {
    const auto key_exchange = ike::crypto::KeyExchange::generate(suite_.key_exchange, rng).value();
    nonce_.resize(32);
    rng.randomize(nonce_);
    const auto value = key_exchange.public_value();
    Payloads payloads{SaPayload{{{1, {}, own.ike.proposals.front()}}},
                      KeyExchangePayload{static_cast<std::uint16_t>(suite_.key_exchange),
                                         {value.begin(), value.end()}},
                      NoncePayload{nonce_}};
    payloads.insert(payloads.end(), extra.begin(), extra.end());
    first_ = encode_v2_message(
        {.initiator_spi = own_spi_, .exchange = ExchangeType::ike_sa_init, .initiator = true},
        payloads);
    endpoint.on_datagram(now, path_, first_);
    const auto response = drain().value();
    peer_spi_ = response.header.responder_spi;
    peer_nonce_ = first_of<NoncePayload>(response.payloads).data;
    const auto secret =
        key_exchange.agree(first_of<KeyExchangePayload>(response.payloads).data, rng).value();
    keys_ = ike::crypto::derive_ike_keys(suite_, secret, nonce_, peer_nonce_, own_spi_, peer_spi_)
                .value();
    next_id = 1;
}

Payloads ScriptedPeer::child_payloads() {
    SaPayload sa;
    const auto spi = next_spi_++;
    auto proposal = own.esp.proposals.back();
    std::erase_if(proposal.transforms, [](const policy::Transform& each) {
        return each.type == policy::TransformType::key_exchange;
    });
    sa.proposals.push_back(
        {1,
         {static_cast<std::uint8_t>(spi >> 24), static_cast<std::uint8_t>(spi >> 16),
          static_cast<std::uint8_t>(spi >> 8), static_cast<std::uint8_t>(spi)},
         std::move(proposal)});
    Octets nonce(32);
    rng.randomize(nonce);
    return {std::move(sa), NoncePayload{std::move(nonce)},
            TsPayload{TsPayload::Side::initiator, own.local_selectors, 0},
            TsPayload{TsPayload::Side::responder, own.remote_selectors, 0}};
}

Payload ScriptedPeer::rekey_notify(policy::ChildSpi spi, policy::ProtocolId protocol) const {
    const auto number = static_cast<std::uint32_t>(spi);
    return NotifyPayload{
        .protocol = protocol,
        .spi = {static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
                static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)},
        .type = NotifyType::rekey_sa,
        .data = {}};
}

Payloads ScriptedPeer::auth_payloads() {
    auto auth = ike::crypto::shared_key_auth(suite_.prf, own.psk,
                                             {first_, peer_nonce_, keys_.value().pi, own.local_id})
                    .value();
    Payloads payloads{IdPayload{IdPayload::Side::initiator, own.local_id},
                      AuthPayload{AuthMethod::shared_key, std::move(auth)}};
    for (auto& each : child_payloads())
        if (!std::holds_alternative<NoncePayload>(each))
            payloads.push_back(std::move(each));
    return payloads;
}

void ScriptedPeer::establish() {
    greet();
    const auto response = ask(ExchangeType::ike_auth, auth_payloads());
    if (!response || response->error())
        throw std::runtime_error("IKE_AUTH was refused");
}

std::optional<Heard> ScriptedPeer::ask_as(std::uint32_t id, ExchangeType exchange,
                                          const Payloads& payloads) {
    endpoint.on_datagram(now, path_,
                         seal({.exchange = exchange, .message_id = MessageId{id}}, payloads));
    return drain();
}

std::optional<Heard> ScriptedPeer::ask(ExchangeType exchange, const Payloads& payloads) {
    return ask_as(next_id++, exchange, payloads);
}

void ScriptedPeer::answer(const Heard& request, const Payloads& payloads) {
    send(seal({.exchange = request.header.exchange,
               .response = true,
               .message_id = request.header.message_id},
              payloads));
}

void ScriptedPeer::send(std::vector<std::uint8_t> octets) {
    endpoint.on_datagram(now, path_, octets);
    drain();
}

void ScriptedPeer::command(const ike::Command& command) {
    endpoint.on_command(now, command);
    drain();
}

void ScriptedPeer::pass(ike::TimePoint::duration time) {
    const auto end = now + time;
    while (const auto deadline = endpoint.next_deadline()) {
        if (*deadline > end)
            break;
        now = std::max(now, *deadline);
        endpoint.on_deadline(now);
        drain();
    }
    now = end;
}

ike::ConnectionStatus ScriptedPeer::status() const {
    return endpoint.status().connections.at(0);
}

std::size_t ScriptedPeer::children() const {
    std::size_t count = 0;
    for (const auto& sa : status().ike_sas)
        count += sa.children.size();
    return count;
}

} // namespace viaduct::simulation
