// What somebody who mistyped a name probably meant.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace viaduct::policy {

/// The name that differs least from `word` by letters added, lost, replaced or swapped, without
/// regard to ASCII case; nothing when none is close.
std::optional<std::string_view> nearest_name(std::string_view word,
                                             std::span<const std::string_view> names);

/// `, did you mean 'aes256'?`, or `; expected one of a, b, c` when no name is close. For the end of
/// a message.
std::string suggestion(std::string_view word, std::span<const std::string_view> names);

} // namespace viaduct::policy
