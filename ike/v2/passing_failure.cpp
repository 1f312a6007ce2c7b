#include "ike/v2/passing_failure.h"

#include "ike/v2/timers.h"

namespace viaduct::ike::v2 {

bool note_answer(Established& sa, TimePoint now, std::optional<wire::NotifyType> refusal) {
    if (refusal != wire::NotifyType::temporary_failure) {
        sa.failing_since.reset();
        return false;
    }
    if (!sa.failing_since)
        sa.failing_since = now;
    return now - *sa.failing_since >= passing_failure_limit;
}

} // namespace viaduct::ike::v2
