#include "ike/wire/v2_message_rules.h"

#include <algorithm>
#include <array>
#include <utility>

namespace viaduct::ike::wire {

namespace {

constexpr std::size_t any_number = limit::payloads;

/// How often a payload may stand in a message. A payload that we know and no row names does not
/// belong there; one that we do not know was let pass when it was decoded (RFC 7296 section 2.5).
struct Rule {
    PayloadType payload;
    std::size_t min;
    std::size_t max;
};

// RFC 7296 1.2, appendix C.1: [N(COOKIE)], SA, KE, Ni, [N+], [V+]
constexpr Rule sa_init_request[] = {
    {PayloadType::security_association, 1, 1}, // 3.3
    {PayloadType::key_exchange, 1, 1},         // 3.4
    {PayloadType::nonce, 1, 1},                // 3.9
    {PayloadType::notify, 0, any_number},      // 2.6, 2.23
    {PayloadType::vendor_id, 0, any_number},   // 3.12
};

// RFC 7296 1.2, appendix C.1: SA, KE, Nr, [N+], [CERTREQ+], [V+]
constexpr Rule sa_init_response[] = {
    {PayloadType::security_association, 1, 1},
    {PayloadType::key_exchange, 1, 1},
    {PayloadType::nonce, 1, 1},
    {PayloadType::notify, 0, any_number},
    {PayloadType::certificate_request, 0, any_number}, // 3.7
    {PayloadType::vendor_id, 0, any_number},
};

// RFC 7296 2.6, 2.7, 2.21.1: N(COOKIE), N(INVALID_KE_PAYLOAD) or an error, [V+]
constexpr Rule sa_init_refusal[] = {
    {PayloadType::notify, 1, any_number},
    {PayloadType::vendor_id, 0, any_number},
};

// RFC 7296 1.2, appendix C.2: IDi, [CERT+], [N+], [CERTREQ+], [IDr], AUTH, [CP], [N+], SA, TSi,
// TSr, [V+]. AUTH is absent where the peer asks for EAP (2.16), the child in RFC 6023.
constexpr Rule auth_request[] = {
    {PayloadType::id_initiator, 1, 1},                 // 3.5
    {PayloadType::id_responder, 0, 1},                 // 3.5
    {PayloadType::authentication, 0, 1},               // 3.8
    {PayloadType::certificate, 0, any_number},         // 3.6
    {PayloadType::certificate_request, 0, any_number}, // 3.7
    {PayloadType::configuration, 0, 1},                // 2.19
    {PayloadType::security_association, 0, 1},         // 3.3
    {PayloadType::ts_initiator, 0, 1},                 // 3.13
    {PayloadType::ts_responder, 0, 1},                 // 3.13
    {PayloadType::notify, 0, any_number},              // 3.10
    {PayloadType::vendor_id, 0, any_number},           // 3.12
};

// RFC 7296 1.2, appendix C.2: IDr, [CERT+], AUTH, [CP], [N+], SA, TSi, TSr, [N+], [V+]; without the
// child's payloads where only the child failed (2.21.2)
constexpr Rule auth_response[] = {
    {PayloadType::id_responder, 1, 1},         {PayloadType::authentication, 1, 1},
    {PayloadType::certificate, 0, any_number}, {PayloadType::configuration, 0, 1},
    {PayloadType::security_association, 0, 1}, {PayloadType::ts_initiator, 0, 1},
    {PayloadType::ts_responder, 0, 1},         {PayloadType::notify, 0, any_number},
    {PayloadType::vendor_id, 0, any_number},
};

// RFC 7296 2.21.2: an error; what else stands in the message no longer matters
constexpr Rule auth_refusal[] = {
    {PayloadType::id_responder, 0, 1},         {PayloadType::authentication, 0, 1},
    {PayloadType::certificate, 0, any_number}, {PayloadType::notify, 1, any_number},
    {PayloadType::vendor_id, 0, any_number},
};

// RFC 7296 1.3.1, 1.3.3, appendix C.4: [N(REKEY_SA)], [CP], [N+], SA, Ni, [KEi], TSi, TSr, [V+]
constexpr Rule create_child_request[] = {
    {PayloadType::security_association, 1, 1}, {PayloadType::nonce, 1, 1},
    {PayloadType::key_exchange, 0, 1}, // 1.3.1
    {PayloadType::ts_initiator, 1, 1},         {PayloadType::ts_responder, 1, 1},
    {PayloadType::configuration, 0, 1},        {PayloadType::notify, 0, any_number},
    {PayloadType::vendor_id, 0, any_number},
};

// RFC 7296 1.3.2, appendix C.5: SA, Ni, KEi, [V+], [N+]
constexpr Rule rekey_ike_request[] = {
    {PayloadType::security_association, 1, 1}, {PayloadType::nonce, 1, 1},
    {PayloadType::key_exchange, 1, 1}, // 1.3.2
    {PayloadType::notify, 0, any_number},      {PayloadType::vendor_id, 0, any_number},
};

// RFC 7296 1.3.1 to 1.3.3, 2.7: an error, or a notify that asks for another group
constexpr Rule create_child_refusal[] = {
    {PayloadType::notify, 1, any_number},
    {PayloadType::vendor_id, 0, any_number},
};

// RFC 7296 1.4, appendix C.6: [N+], [D+], [CP]
constexpr Rule informational[] = {
    {PayloadType::notify, 0, any_number},
    {PayloadType::delete_sa, 0, any_number}, // 1.4.1
    {PayloadType::configuration, 0, 1},      // 3.15
    {PayloadType::vendor_id, 0, any_number},
};

std::size_t count(std::span<const Payload> payloads, PayloadType type) {
    return static_cast<std::size_t>(std::ranges::count(payloads, type, payload_type));
}

std::unexpected<DecodeError> refuse(DecodeFault fault, PayloadType type, std::string_view where) {
    return std::unexpected(DecodeError{fault, static_cast<std::uint8_t>(type), 0, where});
}

Decoded<void> check(std::span<const Payload> payloads, std::span<const Rule> rules,
                    std::string_view where) {
    for (const auto& rule : rules) {
        const auto found = count(payloads, rule.payload);
        if (found < rule.min) {
            return refuse(DecodeFault::missing_payload, rule.payload, where);
        }
        if (found > rule.max) {
            return refuse(DecodeFault::unexpected_payload, rule.payload, where);
        }
    }
    for (const auto& payload : payloads) {
        const auto type = payload_type(payload);
        if (!std::holds_alternative<UnknownPayload>(payload) &&
            !std::ranges::contains(rules, type, &Rule::payload)) {
            return refuse(DecodeFault::unexpected_payload, type, where);
        }
    }
    return {};
}

/// RFC 7296 1.2, 1.3.1: SA, TSi and TSr describe a child SA together or not at all.
Decoded<void> check_child(std::span<const Payload> payloads, std::string_view where) {
    constexpr std::array child = {PayloadType::security_association, PayloadType::ts_initiator,
                                  PayloadType::ts_responder};
    const auto absent = [&](PayloadType type) { return count(payloads, type) == 0; };
    const auto missing = std::ranges::find_if(child, absent);
    if (missing != child.end() && !std::ranges::all_of(child, absent)) {
        return refuse(DecodeFault::missing_payload, *missing, where);
    }
    return {};
}

bool holds_error(std::span<const Payload> payloads) {
    return std::ranges::any_of(payloads, [](const Payload& payload) {
        const auto* notify = std::get_if<NotifyPayload>(&payload);
        return notify != nullptr && is_error(notify->type);
    });
}

/// Takes payloads out of a message that was checked, by type and in their order.
class Sorter {
public:
    explicit Sorter(std::vector<Payload>& payloads) : payloads_(payloads) {}

