#include "daemon/repair_pace.h"

#include <algorithm>
#include <utility>

namespace viaduct::daemon {

bool RepairPace::on_failed(TimePoint now, const std::string& cause) {
    wait_ = cause_.empty() ? shortest : std::min(2 * wait_, longest);
    not_before_ = now + wait_;
    return std::exchange(cause_, cause) != cause;
}

bool RepairPace::on_done() {
    return !std::exchange(cause_, {}).empty();
}

} // namespace viaduct::daemon
