// How long SAs live, and how long what is over stays for what is under way.
#pragma once

#include "ike/input.h"

#include <botan/rng.h>

namespace viaduct::ike {

/// How long a replaced child still takes in what the peer has under way.
inline constexpr auto retired_child_time = std::chrono::seconds(5);
/// The same for the children of an IKE SA that we close while another carries the connection: the
/// peer learns of it when the last repetition has arrived.
inline constexpr auto closed_sa_child_time = std::chrono::seconds(60);

/// When an SA established now is replaced and when it ends.
struct Lifetime {
    TimePoint replace_at;
    TimePoint expire_at;
};
/// The replacement time is drawn at random, as `rekey` says, so that the SAs of a restart do not
/// stay in step.
Lifetime lifetime_from(TimePoint now, std::chrono::seconds lifetime, const policy::RekeyTime& rekey,
                       Botan::RandomNumberGenerator& rng);

/// The soft limits of an SA with these hard ones, drawn in the same way. The margin is the part of
/// the volume that it is of the lifetime; a tenth where none is configured, since traffic may be
/// faster than the peer's answer.
policy::VolumeLimit soft_volume(const policy::VolumeLimit& hard, std::chrono::seconds lifetime,
                                const policy::RekeyTime& rekey, Botan::RandomNumberGenerator& rng);

/// At random between `shortest` and `longest`.
std::chrono::milliseconds between(std::chrono::milliseconds shortest,
                                  std::chrono::milliseconds longest,
                                  Botan::RandomNumberGenerator& rng);

} // namespace viaduct::ike
