// Which configured connections a peer may be talking about.
#pragma once

#include "policy/connection.h"

#include <optional>
#include <vector>

namespace viaduct::policy {

/// Of the candidates, those that accept the peer's identity and, if the peer named one (IDr), have
/// it as ours. An exact peer_id comes before a suffix before `any`; else the order stays.
std::vector<const Connection*> matching_identity(std::vector<const Connection*> candidates,
                                                 const Identity& peer,
                                                 const std::optional<Identity>& ours);

} // namespace viaduct::policy
