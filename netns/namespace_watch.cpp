#include "netns/namespace_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace viaduct::netns {
namespace {

constexpr std::uint32_t names_change = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::uint32_t folder_ends = IN_DELETE_SELF | IN_MOVE_SELF;
/// Some hundred names.
constexpr std::size_t events_at_once = 16384;

std::pair<std::string, std::string> split(const std::string& path) {
    const auto slash = path.rfind('/');
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

} // namespace

std::expected<NamespaceWatch, SystemError> NamespaceWatch::open(std::string folder) {
    NamespaceWatch watch(FileDescriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
                         std::move(folder));
    if (!watch.inotify_.is_open()) {
        return std::unexpected(SystemError{errno, "inotify", {}});
    }
    return watch.follow().transform([&] { return std::move(watch); });
}

std::expected<void, SystemError> NamespaceWatch::follow() {
    const auto watch = [this](const std::string& path, std::uint32_t events) {
        return ::inotify_add_watch(inotify_.number(), path.c_str(), events | IN_ONLYDIR);
    };
    folder_watch_ = watch(folder_, names_change | folder_ends);
    if (folder_watch_ < 0 && errno == ENOENT) {
        const auto parent = split(folder_).first;
        parent_watch_ = watch(parent, IN_CREATE | IN_MOVED_TO);
        if (parent_watch_ < 0) {
            return std::unexpected(SystemError{errno, "watch " + parent, {}});
        }
        // It may have come between the two.
        folder_watch_ = watch(folder_, names_change | folder_ends);
    }
    if (folder_watch_ < 0 && parent_watch_ < 0) {
        return std::unexpected(SystemError{errno, "watch " + folder_, {}});
    }
    if (folder_watch_ >= 0 && parent_watch_ >= 0) {
        ::inotify_rm_watch(inotify_.number(), std::exchange(parent_watch_, -1));
    }
    return {};
}

NamespaceWatch::Changes NamespaceWatch::read() {
    Changes changes;
    alignas(inotify_event) std::array<char, events_at_once> room;
    const auto folder_name = split(folder_).second;
    ssize_t length = 0;
    while ((length = ::read(inotify_.number(), room.data(), room.size())) > 0) {
        for (const char* next = room.data(); next < room.data() + length;) {
            inotify_event event{};
            std::memcpy(&event, next, sizeof(event));
            const char* const name = next + sizeof(event);
            next = name + event.len;
            if ((event.mask & IN_Q_OVERFLOW) != 0) {
                changes.everything = true;
            } else if (event.wd == folder_watch_ && (event.mask & names_change) != 0) {
                changes.names.emplace_back(name, ::strnlen(name, event.len));
            } else if (event.wd == folder_watch_ &&
                       (event.mask & (folder_ends | IN_IGNORED)) != 0) {
                ::inotify_rm_watch(inotify_.number(), std::exchange(folder_watch_, -1));
                static_cast<void>(follow());
                changes.everything = true;
            } else if (event.wd == parent_watch_ &&
                       folder_name == std::string_view(name, ::strnlen(name, event.len))) {
                static_cast<void>(follow());
                changes.everything = true;
            }
        }
    }
    return changes;
}

} // namespace viaduct::netns
