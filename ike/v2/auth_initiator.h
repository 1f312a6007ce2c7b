// IKE_AUTH as initiator (RFC 7296 sections 1.2 and 2.15).
#pragma once

#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

namespace viaduct::ike::v2 {

/// Sends the request.
IkeSaState begin_auth(Turn& turn, IkeSaFacts& facts, ConnectionPtr connection,
                      const policy::IkeSuite& suite, const crypto::IkeKeys& keys,
                      FirstMessages first);

/// To Established, or to Gone: a peer that we do not accept is told so (AUTHENTICATION_FAILED) and
/// gets no further chance.
IkeSaState consume_auth_response(Turn& turn, IkeSaFacts& facts, AuthSent state,
                                 const Received& received);

/// The exchange comes to no child: frees what was drawn for it.
void release_offer(Turn& turn, const AuthSent& state);

} // namespace viaduct::ike::v2
