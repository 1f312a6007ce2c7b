// Messages as a person reads them in a log or an explanation.

#include "ike/wire/v1_identification.h"
#include "ike/wire/v1_message.h"
#include "ike/wire/v1_transform.h"
#include "ike/wire/v1_vendor_id.h"
#include "policy/printable.h"

#include <algorithm>
#include <format>

namespace viaduct::ike::wire::v1 {

namespace {

constexpr std::size_t shown_octets = 32;

std::string hex(std::span<const std::uint8_t> octets) {
    auto text = policy::hexadecimal(octets.first(std::min(octets.size(), shown_octets)));
    return octets.size() > shown_octets ? std::format("{}… ({} octets)", text, octets.size())
                                        : text;
}

std::string protocol_name(policy::ProtocolId protocol) {
    switch (protocol) {
    case policy::ProtocolId::none: return "none";
    case policy::ProtocolId::ike: return "ISAKMP";
    case policy::ProtocolId::ah: return "AH";
    case policy::ProtocolId::esp: return "ESP";
    }
    return std::format("protocol {}", static_cast<unsigned>(protocol));
}

/// Joins only as far as a line will show.
template <typename List, typename Text>
std::string joined(const List& list, std::string_view separator, Text text_of) {
    std::string text;
    for (const auto& element : list) {
        if (!text.empty()) {
            text += separator;
        }
        text += text_of(element);
        if (text.size() > limit::text_line) {
            break;
        }
    }
    return text;
}

std::string lifetimes_text(const Lifetimes& life) {
    std::string text;
    if (life.seconds) {
        text += std::format(" {} s", *life.seconds);
    }
    if (life.kilobytes) {
        text += std::format(" {} KiB", *life.kilobytes);
    }
    return text;
}

std::string transform_text(policy::ProtocolId protocol, const Transform& transform) {
    if (protocol == policy::ProtocolId::ike) {
        const auto suite = read_phase_one_suite(transform);
        return suite ? suite->to_string() + lifetimes_text(suite->lifetimes)
                     : suite.error().to_string();
    }
    if (protocol == policy::ProtocolId::esp) {
        const auto esp = read_esp_transform(transform);
        return esp ? esp->to_string() + lifetimes_text(esp->lifetimes) : esp.error().to_string();
    }
    return std::format("transform {}", transform.id);
}

std::string proposal_text(const Proposal& proposal) {
    auto text = std::format("{} {}", proposal.number, protocol_name(proposal.protocol));
    if (!proposal.spi.empty()) {
        text += std::format(" SPI {}", hex(proposal.spi));
    }
    return text + " " + joined(proposal.transforms, " | ", [&](const Transform& transform) {
               return transform_text(proposal.protocol, transform);
           });
}

std::string id_text(const IdPayload& id) {
    if (const auto selector = selector_of(id)) {
        return selector->to_string();
    }
    // Bounded before it is made readable: an identity may fill a whole message.
    auto identity = identity_of(id);
    identity.data.resize(std::min(identity.data.size(), limit::text_line));
    return identity.to_string();
}

/// What the data of a notification say, where that helps and is no secret.
std::string notify_meaning(const NotifyPayload& notify) {
    if (const auto sequence = sequence_number(notify)) {
        return std::format(" {}", *sequence);
    }
    if (notify.type == NotifyType::responder_lifetime) {
        const auto life = read_responder_lifetime(notify);
        return life ? lifetimes_text(*life) : " malformed";
    }
    return notify.data.empty() ? "" : std::format(" {} octets", notify.data.size());
}

std::string octets_text(std::size_t size) {
    return std::format("{} octets", size);
}

struct Content {
    std::string operator()(const SaPayload& sa) const {
        return joined(sa.proposals, "; ", proposal_text);
    }
    std::string operator()(const KeyExchangePayload& ke) const {
        return octets_text(ke.data.size());
    }
    std::string operator()(const IdPayload& id) const { return id_text(id); }
    std::string operator()(const CertificatePayload& certificate) const {
        return std::format("encoding {} {} octets", certificate.encoding, certificate.data.size());
    }
    std::string operator()(const CertificateRequestPayload& request) const {
        return std::format("type {} {} octets", request.type, request.authority.size());
    }
    std::string operator()(const HashPayload& hash) const { return octets_text(hash.data.size()); }
    std::string operator()(const SignaturePayload& signature) const {
        return octets_text(signature.data.size());
    }
    std::string operator()(const NoncePayload& nonce) const {
        return octets_text(nonce.data.size());
    }
    std::string operator()(const NotifyPayload& notify) const {
        auto text = std::format("({}) {}", to_string(notify.type), protocol_name(notify.protocol));
        if (!notify.spi.empty()) {
            text += std::format(" SPI {}", hex(notify.spi));
        }
        return text + notify_meaning(notify);
    }
    std::string operator()(const DeletePayload& removal) const {
        auto text = protocol_name(removal.protocol);
        text += removal.isakmp.empty() && removal.children.empty() ? "" : " SPI ";
        text += joined(removal.isakmp, ", ", [](const Cookies& cookies) {
            return wire::to_string(cookies.initiator) + wire::to_string(cookies.responder);
        });
        return text +
               joined(removal.children, ", ", [](policy::ChildSpi spi) { return to_string(spi); });
    }
    std::string operator()(const VendorIdPayload& vendor) const { return vendor_name(vendor); }
    std::string operator()(const NatDetectionPayload& nat) const {
        return octets_text(nat.hash.size());
    }
    std::string operator()(const NatOriginalAddressPayload& nat) const {
        return nat.address.to_string();
    }
    std::string operator()(const FragmentPayload& fragment) const {
        return std::format("{} of message {}{} {} octets", fragment.number, fragment.id,
                           fragment.last ? ", the last" : "", fragment.data.size());
    }
    std::string operator()(const UnknownPayload& unknown) const {
        return octets_text(unknown.body.size());
    }
};

std::string payload_line(const Payload& payload) {
    const bool is_notify = std::holds_alternative<NotifyPayload>(payload);
    auto line = to_string(payload_type(payload)) + (is_notify ? "" : " ");
    line += std::visit(Content{}, payload);
    if (line.size() > limit::text_line) {
        line.resize(limit::text_line);
        // Not in the middle of a UTF-8 sequence.
        while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0x80) != 0) {
            line.pop_back();
        }
        line += "…";
    }
    return line + "\n";
}

std::string arrow_name(const Payload& payload) {
    if (const auto* notify = std::get_if<NotifyPayload>(&payload)) {
        return std::format("N({})", to_string(notify->type));
    }
    return to_string(payload_type(payload));
}

} // namespace

std::string arrow_notation(ExchangeType exchange, std::span<const Payload> payloads) {
    auto text = wire::to_string(exchange) + " {";
    for (const auto& payload : payloads.first(std::min(payloads.size(), limit::payloads))) {
        text += (text.ends_with('{') ? " " : ", ") + arrow_name(payload);
    }
    return text + (payloads.size() > limit::payloads ? ", … }" : " }");
}

std::string describe(std::span<const Payload> payloads) {
    std::string text;
    for (const auto& payload : payloads.first(std::min(payloads.size(), limit::payloads))) {
        text += payload_line(payload);
    }
    return text;
}

} // namespace viaduct::ike::wire::v1
