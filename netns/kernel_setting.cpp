#include "netns/kernel_setting.h"

#include "netns/file_descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>

namespace viaduct::netns {
namespace {

/// The kernel shows, below this path, the settings of the thread that opens the file.
std::expected<void, SystemError>
with_file(const NetworkNamespace& router, const std::string& name, int flags,
          const std::function<std::expected<void, SystemError>(int)>& work) {
    const std::string path = "/proc/sys/net/" + name;
    std::expected<void, SystemError> result;
    auto entered = router.inside([&] {
        const FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC));
        result = file.is_open() ? work(file.number())
                                : std::unexpected(SystemError{errno, "open " + path, {}});
    });
    return entered ? result : entered;
}

} // namespace

std::expected<std::string, SystemError> read_setting(const NetworkNamespace& router,
                                                     const std::string& name) {
    std::string value;
    return with_file(router, name, O_RDONLY,
                     [&](int file) -> std::expected<void, SystemError> {
                         std::array<char, 128> room;
                         const auto length = ::read(file, room.data(), room.size());
                         if (length < 0) {
                             return std::unexpected(SystemError{errno, "read " + name, {}});
                         }
                         value.assign(room.data(), static_cast<std::size_t>(length));
                         value.erase(value.find_last_not_of('\n') + 1);
                         return {};
                     })
        .transform([&] { return std::move(value); });
}

std::expected<void, SystemError> write_setting(const NetworkNamespace& router,
                                               const std::string& name, const std::string& value) {
    return with_file(router, name, O_WRONLY, [&](int file) -> std::expected<void, SystemError> {
        if (::write(file, value.data(), value.size()) < 0) {
            return std::unexpected(SystemError{errno, "write " + name, {}});
        }
        return {};
    });
}

} // namespace viaduct::netns
