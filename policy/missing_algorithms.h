// ESP algorithms that are configured and that the kernel does not have.
#pragma once

#include "policy/connection.h"

#include <span>
#include <vector>

namespace viaduct::policy {

/// The ciphers and integrity algorithms that the ESP proposals of the connections name, once each.
std::vector<Transform> esp_algorithms(const ConnectionSet& connections);

/// The connections without these algorithms: what cannot be installed is neither proposed nor
/// accepted. A proposal that is left without cipher, or without the integrity algorithm that its
/// ciphers need, goes as a whole; a connection may be left without any.
ConnectionSet without_algorithms(ConnectionSet connections, std::span<const Transform> missing);

} // namespace viaduct::policy
