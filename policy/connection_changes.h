// What an edited configuration changes (used by reload).
#pragma once

#include "policy/connection.h"

namespace viaduct::policy {

/// What an edited connection asks of the SAs that it has. Nothing set: they stay as they are, and
/// what changed holds from now on or for the SAs to come.
struct SaChanges {
    bool rekey_children = false;
    bool rekey_ike_sas = false;
    /// Authenticated anew and with new child SAs; the old ones go when the new ones are up.
    bool new_ike_sas = false;
    /// Tunnel mode gives way to transport mode or the reverse: a kernel policy demands one mode of
    /// all that arrives, so what is under way in the other is dropped.
    bool drops_packets = false;

    bool none() const { return !rekey_children && !rekey_ike_sas && !new_ike_sas; }
    /// `in place`, `child SAs rekeyed`, `IKE SA rekeyed`, `IKE SA and child SAs rekeyed`,
    /// `new IKE SA`; with `, packets under way are lost` where that is so.
    std::string to_string() const;
    friend bool operator==(const SaChanges&, const SaChanges&) = default;
};

/// Of two connections of one name. What an SA was negotiated with and rekeying cannot change asks
/// for a new IKE SA; so does whatever is not known to ask for less.
SaChanges changes_to_sas(const Connection& before, const Connection& after);

struct ChangedConnection {
    std::string name;
    SaChanges sas;

    friend bool operator==(const ChangedConnection&, const ChangedConnection&) = default;
};

/// Connections by what happened to them. An equal one is not touched; names of policies do not
/// count.
struct ConnectionChanges {
    std::vector<std::string> added;
    std::vector<std::string> removed;
    std::vector<ChangedConnection> changed;
    std::vector<std::string> kept;

    friend bool operator==(const ConnectionChanges&, const ConnectionChanges&) = default;
};

ConnectionChanges compare(const ConnectionSet& before, const ConnectionSet& after);
/// What compare() says of a set and itself, without a look at what the connections hold.
ConnectionChanges unchanged(const ConnectionSet& set);

} // namespace viaduct::policy
