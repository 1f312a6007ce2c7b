// Which payloads each message of IKEv1 must and may carry (RFC 2409 sections 5.1 to 5.7, RFC 3947
// section 4), as a table, and the typed messages that come out of the check. With a payload that a
// hash covers come its octets as they were sent.
#pragma once

#include "ike/wire/v1_message.h"

namespace viaduct::ike::wire::v1 {

/// First and second message of main mode. The second holds one proposal with one transform.
struct MainModeSa {
    SaPayload sa;
    /// `SAi_b`: the initiator's is in HASH_I and HASH_R.
    Octets sa_body;
    std::vector<VendorIdPayload> vendor_ids;
    std::vector<NotifyPayload> notifies;
};

/// Third and fourth message of main mode.
struct MainModeKeyExchange {
    KeyExchangePayload key_exchange;
    NoncePayload nonce;
    /// RFC 3947 section 3.2: first the hash of the receiver's address, then those of the sender's.
    std::vector<NatDetectionPayload> nat_detection;
    std::vector<CertificateRequestPayload> certificate_requests;
    std::vector<VendorIdPayload> vendor_ids;
    std::vector<NotifyPayload> notifies;
};

/// Fifth and sixth message of main mode. Exactly one of `hash` and `signature` is there.
struct MainModeAuth {
    IdPayload id;
    /// `IDii_b` or `IDir_b`.
    Octets id_body;
    std::optional<HashPayload> hash;
    std::optional<SignaturePayload> signature;
    std::vector<CertificatePayload> certificates;
    std::vector<CertificateRequestPayload> certificate_requests;
    std::vector<VendorIdPayload> vendor_ids;
    /// INITIAL-CONTACT.
    std::vector<NotifyPayload> notifies;
};

/// First message of aggressive mode.
struct AggressiveModeRequest {
    SaPayload sa;
    Octets sa_body;
    KeyExchangePayload key_exchange;
    NoncePayload nonce;
    IdPayload id;
    Octets id_body;
    std::vector<CertificateRequestPayload> certificate_requests;
    std::vector<VendorIdPayload> vendor_ids;
    std::vector<NotifyPayload> notifies;
};

/// Second message of aggressive mode.
struct AggressiveModeResponse {
    SaPayload sa;
    KeyExchangePayload key_exchange;
    NoncePayload nonce;
    IdPayload id;
    Octets id_body;
    std::optional<HashPayload> hash;
    std::optional<SignaturePayload> signature;
    std::vector<NatDetectionPayload> nat_detection;
    std::vector<CertificatePayload> certificates;
    std::vector<CertificateRequestPayload> certificate_requests;
    std::vector<VendorIdPayload> vendor_ids;
    std::vector<NotifyPayload> notifies;
};

/// Third message of aggressive mode.
struct AggressiveModeAuth {
    std::optional<HashPayload> hash;
    std::optional<SignaturePayload> signature;
    std::vector<NatDetectionPayload> nat_detection;
    std::vector<CertificatePayload> certificates;
    std::vector<VendorIdPayload> vendor_ids;
    std::vector<NotifyPayload> notifies;
};

/// First and second message of quick mode.
struct QuickModeSa {
    HashPayload hash;
    /// What HASH(1) and HASH(2) cover of the message: everything behind the HASH payload.
    Octets hashed;
    SaPayload sa;
    NoncePayload nonce;
    std::optional<KeyExchangePayload> key_exchange;
    /// IDci and IDcr, both or none; without them the SA is for the gateways' own addresses
    /// (RFC 2409 section 5.5).
    std::optional<IdPayload> id_initiator;
    std::optional<IdPayload> id_responder;
    std::vector<NatOriginalAddressPayload> nat_original_addresses;
    /// RESPONDER-LIFETIME, INITIAL-CONTACT.
    std::vector<NotifyPayload> notifies;
};

/// Third message of quick mode. HASH(3) covers nothing of the message itself.
struct QuickModeConfirmation {
    HashPayload hash;
    std::vector<NotifyPayload> notifies;
};

/// What follows the third message when the commit bit was set (RFC 2408 section 3.1), and any
/// notification with HASH(1) of a quick mode.
struct ProtectedInformational {
    HashPayload hash;
    Octets hashed;
    std::vector<NotifyPayload> notifies;
    std::vector<DeletePayload> deletes;
};

/// An informational exchange in clear (RFC 2409 section 5.7): not to be believed.
struct UnprotectedInformational {
    std::vector<NotifyPayload> notifies;
    std::vector<DeletePayload> deletes;
};

Decoded<MainModeSa> read_main_mode_sa(Chain chain);
/// Also where the second message is to be one: a single proposal with a single transform.
Decoded<MainModeSa> read_main_mode_sa_response(Chain chain);
Decoded<MainModeKeyExchange> read_main_mode_key_exchange(Chain chain);
Decoded<MainModeAuth> read_main_mode_auth(Chain chain);
Decoded<AggressiveModeRequest> read_aggressive_mode_request(Chain chain);
Decoded<AggressiveModeResponse> read_aggressive_mode_response(Chain chain);
Decoded<AggressiveModeAuth> read_aggressive_mode_auth(Chain chain);
/// Either of the first two messages; the second's SA holds one transform a proposal.
Decoded<QuickModeSa> read_quick_mode_request(Chain chain);
Decoded<QuickModeSa> read_quick_mode_response(Chain chain);
Decoded<QuickModeConfirmation> read_quick_mode_confirmation(Chain chain);
Decoded<ProtectedInformational> read_protected_informational(Chain chain);
Decoded<UnprotectedInformational> read_unprotected_informational(Chain chain);

} // namespace viaduct::ike::wire::v1
