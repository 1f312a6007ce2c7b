// A connection file to spoil in tests.
#pragma once

#include "policy/connection_file.h"

#include <string>
#include <string_view>

namespace viaduct::policy {

/// A router with one connection; `extra` is put at the end of the connection.
inline std::string connection_text(std::string_view extra = "") {
    return R"([router]
name = "router1"
[ike.modern]
proposals = ["aes256gcm16-prfsha384-x25519"]
[esp.modern]
proposals = ["aes256gcm16-x25519"]
[[connection]]
name = "vpn2"
ike = "modern"
esp = "modern"
local_address = "10.10.10.5"
peer_address = "10.10.10.4"
psk = "correct horse"
local_subnets = ["192.168.11.0/24"]
remote_subnets = ["192.168.30.0/24", "192.168.40.0/24"]
)" + std::string(extra);
}

/// The text with the line that begins with `key` replaced, or left out.
inline std::string with_line(std::string_view key, std::string_view line,
                             std::string text = connection_text()) {
    const auto start = text.find("\n" + std::string(key) + " =") + 1;
    return text.replace(start, text.find('\n', start) - start, line);
}

inline std::expected<Router, std::vector<FileMistake>>
parse(std::string_view text, FileAccess access = FileAccess::owner_only,
      const SecretFileReader& read_secret = {}) {
    return parse_connection_file("router1.toml", text, access, read_secret);
}

/// The text with `lines` put at the end of the table that begins with `header`.
inline std::string with_lines(std::string_view header, std::string_view lines,
                              std::string text = connection_text()) {
    const auto next = text.find("\n[", text.find(header));
    return text.insert(next == std::string::npos ? text.size() : next + 1,
                       std::string(lines) + "\n");
}

/// All mistakes of a file, one in a line.
inline std::string mistakes_text(std::string_view text) {
    std::string all;
    const auto result = parse(text);
    if (!result)
        for (const auto& mistake : result.error())
            all += (all.empty() ? "" : "\n") + mistake.to_string();
    return all;
}

} // namespace viaduct::policy
