#include "tests/simulation/v1_scripted_peer.h"

#include "ike/crypto/v1_encryption.h"
#include "ike/v1/phase_one_proposal.h"
#include "ike/v1/phase_two_proposal.h"
#include "ike/wire/v1_identification.h"
#include "ike/wire/v1_vendor_id.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace viaduct::simulation {

using namespace ike::wire;
using ike::v1::main_mode;
namespace crypto = ike::crypto;

namespace {

Octets body_of(const v1::Payload& payload) {
    const auto chain = v1::encode_chain(std::span(&payload, 1));
    return {chain.begin() + 4, chain.end()};
}

template <typename T> const T& the(const OldHeard& message) {
    for (const auto& each : message.payloads)
        if (const auto* found = std::get_if<T>(&each))
            return *found;
    throw std::runtime_error("a payload is not there");
}

/// Of a message in clear, as it came.
Octets first_body(const OldHeard& message) {
    const auto read = v1::decode_message(message.octets).value();
    const auto body = std::get<v1::ClearMessage>(read).chain.body(0);
    return {body.begin(), body.end()};
}

Octets drawn(Botan::RandomNumberGenerator& rng) {
    Octets out(32);
    rng.randomize(out);
    return out;
}

constexpr std::uint16_t nat_port = 4500;
/// Zeros that tell a message from ESP there (RFC 3948 section 2.2).
constexpr std::size_t marker_length = 4;

Octets without_marker(const ike::SendDatagram& datagram) {
    const auto skipped = datagram.path.local.port == nat_port ? marker_length : 0;
    return {datagram.octets.begin() + static_cast<std::ptrdiff_t>(skipped), datagram.octets.end()};
}

policy::IkeSuite suite_of(const policy::Connection& connection) {
    return ike::v1::choose_phase_one(connection, ike::v1::phase_one_offer(connection))->suite;
}

policy::Connection answering(const policy::Connection& own) {
    auto out = mirrored(own);
    out.aggressive = true;
    return out;
}

} // namespace

const v1::NotifyPayload* OldHeard::notify(v1::NotifyType type) const {
    for (const auto& each : payloads)
        if (const auto* found = std::get_if<v1::NotifyPayload>(&each); found && found->type == type)
            return found;
    return nullptr;
}

policy::Connection OldScriptedPeer::peer_connection() {
    auto own = old_left_vpn();
    own.esp.proposals = esp_proposals({"aes256gcm16"});
    return own;
}

OldScriptedPeer::OldScriptedPeer(const policy::Connection& own_connection)
    : OldScriptedPeer(own_connection, answering(own_connection)) {}

OldScriptedPeer::OldScriptedPeer(policy::Connection own_connection, policy::Connection endpoints,
                                 ike::EndpointSettings settings)
    : own(std::move(own_connection)),
      endpoint({{std::move(endpoints)}}, endpoint_rng, std::move(settings)),
      path{{std::get<policy::IpAddress>(own.peer_address), 500}, {own.local_address, 500}},
      suite_(suite_of(own)) {
    endpoint.on_deadline(now);
    drain();
}

void OldScriptedPeer::use(Keys keys) {
    values_ = std::move(keys.values);
    skeyids_ = std::move(keys.skeyids);
    cipher_ = std::move(keys.cipher);
    phase_vector_ = std::move(keys.phase_vector);
}

Header OldScriptedPeer::header(ExchangeType exchange, MessageId id) const {
    return {.initiator_spi = values_.cookie_i,
            .responder_spi = values_.cookie_r,
            .major_version = 1,
            .exchange = exchange,
            .message_id = id};
}

Octets OldScriptedPeer::encrypted(const Header& header, v1::PayloadType first, const Octets& chain,
                                  Octets& vector) const {
    auto sealed = crypto::encrypt_v1_message(suite_, cipher_, vector, chain).value();
    vector = std::move(sealed.next_vector);
    return v1::encode_encrypted_message(header, first, sealed.text);
}

Octets OldScriptedPeer::first_vector(MessageId id) const {
    return crypto::first_vector(suite_, phase_vector_, id).value();
}

Octets OldScriptedPeer::first_hash_message(ExchangeType exchange, MessageId id,
                                           const OldPayloads& payloads, Octets& vector) const {
    const auto rest = v1::encode_chain(payloads);
    const v1::HashPayload hash{crypto::first_hash(suite_.prf, skeyids_.a, id, rest).value()};
    return encrypted(header(exchange, id), v1::PayloadType::hash,
                     v1::encode_behind_hash(hash, v1::first_type(payloads), rest), vector);
}

