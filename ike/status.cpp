#include "ike/status.h"

namespace viaduct::ike {

std::string_view to_string(ConnectionState state) {
    switch (state) {
    case ConnectionState::down: return "down";
    case ConnectionState::waiting: return "waiting";
    case ConnectionState::negotiating: return "negotiating";
    case ConnectionState::up: return "up";
    case ConnectionState::ike_only: return "ike_only";
    }
    return "unknown";
}

} // namespace viaduct::ike
