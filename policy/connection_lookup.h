// Which configured connections a peer may be talking about.
#pragma once

#include "policy/connection.h"

#include <functional>
#include <vector>

namespace viaduct::policy {

/// Whether a DNS name of the configuration stands for an address at this moment.
using ResolvedNames = std::function<bool(const std::string& name, const IpAddress& address)>;

/// The candidates for an IKE_SA_INIT or phase 1 message that arrived on `local` from `remote`, in
/// the order in which they are tried: a fixed peer address before a name before `any`, else the
/// order of the file.
std::vector<const Connection*> candidates(const ConnectionSet& set, IkeVersion version,
                                          const IpAddress& local, const IpAddress& remote,
                                          const ResolvedNames& resolved);

/// Of the candidates, those that accept the peer's identity and, if the peer named one (IDr), have
/// it as ours. An exact peer_id comes before a suffix before `any`; else the order stays.
std::vector<const Connection*> matching_identity(std::vector<const Connection*> candidates,
                                                 const Identity& peer,
                                                 const std::optional<Identity>& ours);

} // namespace viaduct::policy