std::optional<OldHeard> OldScriptedPeer::greet(const std::function<void(OldPayloads&)>& change) {
    values_ = {.cookie_i = IkeSpi{0x1122334455667788},
               .nonce_i = {},
               .nonce_r = {},
               .public_i = {},
               .public_r = {}};
    key_exchange_ = crypto::KeyExchange::generate(suite_.key_exchange, rng).value();
    public_i_ = {key_exchange_->public_value().begin(), key_exchange_->public_value().end()};
    nonce_i_ = drawn(rng);
    OldPayloads payloads{ike::v1::phase_one_offer(own), v1::KeyExchangePayload{public_i_},
                         v1::NoncePayload{nonce_i_}, v1::id_of(own.local_id),
                         v1::vendor_id(v1::OwnVendorId::dead_peer_detection)};
    if (change)
        change(payloads);
    sa_body_ = body_of(payloads[0]);
    id_body_ = body_of(payloads[3]);
    const auto before = heard.size();
    first_message_ = v1::encode_message(header(ExchangeType::aggressive, {}), payloads);
    send(first_message_);
    return heard.size() == before ? std::nullopt : std::optional(heard.back());
}

void OldScriptedPeer::derive_keys() {
    values_.nonce_i = nonce_i_;
    values_.nonce_r = nonce_r_;
    values_.public_i = public_i_;
    values_.public_r = public_r_;
    const auto value = key_exchange_->public_value();
    const auto& peers = std::ranges::equal(value, public_i_) ? public_r_ : public_i_;
    const auto secret = key_exchange_->agree(peers, rng).value();
    skeyids_ = crypto::derive_shared_key_skeyids(suite_.prf, own.psk, secret, values_).value();
    cipher_ = crypto::derive_cipher_key(suite_, skeyids_.e).value();
    phase_vector_ = crypto::first_vector(suite_, values_).value();
}

v1::HashPayload OldScriptedPeer::own_hash(crypto::HashSender sender, const Octets& id_body) const {
    return {crypto::phase_one_hash(sender, suite_.prf, skeyids_.skeyid, values_, sa_body_, id_body)
                .value()};
}

void OldScriptedPeer::authenticate(const OldHeard& answer, const OldPayloads& behind_hash) {
    const auto message = v1::decode_message(answer.octets).value();
    const auto read =
        v1::read_aggressive_mode_response(std::get<v1::ClearMessage>(message).chain).value();
    public_r_ = read.key_exchange.data;
    nonce_r_ = read.nonce.data;
    values_.cookie_r = answer.header.responder_spi;
    derive_keys();
    OldPayloads payloads{own_hash(crypto::HashSender::initiator, id_body_)};
    payloads.insert(payloads.end(), behind_hash.begin(), behind_hash.end());
    send(encrypted(header(ExchangeType::aggressive, {}), v1::PayloadType::hash,
                   v1::encode_chain(payloads), phase_vector_));
}

void OldScriptedPeer::establish() {
    authenticate(greet().value());
}

void OldScriptedPeer::establish_through_nat(v1::NatNumbering numbering) {
    const auto id = numbering == v1::NatNumbering::rfc3947
                        ? v1::OwnVendorId::nat_traversal_rfc3947
                        : v1::OwnVendorId::nat_traversal_draft_03;
    const auto answer =
        greet([&](OldPayloads& payloads) { payloads.emplace_back(v1::vendor_id(id)); });
    // Hashes of no address that either side has.
    authenticate(answer.value(), {v1::NatDetectionPayload{numbering, drawn(rng)},
                                  v1::NatDetectionPayload{numbering, drawn(rng)}});
}

void OldScriptedPeer::go_to_nat_ports(const OldNatTraversal& nat) {
    if (nat.floats)
        path.local.port = path.remote.port = nat_port;
}

void OldScriptedPeer::establish_main_mode(const OldNatTraversal& nat) {
    values_ = {.cookie_i = IkeSpi{0x1122334455667788}};
    key_exchange_ = crypto::KeyExchange::generate(suite_.key_exchange, rng).value();
    public_i_ = {key_exchange_->public_value().begin(), key_exchange_->public_value().end()};
    nonce_i_ = drawn(rng);
    // IDENTITY_PROTECTION { SA, V, … } -->    <-- IDENTITY_PROTECTION { SA, V, … }
    OldPayloads offer{ike::v1::phase_one_offer(own)};
    sa_body_ = body_of(offer[0]);
    offer.insert(offer.end(), nat.vendor_ids.begin(), nat.vendor_ids.end());
    send(v1::encode_message(header(main_mode, {}), offer));
    values_.cookie_r = heard.back().header.responder_spi;
    // IDENTITY_PROTECTION { KE, NONCE, … } -->    <-- IDENTITY_PROTECTION { KE, NONCE, … }
    OldPayloads exchange{v1::KeyExchangePayload{public_i_}, v1::NoncePayload{nonce_i_}};
    for (auto& each : nat.detection(cookies()))
        exchange.push_back(std::move(each));
    send(v1::encode_message(header(main_mode, {}), exchange));
    public_r_ = the<v1::KeyExchangePayload>(heard.back()).data;
    nonce_r_ = the<v1::NoncePayload>(heard.back()).data;
    derive_keys();
    go_to_nat_ports(nat);
    // IDENTITY_PROTECTION { ID, HASH } -->    <-- IDENTITY_PROTECTION { ID, HASH }
    const auto id = v1::id_of(own.local_id);
    const OldPayloads proof{id, own_hash(crypto::HashSender::initiator, body_of(id))};
    auto& vector = vectors_[MessageId{}] = phase_vector_;
    send(encrypted(header(main_mode, {}), v1::first_type(proof), v1::encode_chain(proof), vector));
    phase_vector_ = vector;
}

