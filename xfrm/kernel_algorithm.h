// The kernel's names for the algorithms of an ESP suite.
#pragma once

#include "policy/algorithm.h"

#include <cstdint>

namespace viaduct::xfrm {

/// As the kernel's crypto layer spells it, with what XFRM wants to know besides. Lengths in bits.
struct KernelEncryption {
    policy::EncryptionAlgorithm id;
    const char* name;
    /// Of the tag of an AEAD; 0 for a cipher, which goes with a KernelIntegrity.
    std::uint32_t icv_bits;
};

struct KernelIntegrity {
    policy::IntegrityAlgorithm id;
    const char* name;
    std::uint32_t truncation_bits;
};

/// Nothing for what XFRM has no name for, `none` included.
const KernelEncryption* kernel_algorithm(policy::EncryptionAlgorithm id);
const KernelIntegrity* kernel_algorithm(policy::IntegrityAlgorithm id);

} // namespace viaduct::xfrm
