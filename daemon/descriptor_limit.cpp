#include "daemon/descriptor_limit.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <fstream>

namespace viaduct::daemon {

namespace {

/// For control connections, configuration files and whatever a running router opens later.
constexpr rlim_t reserve = 64;

rlimit limits() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) {
        files.rlim_cur = files.rlim_max = RLIM_INFINITY;
    }
    return files;
}

} // namespace

void raise_descriptor_limit() {
    rlim_t most = 0;
    std::ifstream("/proc/sys/fs/nr_open") >> most;
    const rlimit highest{most, most};
    if (most <= limits().rlim_max || ::setrlimit(RLIMIT_NOFILE, &highest) != 0) {
        auto files = limits();
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
}

std::expected<void, std::string> check_descriptor_room(int descriptor, std::size_t running) {
    if (static_cast<rlim_t>(descriptor) + reserve >= limits().rlim_cur) {
        return std::unexpected(descriptor_limit_reached(running));
    }
    return {};
}

std::string descriptor_limit_reached(std::size_t running) {
    return fmt::format("the process may have {} descriptors open (RLIMIT_NOFILE), which is enough "
                       "for the {} routers that run and for no more",
                       limits().rlim_cur, running);
}

} // namespace viaduct::daemon
