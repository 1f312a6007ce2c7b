#include "policy/connection.h"

#include <algorithm>

namespace viaduct::policy {

const Connection* ConnectionSet::find(std::string_view name) const {
    const auto found = std::ranges::find(connections, name, &Connection::name);
    return found == connections.end() ? nullptr : &*found;
}

EspSuite installed_suite(EspSuite agreed, const EspPolicy& policy) {
    if (policy.sha256_cut_to_96 && agreed.integrity == IntegrityAlgorithm::hmac_sha2_256_128)
        agreed.integrity = IntegrityAlgorithm::hmac_sha2_256_96;
    return agreed;
}

} // namespace viaduct::policy
