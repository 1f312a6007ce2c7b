#include "xfrm/kernel_algorithm.h"

#include <algorithm>
#include <array>

namespace viaduct::xfrm {
namespace {

using policy::EncryptionAlgorithm;
using policy::IntegrityAlgorithm;

constexpr std::array encryptions{
    KernelEncryption{EncryptionAlgorithm::triple_des_cbc, "cbc(des3_ede)", 0},
    KernelEncryption{EncryptionAlgorithm::aes_cbc, "cbc(aes)", 0},
    KernelEncryption{EncryptionAlgorithm::aes_ctr, "rfc3686(ctr(aes))", 0},
    KernelEncryption{EncryptionAlgorithm::aes_ccm_8, "rfc4309(ccm(aes))", 64},
    KernelEncryption{EncryptionAlgorithm::aes_ccm_12, "rfc4309(ccm(aes))", 96},
    KernelEncryption{EncryptionAlgorithm::aes_ccm_16, "rfc4309(ccm(aes))", 128},
    KernelEncryption{EncryptionAlgorithm::aes_gcm_8, "rfc4106(gcm(aes))", 64},
    KernelEncryption{EncryptionAlgorithm::aes_gcm_12, "rfc4106(gcm(aes))", 96},
    KernelEncryption{EncryptionAlgorithm::aes_gcm_16, "rfc4106(gcm(aes))", 128},
    KernelEncryption{EncryptionAlgorithm::null_auth_aes_gmac, "rfc4543(gcm(aes))", 128},
    KernelEncryption{EncryptionAlgorithm::chacha20_poly1305, "rfc7539esp(chacha20,poly1305)", 128},
};

// The kernel truncates some of these differently unless told: 96 bits for sha256
// (net/xfrm/xfrm_algo.c).
constexpr std::array integrities{
    KernelIntegrity{IntegrityAlgorithm::hmac_sha1_96, "hmac(sha1)", 96},
    KernelIntegrity{IntegrityAlgorithm::hmac_sha2_256_128, "hmac(sha256)", 128},
    KernelIntegrity{IntegrityAlgorithm::hmac_sha2_384_192, "hmac(sha384)", 192},
    KernelIntegrity{IntegrityAlgorithm::hmac_sha2_512_256, "hmac(sha512)", 256},
    KernelIntegrity{IntegrityAlgorithm::hmac_sha2_256_96, "hmac(sha256)", 96},
};

template <class Table> auto find_in(const Table& table, auto id) {
    const auto row = std::ranges::find(table, id, &Table::value_type::id);
    return row == table.end() ? nullptr : &*row;
}

} // namespace

const KernelEncryption* kernel_algorithm(EncryptionAlgorithm id) {
    return find_in(encryptions, id);
}

const KernelIntegrity* kernel_algorithm(IntegrityAlgorithm id) {
    return find_in(integrities, id);
}

} // namespace viaduct::xfrm
