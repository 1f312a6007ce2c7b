// Test vectors from text files: blocks of `name = value` lines with empty lines between; lines that
// begin with # are comments.
#pragma once

#include "policy/secret.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::test {

/// Hexadecimal digits to octets; throws on anything else.
std::vector<std::uint8_t> octets(std::string_view hexadecimal);

/// One block. Asking for a name that it lacks throws.
class Vector {
public:
    void add(std::string name, std::string value);
    bool has(std::string_view name) const { return values_.contains(name); }
    const std::string& text(std::string_view name) const;
    std::vector<std::uint8_t> octets(std::string_view name) const;
    policy::Secret secret(std::string_view name) const;

private:
    std::map<std::string, std::string, std::less<>> values_;
};

/// All blocks of a file, whose path is relative to the root of the tree. Throws when it cannot be
/// read or holds none.
std::vector<Vector> read_vectors(const std::filesystem::path& path);

} // namespace viaduct::test
