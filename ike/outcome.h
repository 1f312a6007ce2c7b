// What an IKE SA, of either version, tells its endpoint, which decides about retries and
// duplicates.
#pragma once

#include "ike/report.h"

#include <optional>
#include <string>

namespace viaduct::ike::outcome {

/// Both sides are authenticated.
struct Up {
    std::string connection;
    /// Absent when the first child SA is there too, or is still to come; else why it is not.
    std::optional<Cause> childless;
    /// The first child SA is there.
    bool has_child = true;
    /// The peer says that it has no other SA with us (RFC 7296 section 2.4).
    bool initial_contact = false;
    policy::Identity peer;
};
/// It never came up.
struct Failed {
    std::string connection;
    Cause why;
};
/// It was up and is not any more.
struct Down {
    std::string connection;
    Cause why;
};
/// It is to be replaced by one that is authenticated anew; of IKEv1 also where it is over and its
/// children want to be rekeyed.
struct WantsReplacement {
    std::string connection;
};
/// It is up, and its last child SA is gone.
struct Childless {
    std::string connection;
    Cause why;
};
/// A child SA was made after the IKE SA.
struct ChildUp {
    std::string connection;
};
/// A further child SA could not be made; the IKE SA stays.
struct ChildFailed {
    std::string connection;
    Role role = Role::initiator;
    Cause why;
    /// When we ask for it again.
    std::optional<TimePoint> retry;
};

} // namespace viaduct::ike::outcome
