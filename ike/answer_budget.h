// How many answers in clear a router gives to datagrams that belong to no SA: enough to be of use
// to a peer that restarted, too few to be of use to somebody who forges addresses.
#pragma once

#include "ike/input.h"

#include <algorithm>

namespace viaduct::ike {

class AnswerBudget {
public:
    bool take(TimePoint now) {
        if (now - refilled_ >= std::chrono::seconds(1)) {
            refilled_ = now;
            left_ = per_second;
        }
        if (left_ == 0)
            return false;
        --left_;
        return true;
    }

private:
    static constexpr unsigned per_second = 50;
    TimePoint refilled_{};
    unsigned left_ = per_second;
};

} // namespace viaduct::ike
