// Messages in parts, as Cisco, Microsoft and strongSwan cut them ([MS-IKEE] section 2.2.3): the
// parts are neither encrypted nor authenticated, the message that they make is.
#pragma once

#include "ike/v1/isakmp_sa_state.h"

#include <optional>
#include <vector>

namespace viaduct::ike::v1 {

/// The messages that a message travels in: itself where the peer takes no fragments, or where it
/// is small enough.
Messages fragmented(const IkeSaFacts& facts, const wire::Header& header, wire::Octets message);

/// The parts of one message that an ISAKMP SA receives. Anybody who sees the cookies can spoil it;
/// what it costs has a limit.
class PartAssembly {
public:
    /// The whole message, when this part completes it.
    std::optional<wire::Octets> add(TimePoint now, const wire::v1::FragmentPayload& part);
    /// When on_deadline() wants to be called: an incomplete message is too old.
    std::optional<TimePoint> deadline() const;
    void on_deadline(TimePoint now);

private:
    std::optional<std::uint16_t> id_;
    /// By number, from 1; empty where one is missing.
    std::vector<std::optional<wire::Octets>> parts_;
    std::size_t octets_ = 0;
    /// Number of the last part, once it is known.
    std::optional<std::size_t> last_;
    TimePoint give_up_;
};

} // namespace viaduct::ike::v1
