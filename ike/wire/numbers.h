// The numbers of the IKE header, payloads and notifies, by their RFC names.
#pragma once

#include <cstdint>
#include <string>

namespace viaduct::ike::wire {

/// An IKE SPI (IKEv1: a cookie), as a number in host byte order. 0 stands for "not chosen yet".
enum class IkeSpi : std::uint64_t {};
/// RFC 7296 section 2.2.
enum class MessageId : std::uint32_t {};

/// IANA "IKEv2 Exchange Types"; below 34 IKEv1's (RFC 2408 section 3.1).
enum class ExchangeType : std::uint8_t {
    identity_protection = 2,
    aggressive = 4,
    informational_v1 = 5,
    transaction = 6,
    quick_mode = 32,
    ike_sa_init = 34,
    ike_auth = 35,
    create_child_sa = 36,
    informational = 37,
};

/// IANA "IKEv2 Payload Types" (RFC 7296 section 3.2). IKEv1's are v1::PayloadType.
enum class PayloadType : std::uint8_t {
    none = 0,
    security_association = 33,
    key_exchange = 34,
    id_initiator = 35,
    id_responder = 36,
    certificate = 37,
    certificate_request = 38,
    authentication = 39,
    nonce = 40,
    notify = 41,
    delete_sa = 42,
    vendor_id = 43,
    ts_initiator = 44,
    ts_responder = 45,
    encrypted = 46,
    configuration = 47,
    eap = 48,
    encrypted_fragment = 53,
};

/// IANA "IKEv2 Authentication Method" (RFC 7296 section 3.8).
enum class AuthMethod : std::uint8_t {
    rsa_signature = 1,
    shared_key = 2,
    dss_signature = 3,
    null_authentication = 13,
    digital_signature = 14,
};

/// IANA "IKEv2 Notify Message Types". Below 16384 errors, above status (RFC 7296 section 3.10.1).
enum class NotifyType : std::uint16_t {
    unsupported_critical_payload = 1,
    invalid_ike_spi = 4,
    invalid_major_version = 5,
    invalid_syntax = 7,
    invalid_message_id = 9,
    invalid_spi = 11,
    no_proposal_chosen = 14,
    invalid_ke_payload = 17,
    authentication_failed = 24,
    single_pair_required = 34,
    no_additional_sas = 35,
    internal_address_failure = 36,
    failed_cp_required = 37,
    ts_unacceptable = 38,
    invalid_selectors = 39,
    temporary_failure = 43,
    child_sa_not_found = 44,
    state_not_found = 47,
    ts_max_queue = 48,
    initial_contact = 16384,
    set_window_size = 16385,
    additional_ts_possible = 16386,
    ipcomp_supported = 16387,
    nat_detection_source_ip = 16388,
    nat_detection_destination_ip = 16389,
    cookie = 16390,
    use_transport_mode = 16391,
    http_cert_lookup_supported = 16392,
    rekey_sa = 16393,
    esp_tfc_padding_not_supported = 16394,
    non_first_fragments_also = 16395,
    mobike_supported = 16396,
    multiple_auth_supported = 16404,
    redirect_supported = 16406,
    auth_lifetime = 16403,
    eap_only_authentication = 16417,
    childless_ikev2_supported = 16418,
    quick_crash_detection = 16419,
    ikev2_message_id_sync_supported = 16420,
    ikev2_fragmentation_supported = 16430,
    signature_hash_algorithms = 16431,
    use_ppk = 16435,
    ppk_identity = 16436,
    no_ppk_auth = 16437,
    intermediate_exchange_supported = 16438,
    additional_key_exchange = 16441,
    use_aggfrag = 16442,
    sa_resource_info = 16444,
};

/// Errors are below 16384.
constexpr bool is_error(NotifyType type) {
    return static_cast<std::uint16_t>(type) < 16384;
}

/// RFC names as arrow notation shows them: `IKE_SA_INIT`, `KE`, `NO_PROPOSAL_CHOSEN`; the number
/// where there is no name.
std::string to_string(ExchangeType type);
std::string to_string(PayloadType type);
std::string to_string(NotifyType type);
std::string to_string(AuthMethod method);
/// 16 hexadecimal digits.
std::string to_string(IkeSpi spi);

} // namespace viaduct::ike::wire
