// When a request is sent again, and when its sender gives up (RFC 7296 section 2.4).
#pragma once

#include "ike/input.h"
#include "policy/connection.h"

namespace viaduct::ike {

/// For a farewell: the peer may be gone, and nothing depends on its answer.
inline constexpr policy::RetransmissionSchedule farewell_schedule{std::chrono::milliseconds(500),
                                                                  2.0, std::chrono::seconds(4), 3};

/// The timer of one request under way.
class Retransmission {
public:
    Retransmission(TimePoint now, const policy::RetransmissionSchedule& schedule)
        : schedule_(schedule), wait_(schedule.first), deadline_(now + schedule.first) {}

    enum class Verdict : std::uint8_t { send_again, give_up };
    /// To be called when deadline() has come.
    Verdict on_deadline(TimePoint now);

    /// The request has just been sent in another form, as if for the first time.
    void start_over(TimePoint now) { *this = Retransmission(now, schedule_); }

    TimePoint deadline() const { return deadline_; }
    /// Sendings so far, the first included.
    unsigned attempts() const { return attempts_; }

private:
    policy::RetransmissionSchedule schedule_;
    std::chrono::milliseconds wait_;
    TimePoint deadline_;
    unsigned attempts_ = 1;
};

} // namespace viaduct::ike
