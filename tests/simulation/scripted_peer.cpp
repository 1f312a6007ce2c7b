#include "tests/simulation/scripted_peer.h"

#include "ike/crypto/shared_key_auth.h"
#include "ike/nat_traversal.h"
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

Octets octets_of(IkeSpi spi) {
    Octets out;
    for (int shift = 56; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(spi) >> shift));
    return out;
}

IkeSpi ike_spi(const Octets& octets) {
    std::uint64_t number = 0;
    for (const auto octet : octets)
        number = number << 8 | octet;
    return IkeSpi{number};
}

Octets octets_of(policy::ChildSpi spi) {
    const auto n = static_cast<std::uint32_t>(spi);
    return {static_cast<std::uint8_t>(n >> 24), static_cast<std::uint8_t>(n >> 16),
            static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
}

KeyExchangePayload payload_of(const ike::crypto::KeyExchange& key_exchange) {
    const auto value = key_exchange.public_value();
    return {static_cast<std::uint16_t>(key_exchange.method()), {value.begin(), value.end()}};
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

bool PeerSa::has(const Header& header) const {
    return header.initiator_spi == initiator_spi &&
           (header.responder_spi == responder_spi || header.responder_spi == IkeSpi{});
}

ScriptedPeer::ScriptedPeer(policy::Connection connection, ike::EndpointSettings settings)
    : own(std::move(connection)),
      endpoint({{mirrored(own)}}, endpoint_rng, std::move(settings)),
      path{{std::get<policy::IpAddress>(own.peer_address), 500}, {own.local_address, 500}},
      suite_(suite_of(own)) {
    endpoint.on_deadline(now);
    drain();
}

std::vector<std::uint8_t> ScriptedPeer::seal(Header header, const Payloads& payloads) {
    auto& with = sa();
    header.initiator_spi = with.initiator_spi;
    header.responder_spi = with.responder_spi;
    header.initiator = with.initiator;
    const auto& keys = with.keys.value();
    return ike::crypto::seal_v2_message(with.suite,
                                        with.initiator ? ike::crypto::initiator_direction(keys)
                                                       : ike::crypto::responder_direction(keys),
                                        header, payloads, with.counter++, rng)
        .value();
}

std::vector<std::uint8_t> ScriptedPeer::seal_octets(Header header, PayloadType first,
                                                    const Octets& chain) {
    auto& with = sa();
    header.initiator_spi = with.initiator_spi;
    header.responder_spi = with.responder_spi;
    header.initiator = with.initiator;
    const auto& keys = with.keys.value();
    constexpr std::size_t longest = 1000;
    return ike::crypto::seal_v2_fragments(with.suite,
                                          with.initiator ? ike::crypto::initiator_direction(keys)
                                                         : ike::crypto::responder_direction(keys),
                                          header, first, chain, longest, with.counter, rng)
        .value()
        .at(0);
}

std::optional<Heard> ScriptedPeer::open(std::span<const std::uint8_t> octets) const {
    const auto outer = decode_v2_message(octets).value();
    if (!outer.encrypted)
        return Heard{outer.header, outer.payloads, {octets.begin(), octets.end()}};
    const auto with =
        std::ranges::find_if(sas, [&](const PeerSa& each) { return each.has(outer.header); });
    // Of an IKE SA that followed the first one the peer may have no keys.
    if (with == sas.end())
        return std::nullopt;
    const auto& keys = with->keys.value();
    const auto opened =
        ike::crypto::open_v2_message(with->suite,
                                     with->initiator ? ike::crypto::responder_direction(keys)
                                                     : ike::crypto::initiator_direction(keys),
                                     octets, *outer.encrypted)
            .value();
    return Heard{outer.header,
                 decode_v2_payloads(opened.first(), opened.octets()).value(),
                 {octets.begin(), octets.end()}};
}

std::optional<Heard> ScriptedPeer::drain() {
    std::optional<Heard> response;
    while (auto effect = endpoint.next_effect()) {
        const auto* datagram = std::get_if<ike::SendDatagram>(&*effect);
        std::optional<Heard> heard;
        if (datagram) {
            datagrams.push_back(datagram->octets);
            if (const auto message =
                    ike::ike_message(datagram->octets, datagram->path.local.port, {}))
                heard = open(*message);
        }
        if (observe)
            observe(*effect, heard ? &*heard : nullptr);
        if (!heard)
            continue;
        if (heard->header.response)
            response = std::move(heard);
        else
            requests.push_back(*std::move(heard));
    }
    return response;
}

Octets ScriptedPeer::draw_nonce() {
    Octets nonce(32);
    rng.randomize(nonce);
    return nonce;
}

void ScriptedPeer::greet(Payloads extra) {
    const auto key_exchange = ike::crypto::KeyExchange::generate(suite_.key_exchange, rng).value();
    sas = {PeerSa{.initiator_spi = draw_spi(), .suite = suite_}};
    current = 0;
    greeting_ = {.own_message = {}, .nonce = draw_nonce(), .peer_nonce = {}};
    Payloads payloads{SaPayload{{{1, {}, own.ike.proposals.front()}}}, payload_of(key_exchange),
                      NoncePayload{greeting_.nonce}};
    payloads.insert(payloads.end(), extra.begin(), extra.end());
    greeting_.own_message = encode_v2_message({.initiator_spi = sa().initiator_spi,
                                               .exchange = ExchangeType::ike_sa_init,
                                               .initiator = true},
                                              payloads);
    endpoint.on_datagram(now, path, greeting_.own_message);
    const auto response = drain().value();
    sa().responder_spi = response.header.responder_spi;
    greeting_.peer_nonce = first_of<NoncePayload>(response.payloads).data;
    const auto secret =
        key_exchange.agree(first_of<KeyExchangePayload>(response.payloads).data, rng).value();
    sa().keys = ike::crypto::derive_ike_keys(suite_, secret, greeting_.nonce, greeting_.peer_nonce,
                                             sa().initiator_spi, sa().responder_spi)
                    .value();
    sa().next_id = 1;
}

void ScriptedPeer::be_called() {
    command(ike::Initiate{own.name, std::nullopt});
    pass({});
}

void ScriptedPeer::answer_greeting(const Heard& request, const Payloads& extra) {
    const auto key_exchange = ike::crypto::KeyExchange::generate(suite_.key_exchange, rng).value();
    const auto nonce_i = first_of<NoncePayload>(request.payloads).data;
    greeting_ = {.own_message = {}, .nonce = draw_nonce(), .peer_nonce = nonce_i};
    PeerSa made{.initiator = false,
                .initiator_spi = request.header.initiator_spi,
                .responder_spi = draw_spi(),
                .suite = suite_};
    const auto& offered = first_of<SaPayload>(request.payloads).proposals.front();
    Payloads payloads{SaPayload{{{offered.number, {}, offered.proposal}}}, payload_of(key_exchange),
                      NoncePayload{greeting_.nonce}};
    payloads.insert(payloads.end(), extra.begin(), extra.end());
    greeting_.own_message = encode_v2_message({.initiator_spi = made.initiator_spi,
                                               .responder_spi = made.responder_spi,
                                               .exchange = ExchangeType::ike_sa_init,
                                               .response = true},
                                              payloads);
    const auto secret =
        key_exchange.agree(first_of<KeyExchangePayload>(request.payloads).data, rng).value();
    made.keys = ike::crypto::derive_ike_keys(suite_, secret, nonce_i, greeting_.nonce,
                                             made.initiator_spi, made.responder_spi)
                    .value();
    sas.push_back(std::move(made));
    current = sas.size() - 1;
    send(greeting_.own_message);
}

Octets ScriptedPeer::auth_over(const policy::Secret& sk_p) {
    return ike::crypto::shared_key_auth(
               suite_.prf, own.psk,
               {greeting_.own_message, greeting_.peer_nonce, sk_p, own.local_id})
        .value();
}

Payloads ScriptedPeer::auth_answer(const Heard& request) {
    Payloads payloads{IdPayload{IdPayload::Side::responder, own.local_id},
                      AuthPayload{AuthMethod::shared_key, auth_over(sa().keys.value().pr)}};
    for (auto& each : child_answer(request, policy::ChildSpi{next_spi_++}))
        if (!std::holds_alternative<NoncePayload>(each))
            payloads.push_back(std::move(each));
    return payloads;
}

Payloads ScriptedPeer::child_answer(const Heard& request, policy::ChildSpi spi) {
    const auto& offered = first_of<SaPayload>(request.payloads).proposals.at(0);
    Payloads out{SaPayload{{{offered.number, octets_of(spi), offered.proposal}}},
                 NoncePayload{draw_nonce()}};
    for (const auto& each : request.payloads)
        if (std::holds_alternative<TsPayload>(each))
            out.push_back(each);
    return out;
}

void ScriptedPeer::be_called_and_agree() {
    be_called();
    const auto greeting = requests.back();
    answer_greeting(greeting);
    const auto auth = requests.back();
    requests.clear();
    answer(auth, auth_answer(auth));
    pass({});
}

Payloads ScriptedPeer::ike_rekey_payloads(std::optional<Octets> nonce) {
    rekey_.emplace(ike::crypto::KeyExchange::generate(suite_.key_exchange, rng).value(), draw_spi(),
                   nonce ? *std::move(nonce) : draw_nonce());
    return {SaPayload{{{1, octets_of(rekey_->spi), own.ike.proposals.front()}}},
            NoncePayload{rekey_->nonce}, payload_of(rekey_->key_exchange)};
}

void ScriptedPeer::add_successor(PeerSa successor, const policy::Secret& secret,
                                 const Octets& nonce_i, const Octets& nonce_r) {
    successor.suite = suite_;
    successor.keys = ike::crypto::derive_rekeyed_ike_keys(
                         suite_, sa().suite.prf, sa().keys.value().d, secret, nonce_i, nonce_r,
                         successor.initiator_spi, successor.responder_spi)
                         .value();
    sas.push_back(std::move(successor));
}

void ScriptedPeer::take_successor(const Heard& response) {
    const auto& accepted = first_of<SaPayload>(response.payloads).proposals.front();
    const auto secret =
        rekey_.value()
            .key_exchange.agree(first_of<KeyExchangePayload>(response.payloads).data, rng)
            .value();
    add_successor({.initiator = true,
                   .initiator_spi = rekey_->spi,
                   .responder_spi = ike_spi(accepted.spi),
                   .suite = {}},
                  secret, rekey_->nonce, first_of<NoncePayload>(response.payloads).data);
}

Payloads ScriptedPeer::ike_rekey_answer(const Heard& request, std::optional<Octets> chosen) {
    const auto& offered = first_of<SaPayload>(request.payloads).proposals.front();
    const auto key_exchange = ike::crypto::KeyExchange::generate(suite_.key_exchange, rng).value();
    const auto secret =
        key_exchange.agree(first_of<KeyExchangePayload>(request.payloads).data, rng).value();
    const auto spi = draw_spi();
    const auto nonce = chosen ? *std::move(chosen) : draw_nonce();
    add_successor({.initiator = false,
                   .initiator_spi = ike_spi(offered.spi),
                   .responder_spi = spi,
                   .suite = {}},
                  secret, first_of<NoncePayload>(request.payloads).data, nonce);
    return {SaPayload{{{offered.number, octets_of(spi), offered.proposal}}}, NoncePayload{nonce},
            payload_of(key_exchange)};
}

Payloads ScriptedPeer::child_payloads() {
    SaPayload sa;
    const policy::ChildSpi spi{next_spi_++};
    auto proposal = own.esp.proposals.back();
    std::erase_if(proposal.transforms, [](const policy::Transform& each) {
        return each.type == policy::TransformType::key_exchange;
    });
    sa.proposals.push_back({1, octets_of(spi), std::move(proposal)});
    return {std::move(sa), NoncePayload{draw_nonce()},
            TsPayload{TsPayload::Side::initiator, own.local_selectors, 0},
            TsPayload{TsPayload::Side::responder, own.remote_selectors, 0}};
}

Payload ScriptedPeer::rekey_notify(policy::ChildSpi spi, policy::ProtocolId protocol) const {
    return NotifyPayload{
        .protocol = protocol, .spi = octets_of(spi), .type = NotifyType::rekey_sa, .data = {}};
}

Payloads ScriptedPeer::auth_payloads() {
    Payloads payloads{IdPayload{IdPayload::Side::initiator, own.local_id},
                      AuthPayload{AuthMethod::shared_key, auth_over(sa().keys.value().pi)}};
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
    return send(seal({.exchange = exchange, .message_id = MessageId{id}}, payloads));
}

std::optional<Heard> ScriptedPeer::ask(ExchangeType exchange, const Payloads& payloads) {
    return ask_as(sa().next_id++, exchange, payloads);
}

void ScriptedPeer::answer(const Heard& request, const Payloads& payloads) {
    const auto with =
        std::ranges::find_if(sas, [&](const PeerSa& each) { return each.has(request.header); });
    const auto before = current;
    if (with != sas.end())
        current = static_cast<std::size_t>(with - sas.begin());
    const auto octets = seal({.exchange = request.header.exchange,
                              .response = true,
                              .message_id = request.header.message_id},
                             payloads);
    current = before;
    send(octets);
}

std::optional<Heard> ScriptedPeer::send(const std::vector<std::uint8_t>& octets) {
    endpoint.on_datagram(now, path, ike::ike_datagram(octets, path.local.port, {}));
    return drain();
}

void ScriptedPeer::command(const ike::Command& command) {
    endpoint.on_command(now, command);
    drain();
}

void ScriptedPeer::kernel_event(const ike::KernelEvent& event) {
    endpoint.on_kernel_event(now, event);
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
