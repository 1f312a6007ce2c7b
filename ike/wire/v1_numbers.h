// The numbers of IKEv1's payloads, attributes and notifies, by their RFC names.
#pragma once

#include <cstdint>
#include <string>

/// What belongs to IKEv1 alone: RFC 2407 (the IPsec DOI), 2408 (ISAKMP), 2409 (IKE).
namespace viaduct::ike::wire::v1 {

/// RFC 2408 section 3.1, RFC 3947 section 3.2 and, of the private range, what the drafts before it
/// (draft-ietf-ipsec-nat-t-ike-02 and -03) and the vendors' fragmentation use.
enum class PayloadType : std::uint8_t {
    none = 0,
    security_association = 1,
    proposal = 2,  ///< only inside SA
    transform = 3, ///< only inside a proposal
    key_exchange = 4,
    identification = 5,
    certificate = 6,
    certificate_request = 7,
    hash = 8,
    signature = 9,
    nonce = 10,
    notification = 11,
    delete_sa = 12,
    vendor_id = 13,
    attributes = 14, ///< configuration and extended authentication; not read here
    nat_detection = 20,
    nat_original_address = 21,
    nat_detection_draft = 130,
    nat_original_address_draft = 131,
    fragment = 132,
};

/// Domain of interpretation (RFC 2407 section 4.1).
enum class Doi : std::uint32_t { isakmp = 0, ipsec = 1 };
/// SIT_IDENTITY_ONLY (RFC 2407 section 4.2.1), the one situation that is read.
constexpr std::uint32_t situation_identity_only = 1;

/// The only transform id of phase 1: KEY_IKE (RFC 2407 section 4.4.2).
constexpr std::uint8_t transform_key_ike = 1;

/// Attribute classes of phase 1 (RFC 2409 appendix A).
enum class PhaseOneAttribute : std::uint16_t {
    encryption_algorithm = 1,
    hash_algorithm = 2,
    authentication_method = 3,
    group_description = 4,
    group_type = 5,
    life_type = 11,
    life_duration = 12,
    prf = 13,
    key_length = 14,
};

/// Attribute classes of phase 2 (RFC 2407 section 4.5, RFC 4304 for the sequence numbers).
enum class PhaseTwoAttribute : std::uint16_t {
    life_type = 1,
    life_duration = 2,
    group_description = 3,
    encapsulation_mode = 4,
    authentication_algorithm = 5,
    key_length = 6,
    extended_sequence_numbers = 11,
};

/// RFC 2409 appendix A and IANA "Encryption Algorithm Class Values".
enum class Encryption : std::uint16_t { des_cbc = 1, triple_des_cbc = 5, aes_cbc = 7 };
/// RFC 2409 appendix A and IANA "Hash Algorithm" (RFC 4868 section 2.6).
enum class Hash : std::uint16_t { md5 = 1, sha1 = 2, sha2_256 = 4, sha2_384 = 5, sha2_512 = 6 };
/// RFC 2409 appendix A, RFC 4754 section 5; 65001 and 64221 are of XAUTH and hybrid
/// authentication.
enum class Authentication : std::uint16_t {
    pre_shared_key = 1,
    dss_signatures = 2,
    rsa_signatures = 3,
    rsa_encryption = 4,
    revised_rsa_encryption = 5,
    ecdsa_256 = 9,
    ecdsa_384 = 10,
    ecdsa_521 = 11,
    hybrid_init_rsa = 64221,
    xauth_init_pre_shared_key = 65001,
    xauth_init_rsa = 65005,
};
/// RFC 2409 appendix A, RFC 2407 section 4.5.
enum class LifeType : std::uint16_t { seconds = 1, kilobytes = 2 };

/// IPsec ESP transform identifiers (RFC 2407 section 4.4.4 and IANA).
enum class EspTransformId : std::uint8_t {
    des = 2,
    triple_des = 3,
    null = 11,
    aes_cbc = 12,
    aes_gcm_8 = 18,
    aes_gcm_12 = 19,
    aes_gcm_16 = 20,
};
/// RFC 2407 section 4.5 and IANA "Authentication Algorithm".
enum class EspAuthentication : std::uint16_t {
    hmac_md5 = 1,
    hmac_sha1 = 2,
    hmac_sha2_256 = 5,
    hmac_sha2_384 = 6,
    hmac_sha2_512 = 7,
};
/// RFC 2407 section 4.5, RFC 3947 section 5.1; the last two are those of the drafts before it.
enum class Encapsulation : std::uint16_t {
    tunnel = 1,
    transport = 2,
    udp_tunnel = 3,
    udp_transport = 4,
    udp_tunnel_draft = 61443,
    udp_transport_draft = 61444,
};

/// RFC 2407 section 4.6.2.1.
enum class IdType : std::uint8_t {
    ipv4_address = 1,
    fqdn = 2,
    user_fqdn = 3,
    ipv4_subnet = 4,
    ipv6_address = 5,
    ipv6_subnet = 6,
    ipv4_range = 7,
    ipv6_range = 8,
    der_asn1_dn = 9,
    der_asn1_gn = 10,
    key_id = 11,
};

/// RFC 2408 section 3.14.1, RFC 2407 section 4.6.3, RFC 3706 section 5.2.
enum class NotifyType : std::uint16_t {
    invalid_payload_type = 1,
    doi_not_supported = 2,
    situation_not_supported = 3,
    invalid_cookie = 4,
    invalid_major_version = 5,
    invalid_minor_version = 6,
    invalid_exchange_type = 7,
    invalid_flags = 8,
    invalid_message_id = 9,
    invalid_protocol_id = 10,
    invalid_spi = 11,
    invalid_transform_id = 12,
    attributes_not_supported = 13,
    no_proposal_chosen = 14,
    bad_proposal_syntax = 15,
    payload_malformed = 16,
    invalid_key_information = 17,
    invalid_id_information = 18,
    invalid_cert_encoding = 19,
    invalid_certificate = 20,
    cert_type_unsupported = 21,
    invalid_cert_authority = 22,
    invalid_hash_information = 23,
    authentication_failed = 24,
    invalid_signature = 25,
    address_notification = 26,
    notify_sa_lifetime = 27,
    certificate_unavailable = 28,
    unsupported_exchange_type = 29,
    unequal_payload_lengths = 30,
    connected = 16384,
    responder_lifetime = 24576,
    replay_status = 24577,
    initial_contact = 24578,
    r_u_there = 36136,
    r_u_there_ack = 36137,
};

/// RFC 2408 section 3.14.1: errors are below 16384, where private ones follow from 8192.
constexpr bool is_error(NotifyType type) {
    return static_cast<std::uint16_t>(type) < 16384;
}

/// True for the numbers of PayloadType except none.
bool is_payload_type(std::uint8_t number);

/// RFC names as arrow notation shows them: `SA`, `NAT-D`, `NO-PROPOSAL-CHOSEN`; the number where
/// there is no name.
std::string to_string(PayloadType type);
std::string to_string(NotifyType type);
std::string to_string(Authentication method);
std::string to_string(Encryption algorithm);
std::string to_string(Hash algorithm);
std::string to_string(EspTransformId id);
std::string to_string(EspAuthentication algorithm);
std::string to_string(Encapsulation mode);

} // namespace viaduct::ike::wire::v1
