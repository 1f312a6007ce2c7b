// What the kernel holds, told apart from what it was asked to hold: a state or policy by its name
// and by a digest of everything that must not differ.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <linux/xfrm.h>

namespace viaduct::xfrm {

/// SHA-256 over the parts that decide what happens to packets. Flags and limits are among them,
/// counters, sequence numbers, ages and what the kernel adds by itself are not.
using Fingerprint = std::array<std::uint8_t, 32>;

/// By which the kernel finds it: the parts of xfrm_usersa_id, or of xfrm_userpolicy_id with the
/// interface id, as they stand in messages.
struct KernelKey {
    std::vector<std::uint8_t> octets;
    friend auto operator<=>(const KernelKey&, const KernelKey&) = default;
};

struct ListedState {
    KernelKey key;
    /// For requests about it, as they stand in messages.
    xfrm_usersa_id id{};
    /// Of all but the keys.
    Fingerprint print;
    /// Of the keys; absent where they are not told: a kernel that is locked down shows zeros
    /// (net/xfrm/xfrm_user.c, xfrm_redact).
    std::optional<Fingerprint> keys;
    /// Host byte order. 0 for a state that the kernel made for packets that wait for a real one.
    std::uint32_t spi = 0;
    std::uint32_t reqid = 0;
    /// For reports: `10.10.10.5 -> 10.10.10.4 spi 0xc0ffee01`.
    std::string name;
};

struct ListedPolicy {
    KernelKey key;
    xfrm_userpolicy_id id{};
    std::uint32_t if_id = 0;
    Fingerprint print;
    /// Of the first template; 0 where there is none.
    std::uint32_t reqid = 0;
    /// By its reqid, or without templates as one of neighbour discovery.
    bool ours = false;
    /// For reports: `out 192.168.11.0/24 -> 192.168.30.0/24`.
    std::string name;
};

/// Whether `listed` is what was put there as `wanted`, as far as it shows.
bool is_same(const ListedState& listed, const ListedState& wanted);
bool is_same(const ListedPolicy& listed, const ListedPolicy& wanted);

/// Reads NEWSA or UPDSA, header included, whether the kernel or we wrote it. Nothing for any other
/// message.
std::optional<ListedState> read_state_message(std::span<const std::uint8_t> message);
/// The same for NEWPOLICY and UPDPOLICY. Nothing for a policy of a socket.
std::optional<ListedPolicy> read_policy_message(std::span<const std::uint8_t> message);

/// The fields as they stand in messages: addresses, ports and SPI in network byte order.
KernelKey key_of(const xfrm_usersa_id& id);
KernelKey key_of(const xfrm_userpolicy_id& id, std::uint32_t if_id);

/// By which DELSA and GETSA name their state, header included. Nothing for any other message.
std::optional<KernelKey> state_named_in(std::span<const std::uint8_t> message);
/// The same for DELPOLICY and GETPOLICY.
std::optional<KernelKey> policy_named_in(std::span<const std::uint8_t> message);

} // namespace viaduct::xfrm