void OldScriptedPeer::answer_main_mode(const OldNatTraversal& nat) {
    // IDENTITY_PROTECTION { SA, V, … } -->    <-- IDENTITY_PROTECTION { SA, V, … }
    const auto offer = heard.back();
    sa_body_ = first_body(offer);
    values_ = {.cookie_i = offer.header.initiator_spi, .cookie_r = IkeSpi{0x8877665544332211}};
    OldPayloads answer{ike::v1::choose_phase_one(own, the<v1::SaPayload>(offer))->answer};
    answer.insert(answer.end(), nat.vendor_ids.begin(), nat.vendor_ids.end());
    send(v1::encode_message(header(main_mode, {}), answer));
    // IDENTITY_PROTECTION { KE, NONCE, … } -->    <-- IDENTITY_PROTECTION { KE, NONCE, … }
    public_i_ = the<v1::KeyExchangePayload>(heard.back()).data;
    nonce_i_ = the<v1::NoncePayload>(heard.back()).data;
    key_exchange_ = crypto::KeyExchange::generate(suite_.key_exchange, rng).value();
    public_r_ = {key_exchange_->public_value().begin(), key_exchange_->public_value().end()};
    nonce_r_ = drawn(rng);
    derive_keys();
    auto& vector = vectors_[MessageId{}] = phase_vector_;
    OldPayloads exchange{v1::KeyExchangePayload{public_r_}, v1::NoncePayload{nonce_r_}};
    for (auto& each : nat.detection(cookies()))
        exchange.push_back(std::move(each));
    send(v1::encode_message(header(main_mode, {}), exchange));
    go_to_nat_ports(nat);
    // IDENTITY_PROTECTION { ID, HASH, … } -->    <-- IDENTITY_PROTECTION { ID, HASH }
    const auto id = v1::id_of(own.local_id);
    const OldPayloads proof{id, own_hash(crypto::HashSender::responder, body_of(id))};
    const auto last =
        encrypted(header(main_mode, {}), v1::first_type(proof), v1::encode_chain(proof), vector);
    phase_vector_ = vector;
    send(last);
}

Octets OldScriptedPeer::informational(const OldPayloads& payloads, MessageId id) {
    auto vector = first_vector(id);
    return first_hash_message(ExchangeType::informational_v1, id, payloads, vector);
}

void OldScriptedPeer::inform(const OldPayloads& payloads, std::optional<MessageId> id) {
    send(informational(payloads, id ? *id : draw_id()));
}

void OldScriptedPeer::inform_behind(const OldPayloads& payloads, MessageId id) {
    send(first_hash_message(ExchangeType::informational_v1, id, payloads, vectors_.at(id)));
}

std::optional<OldHeard>
OldScriptedPeer::begin_quick_mode(const v1::Lifetimes& lifetimes,
                                  const std::function<void(OldPayloads&)>& change) {
    const auto id = draw_id();
    quick_nonce_ = drawn(rng);
    auto offer = ike::v1::phase_two_offer(own, own.esp.proposals, policy::ChildSpi{next_spi_++},
                                          v1::Encapsulation::tunnel);
    auto& transform = offer.proposals.front().transforms.front();
    auto read = v1::read_esp_transform(transform).value();
    read.lifetimes = lifetimes;
    transform = v1::esp_transform(transform.number, read);
    const auto ids = ike::v1::identifications_of({own.local_selectors, own.remote_selectors},
                                                 ike::Role::initiator)
                         .value();
    OldPayloads payloads{offer, v1::NoncePayload{quick_nonce_}, ids.first, ids.second};
    if (change)
        change(payloads);
    vectors_[id] = first_vector(id);
    send(first_hash_message(ExchangeType::quick_mode, id, payloads, vectors_[id]));
    const auto* answer = last(ExchangeType::quick_mode);
    return answer && answer->header.message_id == id ? std::optional(*answer) : std::nullopt;
}

