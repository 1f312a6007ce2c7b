#include "daemon/repair_pace.h"

#include <algorithm>
#include <utility>

namespace viaduct::daemon {

bool RepairPace::on_failed(TimePoint now, const std::string& cause) {
    const bool is_another = cause_ != cause;
    if (is_another) {
        wait_ = shortest;
    } else if (now >= not_before_) {
        wait_ = std::min(2 * wait_, longest);
    }
    not_before_ = now + wait_;
    cause_ = cause;
    return is_another;
}

bool RepairPace::on_done() {
    return !std::exchange(cause_, {}).empty();
}

} // namespace viaduct::daemon
