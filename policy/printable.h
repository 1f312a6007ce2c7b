// Text from outside made fit for a log line.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace viaduct::policy {

/// Printable ASCII other than the backslash, which marks what printable() escaped.
bool is_printable(std::uint8_t octet);
bool is_printable(std::span<const std::uint8_t> octets);
bool is_printable(std::string_view text);

/// The octets as text: printable ones as they are, others and the backslash as `\x5c`.
std::string printable(std::span<const std::uint8_t> octets);
std::string printable(std::string_view text);
/// `'text'`, shortened when it is long. For messages.
std::string in_quotes(std::string_view text);

/// `0a0b0c`.
std::string hexadecimal(std::span<const std::uint8_t> octets);

/// Without regard to the locale.
char ascii_lower(char c);
std::string ascii_lower(std::string_view text);

} // namespace viaduct::policy
