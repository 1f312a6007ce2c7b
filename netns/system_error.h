// A refused system call or kernel request.
#pragma once

#include <string>

namespace viaduct::netns {

/// `code` is an errno value; `what` says which call on which object: `socket UDP 10.10.10.5[500]`.
struct SystemError {
    int code = 0;
    std::string what;
    /// The kernel's own words, from a netlink extended acknowledgement; often empty.
    std::string kernel_message;

    /// `what: strerror (kernel message)`.
    std::string to_string() const;
};

} // namespace viaduct::netns
