#include "ike/wire/v1_message_rules.h"

#include <algorithm>
#include <utility>

namespace viaduct::ike::wire::v1 {

namespace {

constexpr std::size_t any_number = limit::payloads;

/// How often a payload may stand in a message. One that we know and no row names does not belong
/// there; one that we do not know is passed over.
struct Rule {
    PayloadType payload;
    std::size_t min;
    std::size_t max;
};

using enum PayloadType;

// RFC 2409 5: SA must come first; RFC 3947 3.1: V
constexpr Rule main_mode_sa[] = {
    {security_association, 1, 1},
    {vendor_id, 0, any_number},
    {notification, 0, any_number},
};

// RFC 2409 5.1, 5.4: KE, NONCE, [CR+]; RFC 3947 3.2: NAT-D, two or more
constexpr Rule main_mode_key_exchange[] = {
    {key_exchange, 1, 1},
    {nonce, 1, 1},
    {nat_detection, 0, any_number},
    {nat_detection_draft, 0, any_number},
    {certificate_request, 0, any_number},
    {vendor_id, 0, any_number},
    {notification, 0, any_number},
};

// RFC 2409 5.1, 5.4: ID, HASH or [CERT+] SIG; RFC 2407 4.6.3.3: N(INITIAL-CONTACT)
constexpr Rule main_mode_auth[] = {
    {identification, 1, 1},
    {hash, 0, 1},
    {signature, 0, 1},
    {certificate, 0, any_number},
    {certificate_request, 0, any_number},
    {vendor_id, 0, any_number},
    {notification, 0, any_number},
};

// RFC 2409 5.1, 5.4: SA first, KE, NONCE, ID
constexpr Rule aggressive_mode_request[] = {
    {security_association, 1, 1},
    {key_exchange, 1, 1},
    {nonce, 1, 1},
    {identification, 1, 1},
    {certificate_request, 0, any_number},
    {vendor_id, 0, any_number},
    {notification, 0, any_number},
};

// RFC 2409 5.1, 5.4: SA first, KE, NONCE, ID, HASH or SIG; RFC 3947 3.2: NAT-D here and in the
// third
constexpr Rule aggressive_mode_response[] = {
    {security_association, 1, 1},
    {key_exchange, 1, 1},
    {nonce, 1, 1},
    {identification, 1, 1},
    {hash, 0, 1},
    {signature, 0, 1},
    {certificate, 0, any_number},
    {certificate_request, 0, any_number},
    {nat_detection, 0, any_number},
    {nat_detection_draft, 0, any_number},
    {vendor_id, 0, any_number},
    {notification, 0, any_number},
};

// RFC 2409 5.1, 5.4: HASH or SIG
constexpr Rule aggressive_mode_auth[] = {
    {hash, 0, 1},
    {signature, 0, 1},
    {certificate, 0, any_number},
    {nat_detection, 0, any_number},
    {nat_detection_draft, 0, any_number},
    {vendor_id, 0, any_number},
    {notification, 0, any_number},
};

// RFC 2409 5.5: HASH first, SA, NONCE, [KE], [IDci, IDcr]; RFC 3947 5.2: NAT-OA, one a side.
// Several SA payloads for several SAs at once are not negotiated.
constexpr Rule quick_mode_sa[] = {
    {hash, 1, 1},
    {security_association, 1, 1},
    {nonce, 1, 1},
    {key_exchange, 0, 1},
    {identification, 0, 2},
    {nat_original_address, 0, 2},
    {nat_original_address_draft, 0, 2},
    {notification, 0, any_number},
    {vendor_id, 0, any_number},
};

// RFC 2409 5.5: HASH
constexpr Rule quick_mode_confirmation[] = {
    {hash, 1, 1},
    {notification, 0, any_number},
    {vendor_id, 0, any_number},
};

// RFC 2409 5.7: HASH first, N or D
constexpr Rule protected_informational[] = {
    {hash, 1, 1},
    {notification, 0, any_number},
    {delete_sa, 0, any_number},
    {vendor_id, 0, any_number},
};

// RFC 2409 5.7: N or D
constexpr Rule unprotected_informational[] = {
    {notification, 0, any_number},
    {delete_sa, 0, any_number},
    {vendor_id, 0, any_number},
};

std::size_t count(const Chain& chain, PayloadType type) {
    return static_cast<std::size_t>(std::ranges::count(chain.payloads, type, payload_type));
}

std::unexpected<DecodeError> refuse(DecodeFault fault, PayloadType type, std::string_view where) {
    return std::unexpected(DecodeError{fault, static_cast<std::uint8_t>(type), 0, where});
}

Decoded<void> check(const Chain& chain, std::span<const Rule> rules, std::string_view where) {
    for (const auto& rule : rules) {
        const auto found = count(chain, rule.payload);
        if (found < rule.min) {
            return refuse(DecodeFault::missing_payload, rule.payload, where);
        }
        if (found > rule.max) {
            return refuse(DecodeFault::unexpected_payload, rule.payload, where);
        }
    }
    for (const auto& payload : chain.payloads) {
        const auto type = payload_type(payload);
        if (!std::holds_alternative<UnknownPayload>(payload) &&
            !std::ranges::contains(rules, type, &Rule::payload)) {
            return refuse(DecodeFault::unexpected_payload, type, where);
        }
    }
    return {};
}

/// RFC 2409 5: SA before all else in phase 1, HASH before all else where it covers the rest.
Decoded<void> check_first(const Chain& chain, PayloadType type, std::string_view where) {
    if (first_type(chain.payloads) != type) {
        return refuse(DecodeFault::unexpected_payload, first_type(chain.payloads), where);
    }
    return {};
}

/// RFC 2409 5.1, 5.4: one proof, by the key or by a signature.
Decoded<void> check_proof(const Chain& chain, std::string_view where) {
    const auto proofs = count(chain, hash) + count(chain, signature);
    if (proofs != 1) {
        return refuse(proofs == 0 ? DecodeFault::missing_payload : DecodeFault::unexpected_payload,
                      hash, where);
    }
    return {};
}

/// RFC 2409 5.5: both identities or none.
Decoded<void> check_identities(const Chain& chain, std::string_view where) {
    if (count(chain, identification) == 1) {
        return refuse(DecodeFault::missing_payload, identification, where);
    }
    return {};
}

/// RFC 2408 4.2: who answers chooses, one proposal and one transform. Of several proposals with one
/// number each keeps one.
Decoded<void> check_choice(const Chain& chain, std::string_view where) {
    const auto sa =
        std::get<SaPayload>(*std::ranges::find(chain.payloads, security_association, payload_type));
    const bool chosen = std::ranges::all_of(sa.proposals, [&](const Proposal& proposal) {
        return proposal.transforms.size() == 1 && proposal.number == sa.proposals.front().number;
    });
    return chosen ? Decoded<void>{} : refuse(DecodeFault::too_many, security_association, where);
}

/// Takes payloads out of a message that was checked, by type and in their order.
class Sorter {
public:
    explicit Sorter(Chain& chain) : chain_(chain) {}

