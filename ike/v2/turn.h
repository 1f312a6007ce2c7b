// What the handling of one input may read and touch, with what an IKEv2 SA tells its endpoint.
#pragma once

#include "ike/outcome.h"
#include "ike/turn.h"
#include "ike/v2/ike_sa_state.h"

#include <variant>
#include <vector>

namespace viaduct::ike::v2 {

namespace outcome {
using ike::outcome::ChildFailed;
using ike::outcome::Childless;
using ike::outcome::ChildUp;
using ike::outcome::Down;
using ike::outcome::Failed;
using ike::outcome::Up;
using ike::outcome::WantsReplacement;
/// An IKE rekey made this SA, which has no children yet.
struct NewIkeSa {
    IkeSaFacts facts;
    Established state;
};
/// The SA that is handled gives its connection to the one with our SPI `heir`.
struct Bequeath {
    wire::IkeSpi heir{};
    std::vector<ChildState> children;
    std::vector<RequestPurpose> waiting;
};
} // namespace outcome

using Outcome = std::variant<outcome::Up, outcome::Failed, outcome::Down, outcome::WantsReplacement,
                             outcome::Childless, outcome::ChildUp, outcome::ChildFailed,
                             outcome::NewIkeSa, outcome::Bequeath>;

struct Turn : ike::Turn {
    std::vector<Outcome>& outcomes;
};

} // namespace viaduct::ike::v2
