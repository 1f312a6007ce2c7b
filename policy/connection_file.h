// A router's TOML file as a value, or everything that is wrong with it.
#pragma once

#include "policy/connection.h"

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::policy {

/// One mistake. Line and column count from 1; both 0 when the mistake has no place in the text.
struct FileMistake {
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    /// What is wrong and what was expected. Never the text of a secret.
    std::string message;

    /// `router1.toml:12:9: message`
    std::string to_string() const;
    friend bool operator==(const FileMistake&, const FileMistake&) = default;
};

/// Where the file says what must be unique among the files of a node. A file without `netns` means
/// the daemon's own namespace; its place is then that of the name.
struct RouterPlaces {
    std::uint32_t name_line = 0;
    std::uint32_t name_column = 0;
    std::uint32_t netns_line = 0;
    std::uint32_t netns_column = 0;
};

/// Reads a secret that the file names (`psk_file`). Given the name as written; returns the octets
/// without a trailing line break, or why it could not be read.
using SecretFileReader = std::function<std::expected<Secret, std::string>(std::string_view name)>;

/// Parses the whole file; all mistakes are reported at once, unknown keys among them.
/// `file` is used in mistakes only. `others_may_read` refuses secrets written in the file itself.
/// What is no TOML at all ends at its first mistake.
enum class FileAccess : std::uint8_t { owner_only, others_may_read };
std::expected<Router, std::vector<FileMistake>>
parse_connection_file(std::string_view file, std::string_view text, FileAccess access,
                      const SecretFileReader& read_secret);
/// Of a file that `parse_connection_file` took; zeros for another.
RouterPlaces router_places(std::string_view text);

/// Reads `30s`, `5m`, `8h`, `1d`; nothing for anything else, or more than ten years.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);
/// The largest unit that divides: `8h`, `90s`.
std::string duration_text(std::chrono::seconds duration);
/// The same with `250ms` as well.
std::optional<std::chrono::milliseconds> parse_milliseconds(std::string_view text);
std::string milliseconds_text(std::chrono::milliseconds duration);

} // namespace viaduct::policy
