#include "ike/rekey_collision.h"

namespace viaduct::ike {

const std::vector<std::uint8_t>& lowest_nonce(const std::vector<std::uint8_t>& nonce_i,
                                              const std::vector<std::uint8_t>& nonce_r) {
    return nonce_i < nonce_r ? nonce_i : nonce_r;
}

bool gives_way(const std::vector<std::uint8_t>& ours, const std::vector<std::uint8_t>& theirs) {
    return ours < theirs;
}

} // namespace viaduct::ike
