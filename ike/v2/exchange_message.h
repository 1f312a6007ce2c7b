// Opening and sealing the messages of an IKE SA, with their record in arrow notation.
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

#include <expected>

namespace viaduct::ike::v2 {

struct OpenedMessage;

/// Payloads from inside SK. Made by open() only: the sender has the keys of this SA.
class AuthenticatedPayloads {
public:
    const std::vector<wire::Payload>& payloads() const { return payloads_; }
    std::vector<wire::Payload> take() && { return std::move(payloads_); }

private:
    friend OpenedMessage open(Turn&, IkeSaFacts&, const MessageKeys&, const Received&,
                              const std::string&);
    explicit AuthenticatedPayloads(std::vector<wire::Payload> payloads)
        : payloads_(std::move(payloads)) {}
    std::vector<wire::Payload> payloads_;
};

/// The three ends of opening. A fault before the integrity check says nothing about the SA and is
/// only counted; one after it is the peer's and is answered.
struct OpenedMessage {
    /// Nothing to be handled: not authentic, or a fragment of a message that is not complete yet.
    struct NotAuthentic {};
    std::variant<NotAuthentic, wire::DecodeError, AuthenticatedPayloads> result;

    static OpenedMessage not_authentic() { return {NotAuthentic{}}; }
};

/// Counts what does not verify. Keeps fragments; the one that completes a message opens it.
/// Messages that can be read are reported, under `connection` if it is known.
OpenedMessage open(Turn& turn, IkeSaFacts& facts, const MessageKeys& keys, const Received& received,
                   const std::string& connection);

enum class MessageKind : std::uint8_t { request, response };

/// The header of a message that we send.
wire::Header header_for(const IkeSaFacts& facts, wire::ExchangeType exchange, MessageKind kind,
                        wire::MessageId id);

/// Seals a message and reports it; sends nothing. What comes back is never empty. Nothing when
/// sealing failed (reported).
std::optional<Messages> seal(Turn& turn, const IkeSaFacts& facts, MessageKeys& keys,
                             wire::ExchangeType exchange, MessageKind kind, wire::MessageId id,
                             std::span<const wire::Payload> payloads,
                             const std::string& connection);

/// Reports a message in clear. What comes back is its arrow notation.
std::string report_message(Turn& turn, const IkeSaFacts& facts, Direction direction,
                           const wire::Header& header, std::span<const wire::Payload> payloads,
                           const std::string& connection);

} // namespace viaduct::ike::v2