void OldScriptedPeer::finish_quick_mode(const OldHeard& answer) {
    const auto id = answer.header.message_id;
    Octets nonce_r;
    for (const auto& each : answer.payloads)
        if (const auto* nonce = std::get_if<v1::NoncePayload>(&each))
            nonce_r = nonce->data;
    const v1::Payload hash = v1::HashPayload{
        crypto::third_hash(suite_.prf, skeyids_.a, id, quick_nonce_, nonce_r).value()};
    send(encrypted(header(ExchangeType::quick_mode, id), v1::PayloadType::hash,
                   v1::encode_chain(std::span(&hash, 1)), vectors_[id]));
}

Octets OldScriptedPeer::answer_quick_mode(const OldHeard& offer, const OldPayloads& behind_nonce) {
    const auto id = offer.header.message_id;
    auto answer = the<v1::SaPayload>(offer);
    answer.proposals.resize(1);
    answer.proposals.front().transforms.resize(1);
    answer.proposals.front().spi = ike::v1::spi_octets(policy::ChildSpi{next_spi_++});
    OldPayloads payloads{std::move(answer), v1::NoncePayload{drawn(rng)}};
    payloads.insert(payloads.end(), behind_nonce.begin(), behind_nonce.end());
    const auto rest = v1::encode_chain(payloads);
    const v1::HashPayload hash{
        crypto::second_hash(suite_.prf, skeyids_.a, id, the<v1::NoncePayload>(offer).data, rest)
            .value()};
    const auto sent =
        encrypted(header(ExchangeType::quick_mode, id), v1::PayloadType::hash,
                  v1::encode_behind_hash(hash, v1::first_type(payloads), rest), vectors_[id]);
    send(sent);
    return sent;
}

OldHeard OldScriptedPeer::open(const Octets& octets) {
    const auto known = std::ranges::find(heard, octets, &OldHeard::octets);
    if (known != heard.end())
        return *known;
    const auto message = v1::decode_message(octets).value();
    if (const auto* clear = std::get_if<v1::ClearMessage>(&message))
        return {clear->header, clear->chain.payloads, octets, clear->chain.octets};
    const auto& sealed = std::get<v1::EncryptedMessage>(message);
    // Of an ISAKMP SA before this one the peer has no keys at hand.
    if (sealed.header.responder_spi != values_.cookie_r)
        return {sealed.header, {}, octets, {}};
    auto& vector =
        vectors_.try_emplace(sealed.header.message_id, first_vector(sealed.header.message_id))
            .first->second;
    auto opened = crypto::decrypt_v1_message(suite_, cipher_, vector, sealed.ciphertext).value();
    vector = std::move(opened.next_vector);
    const auto first = v1::PayloadType{static_cast<std::uint8_t>(sealed.header.next_payload)};
    auto chain = v1::decode_chain(first, opened.text).value();
    return {sealed.header, std::move(chain.payloads), octets, std::move(chain.octets)};
}

void OldScriptedPeer::drain() {
    while (auto effect = endpoint.next_effect()) {
        if (const auto* datagram = std::get_if<ike::SendDatagram>(&*effect))
            heard.push_back(open(without_marker(*datagram)));
        else if (const auto* both = std::get_if<ike::InstallChildSa>(&*effect))
            installed.push_back(both->child);
        else if (const auto* inbound = std::get_if<ike::InstallInboundSa>(&*effect)) {
            installed.push_back(inbound->child);
            ++installed_inbound;
        } else if (auto* report = std::get_if<ike::Report>(&*effect))
            reports.push_back(std::move(report->event));
    }
}

void OldScriptedPeer::send(const Octets& octets) {
    auto datagram = octets;
    if (path.local.port == nat_port)
        datagram.insert(datagram.begin(), marker_length, 0);
    endpoint.on_datagram(now, path, datagram);
    drain();
}

void OldScriptedPeer::command(const ike::Command& command) {
    endpoint.on_command(now, command);
    drain();
}

void OldScriptedPeer::kernel_event(const ike::KernelEvent& event) {
    endpoint.on_kernel_event(now, event);
    drain();
}

void OldScriptedPeer::pass(ike::TimePoint::duration time) {
    const auto end = now + time;
    for (auto due = endpoint.next_deadline(); due && *due <= end; due = endpoint.next_deadline()) {
        now = std::max(now, *due);
        endpoint.on_deadline(now);
        drain();
    }
    now = end;
}

ike::ConnectionStatus OldScriptedPeer::status() const {
    return endpoint.status().connections.front();
}

const OldHeard* OldScriptedPeer::last(ExchangeType exchange) const {
    for (auto each = heard.rbegin(); each != heard.rend(); ++each)
        if (each->header.exchange == exchange)
            return &*each;
    return nullptr;
}

} // namespace viaduct::simulation
