// A random generator for tests: what it is told first, then a stream that its seed determines.
#pragma once

#include <botan/rng.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace viaduct::test {

class ScriptedRng final : public Botan::RandomNumberGenerator {
public:
    explicit ScriptedRng(std::vector<std::uint8_t> script, std::uint64_t seed = 1)
        : script_(std::move(script)), stream_(seed) {}
    explicit ScriptedRng(std::uint64_t seed) : ScriptedRng({}, seed) {}

    bool accepts_input() const override { return false; }
    bool is_seeded() const override { return true; }
    std::string name() const override { return "scripted"; }
    void clear() override {}

private:
    void fill_bytes_with_input(std::span<std::uint8_t> output,
                               std::span<const std::uint8_t>) override {
        const auto scripted = std::min(output.size(), script_.size() - used_);
        std::copy_n(script_.begin() + static_cast<std::ptrdiff_t>(used_), scripted, output.begin());
        used_ += scripted;
        for (auto& octet : output.subspan(scripted)) {
            octet = static_cast<std::uint8_t>(stream_());
        }
    }

    std::vector<std::uint8_t> script_;
    std::size_t used_ = 0;
    std::mt19937_64 stream_;
};

} // namespace viaduct::test
