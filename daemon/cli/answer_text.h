// What viaduct prints for the daemon's answer, and its exit status.
#pragma once

#include "daemon/cli/client_options.h"

#include <string>

namespace viaduct::daemon {

struct ClientOutput {
    int exit_status = 0;
    std::string out;
    std::string error;
};

/// `answer` is the line that the daemon sent.
ClientOutput answer_text(const ClientOptions& options, const std::string& answer);

} // namespace viaduct::daemon