    template <typename T> std::vector<T> all() {
        std::vector<T> taken;
        for (auto& payload : payloads_) {
            if (auto* match = std::get_if<T>(&payload)) {
                taken.push_back(std::move(*match));
            }
        }
        return taken;
    }
    template <typename T> std::optional<T> maybe(PayloadType type) {
        const auto found = std::ranges::find(payloads_, type, payload_type);
        if (found == payloads_.end()) {
            return std::nullopt;
        }
        return std::get<T>(std::move(*found));
    }
    /// Only for a payload that the rules demand.
    template <typename T> T one(PayloadType type) { return *maybe<T>(type); }

private:
    std::vector<Payload>& payloads_;
};

SaInitMessage sort_sa_init(std::vector<Payload>& payloads) {
    Sorter sorter(payloads);
    return {.sa = sorter.one<SaPayload>(PayloadType::security_association),
            .key_exchange = sorter.one<KeyExchangePayload>(PayloadType::key_exchange),
            .nonce = sorter.one<NoncePayload>(PayloadType::nonce),
            .notifies = sorter.all<NotifyPayload>(),
            .vendor_ids = sorter.all<VendorIdPayload>()};
}

AuthResponse sort_auth_response(std::vector<Payload>& payloads) {
    Sorter sorter(payloads);
    return {.id_responder = sorter.one<IdPayload>(PayloadType::id_responder),
            .auth = sorter.one<AuthPayload>(PayloadType::authentication),
            .sa = sorter.maybe<SaPayload>(PayloadType::security_association),
            .ts_initiator = sorter.maybe<TsPayload>(PayloadType::ts_initiator),
            .ts_responder = sorter.maybe<TsPayload>(PayloadType::ts_responder),
            .certificates = sorter.all<CertificatePayload>(),
            .configuration = sorter.maybe<ConfigurationPayload>(PayloadType::configuration),
            .notifies = sorter.all<NotifyPayload>(),
            .vendor_ids = sorter.all<VendorIdPayload>()};
}

bool offers_ike(std::span<const Payload> payloads) {
    const auto sa = std::ranges::find(payloads, PayloadType::security_association, payload_type);
    if (sa == payloads.end()) {
        return false;
    }
    const auto& proposals = std::get<SaPayload>(*sa).proposals;
    return !proposals.empty() && proposals.front().proposal.protocol == policy::ProtocolId::ike;
}

} // namespace

Decoded<SaInitMessage> read_sa_init_request(std::vector<Payload> payloads) {
    return check(payloads, sa_init_request, "IKE_SA_INIT request").transform([&] {
        return sort_sa_init(payloads);
    });
}

Decoded<SaInitResponse> read_sa_init_response(std::vector<Payload> payloads) {
    if (count(payloads, PayloadType::security_association) == 0) {
        return check(payloads, sa_init_refusal, "IKE_SA_INIT refusal").transform([&] {
            return SaInitResponse(SaInitRefusal{Sorter(payloads).all<NotifyPayload>()});
        });
    }
    return check(payloads, sa_init_response, "IKE_SA_INIT response").transform([&] {
        return SaInitResponse(sort_sa_init(payloads));
    });
}

Decoded<AuthRequest> read_auth_request(std::vector<Payload> payloads) {
    constexpr std::string_view where = "IKE_AUTH request";
    return check(payloads, auth_request, where)
        .and_then([&] { return check_child(payloads, where); })
        .transform([&] {
            Sorter sorter(payloads);
            return AuthRequest{.id_initiator = sorter.one<IdPayload>(PayloadType::id_initiator),
                               .id_responder = sorter.maybe<IdPayload>(PayloadType::id_responder),
                               .auth = sorter.maybe<AuthPayload>(PayloadType::authentication),
                               .sa = sorter.maybe<SaPayload>(PayloadType::security_association),
                               .ts_initiator = sorter.maybe<TsPayload>(PayloadType::ts_initiator),
                               .ts_responder = sorter.maybe<TsPayload>(PayloadType::ts_responder),
                               .certificates = sorter.all<CertificatePayload>(),
                               .certificate_requests = sorter.all<CertificateRequestPayload>(),
                               .configuration =
                                   sorter.maybe<ConfigurationPayload>(PayloadType::configuration),
                               .notifies = sorter.all<NotifyPayload>(),
                               .vendor_ids = sorter.all<VendorIdPayload>()};
        });
}

Decoded<AuthAnswer> read_auth_response(std::vector<Payload> payloads) {
    constexpr std::string_view where = "IKE_AUTH response";
    const bool authenticates = count(payloads, PayloadType::id_responder) > 0 &&
                               count(payloads, PayloadType::authentication) > 0;
    if (!authenticates && holds_error(payloads)) {
        return check(payloads, auth_refusal, "IKE_AUTH refusal").transform([&] {
            return AuthAnswer(AuthRefusal{Sorter(payloads).all<NotifyPayload>()});
        });
    }
    return check(payloads, auth_response, where)
        .and_then([&] { return check_child(payloads, where); })
        .transform([&] { return AuthAnswer(sort_auth_response(payloads)); });
}

Decoded<CreateChildRequest> read_create_child_request(std::vector<Payload> payloads) {
    const auto checked =
        offers_ike(payloads)
            ? check(payloads, rekey_ike_request, "CREATE_CHILD_SA request for an IKE SA")
            : check(payloads, create_child_request, "CREATE_CHILD_SA request");
    return checked.transform([&] {
        Sorter sorter(payloads);
        return CreateChildRequest{
            .sa = sorter.one<SaPayload>(PayloadType::security_association),
            .nonce = sorter.one<NoncePayload>(PayloadType::nonce),
            .key_exchange = sorter.maybe<KeyExchangePayload>(PayloadType::key_exchange),
            .ts_initiator = sorter.maybe<TsPayload>(PayloadType::ts_initiator),
            .ts_responder = sorter.maybe<TsPayload>(PayloadType::ts_responder),
            .notifies = sorter.all<NotifyPayload>()};
    });
}

Decoded<CreateChildAnswer> read_create_child_response(std::vector<Payload> payloads) {
    constexpr std::string_view where = "CREATE_CHILD_SA response";
    if (count(payloads, PayloadType::security_association) == 0) {
        return check(payloads, create_child_refusal, "CREATE_CHILD_SA refusal").transform([&] {
            return CreateChildAnswer(CreateChildRefusal{Sorter(payloads).all<NotifyPayload>()});
        });
    }
    const auto checked = offers_ike(payloads) ? check(payloads, rekey_ike_request, where)
                                              : check(payloads, create_child_request, where);
    return checked.transform([&] {
        Sorter sorter(payloads);
        return CreateChildAnswer(CreateChildResponse{
            .sa = sorter.one<SaPayload>(PayloadType::security_association),
            .nonce = sorter.one<NoncePayload>(PayloadType::nonce),
            .key_exchange = sorter.maybe<KeyExchangePayload>(PayloadType::key_exchange),
            .ts_initiator = sorter.maybe<TsPayload>(PayloadType::ts_initiator),
            .ts_responder = sorter.maybe<TsPayload>(PayloadType::ts_responder),
            .notifies = sorter.all<NotifyPayload>()});
    });
}

Decoded<InformationalMessage> read_informational(std::vector<Payload> payloads) {
    return check(payloads, informational, "INFORMATIONAL").transform([&] {
        Sorter sorter(payloads);
        return InformationalMessage{
            .deletes = sorter.all<DeletePayload>(),
            .notifies = sorter.all<NotifyPayload>(),
            .configuration = sorter.maybe<ConfigurationPayload>(PayloadType::configuration)};
    });
}

} // namespace viaduct::ike::wire
