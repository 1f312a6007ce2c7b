#include "daemon/one_line.h"

#include <fmt/format.h>

namespace viaduct::daemon {

std::string one_line(std::string_view text, std::size_t limit) {
    std::string result;
    result.reserve(text.size());
    for (const char character : text.substr(0, limit)) {
        if (character == '\n') {
            result += "\\n";
        } else if (character >= 0x20 && character < 0x7f) {
            result += character;
        } else {
            result += fmt::format("\\x{:02x}", static_cast<unsigned char>(character));
        }
    }
    if (text.size() > limit) {
        result += "...";
    }
    return result;
}

std::string count_of(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

} // namespace viaduct::daemon
