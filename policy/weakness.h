// What about a connection is weaker than it would have to be.
#pragma once

#include "policy/connection.h"

#include <string>
#include <vector>

namespace viaduct::policy {

/// A sentence for each, for the operator who asked for it: IKEv1, several hosts by one name over
/// it, aggressive mode with a pre-shared key, algorithms. Empty when nothing is weak.
std::vector<std::string> weaknesses(const Connection& connection);

} // namespace viaduct::policy
