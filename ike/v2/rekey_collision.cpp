#include "ike/v2/rekey_collision.h"

namespace viaduct::ike::v2 {

const wire::Octets& lowest_nonce(const wire::Octets& nonce_i, const wire::Octets& nonce_r) {
    return nonce_i < nonce_r ? nonce_i : nonce_r;
}

bool gives_way(const wire::Octets& ours, const wire::Octets& theirs) {
    return ours < theirs;
}

} // namespace viaduct::ike::v2
