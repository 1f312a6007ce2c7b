#include "ike/v2/passing_failure.h"

#include "ike/v2/timers.h"

namespace viaduct::ike::v2 {

bool note_answer(Established& sa, TimePoint now, std::optional<wire::NotifyType> refusal) {
    if (refusal != wire::NotifyType::temporary_failure) {
        note_agreement(sa);
        return false;
    }
    // Rekeys that cross are refused so once, and hours later once more.
    auto& failing = sa.failing;
    if (!failing || now - failing->last > passing_failure_rest)
        failing = PassingFailures{now, now};
    failing->last = now;
    return now - failing->since >= passing_failure_limit;
}

void note_agreement(Established& sa) {
    sa.failing.reset();
}

} // namespace viaduct::ike::v2
