#include "daemon/version.h"

namespace viaduct::daemon {

std::string_view version() {
    return VIADUCT_VERSION;
}

} // namespace viaduct::daemon
