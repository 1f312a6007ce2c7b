// What holds for every chain of IKEv1's payloads that was decoded.
#pragma once

#include "ike/wire/v1_identification.h"
#include "ike/wire/v1_message_rules.h"
#include "ike/wire/v1_transform.h"
#include "ike/wire/v1_vendor_id.h"

#include <algorithm>
#include <cstdlib>

namespace viaduct::fuzz::v1 {

inline void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// SPIs of other protocols are not written again.
inline bool skipped_spis(const ike::wire::v1::Payload& payload) {
    const auto* removal = std::get_if<ike::wire::v1::DeletePayload>(&payload);
    return removal != nullptr && removal->skipped > 0;
}

/// A selector that was read says the same when it is written and read again.
inline void check_id(const ike::wire::v1::IdPayload& id) {
    using namespace ike::wire::v1;
    const auto selector = selector_of(id);
    if (!selector) {
        return;
    }
    require(selector->is_valid());
    const auto written = id_of(*selector);
    require(written.has_value() && selector_of(*written) == selector);
}

inline void check_transforms(const ike::wire::v1::SaPayload& sa) {
    using namespace ike::wire::v1;
    for (const auto& proposal : sa.proposals) {
        for (const auto& transform : proposal.transforms) {
            if (const auto suite = read_phase_one_suite(transform)) {
                (void)suite->to_string();
            }
            if (const auto esp = read_esp_transform(transform)) {
                (void)esp->to_string();
            }
        }
    }
}

/// Each reader takes the chain or refuses it; what a hash covers lies inside the chain.
inline void check_rules(const ike::wire::v1::Chain& chain) {
    using namespace ike::wire::v1;
    (void)read_main_mode_sa(chain);
    (void)read_main_mode_sa_response(chain);
    (void)read_main_mode_key_exchange(chain);
    (void)read_main_mode_auth(chain);
    (void)read_aggressive_mode_request(chain);
    (void)read_aggressive_mode_response(chain);
    (void)read_aggressive_mode_auth(chain);
    (void)read_quick_mode_response(chain);
    (void)read_quick_mode_confirmation(chain);
    (void)read_protected_informational(chain);
    (void)read_unprotected_informational(chain);
    if (const auto request = read_quick_mode_request(chain)) {
        require(request->hashed.size() < chain.octets.size());
    }
}

inline void check_chain(ike::wire::ExchangeType exchange, const ike::wire::v1::Chain& chain) {
    using namespace ike::wire::v1;
    const auto& payloads = chain.payloads;
    require(chain.bodies.size() == payloads.size());
    for (std::size_t i = 0; i < payloads.size(); ++i) {
        require(chain.body(i).size() + chain.behind(i).size() < chain.octets.size());
        if (const auto* id = std::get_if<IdPayload>(&payloads[i])) {
            check_id(*id);
        } else if (const auto* sa = std::get_if<SaPayload>(&payloads[i])) {
            check_transforms(*sa);
        }
    }
    if (std::ranges::none_of(payloads, skipped_spis)) {
        const auto again = decode_chain(first_type(payloads), encode_chain(payloads));
        require(again.has_value() && again->payloads == payloads);
    }
    require(arrow_notation(exchange, payloads).size() < limit::payloads * 64);
    const auto text = describe(payloads);
    require(text.size() <= limit::payloads * (limit::text_line + 4));
    require(std::ranges::none_of(text, [](char c) { return c >= 0 && c < 0x20 && c != '\n'; }));
    check_rules(chain);
}

} // namespace viaduct::fuzz::v1
