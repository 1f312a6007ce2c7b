// Names of network namespaces that come and go below /run/netns (inotify(7)).
#pragma once

#include "netns/file_descriptor.h"
#include "netns/system_error.h"

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace viaduct::netns {

/// Non-blocking. A name appears a moment before it is a namespace: ip(8) makes an ordinary file and
/// mounts the namespace on it, and the mount is not seen here.
class NamespaceWatch {
public:
    /// `folder` is an absolute path. It may be absent, come and go; the folder above it is there.
    static std::expected<NamespaceWatch, SystemError> open(std::string folder = "/run/netns");

    /// For an event loop to wait on. Stays owned by the object.
    int descriptor() const { return inotify_.number(); }

    struct Changes {
        /// That came, went or changed hands, in this order, possibly more than once.
        std::vector<std::string> names;
        /// Any other name may have changed, too: the folder itself came or went, or the kernel had
        /// no room for more.
        bool everything = false;
    };
    /// What happened since the last call.
    Changes read();

private:
    NamespaceWatch(FileDescriptor inotify, std::string folder)
        : inotify_(std::move(inotify)), folder_(std::move(folder)) {}

    std::expected<void, SystemError> follow();

    FileDescriptor inotify_;
    std::string folder_;
    /// inotify's numbers; negative: not watched.
    int folder_watch_ = -1;
    int parent_watch_ = -1;
};

} // namespace viaduct::netns