    template <typename T> std::vector<T> all() {
        std::vector<T> taken;
        for (auto& payload : chain_.payloads) {
            if (auto* match = std::get_if<T>(&payload)) {
                taken.push_back(std::move(*match));
            }
        }
        return taken;
    }
    template <typename T> std::optional<T> maybe() {
        for (auto& payload : chain_.payloads) {
            if (auto* match = std::get_if<T>(&payload)) {
                return std::move(*match);
            }
        }
        return std::nullopt;
    }
    /// Only for a payload that the rules demand.
    template <typename T> T one() { return *maybe<T>(); }
    /// The octets of the first payload of this type, behind its generic header.
    Octets body(PayloadType type) const {
        const auto found = std::ranges::find(chain_.payloads, type, payload_type);
        const auto octets = chain_.body(static_cast<std::size_t>(found - chain_.payloads.begin()));
        return {octets.begin(), octets.end()};
    }
    /// What stands behind the first payload.
    Octets behind_first() const {
        const auto octets = chain_.behind(0);
        return {octets.begin(), octets.end()};
    }

private:
    Chain& chain_;
};

MainModeSa sort_main_mode_sa(Chain& chain) {
    Sorter sorter(chain);
    return {.sa = sorter.one<SaPayload>(),
            .sa_body = sorter.body(security_association),
            .vendor_ids = sorter.all<VendorIdPayload>(),
            .notifies = sorter.all<NotifyPayload>()};
}

QuickModeSa sort_quick_mode_sa(Chain& chain) {
    Sorter sorter(chain);
    QuickModeSa message{.hash = sorter.one<HashPayload>(),
                        .hashed = sorter.behind_first(),
                        .sa = sorter.one<SaPayload>(),
                        .nonce = sorter.one<NoncePayload>(),
                        .key_exchange = sorter.maybe<KeyExchangePayload>(),
                        .id_initiator = std::nullopt,
                        .id_responder = std::nullopt,
                        .nat_original_addresses = sorter.all<NatOriginalAddressPayload>(),
                        .notifies = sorter.all<NotifyPayload>()};
    auto ids = sorter.all<IdPayload>();
    if (ids.size() == 2) {
        message.id_initiator = std::move(ids[0]);
        message.id_responder = std::move(ids[1]);
    }
    return message;
}

} // namespace

Decoded<MainModeSa> read_main_mode_sa(Chain chain) {
    constexpr std::string_view where = "main mode, SA";
    return check(chain, main_mode_sa, where)
        .and_then([&] { return check_first(chain, security_association, where); })
        .transform([&] { return sort_main_mode_sa(chain); });
}

Decoded<MainModeSa> read_main_mode_sa_response(Chain chain) {
    constexpr std::string_view where = "main mode, chosen SA";
    return check(chain, main_mode_sa, where)
        .and_then([&] { return check_first(chain, security_association, where); })
        .and_then([&] { return check_choice(chain, where); })
        .transform([&] { return sort_main_mode_sa(chain); });
}

Decoded<MainModeKeyExchange> read_main_mode_key_exchange(Chain chain) {
    return check(chain, main_mode_key_exchange, "main mode, key exchange").transform([&] {
        Sorter sorter(chain);
        return MainModeKeyExchange{.key_exchange = sorter.one<KeyExchangePayload>(),
                                   .nonce = sorter.one<NoncePayload>(),
                                   .nat_detection = sorter.all<NatDetectionPayload>(),
                                   .certificate_requests = sorter.all<CertificateRequestPayload>(),
                                   .vendor_ids = sorter.all<VendorIdPayload>(),
                                   .notifies = sorter.all<NotifyPayload>()};
    });
}

Decoded<MainModeAuth> read_main_mode_auth(Chain chain) {
    constexpr std::string_view where = "main mode, authentication";
    return check(chain, main_mode_auth, where)
        .and_then([&] { return check_proof(chain, where); })
        .transform([&] {
            Sorter sorter(chain);
            return MainModeAuth{.id = sorter.one<IdPayload>(),
                                .id_body = sorter.body(identification),
                                .hash = sorter.maybe<HashPayload>(),
                                .signature = sorter.maybe<SignaturePayload>(),
                                .certificates = sorter.all<CertificatePayload>(),
                                .certificate_requests = sorter.all<CertificateRequestPayload>(),
                                .vendor_ids = sorter.all<VendorIdPayload>(),
                                .notifies = sorter.all<NotifyPayload>()};
        });
}

Decoded<AggressiveModeRequest> read_aggressive_mode_request(Chain chain) {
    constexpr std::string_view where = "aggressive mode, request";
    return check(chain, aggressive_mode_request, where)
        .and_then([&] { return check_first(chain, security_association, where); })
        .transform([&] {
            Sorter sorter(chain);
            return AggressiveModeRequest{.sa = sorter.one<SaPayload>(),
                                         .sa_body = sorter.body(security_association),
                                         .key_exchange = sorter.one<KeyExchangePayload>(),
                                         .nonce = sorter.one<NoncePayload>(),
                                         .id = sorter.one<IdPayload>(),
                                         .id_body = sorter.body(identification),
                                         .certificate_requests =
                                             sorter.all<CertificateRequestPayload>(),
                                         .vendor_ids = sorter.all<VendorIdPayload>(),
                                         .notifies = sorter.all<NotifyPayload>()};
        });
}

Decoded<AggressiveModeResponse> read_aggressive_mode_response(Chain chain) {
    constexpr std::string_view where = "aggressive mode, response";
    return check(chain, aggressive_mode_response, where)
        .and_then([&] { return check_first(chain, security_association, where); })
        .and_then([&] { return check_choice(chain, where); })
        .and_then([&] { return check_proof(chain, where); })
        .transform([&] {
            Sorter sorter(chain);
            return AggressiveModeResponse{.sa = sorter.one<SaPayload>(),
                                          .key_exchange = sorter.one<KeyExchangePayload>(),
                                          .nonce = sorter.one<NoncePayload>(),
                                          .id = sorter.one<IdPayload>(),
                                          .id_body = sorter.body(identification),
                                          .hash = sorter.maybe<HashPayload>(),
                                          .signature = sorter.maybe<SignaturePayload>(),
                                          .nat_detection = sorter.all<NatDetectionPayload>(),
                                          .certificates = sorter.all<CertificatePayload>(),
                                          .certificate_requests =
                                              sorter.all<CertificateRequestPayload>(),
                                          .vendor_ids = sorter.all<VendorIdPayload>(),
                                          .notifies = sorter.all<NotifyPayload>()};
        });
}

Decoded<AggressiveModeAuth> read_aggressive_mode_auth(Chain chain) {
    constexpr std::string_view where = "aggressive mode, authentication";
    return check(chain, aggressive_mode_auth, where)
        .and_then([&] { return check_proof(chain, where); })
        .transform([&] {
            Sorter sorter(chain);
            return AggressiveModeAuth{.hash = sorter.maybe<HashPayload>(),
                                      .signature = sorter.maybe<SignaturePayload>(),
                                      .nat_detection = sorter.all<NatDetectionPayload>(),
                                      .certificates = sorter.all<CertificatePayload>(),
                                      .vendor_ids = sorter.all<VendorIdPayload>(),
                                      .notifies = sorter.all<NotifyPayload>()};
        });
}

Decoded<QuickModeSa> read_quick_mode_request(Chain chain) {
    constexpr std::string_view where = "quick mode, request";
    return check(chain, quick_mode_sa, where)
        .and_then([&] { return check_first(chain, hash, where); })
        .and_then([&] { return check_identities(chain, where); })
        .transform([&] { return sort_quick_mode_sa(chain); });
}

Decoded<QuickModeSa> read_quick_mode_response(Chain chain) {
    constexpr std::string_view where = "quick mode, response";
    return check(chain, quick_mode_sa, where)
        .and_then([&] { return check_first(chain, hash, where); })
        .and_then([&] { return check_identities(chain, where); })
        .and_then([&] { return check_choice(chain, where); })
        .transform([&] { return sort_quick_mode_sa(chain); });
}

Decoded<QuickModeConfirmation> read_quick_mode_confirmation(Chain chain) {
    constexpr std::string_view where = "quick mode, confirmation";
    return check(chain, quick_mode_confirmation, where)
        .and_then([&] { return check_first(chain, hash, where); })
        .transform([&] {
            Sorter sorter(chain);
            return QuickModeConfirmation{.hash = sorter.one<HashPayload>(),
                                         .notifies = sorter.all<NotifyPayload>()};
        });
}

Decoded<ProtectedInformational> read_protected_informational(Chain chain) {
    constexpr std::string_view where = "informational exchange";
    return check(chain, protected_informational, where)
        .and_then([&] { return check_first(chain, hash, where); })
        .transform([&] {
            Sorter sorter(chain);
            return ProtectedInformational{.hash = sorter.one<HashPayload>(),
                                          .hashed = sorter.behind_first(),
                                          .notifies = sorter.all<NotifyPayload>(),
                                          .deletes = sorter.all<DeletePayload>()};
        });
}

Decoded<UnprotectedInformational> read_unprotected_informational(Chain chain) {
    return check(chain, unprotected_informational, "informational exchange in clear")
        .transform([&] {
            Sorter sorter(chain);
            return UnprotectedInformational{.notifies = sorter.all<NotifyPayload>(),
                                            .deletes = sorter.all<DeletePayload>()};
        });
}

} // namespace viaduct::ike::wire::v1
