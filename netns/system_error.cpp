#include "netns/system_error.h"

#include <system_error>

namespace viaduct::netns {

std::string SystemError::to_string() const {
    std::string text = what + ": " + std::generic_category().message(code);
    if (!kernel_message.empty()) {
        text += " (" + kernel_message + ")";
    }
    return text;
}

} // namespace viaduct::netns
