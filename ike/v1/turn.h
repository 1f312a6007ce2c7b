// What the handling of one input may read and touch, with what an ISAKMP SA tells its endpoint.
#pragma once

#include "ike/outcome.h"
#include "ike/turn.h"
#include "ike/v1/isakmp_sa_state.h"

#include <variant>
#include <vector>

namespace viaduct::ike::v1 {

namespace outcome {
using ike::outcome::ChildFailed;
using ike::outcome::Childless;
using ike::outcome::ChildUp;
using ike::outcome::Down;
using ike::outcome::Failed;
using ike::outcome::Up;
using ike::outcome::WantsReplacement;
/// Something that nobody vouches for tells why it does not come up. It may come up still.
struct Doubt {
    std::string connection;
    Role role = Role::initiator;
    Cause why;
};
/// The children of the SA that is handled go to another of the same peer; to which, the endpoint
/// knows.
struct Bequeath {
    std::string connection;
    policy::Identity peer;
    std::vector<Child> children;
    std::vector<QuickModeWanted> waiting;
};
/// The peer deletes children that the SA under which it says so has not: others may have them.
struct DeletedElsewhere {
    std::string connection;
    policy::Identity peer;
    std::vector<policy::ChildSpi> spis;
};
/// What a quick mode is about belongs to another peer's SA, with our SPI `other`: is that peer
/// there still?
struct HeldByAnother {
    wire::IkeSpi other{};
};
/// A quick mode of the SA that is handled tells of its child, which another SA has by now: the peer
/// has it, or lacks our third message still.
struct ToldOfChild {
    policy::ChildSaId child{};
    bool peer_has_it = false;
};
} // namespace outcome

using Outcome = std::variant<outcome::Up, outcome::Failed, outcome::Down, outcome::WantsReplacement,
                             outcome::Childless, outcome::ChildUp, outcome::ChildFailed,
                             outcome::Doubt, outcome::Bequeath, outcome::DeletedElsewhere,
                             outcome::HeldByAnother, outcome::ToldOfChild>;

struct Turn : ike::Turn {
    std::vector<Outcome>& outcomes;
};

} // namespace viaduct::ike::v1
