// From octets to the SA that they are for. Cheap refusals come first; nothing here can be made to
// wait or to fail by what arrives.
#include "ike/endpoint_core.h"

#include "ike/nat_traversal.h"
#include "ike/v2/failure_notify.h"
#include "ike/v2/sa_init_responder.h"

namespace viaduct::ike {

namespace {

using wire::ExchangeType;

/// A half-open SA keeps the request, and anybody can send one. The largest proposals, key exchange
/// and nonce together stay well below.
constexpr std::size_t max_first_request = 4096;

bool is_v2_exchange(ExchangeType exchange) {
    return exchange >= ExchangeType::ike_sa_init && exchange <= ExchangeType::informational;
}

bool is_first_request(const wire::Header& header) {
    return header.exchange == ExchangeType::ike_sa_init && header.initiator && !header.response;
}

/// A response without encryption that keeps no state.
wire::Octets in_clear(const wire::Header& request, wire::NotifyPayload notify) {
    const wire::Header answer{.initiator_spi = request.initiator_spi,
                              .responder_spi = request.responder_spi,
                              .exchange = request.exchange,
                              .initiator = !request.initiator,
                              .response = true,
                              .message_id = request.message_id};
    const std::vector<wire::Payload> payloads{std::move(notify)};
    return wire::encode_v2_message(answer, payloads);
}

const wire::NoncePayload* first_nonce(const wire::OuterMessage& outer) {
    for (const auto& each : outer.payloads)
        if (const auto* nonce = std::get_if<wire::NoncePayload>(&each))
            return nonce;
    return nullptr;
}

/// RFC 7296 2.6: a repeated request has the cookie as its first payload.
const wire::NotifyPayload* leading_cookie(const wire::OuterMessage& outer) {
    if (outer.payloads.empty())
        return nullptr;
    const auto* notify = std::get_if<wire::NotifyPayload>(&outer.payloads.front());
    return notify && notify->type == wire::NotifyType::cookie ? notify : nullptr;
}

bool peer_spi_fits(const IkeSaFacts& facts, const wire::Header& header) {
    const auto peers = facts.role == Role::initiator ? header.responder_spi : header.initiator_spi;
    const auto expected = facts.role == Role::initiator ? facts.responder_spi : facts.initiator_spi;
    return expected == wire::IkeSpi{} || expected == peers;
}

} // namespace

void Endpoint::Core::on_datagram(TimePoint now, const policy::UdpPath& path,
                                 std::span<const std::uint8_t> octets) {
    // RFC 3948 2.3: a single octet 0xff keeps a NAT mapping alive and means nothing else.
    if (octets.size() == 1 && octets.front() == 0xff)
        return;
    const auto message = ike_message(octets, path.local.port, settings_);
    if (!message)
        ++dropped_.malformed;
    else
        on_message(now, path, *message);
}

Endpoint::Core::Table::iterator Endpoint::Core::find(const wire::Header& header) {
    const auto own = header.initiator ? header.responder_spi : header.initiator_spi;
    const auto found = sas_.find(own);
    if (found == sas_.end() || found->second.sa.is_v1() ||
        !peer_spi_fits(found->second.sa.facts(), header))
        return sas_.end();
    return found;
}

void Endpoint::Core::on_message(TimePoint now, const policy::UdpPath& path,
                                std::span<const std::uint8_t> message) {
    const auto header = wire::decode_header(message);
    if (!header) {
        ++dropped_.malformed;
        return;
    }
    if (header->major_version == 1 && directory_.speaks(policy::IkeVersion::v1)) {
        on_v1_message(now, path, *header, message);
        return;
    }
    if (header->major_version != 2) {
        ++dropped_.unknown_version;
        // RFC 7296 2.5: a higher version is told ours; an IKEv1 peer gets no answer.
        if (header->major_version > 2 && !header->response)
            answer_in_clear(now, path, *header,
                            v2::plain_notify(wire::NotifyType::invalid_major_version));
        return;
    }
    if (!is_v2_exchange(header->exchange)) {
        ++dropped_.unknown_exchange;
        return;
    }
    const bool first = is_first_request(*header);
    const auto found = first ? sas_.end() : find(*header);
    if (!first && found == sas_.end()) {
        ++dropped_.unknown_sa;
        // RFC 7296 1.5: only requests are answered, or two sides could answer each other for ever.
        if (!header->response)
            answer_in_clear(now, path, *header,
                            v2::plain_notify(wire::NotifyType::invalid_ike_spi));
        return;
    }
    if (first && message.size() > max_first_request) {
        ++dropped_.malformed;
        return;
    }
    const auto outer = wire::decode_v2_message(message);
    if (!outer) {
        ++dropped_.malformed;
        if (first && outer.error().fault == wire::DecodeFault::unknown_critical)
            answer_in_clear(now, path, *header, v2::failure_notify(outer.error()));
        return;
    }
    if (first)
        on_first_request(now, path, *outer, message);
    else
        handle_v2(now, found->first, [&](v2::Turn& turn, v2::IkeSa& sa) {
            sa.on_message(turn, {path, *outer, message});
        });
}

void Endpoint::Core::on_first_request(TimePoint now, const policy::UdpPath& path,
                                      const wire::OuterMessage& outer,
                                      std::span<const std::uint8_t> message) {
    const auto& header = outer.header;
    if (header.responder_spi != wire::IkeSpi{} || header.initiator_spi == wire::IkeSpi{} ||
        header.message_id != wire::MessageId{} || outer.encrypted) {
        ++dropped_.malformed;
        return;
    }
    if (const auto own = half_open_.find(path.remote, header.initiator_spi)) {
        handle_v2(now, *own, [&](v2::Turn& turn, v2::IkeSa& sa) {
            ++(sa.repeat_sa_init(turn, message) ? dropped_.repeated : dropped_.unexpected);
        });
        return;
    }
    if (!admit_first_request(now, path, outer, message))
        return;
    IkeSaFacts facts{.role = Role::responder,
                     .initiator_spi = header.initiator_spi,
                     .responder_spi = draw_spi(),
                     .path = path,
                     .first_path = path,
                     .nat = {},
                     .since = now};
    with_turn<v2::Turn>(now, [&](v2::Turn& turn) {
        auto state = v2::answer_sa_init(turn, facts, {path, outer, message});
        const auto own = facts.responder_spi;
        if (state) {
            half_open_.add(path.remote, header.initiator_spi, own);
            sas_.try_emplace(own, AnyIkeSa(v2::IkeSa(facts, std::move(*state))));
        } else if (state.error()) {
            refuse_first_request(now, path, std::move(*state.error()));
        }
        return own;
    });
}

bool Endpoint::Core::admit_first_request(TimePoint now, const policy::UdpPath& path,
                                         const wire::OuterMessage& outer,
                                         std::span<const std::uint8_t> message) {
    const auto verdict = half_open_.judge(path.remote.address);
    if (shut_down_ || verdict == HalfOpenGuard::Verdict::drop) {
        ++dropped_.half_open_limit;
        return false;
    }
    if (verdict == HalfOpenGuard::Verdict::admit)
        return true;
    const auto& spi = outer.header.initiator_spi;
    const auto& peer = path.remote.address;
    const auto* nonce = first_nonce(outer);
    const auto* cookie = leading_cookie(outer);
    if (nonce && cookie && cookies_.accepts(now, cookie->data, spi, peer, nonce->data))
        return true;
    // RFC 7296 2.6: a cookie that is not the expected one counts as none.
    auto asking = v2::plain_notify(wire::NotifyType::cookie);
    if (nonce)
        asking.data = cookies_.make(now, rng_, spi, peer, nonce->data);
    const auto answer = in_clear(outer.header, std::move(asking));
    if (!nonce || answer.size() > message.size()) {
        // An answer longer than its request would be a weapon against the address in it.
        ++dropped_.malformed;
        return false;
    }
    ++dropped_.cookies_sent;
    effects_.emplace_back(SendDatagram{path, ike_datagram(answer, path.local.port, settings_)});
    return false;
}

void Endpoint::Core::refuse_first_request(TimePoint now, const policy::UdpPath& path,
                                          v2::SaInitRefused refused) {
    // A refusal is smaller than its request, and a peer that needs another group depends on it:
    // only strangers share a budget.
    if (!refused.connection.empty() || answers_.take(now))
        effects_.emplace_back(
            SendDatagram{path, ike_datagram(refused.response, path.local.port, settings_)});
    if (!refused.why)
        return;
    NegotiationFailed failed{.connection = refused.connection,
                             .role = Role::responder,
                             .path = path,
                             .why = *refused.why,
                             .retry = std::nullopt};
    if (refused.connection.empty())
        resolve_peers(now);
    auto* upkeep = find(refused.connection);
    if (upkeep)
        upkeep->on_peer_failed(now, std::move(*refused.why));
    else
        note_unmatched(failed);
    effects_.emplace_back(Report{std::move(failed)});
}

void Endpoint::Core::answer_in_clear(TimePoint now, const policy::UdpPath& path,
                                     const wire::Header& header, wire::NotifyPayload notify) {
    if (shut_down_ || !answers_.take(now))
        return;
    const auto octets = in_clear(header, std::move(notify));
    effects_.emplace_back(SendDatagram{path, ike_datagram(octets, path.local.port, settings_)});
}

} // namespace viaduct::ike
