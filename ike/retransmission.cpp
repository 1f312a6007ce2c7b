#include "ike/retransmission.h"

#include <algorithm>

namespace viaduct::ike {

Retransmission::Verdict Retransmission::on_deadline(TimePoint now) {
    if (attempts_ >= schedule_.attempts)
        return Verdict::give_up;
    ++attempts_;
    const auto longer = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::duration<double, std::milli>(static_cast<double>(wait_.count()) *
                                                  schedule_.factor));
    wait_ = std::min(longer, schedule_.longest);
    deadline_ = now + wait_;
    return Verdict::send_again;
}

} // namespace viaduct::ike
