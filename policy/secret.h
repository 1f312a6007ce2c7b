// Key material and shared secrets as values that cannot be printed by accident.
#pragma once

#include <botan/secmem.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace viaduct::policy {

/// Octets that must not leave the process: a pre-shared key, a derived key. Lives in Botan's
/// secure memory (locked where the system allows, wiped when freed). There is deliberately no
/// stream operator and no formatter; `expose()` marks every place that reads the octets.
class Secret {
public:
    Secret() = default;
    explicit Secret(Botan::secure_vector<std::uint8_t> octets) : octets_(std::move(octets)) {}
    explicit Secret(std::span<const std::uint8_t> octets) : octets_(octets.begin(), octets.end()) {}
    static Secret from_text(std::string_view text);
    /// Two digits an octet; nothing when there is anything else (RFC 7296 section 2.15).
    static std::optional<Secret> from_hexadecimal(std::string_view digits);

    std::span<const std::uint8_t> expose() const { return octets_; }
    std::size_t size() const { return octets_.size(); }
    bool empty() const { return octets_.empty(); }

    /// Compares in time that depends on the lengths only.
    friend bool operator==(const Secret& a, const Secret& b);

private:
    Botan::secure_vector<std::uint8_t> octets_;
};

} // namespace viaduct::policy
