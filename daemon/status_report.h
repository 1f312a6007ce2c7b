// The status as it leaves the daemon: texts and numbers under the keys that docs/status.md
// promises. Member names are the JSON's keys; an absent value is null there.
#pragma once

#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace viaduct::daemon {

struct PastMoment {
    double seconds_ago = 0;
    /// RFC 3339, UTC.
    std::string at;
};
struct ComingMoment {
    double in_seconds = 0;
    std::string at;
};

struct CounterReport {
    std::uint64_t inbound_bytes = 0;
    std::uint64_t inbound_packets = 0;
    std::uint64_t outbound_bytes = 0;
    std::uint64_t outbound_packets = 0;
};

/// What the leak guard has dropped, from the kernel.
struct GuardReport {
    std::uint64_t outbound_packets = 0;
    std::uint64_t outbound_bytes = 0;
    std::uint64_t inbound_packets = 0;
    std::uint64_t inbound_bytes = 0;
};

struct ChildSaReport {
    std::string inbound_spi;
    std::string outbound_spi;
    std::string algorithms;
    /// `tunnel` or `transport`.
    std::string mode;
    std::vector<std::string> local_selectors;
    std::vector<std::string> remote_selectors;
    bool udp_encapsulation = false;
    PastMoment established;
    ComingMoment replacement;
    /// How much either SA of the pair may carry; it is replaced before. Absent: no limit.
    std::optional<std::uint64_t> limit_bytes;
    std::optional<std::uint64_t> limit_packets;
    /// Absent where nothing was installed (--kernel none) or the kernel lost it.
    std::optional<CounterReport> counters;
};

struct IkeSaReport {
    std::string role;
    bool established = false;
    std::string state;
    std::string initiator_spi;
    std::string responder_spi;
    std::string local;
    std::string remote;
    std::optional<std::string> peer_id;
    std::optional<std::string> algorithms;
    std::vector<std::string> vendor_ids;
    PastMoment since;
    PastMoment last_heard;
    std::optional<ComingMoment> replacement;
    bool local_behind_nat = false;
    bool remote_behind_nat = false;
    std::vector<ChildSaReport> child_sas;
};

struct ReasonReport {
    /// A stable word.
    std::string code;
    std::string text;
    std::optional<PastMoment> since;
};

struct ConnectionReport {
    std::string name;
    std::string state;
    PastMoment since;
    std::string local_address;
    /// As configured: an address, a name, or `any`.
    std::string peer_address;
    /// 1 or 2.
    std::uint64_t ike_version = 2;
    /// What is weaker than it would have to be.
    std::vector<std::string> weaknesses;
    std::optional<ReasonReport> reason;
    std::optional<ComingMoment> next_attempt;
    std::uint64_t attempts = 0;
    std::vector<IkeSaReport> ike_sas;
    std::vector<std::string> messages;
};

struct DroppedReport {
    std::uint64_t malformed = 0;
    std::uint64_t unknown_version = 0;
    std::uint64_t unknown_exchange = 0;
    std::uint64_t unknown_sa = 0;
    std::uint64_t no_connection = 0;
    std::uint64_t bad_message_id = 0;
    std::uint64_t integrity_failed = 0;
    std::uint64_t half_open_limit = 0;
    std::uint64_t ike_sa_limit = 0;
    std::uint64_t child_sa_limit = 0;
    std::uint64_t cookies_sent = 0;
    std::uint64_t repeated = 0;
    std::uint64_t unexpected = 0;
    std::uint64_t unprotected = 0;
};

/// A refusal that belongs to no connection.
struct RefusalReport {
    std::string local;
    std::string remote;
    std::string code;
    std::string text;
};

struct RouterReport {
    std::string name;
    std::string netns;
    /// The configuration file.
    std::string file;
    /// `running` or `waiting`.
    std::string state;
    /// Why it waits.
    std::optional<std::string> reason;
    PastMoment since;
    std::vector<ConnectionReport> connections;
    /// Absent where there is no table.
    std::optional<GuardReport> leak_guard;
    std::uint64_t half_open = 0;
    DroppedReport dropped;
    std::vector<RefusalReport> refusals;
    /// ESP algorithms that are configured and that the kernel lacks.
    std::vector<std::string> missing_algorithms;
    std::uint64_t send_errors = 0;
    std::optional<std::string> last_send_error;
    /// States and policies that were found otherwise than they had been put there.
    std::uint64_t kernel_differences = 0;
};

struct StatusReport {
    std::string version;
    /// RFC 3339, UTC.
    std::string time;
    PastMoment started;
    std::string kernel;
    std::vector<RouterReport> routers;
};

BOOST_DESCRIBE_STRUCT(PastMoment, (), (seconds_ago, at))
BOOST_DESCRIBE_STRUCT(ComingMoment, (), (in_seconds, at))
BOOST_DESCRIBE_STRUCT(CounterReport, (),
                      (inbound_bytes, inbound_packets, outbound_bytes, outbound_packets))
BOOST_DESCRIBE_STRUCT(GuardReport, (),
                      (outbound_packets, outbound_bytes, inbound_packets, inbound_bytes))
BOOST_DESCRIBE_STRUCT(ChildSaReport, (),
                      (inbound_spi, outbound_spi, algorithms, mode, local_selectors,
                       remote_selectors, udp_encapsulation, established, replacement, limit_bytes,
                       limit_packets, counters))
BOOST_DESCRIBE_STRUCT(IkeSaReport, (),
                      (role, established, state, initiator_spi, responder_spi, local, remote,
                       peer_id, algorithms, vendor_ids, since, last_heard, replacement,
                       local_behind_nat, remote_behind_nat, child_sas))
BOOST_DESCRIBE_STRUCT(ReasonReport, (), (code, text, since))
BOOST_DESCRIBE_STRUCT(ConnectionReport, (),
                      (name, state, since, local_address, peer_address, ike_version, weaknesses,
                       reason, next_attempt, attempts, ike_sas, messages))
BOOST_DESCRIBE_STRUCT(DroppedReport, (),
                      (malformed, unknown_version, unknown_exchange, unknown_sa, no_connection,
                       bad_message_id, integrity_failed, half_open_limit, ike_sa_limit,
                       child_sa_limit, cookies_sent, repeated, unexpected, unprotected))
BOOST_DESCRIBE_STRUCT(RefusalReport, (), (local, remote, code, text))
BOOST_DESCRIBE_STRUCT(RouterReport, (),
                      (name, netns, file, state, reason, since, connections, leak_guard, half_open,
                       dropped, refusals, missing_algorithms, send_errors, last_send_error,
                       kernel_differences))
BOOST_DESCRIBE_STRUCT(StatusReport, (), (version, time, started, kernel, routers))

} // namespace viaduct::daemon
