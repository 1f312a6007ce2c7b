#include "policy/policy_table.h"

#include "policy/ikev1_limits.h"
#include "policy/printable.h"

#include <algorithm>
#include <array>
#include <limits>

namespace viaduct::policy {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_policies = 256;
constexpr std::size_t max_proposals = 32;
/// Shorter ones leave no second for a margin; no peer keeps longer ones.
constexpr std::chrono::seconds shortest_lifetime = 2s;
constexpr std::chrono::seconds longest_lifetime = 30 * 24h;
constexpr std::chrono::seconds longest_reauthentication = 365 * 24h;
constexpr std::chrono::milliseconds shortest_wait = 100ms;
constexpr std::chrono::milliseconds longest_first_wait = 60s;
constexpr std::chrono::milliseconds longest_wait = 10min;
/// What every IPv4 node takes (RFC 791), and the length field of an IP header.
constexpr std::int64_t smallest_datagram = 576;
constexpr std::int64_t largest_datagram = 65535;
/// The kernel keeps at least one word, and no more than XFRMA_REPLAY_ESN_MAX bits.
constexpr std::int64_t smallest_replay_window = 32;
constexpr std::int64_t largest_replay_window = 4096;

constexpr std::array<std::string_view, 11> ike_keys{
    "version",   "proposals",        "lifetime",      "margin",
    "jitter",    "reauthentication", "first_contact", "retransmission",
    "childless", "fragmentation",    "fragment_size"};
constexpr std::array<std::string_view, 12> esp_keys{
    "proposals",      "lifetime",         "margin",    "jitter",   "replay_window", "mode",
    "lifetime_bytes", "lifetime_packets", "copy_dscp", "copy_ecn", "copy_df",       "offload"};
constexpr std::array<std::string_view, 4> schedule_keys{"first", "factor", "longest", "attempts"};

// The words stand in the order of the enumeration.
constexpr std::array<std::string_view, 3> childless_words{"never", "allow", "force"};
constexpr std::array<std::string_view, 2> mode_words{"tunnel", "transport"};
constexpr std::array<std::string_view, 3> offload_words{"none", "crypto", "packet"};
constexpr std::array<std::string_view, 4> copy_dscp_words{"no", "out", "in", "both"};

/// A peer needs time to rekey: less than this would be gone meanwhile.
constexpr std::int64_t smallest_volume_bytes = 1 << 20;
constexpr std::int64_t smallest_volume_packets = 1000;
constexpr std::int64_t largest_volume = std::numeric_limits<std::int64_t>::max();

std::vector<Proposal> read_proposals(const TomlTable& table, ProtocolId protocol,
                                     std::string_view example) {
    std::vector<Proposal> proposals;
    table.require("proposals", "[\"" + std::string(example) + "\"]");
    for (const auto& text : table.texts("proposals", example, max_proposals)) {
        auto proposal = parse_proposal(text.text, protocol);
        if (!proposal) {
            table.mistakes().add(text.place(proposal.error().offset),
                                 in_quotes(text.text) + ": " + proposal.error().message);
            continue;
        }
        if (std::ranges::contains(proposals, *proposal))
            table.mistakes().add(text.place(), in_quotes(text.text) + " is in the list already");
        proposals.push_back(std::move(*proposal));
    }
    return proposals;
}

/// An SA is never rekeyed before it begins.
void compare_margin(const TomlTable& table, const RekeyTime& rekey, std::chrono::seconds lifetime) {
    if (!rekey.margin || *rekey.margin * (100 + rekey.jitter) < lifetime * 100)
        return;
    const auto earliest =
        std::chrono::ceil<std::chrono::seconds>(*rekey.margin * (100 + rekey.jitter) / 100.0);
    table.mistake("margin", "'margin': " + duration_text(*rekey.margin) + " with a jitter of " +
                                std::to_string(rekey.jitter) + " percent begins up to " +
                                duration_text(earliest) +
                                " before the end; expected less than the lifetime of " +
                                duration_text(lifetime));
}

/// Lifetime, margin and jitter.
void read_lifetime(const TomlTable& table, std::chrono::seconds& lifetime, RekeyTime& rekey) {
    const auto wanted = table.duration("lifetime", shortest_lifetime, longest_lifetime);
    lifetime = wanted.value_or(lifetime);
    rekey.margin = table.duration("margin", 1s, longest_lifetime);
    rekey.jitter = static_cast<unsigned>(table.integer("jitter", 0, 100).value_or(rekey.jitter));
    if (wanted || !table.has("lifetime"))
        compare_margin(table, rekey, lifetime);
}

void read_reauthentication(const TomlTable& table, IkePolicy& policy) {
    const auto wanted = table.duration("reauthentication", 0s, longest_reauthentication);
    if (!wanted)
        return;
    policy.reauthentication = *wanted;
    if (*wanted > 0s && *wanted < shortest_lifetime)
        table.mistake("reauthentication", "'reauthentication': '" + duration_text(*wanted) +
                                              "' is out of range; expected 0s for never, or " +
                                              duration_text(shortest_lifetime) + " to " +
                                              duration_text(longest_reauthentication));
}

RetransmissionSchedule read_schedule(const TomlTable& table, std::string_view key,
                                     RetransmissionSchedule schedule) {
    const auto* const node =
        table.table(key, "{ first = \"1s\", factor = 2.0, longest = \"16s\", attempts = 6 }");
    if (node == nullptr)
        return schedule;
    const TomlTable own(*node, std::string(key) + " of " + table.title(), table.mistakes());
    own.refuse_keys_except(schedule_keys);
    const auto first = own.milliseconds("first", shortest_wait, longest_first_wait);
    const auto longest = own.milliseconds("longest", shortest_wait, longest_wait);
    schedule.first = first.value_or(schedule.first);
    schedule.factor = own.number("factor", 1, 4).value_or(schedule.factor);
    schedule.longest = longest.value_or(schedule.longest);
    schedule.attempts =
        static_cast<unsigned>(own.integer("attempts", 1, 50).value_or(schedule.attempts));
    const bool both = (first || !own.has("first")) && (longest || !own.has("longest"));
    if (both && schedule.longest < schedule.first)
        own.mistake(longest ? "longest" : "first",
                    "'longest' is " + milliseconds_text(schedule.longest) +
                        (longest ? "" : " by default") + ", which is shorter than 'first', " +
                        milliseconds_text(schedule.first));
    return schedule;
}

void read_fragmentation(const TomlTable& table, Fragmentation& fragmentation) {
    fragmentation.enabled = table.boolean("fragmentation").value_or(fragmentation.enabled);
    fragmentation.size = static_cast<std::uint16_t>(
        table.integer("fragment_size", smallest_datagram, largest_datagram)
            .value_or(fragmentation.size));
}

IkePolicy read_ike_policy(const TomlTable& table) {
    table.refuse_keys_except(ike_keys);
    IkePolicy policy;
    const bool v1 = table.integer("version", 1, 2) == 1;
    policy.version = v1 ? IkeVersion::v1 : IkeVersion::v2;
    policy.proposals = read_proposals(
        table, ProtocolId::ike, v1 ? "aes256-sha256-modp2048" : "aes256gcm16-prfsha384-x25519");
    read_lifetime(table, policy.lifetime, policy.rekey);
    read_reauthentication(table, policy);
    policy.first_contact = read_schedule(table, "first_contact", policy.first_contact);
    policy.retransmission = read_schedule(table, "retransmission", policy.retransmission);
    if (const auto index = table.word("childless", childless_words))
        policy.childless = static_cast<ChildlessUse>(*index);
    read_fragmentation(table, policy.fragmentation);
    if (v1)
        check_ikev1_policy(table, policy);
    return policy;
}

void read_header_construction(const TomlTable& table, HeaderConstruction& header) {
    if (const auto index = table.word("copy_dscp", copy_dscp_words)) {
        header.copy_dscp_out = *index == 1 || *index == 3;
        header.copy_dscp_in = *index == 2 || *index == 3;
    }
    header.copy_ecn = table.boolean("copy_ecn").value_or(header.copy_ecn);
    header.copy_df = table.boolean("copy_df").value_or(header.copy_df);
}

void read_volume(const TomlTable& table, VolumeLimit& volume) {
    const auto bytes = table.integer("lifetime_bytes", smallest_volume_bytes, largest_volume);
    const auto packets = table.integer("lifetime_packets", smallest_volume_packets, largest_volume);
    volume.bytes = static_cast<std::uint64_t>(bytes.value_or(0));
    volume.packets = static_cast<std::uint64_t>(packets.value_or(0));
}

/// How far HMAC-SHA2-256 is cut is not negotiated, so that only one of both can be meant.
void take_truncation(const TomlTable& table, EspPolicy& policy) {
    constexpr auto full = static_cast<std::uint16_t>(IntegrityAlgorithm::hmac_sha2_256_128);
    constexpr auto cut = static_cast<std::uint16_t>(IntegrityAlgorithm::hmac_sha2_256_96);
    bool has_full = false;
    for (auto& proposal : policy.proposals) {
        for (auto& transform : proposal.transforms) {
            if (transform.type != TransformType::integrity)
                continue;
            has_full = has_full || transform.id == full;
            policy.sha256_cut_to_96 = policy.sha256_cut_to_96 || transform.id == cut;
            transform.id = transform.id == cut ? full : transform.id;
        }
    }
    if (has_full && policy.sha256_cut_to_96)
        table.mistake("proposals", "'sha256_96' cannot stand beside 'sha256': both are negotiated "
                                   "as the same; write two [esp.NAME] tables");
}

EspPolicy read_esp_policy(const TomlTable& table) {
    table.refuse_keys_except(esp_keys);
    EspPolicy policy;
    policy.proposals = read_proposals(table, ProtocolId::esp, "aes256gcm16-x25519");
    take_truncation(table, policy);
    read_lifetime(table, policy.lifetime, policy.rekey);
    policy.replay_window = static_cast<std::uint32_t>(
        table.integer("replay_window", smallest_replay_window, largest_replay_window)
            .value_or(policy.replay_window));
    read_volume(table, policy.volume);
    read_header_construction(table, policy.header);
    if (const auto index = table.word("mode", mode_words))
        policy.mode = static_cast<EspMode>(*index);
    if (const auto index = table.word("offload", offload_words))
        policy.offload = static_cast<HardwareOffload>(*index);
    return policy;
}

template <typename Policy>
std::map<std::string, Policy, std::less<>> read_all(const TomlTable& root, std::string_view kind,
                                                    Policy (*read)(const TomlTable&)) {
    std::map<std::string, Policy, std::less<>> policies;
    const auto* const tables = root.table(kind, "[" + std::string(kind) + ".NAME]");
    if (tables == nullptr)
        return policies;
    if (tables->size() > max_policies) {
        root.mistake(kind, "more than " + std::to_string(max_policies) + " tables [" +
                               std::string(kind) + ".NAME]");
        return policies;
    }
    for (const auto& [key, node] : *tables) {
        const std::string name(key.str());
        const auto title = "[" + std::string(kind) + "." + printable(name) + "]";
        const auto* const table = node.as_table();
        if (!is_plain_name(name))
            root.mistakes().add(key.source().begin, "the name " + in_quotes(name) +
                                                        " is not allowed; expected " +
                                                        std::string(plain_name_rule));
        if (table == nullptr)
            root.mistakes().add(key.source().begin, "expected a table " + title + ", found " +
                                                        std::string(type_name(node)));
        auto policy = table == nullptr ? Policy{} : read({*table, title, root.mistakes()});
        policy.name = name;
        policies.emplace(name, std::move(policy));
    }
    return policies;
}

} // namespace

NamedPolicies read_policies(const TomlTable& root) {
    return {read_all<IkePolicy>(root, "ike", read_ike_policy),
            read_all<EspPolicy>(root, "esp", read_esp_policy)};
}

} // namespace viaduct::policy
