#include "tests/crypto/vector_file.h"

#include <botan/hex.h>

#include <fstream>
#include <stdexcept>

namespace viaduct::test {

std::vector<std::uint8_t> octets(std::string_view hexadecimal) {
    return Botan::hex_decode(hexadecimal);
}

void Vector::add(std::string name, std::string value) {
    values_.emplace(std::move(name), std::move(value));
}

const std::string& Vector::text(std::string_view name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) {
        throw std::runtime_error("the vector has no " + std::string(name));
    }
    return found->second;
}

std::vector<std::uint8_t> Vector::octets(std::string_view name) const {
    return test::octets(text(name));
}

policy::Secret Vector::secret(std::string_view name) const {
    return policy::Secret(std::span<const std::uint8_t>(octets(name)));
}

std::vector<Vector> read_vectors(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::vector<Vector> vectors;
    bool in_block = false;
    for (std::string line; std::getline(file, line);) {
        const auto equals = line.find(" =");
        if (line.empty()) {
            in_block = false;
        } else if (line.front() != '#' && equals != std::string::npos) {
            if (!in_block) {
                vectors.emplace_back();
                in_block = true;
            }
            const auto value = line.substr(equals + 2);
            vectors.back().add(line.substr(0, equals), value.empty() ? value : value.substr(1));
        }
    }
    if (vectors.empty()) {
        throw std::runtime_error("no vectors in " + path.string());
    }
    return vectors;
}

} // namespace viaduct::test
