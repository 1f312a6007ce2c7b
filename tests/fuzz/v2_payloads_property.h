// What holds for every chain of payloads that was decoded.
#pragma once

#include "ike/wire/v2_message_rules.h"

#include <algorithm>
#include <cstdlib>

namespace viaduct::fuzz {

inline void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// Selectors that were skipped are not written again.
inline bool skipped_selectors(const ike::wire::Payload& payload) {
    const auto* ts = std::get_if<ike::wire::TsPayload>(&payload);
    return ts != nullptr && ts->skipped > 0;
}

inline void check_payloads(ike::wire::ExchangeType exchange,
                           const std::vector<ike::wire::Payload>& payloads) {
    using namespace ike::wire;
    const auto first = payloads.empty() ? PayloadType::none : payload_type(payloads.front());
    if (std::ranges::none_of(payloads, skipped_selectors)) {
        const auto again = decode_v2_payloads(first, encode_v2_payloads(payloads));
        require(again.has_value() && *again == payloads);
    }
    require(arrow_notation(exchange, payloads).size() < limit::payloads * 64);
    const auto text = describe(payloads);
    require(text.size() <= limit::payloads * (limit::text_line + 4));
    require(std::ranges::none_of(text, [](char c) { return c >= 0 && c < 0x20 && c != '\n'; }));
    (void)read_sa_init_request(payloads);
    (void)read_sa_init_response(payloads);
    (void)read_auth_request(payloads);
    (void)read_auth_response(payloads);
    (void)read_create_child_request(payloads);
    (void)read_informational(payloads);
}

} // namespace viaduct::fuzz
