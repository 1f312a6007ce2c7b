// A folder that goes with the test.
#pragma once

#include <filesystem>
#include <string_view>

namespace viaduct::daemon::test {

class TemporaryFolder {
public:
    TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder();

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path write(std::string_view name, std::string_view text, unsigned mode = 0600);

private:
    std::filesystem::path path_;
};

} // namespace viaduct::daemon::test
