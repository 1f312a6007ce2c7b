// Which payloads an exchange must and may carry (RFC 7296 sections 1.2 to 1.4 and 3, appendix C),
// as a table, and the typed messages that come out of the check.
#pragma once

#include "ike/wire/v2_message.h"

namespace viaduct::ike::wire {

/// IKE_SA_INIT, either direction. In a request a cookie may come first (section 2.6).
struct SaInitMessage {
    SaPayload sa;
    KeyExchangePayload key_exchange;
    NoncePayload nonce;
    std::vector<NotifyPayload> notifies;
    std::vector<VendorIdPayload> vendor_ids;
};

/// An IKE_SA_INIT response that refuses: no SA, at least one notify (an error or COOKIE).
struct SaInitRefusal {
    std::vector<NotifyPayload> notifies;
};

using SaInitResponse = std::variant<SaInitMessage, SaInitRefusal>;

/// IKE_AUTH request. `auth` is absent when the peer asks for EAP; the child's payloads are absent
/// in a childless request (RFC 6023).
struct AuthRequest {
    IdPayload id_initiator;
    std::optional<IdPayload> id_responder;
    std::optional<AuthPayload> auth;
    std::optional<SaPayload> sa;
    std::optional<TsPayload> ts_initiator;
    std::optional<TsPayload> ts_responder;
    std::vector<CertificatePayload> certificates;
    std::vector<CertificateRequestPayload> certificate_requests;
    std::optional<ConfigurationPayload> configuration;
    std::vector<NotifyPayload> notifies;
    std::vector<VendorIdPayload> vendor_ids;
};

/// IKE_AUTH response that authenticates the responder. The child's payloads are absent when only
/// the child failed; then an error notify says why.
struct AuthResponse {
    IdPayload id_responder;
    AuthPayload auth;
    std::optional<SaPayload> sa;
    std::optional<TsPayload> ts_initiator;
    std::optional<TsPayload> ts_responder;
    std::vector<CertificatePayload> certificates;
    std::optional<ConfigurationPayload> configuration;
    std::vector<NotifyPayload> notifies;
    std::vector<VendorIdPayload> vendor_ids;
};

/// IKE_AUTH response without IDr or AUTH: the exchange failed, the notifies say why.
struct AuthRefusal {
    std::vector<NotifyPayload> notifies;
};

using AuthAnswer = std::variant<AuthResponse, AuthRefusal>;

/// CREATE_CHILD_SA request (section 1.3), for a further child, a rekey of a child or of the IKE SA.
struct CreateChildRequest {
    SaPayload sa;
    NoncePayload nonce;
    std::optional<KeyExchangePayload> key_exchange;
    std::optional<TsPayload> ts_initiator;
    std::optional<TsPayload> ts_responder;
    std::vector<NotifyPayload> notifies;
};

/// CREATE_CHILD_SA response that agrees. Selectors are there for a child and absent for an IKE SA.
struct CreateChildResponse {
    SaPayload sa;
    NoncePayload nonce;
    std::optional<KeyExchangePayload> key_exchange;
    std::optional<TsPayload> ts_initiator;
    std::optional<TsPayload> ts_responder;
    std::vector<NotifyPayload> notifies;
};

/// CREATE_CHILD_SA response without SA: at least one notify.
struct CreateChildRefusal {
    std::vector<NotifyPayload> notifies;
};

using CreateChildAnswer = std::variant<CreateChildResponse, CreateChildRefusal>;

/// INFORMATIONAL, either direction; empty for a liveness check.
struct InformationalMessage {
    std::vector<DeletePayload> deletes;
    std::vector<NotifyPayload> notifies;
    std::optional<ConfigurationPayload> configuration;
};

Decoded<SaInitMessage> read_sa_init_request(std::vector<Payload> payloads);
Decoded<SaInitResponse> read_sa_init_response(std::vector<Payload> payloads);
Decoded<AuthRequest> read_auth_request(std::vector<Payload> payloads);
Decoded<AuthAnswer> read_auth_response(std::vector<Payload> payloads);
Decoded<CreateChildRequest> read_create_child_request(std::vector<Payload> payloads);
Decoded<CreateChildAnswer> read_create_child_response(std::vector<Payload> payloads);
Decoded<InformationalMessage> read_informational(std::vector<Payload> payloads);

} // namespace viaduct::ike::wire
