// Messages as a person reads them in a log or an explanation.

#include "ike/wire/v2_message.h"

#include <algorithm>
#include <array>
#include <format>

namespace viaduct::ike::wire {

namespace {

constexpr std::size_t shown_octets = 32;

std::string hex(std::span<const std::uint8_t> octets) {
    std::string text;
    for (const auto octet : octets.first(std::min(octets.size(), shown_octets))) {
        text += std::format("{:02x}", octet);
    }
    if (octets.size() > shown_octets) {
        text += std::format("… ({} octets)", octets.size());
    }
    return text;
}

bool prints(std::span<const std::uint8_t> octets) {
    return std::ranges::all_of(octets, [](auto octet) { return octet >= 0x20 && octet < 0x7f; });
}

/// `"strongSwan"` where everything prints, else hexadecimal.
std::string text_or_hex(std::span<const std::uint8_t> octets) {
    if (octets.empty() || octets.size() > shown_octets || !prints(octets)) {
        return hex(octets);
    }
    return std::format("\"{}\"", std::string(octets.begin(), octets.end()));
}

std::string protocol_name(policy::ProtocolId protocol) {
    switch (protocol) {
    case policy::ProtocolId::none: return "none";
    case policy::ProtocolId::ike: return "IKE";
    case policy::ProtocolId::ah: return "AH";
    case policy::ProtocolId::esp: return "ESP";
    }
    return std::format("protocol {}", static_cast<unsigned>(protocol));
}

std::string configuration_name(std::uint8_t type) {
    constexpr std::array names = {"CFG_REQUEST", "CFG_REPLY", "CFG_SET", "CFG_ACK"};
    return type >= 1 && type <= names.size() ? names[type - 1u] : std::to_string(type);
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

std::string key_exchange_name(std::uint16_t method) {
    return policy::transform_name(policy::TransformType::key_exchange, method, std::nullopt);
}

std::string proposal_line(const OfferedProposal& offered) {
    auto text = std::format("{} {}", offered.number, offered.proposal.to_string());
    if (!offered.spi.empty()) {
        text += std::format(" SPI {}", hex(offered.spi));
    }
    return text;
}

/// What the data of a notify say, where that helps and is no secret.
std::string notify_meaning(const NotifyPayload& notify) {
    if (notify.type == NotifyType::invalid_ke_payload && notify.data.size() == 2) {
        const auto method = static_cast<std::uint16_t>(notify.data[0] << 8 | notify.data[1]);
        return std::format(" wants {}", key_exchange_name(method));
    }
    if (notify.type == NotifyType::unsupported_critical_payload && notify.data.size() == 1) {
        return std::format(" payload {}", notify.data[0]);
    }
    return notify.data.empty() ? "" : std::format(" {} octets", notify.data.size());
}

struct Content {
    std::string operator()(const SaPayload& sa) const {
        return joined(sa.proposals, "; ", proposal_line);
    }
    std::string operator()(const KeyExchangePayload& ke) const {
        return std::format("{} {} octets", key_exchange_name(ke.method), ke.data.size());
    }
    std::string operator()(const IdPayload& id) const {
        // Bounded before it is made readable: an identity may fill a whole message.
        auto identity = id.identity;
        identity.data.resize(std::min(identity.data.size(), limit::text_line));
        return identity.to_string();
    }
    std::string operator()(const CertificatePayload& certificate) const {
        return std::format("encoding {} {} octets", certificate.encoding, certificate.data.size());
    }
    std::string operator()(const CertificateRequestPayload& request) const {
        return std::format("encoding {} {} octets", request.encoding, request.data.size());
    }
    std::string operator()(const AuthPayload& auth) const { return to_string(auth.method); }
    std::string operator()(const NoncePayload& nonce) const {
        return std::format("{} octets", nonce.data.size());
    }
    std::string operator()(const NotifyPayload& notify) const {
        auto text = std::format("({})", to_string(notify.type));
        if (!notify.spi.empty()) {
            text += std::format(" {} SPI {}", protocol_name(notify.protocol), hex(notify.spi));
        }
        return text + notify_meaning(notify);
    }
    std::string operator()(const DeletePayload& removal) const {
        return protocol_name(removal.protocol) + (removal.spis.empty() ? "" : " SPI ") +
               joined(removal.spis, ", ", [](policy::ChildSpi spi) { return to_string(spi); });
    }
    std::string operator()(const VendorIdPayload& vendor) const { return text_or_hex(vendor.data); }
    std::string operator()(const TsPayload& ts) const {
        auto text =
            joined(ts.selectors, ", ", [](const auto& selector) { return selector.to_string(); });
        if (ts.skipped > 0) {
            text += std::format("{}{} not understood", text.empty() ? "" : ", ", ts.skipped);
        }
        return text;
    }
    std::string operator()(const ConfigurationPayload& configuration) const {
        return std::format("{} {} octets", configuration_name(configuration.type),
                           configuration.attributes.size());
    }
    std::string operator()(const EapPayload& eap) const {
        return std::format("{} octets", eap.message.size());
    }
    std::string operator()(const UnknownPayload& unknown) const {
        return std::format("{} octets", unknown.body.size());
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

std::string arrow_name(const Payload& payload, Direction direction) {
    if (const auto* notify = std::get_if<NotifyPayload>(&payload)) {
        return std::format("N({})", to_string(notify->type));
    }
    if (std::holds_alternative<NoncePayload>(payload)) {
        return direction == Direction::request ? "Ni" : "Nr";
    }
    return to_string(payload_type(payload));
}

} // namespace

std::string arrow_notation(ExchangeType exchange, std::span<const Payload> payloads,
                           Direction direction) {
    auto text = to_string(exchange) + " {";
    for (const auto& payload : payloads.first(std::min(payloads.size(), limit::payloads))) {
        text += (text.ends_with('{') ? " " : ", ") + arrow_name(payload, direction);
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

} // namespace viaduct::ike::wire
