#include "netns/network_namespace.h"

#include "netns/file_descriptor.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace viaduct::netns {
namespace {

std::expected<std::string, SystemError> path_of(const std::string& name) {
    if (name.empty()) {
        return "/proc/self/ns/net";
    }
    if (name.front() == '/') {
        return name;
    }
    if (name.contains('/') || name == "." || name == "..") {
        return std::unexpected(SystemError{EINVAL, "network namespace \"" + name + "\"", {}});
    }
    return "/run/netns/" + name;
}

SystemError no_namespace(const std::string& path) {
    return {EINVAL, "network namespace " + path, "the file is no network namespace"};
}

std::expected<NetworkNamespace::Identity, SystemError> identity_of_path(const std::string& path) {
    struct stat facts{};
    struct statfs file_system{};
    if (::stat(path.c_str(), &facts) != 0 || ::statfs(path.c_str(), &file_system) != 0) {
        return std::unexpected(SystemError{errno, "network namespace " + path, {}});
    }
    // A name whose namespace is gone, or not there yet, is an ordinary empty file.
    if (file_system.f_type != NSFS_MAGIC) {
        return std::unexpected(no_namespace(path));
    }
    return NetworkNamespace::Identity{facts.st_dev, facts.st_ino};
}

/// Brings the thread back where it was.
class Return {
public:
    explicit Return(FileDescriptor before) : before_(std::move(before)) {}
    Return(const Return&) = delete;
    Return& operator=(const Return&) = delete;
    ~Return() {
        if (::setns(before_.number(), CLONE_NEWNET) != 0) {
            std::perror("viaduct: cannot return from a network namespace");
            std::abort();
        }
    }

private:
    FileDescriptor before_;
};

} // namespace

std::expected<NetworkNamespace, SystemError> NetworkNamespace::open(const std::string& name) {
    const auto path = path_of(name);
    if (!path) {
        return std::unexpected(path.error());
    }
    FileDescriptor file(::open(path->c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) {
        return std::unexpected(SystemError{errno, "network namespace " + *path, {}});
    }
    if (::ioctl(file.number(), NS_GET_NSTYPE) != CLONE_NEWNET) {
        return std::unexpected(no_namespace(*path));
    }
    struct stat facts{};
    if (::fstat(file.number(), &facts) != 0) {
        return std::unexpected(SystemError{errno, "network namespace " + *path, {}});
    }
    return NetworkNamespace(file.release(), Identity{facts.st_dev, facts.st_ino});
}

std::expected<NetworkNamespace, SystemError> NetworkNamespace::make() {
    constexpr const char* here = "/proc/thread-self/ns/net";
    FileDescriptor before(::open(here, O_RDONLY | O_CLOEXEC));
    if (!before.is_open()) {
        return std::unexpected(SystemError{errno, "open /proc/thread-self/ns/net", {}});
    }
    if (::unshare(CLONE_NEWNET) != 0) {
        return std::unexpected(SystemError{errno, "make a network namespace", {}});
    }
    const Return back(std::move(before));
    return open(here);
}

NetworkNamespace::NetworkNamespace(NetworkNamespace&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), identity_(other.identity_) {}

NetworkNamespace& NetworkNamespace::operator=(NetworkNamespace&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(identity_, other.identity_);
    return *this;
}

NetworkNamespace::~NetworkNamespace() {
    FileDescriptor closing(descriptor_);
}

std::expected<void, SystemError> NetworkNamespace::inside(const std::function<void()>& work) const {
    // The main thread's namespace would be /proc/self/ns/net; setns(2) concerns this thread only.
    constexpr const char* here = "/proc/thread-self/ns/net";
    if (identity_of_path(here) == identity_) {
        // Entering it again would need privileges that a daemon in one namespace need not have.
        work();
        return {};
    }
    FileDescriptor before(::open(here, O_RDONLY | O_CLOEXEC));
    if (!before.is_open()) {
        return std::unexpected(SystemError{errno, "open /proc/thread-self/ns/net", {}});
    }
    if (::setns(descriptor_, CLONE_NEWNET) != 0) {
        return std::unexpected(SystemError{errno, "enter the network namespace", {}});
    }
    const Return back(std::move(before));
    work();
    return {};
}

std::expected<NetworkNamespace::Identity, SystemError>
NetworkNamespace::identity_of(const std::string& name) {
    return path_of(name).and_then(identity_of_path);
}

} // namespace viaduct::netns
