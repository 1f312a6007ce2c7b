// How many descriptors the process may have open (RLIMIT_NOFILE).
#pragma once

#include <cstddef>
#include <expected>
#include <string>

namespace viaduct::daemon {

/// Sets it as high as it goes: to the kernel's own limit where the process may, else to its hard
/// limit.
void raise_descriptor_limit();

/// Whether a router can be opened while `descriptor` was the lowest free one, with some left for
/// the control socket and the like. The sentence says why not; `running` is how many run.
std::expected<void, std::string> check_descriptor_room(int descriptor, std::size_t running);
/// The sentence.
std::string descriptor_limit_reached(std::size_t running);

} // namespace viaduct::daemon
