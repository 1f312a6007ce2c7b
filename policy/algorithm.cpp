#include "policy/algorithm.h"

#include <algorithm>
#include <array>
#include <span>

namespace viaduct::policy {

namespace {

constexpr EncryptionFacts aes(EncryptionAlgorithm id, std::string_view name, std::size_t block,
                              std::size_t iv, std::size_t salt) {
    return {.id = id,
            .name = name,
            .aead = false,
            .key_bits = {128, 192, 256, 0},
            .fixed_key_bits = 0,
            .block = block,
            .iv = iv,
            .salt = salt,
            .icv = 0,
            .weak = false,
            .esp_only = false};
}

// RFC 5282 section 3: an AEAD needs no padding in IKE.
constexpr EncryptionFacts aes_aead(EncryptionAlgorithm id, std::string_view name, std::size_t salt,
                                   std::size_t icv, bool esp_only = false) {
    auto facts = aes(id, name, 1, 8, salt);
    facts.aead = true;
    facts.icv = icv;
    facts.esp_only = esp_only;
    return facts;
}

// RFC 2451.
constexpr EncryptionFacts triple_des{.id = EncryptionAlgorithm::triple_des_cbc,
                                     .name = "3des",
                                     .aead = false,
                                     .key_bits = {0},
                                     .fixed_key_bits = 192,
                                     .block = 8,
                                     .iv = 8,
                                     .salt = 0,
                                     .icv = 0,
                                     .weak = true,
                                     .esp_only = false};

// RFC 7634 section 2: 256 bits of key, 32 of salt; section 5: no Key Length attribute.
constexpr EncryptionFacts chacha20_poly1305{.id = EncryptionAlgorithm::chacha20_poly1305,
                                            .name = "chacha20poly1305",
                                            .aead = true,
                                            .key_bits = {0},
                                            .fixed_key_bits = 256,
                                            .block = 1,
                                            .iv = 8,
                                            .salt = 4,
                                            .icv = 16,
                                            .weak = false,
                                            .esp_only = false};

// RFC 3602 (CBC), RFC 3686 and RFC 5930 section 2 (CTR), RFC 4309 section 7 (CCM), RFC 4106 section
// 8 (GCM), RFC 4543 section 3 (GMAC).
constexpr std::array encryption_algorithms{
    triple_des,
    aes(EncryptionAlgorithm::aes_cbc, "aes", 16, 16, 0),
    aes(EncryptionAlgorithm::aes_ctr, "aes…ctr", 1, 8, 4),
    aes_aead(EncryptionAlgorithm::aes_ccm_8, "aes…ccm8", 3, 8),
    aes_aead(EncryptionAlgorithm::aes_ccm_12, "aes…ccm12", 3, 12),
    aes_aead(EncryptionAlgorithm::aes_ccm_16, "aes…ccm16", 3, 16),
    aes_aead(EncryptionAlgorithm::aes_gcm_8, "aes…gcm8", 4, 8),
    aes_aead(EncryptionAlgorithm::aes_gcm_12, "aes…gcm12", 4, 12),
    aes_aead(EncryptionAlgorithm::aes_gcm_16, "aes…gcm16", 4, 16),
    aes_aead(EncryptionAlgorithm::null_auth_aes_gmac, "aes…gmac", 4, 16, true),
    chacha20_poly1305,
};

// RFC 2104, RFC 4868 section 2.1.2.
constexpr std::array pseudo_random_functions{
    PrfFacts{PseudoRandomFunction::hmac_sha1, "prfsha1", 20, true},
    PrfFacts{PseudoRandomFunction::hmac_sha2_256, "prfsha256", 32, false},
    PrfFacts{PseudoRandomFunction::hmac_sha2_384, "prfsha384", 48, false},
    PrfFacts{PseudoRandomFunction::hmac_sha2_512, "prfsha512", 64, false},
};

// RFC 2404, RFC 4868 section 2.1.1.
constexpr std::array integrity_algorithms{
    IntegrityFacts{IntegrityAlgorithm::hmac_sha1_96, "sha1", 20, 12, true},
    IntegrityFacts{IntegrityAlgorithm::hmac_sha2_256_128, "sha256", 32, 16, false},
    IntegrityFacts{IntegrityAlgorithm::hmac_sha2_384_192, "sha384", 48, 24, false},
    IntegrityFacts{IntegrityAlgorithm::hmac_sha2_512_256, "sha512", 64, 32, false},
    IntegrityFacts{IntegrityAlgorithm::hmac_sha2_256_96, "sha256_96", 32, 12, true},
};

// RFC 2409 section 6.2, RFC 3526; RFC 5903 section 7: x and y, without the 0x04 in front; RFC 8031
// section 3.
constexpr std::array key_exchange_methods{
    KeyExchangeFacts{KeyExchangeMethod::modp1024, "modp1024", 128, true},
    KeyExchangeFacts{KeyExchangeMethod::modp1536, "modp1536", 192, true},
    KeyExchangeFacts{KeyExchangeMethod::modp2048, "modp2048", 256, false},
    KeyExchangeFacts{KeyExchangeMethod::modp3072, "modp3072", 384, false},
    KeyExchangeFacts{KeyExchangeMethod::modp4096, "modp4096", 512, false},
    KeyExchangeFacts{KeyExchangeMethod::modp6144, "modp6144", 768, false},
    KeyExchangeFacts{KeyExchangeMethod::modp8192, "modp8192", 1024, false},
    KeyExchangeFacts{KeyExchangeMethod::ecp256, "ecp256", 64, false},
    KeyExchangeFacts{KeyExchangeMethod::ecp384, "ecp384", 96, false},
    KeyExchangeFacts{KeyExchangeMethod::ecp521, "ecp521", 132, false},
    KeyExchangeFacts{KeyExchangeMethod::curve25519, "curve25519", 32, false},
};

const auto* row(const auto& table, auto id) {
    const auto found =
        std::ranges::find_if(table, [id](const auto& facts) { return facts.id == id; });
    return found == table.end() ? nullptr : &*found;
}

struct Name {
    std::uint16_t id;
    std::string_view name;
};

constexpr std::array encryption_names{
    Name{1, "DES_IV64"},
    Name{2, "DES"},
    Name{3, "3DES"},
    Name{4, "RC5"},
    Name{5, "IDEA"},
    Name{6, "CAST"},
    Name{7, "BLOWFISH"},
    Name{8, "3IDEA"},
    Name{9, "DES_IV32"},
    Name{11, "NULL"},
    Name{12, "AES_CBC"},
    Name{13, "AES_CTR"},
    Name{14, "AES_CCM_8"},
    Name{15, "AES_CCM_12"},
    Name{16, "AES_CCM_16"},
    Name{18, "AES_GCM_8"},
    Name{19, "AES_GCM_12"},
    Name{20, "AES_GCM_16"},
    Name{21, "NULL_AUTH_AES_GMAC"},
    Name{23, "CAMELLIA_CBC"},
    Name{24, "CAMELLIA_CTR"},
    Name{25, "CAMELLIA_CCM_8"},
    Name{26, "CAMELLIA_CCM_12"},
    Name{27, "CAMELLIA_CCM_16"},
    Name{28, "CHACHA20_POLY1305"},
    Name{29, "AES_CCM_8_IIV"},
    Name{30, "AES_GCM_16_IIV"},
    Name{31, "CHACHA20_POLY1305_IIV"},
    Name{32, "KUZNYECHIK_MGM_KTREE"},
    Name{33, "MAGMA_MGM_KTREE"},
    Name{34, "KUZNYECHIK_MGM_MAC_KTREE"},
    Name{35, "MAGMA_MGM_MAC_KTREE"},
};

constexpr std::array prf_names{
    Name{1, "PRF_HMAC_MD5"},      Name{2, "PRF_HMAC_SHA1"},     Name{3, "PRF_HMAC_TIGER"},
    Name{4, "PRF_AES128_XCBC"},   Name{5, "PRF_HMAC_SHA2_256"}, Name{6, "PRF_HMAC_SHA2_384"},
    Name{7, "PRF_HMAC_SHA2_512"}, Name{8, "PRF_AES128_CMAC"},   Name{9, "PRF_HMAC_STREEBOG_512"},
};

constexpr std::array integrity_names{
    Name{0, "NONE"},
    Name{1, "HMAC_MD5_96"},
    Name{2, "HMAC_SHA1_96"},
    Name{3, "DES_MAC"},
    Name{4, "KPDK_MD5"},
    Name{5, "AES_XCBC_96"},
    Name{6, "HMAC_MD5_128"},
    Name{7, "HMAC_SHA1_160"},
    Name{8, "AES_CMAC_96"},
    Name{9, "AES_128_GMAC"},
    Name{10, "AES_192_GMAC"},
    Name{11, "AES_256_GMAC"},
    Name{12, "HMAC_SHA2_256_128"},
    Name{13, "HMAC_SHA2_384_192"},
    Name{14, "HMAC_SHA2_512_256"},
    Name{1024, "HMAC_SHA2_256_96"},
};

constexpr std::array key_exchange_names{
    Name{0, "NONE"},
    Name{1, "MODP_768"},
    Name{2, "MODP_1024"},
    Name{5, "MODP_1536"},
    Name{14, "MODP_2048"},
    Name{15, "MODP_3072"},
    Name{16, "MODP_4096"},
    Name{17, "MODP_6144"},
    Name{18, "MODP_8192"},
    Name{19, "ECP_256"},
    Name{20, "ECP_384"},
    Name{21, "ECP_521"},
    Name{22, "MODP_1024_160"},
    Name{23, "MODP_2048_224"},
    Name{24, "MODP_2048_256"},
    Name{25, "ECP_192"},
    Name{26, "ECP_224"},
    Name{27, "BRAINPOOL_P224R1"},
    Name{28, "BRAINPOOL_P256R1"},
    Name{29, "BRAINPOOL_P384R1"},
    Name{30, "BRAINPOOL_P512R1"},
    Name{31, "CURVE_25519"},
    Name{32, "CURVE_448"},
    Name{33, "GOST3410_2012_256"},
    Name{34, "GOST3410_2012_512"},
    Name{35, "ML_KEM_512"},
    Name{36, "ML_KEM_768"},
    Name{37, "ML_KEM_1024"},
};

constexpr std::array sequence_number_names{Name{0, "NO_ESN"}, Name{1, "ESN"}};

std::string name_in(std::span<const Name> names, std::string_view kind, std::uint16_t id) {
    const auto found = std::ranges::find(names, id, &Name::id);
    if (found != names.end())
        return std::string(found->name);
    return std::string(kind) + "(" + std::to_string(id) + ")";
}

std::string name_without_bits(TransformType type, std::uint16_t id) {
    switch (type) {
    case TransformType::encryption: return name_in(encryption_names, "ENCR", id);
    case TransformType::prf: return name_in(prf_names, "PRF", id);
    case TransformType::integrity: return name_in(integrity_names, "INTEG", id);
    case TransformType::key_exchange: return name_in(key_exchange_names, "KE", id);
    case TransformType::sequence_numbers: return name_in(sequence_number_names, "ESN", id);
    }
    // RFC 9370 2.2.2: additional key exchanges use the numbers of key exchange methods.
    const auto number = static_cast<unsigned>(type);
    if (number >= 6 && number <= 12)
        return transform_type_name(type) + "(" + name_in(key_exchange_names, "KE", id) + ")";
    return transform_type_name(type) + "(" + std::to_string(id) + ")";
}

} // namespace

bool EncryptionFacts::allows_key(std::uint16_t bits) const {
    return bits != 0 && (bits == fixed_key_bits || std::ranges::contains(key_bits, bits));
}

const EncryptionFacts* facts(EncryptionAlgorithm id) {
    return row(encryption_algorithms, id);
}
const PrfFacts* facts(PseudoRandomFunction id) {
    return row(pseudo_random_functions, id);
}
const IntegrityFacts* facts(IntegrityAlgorithm id) {
    return row(integrity_algorithms, id);
}
const KeyExchangeFacts* facts(KeyExchangeMethod id) {
    return row(key_exchange_methods, id);
}

std::string transform_name(TransformType type, std::uint16_t id,
                           std::optional<std::uint16_t> bits) {
    auto name = name_without_bits(type, id);
    return bits ? name + "_" + std::to_string(*bits) : name;
}

std::string transform_type_name(TransformType type) {
    switch (type) {
    case TransformType::encryption: return "ENCR";
    case TransformType::prf: return "PRF";
    case TransformType::integrity: return "INTEG";
    case TransformType::key_exchange: return "KE";
    case TransformType::sequence_numbers: return "ESN";
    }
    const auto number = static_cast<unsigned>(type);
    if (number >= 6 && number <= 12)
        return "ADDKE" + std::to_string(number - 5);
    return "TYPE" + std::to_string(number);
}

} // namespace viaduct::policy
