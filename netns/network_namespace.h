// Being inside a router's network namespace.
#pragma once

#include "netns/system_error.h"

#include <compare>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>

namespace viaduct::netns {

/// An open network namespace. Its descriptor keeps the namespace alive: drop the object when the
/// router goes.
class NetworkNamespace {
public:
    /// `name`: a name under /run/netns, an absolute path, or empty for the one that the process is
    /// in. ENOENT when it is not there, EINVAL when it is something else.
    static std::expected<NetworkNamespace, SystemError> open(const std::string& name);
    /// A new and empty one, which has no name and goes with the last that is inside or holds it
    /// open. Needs CAP_SYS_ADMIN.
    static std::expected<NetworkNamespace, SystemError> make();
    NetworkNamespace(NetworkNamespace&& other) noexcept;
    NetworkNamespace& operator=(NetworkNamespace&& other) noexcept;
    ~NetworkNamespace();

    /// Runs `work` on this thread inside the namespace and returns to the one before, also when
    /// `work` throws. Sockets opened by `work` stay in the namespace. `work` must not wait. A
    /// failure to come back ends the process: nothing may run in a foreign namespace.
    std::expected<void, SystemError> inside(const std::function<void()>& work) const;

    /// Device and inode of the namespace file: tells whether a name still means the same namespace.
    struct Identity {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        friend auto operator<=>(const Identity&, const Identity&) = default;
    };
    Identity identity() const { return identity_; }
    /// For requests that name a namespace by its descriptor. Stays owned by the object.
    int descriptor() const { return descriptor_; }
    /// What `name` means now. Errors as with open().
    static std::expected<Identity, SystemError> identity_of(const std::string& name);

private:
    NetworkNamespace(int descriptor, Identity identity)
        : descriptor_(descriptor), identity_(identity) {}

    int descriptor_ = -1;
    Identity identity_;
};

} // namespace viaduct::netns
