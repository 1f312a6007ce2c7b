// An established ISAKMP SA: its birth, its messages, its deadlines.
#pragma once

#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/turn.h"

namespace viaduct::ike::v1 {

/// What phase 1 came to.
struct PhaseOneResult {
    ConnectionPtr connection;
    policy::Identity peer_id;
    IsakmpKeys keys;
    PeerExtensions peer;
    wire::Octets nonce_i;
    wire::Octets nonce_r;
    std::chrono::seconds lifetime{};
    /// The peer showed that it has this SA too.
    bool confirmed = false;
    /// The peer says that it has no other SA with us.
    bool initial_contact = false;
    /// To be said again when what it answers is repeated.
    std::optional<LastAnswer> last;
};

/// Both sides are authenticated: reports it and tells the endpoint.
Established establish(Turn& turn, IkeSaFacts& facts, PhaseOneResult made);

/// Children of an ISAKMP SA with the same peer, and what was wanted under it.
void inherit(Turn& turn, IkeSaFacts& facts, Established& sa, std::vector<Child> children,
             std::vector<QuickModeWanted> waiting);

/// The responder says, once phase 1 is over, that it keeps the SA for so many seconds only
/// (RFC 2407 section 4.6.3.1).
void shorten_lifetime(const Turn& turn, const IkeSaFacts& facts, Established& sa,
                      std::uint64_t seconds);

/// Has the SA replaced, or ended, when its message IDs run out.
void mind_message_ids(const Turn& turn, Established& sa);

IsakmpSaState on_message(Turn& turn, IkeSaFacts& facts, Established sa, const Received& received);
/// Whatever is due: repetition, liveness, rekeying and expiry.
IsakmpSaState on_deadline(Turn& turn, IkeSaFacts& facts, Established sa);

} // namespace viaduct::ike::v1
