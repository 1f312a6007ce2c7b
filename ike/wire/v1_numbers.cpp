#include "ike/wire/v1_numbers.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace viaduct::ike::wire::v1 {

namespace {

struct Name {
    std::uint16_t number;
    std::string_view name;
};

// In the notation of RFC 2408 section 3.1 and RFC 3947; VID as V, N and D as in IKEv2.
constexpr Name payload_names[] = {
    {0, "none"},   {1, "SA"},      {2, "P"},       {3, "T"},        {4, "KE"},
    {5, "ID"},     {6, "CERT"},    {7, "CR"},      {8, "HASH"},     {9, "SIG"},
    {10, "NONCE"}, {11, "N"},      {12, "D"},      {13, "V"},       {14, "ATTR"},
    {20, "NAT-D"}, {21, "NAT-OA"}, {130, "NAT-D"}, {131, "NAT-OA"}, {132, "FRAG"},
};

constexpr Name notify_names[] = {
    {1, "INVALID-PAYLOAD-TYPE"},
    {2, "DOI-NOT-SUPPORTED"},
    {3, "SITUATION-NOT-SUPPORTED"},
    {4, "INVALID-COOKIE"},
    {5, "INVALID-MAJOR-VERSION"},
    {6, "INVALID-MINOR-VERSION"},
    {7, "INVALID-EXCHANGE-TYPE"},
    {8, "INVALID-FLAGS"},
    {9, "INVALID-MESSAGE-ID"},
    {10, "INVALID-PROTOCOL-ID"},
    {11, "INVALID-SPI"},
    {12, "INVALID-TRANSFORM-ID"},
    {13, "ATTRIBUTES-NOT-SUPPORTED"},
    {14, "NO-PROPOSAL-CHOSEN"},
    {15, "BAD-PROPOSAL-SYNTAX"},
    {16, "PAYLOAD-MALFORMED"},
    {17, "INVALID-KEY-INFORMATION"},
    {18, "INVALID-ID-INFORMATION"},
    {19, "INVALID-CERT-ENCODING"},
    {20, "INVALID-CERTIFICATE"},
    {21, "CERT-TYPE-UNSUPPORTED"},
    {22, "INVALID-CERT-AUTHORITY"},
    {23, "INVALID-HASH-INFORMATION"},
    {24, "AUTHENTICATION-FAILED"},
    {25, "INVALID-SIGNATURE"},
    {26, "ADDRESS-NOTIFICATION"},
    {27, "NOTIFY-SA-LIFETIME"},
    {28, "CERTIFICATE-UNAVAILABLE"},
    {29, "UNSUPPORTED-EXCHANGE-TYPE"},
    {30, "UNEQUAL-PAYLOAD-LENGTHS"},
    {16384, "CONNECTED"},
    {24576, "RESPONDER-LIFETIME"},
    {24577, "REPLAY-STATUS"},
    {24578, "INITIAL-CONTACT"},
    {36136, "R-U-THERE"},
    {36137, "R-U-THERE-ACK"},
};

// IANA "Internet Key Exchange (IKE) Attributes".
constexpr Name encryption_names[] = {
    {1, "DES_CBC"},  {2, "IDEA_CBC"}, {3, "BLOWFISH_CBC"}, {4, "RC5_R16_B64_CBC"},
    {5, "3DES_CBC"}, {6, "CAST_CBC"}, {7, "AES_CBC"},      {8, "CAMELLIA_CBC"},
};
constexpr Name hash_names[] = {
    {1, "MD5"}, {2, "SHA1"}, {3, "TIGER"}, {4, "SHA2_256"}, {5, "SHA2_384"}, {6, "SHA2_512"},
};
constexpr Name authentication_names[] = {
    {1, "PSK"},
    {2, "DSS_SIGNATURES"},
    {3, "RSA_SIGNATURES"},
    {4, "RSA_ENCRYPTION"},
    {5, "REVISED_RSA_ENCRYPTION"},
    {9, "ECDSA_256"},
    {10, "ECDSA_384"},
    {11, "ECDSA_521"},
    {64221, "HYBRID_INIT_RSA"},
    {65001, "XAUTH_INIT_PSK"},
    {65005, "XAUTH_INIT_RSA"},
};

// IANA "Internet Security Association and Key Management Protocol (ISAKMP) Identifiers".
constexpr Name esp_names[] = {
    {1, "DES_IV64"},   {2, "DES_CBC"},        {3, "3DES_CBC"},    {4, "RC5"},
    {5, "IDEA"},       {6, "CAST"},           {7, "BLOWFISH"},    {8, "3IDEA"},
    {9, "DES_IV32"},   {10, "RC4"},           {11, "NULL"},       {12, "AES_CBC"},
    {13, "AES_CTR"},   {14, "AES_CCM_8"},     {15, "AES_CCM_12"}, {16, "AES_CCM_16"},
    {18, "AES_GCM_8"}, {19, "AES_GCM_12"},    {20, "AES_GCM_16"}, {21, "SEED_CBC"},
    {22, "CAMELLIA"},  {23, "NULL_AES_GMAC"},
};
constexpr Name esp_authentication_names[] = {
    {1, "HMAC_MD5_96"},       {2, "HMAC_SHA1_96"},
    {3, "DES_MAC"},           {4, "KPDK"},
    {5, "HMAC_SHA2_256_128"}, {6, "HMAC_SHA2_384_192"},
    {7, "HMAC_SHA2_512_256"}, {8, "HMAC_RIPEMD_96"},
    {9, "AES_XCBC_96"},
};
constexpr Name encapsulation_names[] = {
    {1, "TUNNEL"},        {2, "TRANSPORT"},      {3, "UDP_TUNNEL"},
    {4, "UDP_TRANSPORT"}, {61443, "UDP_TUNNEL"}, {61444, "UDP_TRANSPORT"},
};

template <typename Number> std::string name_or_number(std::span<const Name> names, Number value) {
    const auto number = static_cast<std::uint16_t>(value);
    const auto found = std::ranges::find(names, number, &Name::number);
    return found != names.end() ? std::string(found->name) : std::to_string(number);
}

} // namespace

bool is_payload_type(std::uint8_t number) {
    return number != 0 && std::ranges::contains(payload_names, number, &Name::number);
}

std::string to_string(PayloadType type) {
    return name_or_number(payload_names, type);
}

std::string to_string(NotifyType type) {
    return name_or_number(notify_names, type);
}

std::string to_string(Authentication method) {
    return name_or_number(authentication_names, method);
}

std::string to_string(Encryption algorithm) {
    return name_or_number(encryption_names, algorithm);
}

std::string to_string(Hash algorithm) {
    return name_or_number(hash_names, algorithm);
}

std::string to_string(EspTransformId id) {
    return name_or_number(esp_names, id);
}

std::string to_string(EspAuthentication algorithm) {
    return name_or_number(esp_authentication_names, algorithm);
}

std::string to_string(Encapsulation mode) {
    return name_or_number(encapsulation_names, mode);
}

} // namespace viaduct::ike::wire::v1
