#include "policy/connection_file.h"

#include <cstdlib>

using namespace viaduct::policy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(octets), size);
    const auto result =
        parse_connection_file("fuzz.toml", text, FileAccess::owner_only, [](std::string_view name) {
            return std::expected<Secret, std::string>(Secret::from_text(name));
        });
    if (!result) {
        for (const auto& mistake : result.error()) {
            if (mistake.message.empty() || (mistake.line == 0) != (mistake.column == 0))
                std::abort();
        }
        return 0;
    }
    for (const auto& connection : result->connections.connections) {
        if (connection.psk.empty() || connection.ike.proposals.empty() ||
            connection.esp.proposals.empty() || connection.local_selectors.empty() ||
            connection.remote_selectors.empty())
            std::abort();
    }
    return 0;
}
