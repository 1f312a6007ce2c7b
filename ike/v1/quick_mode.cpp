#include "ike/v1/quick_mode.h"

#include "ike/child_installation.h"
#include "ike/rekey_collision.h"
#include "ike/v1/timers.h"

#include <algorithm>
#include <limits>

namespace viaduct::ike::v1 {

namespace {

/// RFC 2407 4.5: what a transform without duration means, in seconds.
constexpr std::uint64_t default_duration = 28800;

std::uint64_t volume_octets(std::uint64_t ours, std::optional<std::uint64_t> kilobytes) {
    constexpr std::uint64_t least = 1024;
    constexpr auto most = std::numeric_limits<std::uint64_t>::max() / 1024;
    if (!kilobytes || *kilobytes == 0 || *kilobytes > most)
        return ours;
    const auto theirs = std::max(*kilobytes, least) * 1024;
    return ours == 0 ? theirs : std::min(ours, theirs);
}

template <typename T> std::optional<T> smaller(std::optional<T> a, std::optional<T> b) {
    return a && b ? std::min(*a, *b) : (a ? a : b);
}

} // namespace

ChildLife child_life(const policy::Connection& connection, const wire::v1::Lifetimes& peer) {
    const auto seconds = peer.seconds.value_or(default_duration);
    ChildLife life{connection.esp.lifetime, connection.esp.volume};
    if (seconds != 0)
        life.lifetime = shorter_of(life.lifetime, seconds);
    life.volume.bytes = volume_octets(life.volume.bytes, peer.kilobytes);
    return life;
}

wire::v1::Lifetimes shorter_lifetimes(const policy::Connection& connection,
                                      const wire::v1::Lifetimes& peer) {
    const auto life = child_life(connection, peer);
    wire::v1::Lifetimes told;
    if (const auto seconds = static_cast<std::uint64_t>(life.lifetime.count());
        seconds < peer.seconds.value_or(default_duration))
        told.seconds = seconds;
    if (life.volume.bytes == 0)
        return told;
    const auto kilobytes = kilobytes_of(life.volume.bytes);
    if (peer.kilobytes.value_or(0) == 0 || kilobytes < *peer.kilobytes)
        told.kilobytes = kilobytes;
    return told;
}

std::expected<policy::ChildSaId, Cause> install_quick_mode_child(Turn& turn,
                                                                 const IkeSaFacts& facts,
                                                                 Established& sa,
                                                                 QuickModeResult made) {
    const auto& suite = made.choice.suite;
    // RFC 2409 5.5: each SA has keys of its own, which depend on the SPI that its receiver chose.
    const auto keys_for = [&](policy::ChildSpi spi) {
        return crypto::derive_quick_mode_keys(suite, sa.keys.suite.prf, sa.keys.skeyids.d,
                                              made.shared_secret, spi, made.nonce_i, made.nonce_r);
    };
    auto inbound = keys_for(made.inbound_spi);
    auto outbound = keys_for(made.choice.peer_spi);
    if (!inbound || !outbound)
        return std::unexpected(cause::LocalFault{
            std::string(crypto::to_string(!inbound ? inbound.error() : outbound.error()))});
    const auto told = told_lifetimes(made.notifies, policy::ProtocolId::esp);
    const auto life = child_life(
        *sa.connection, {.seconds = smaller(made.choice.lifetimes.seconds, told.seconds),
                         .kilobytes = smaller(made.choice.lifetimes.kilobytes, told.kilobytes)});
    const ChildSelectors wanted{made.selectors.local(), made.selectors.remote()};
    Child child{install(turn, facts, *sa.connection,
                        {.inbound_spi = made.inbound_spi,
                         .outbound_spi = made.choice.peer_spi,
                         .suite = suite,
                         .mode = made.mode,
                         .selectors = std::move(made.selectors),
                         .inbound_keys = std::move(*inbound),
                         .outbound_keys = std::move(*outbound),
                         .lifetime = life.lifetime,
                         .volume = life.volume,
                         .wanted = wanted,
                         .predecessor = made.predecessor,
                         .outbound_waits = made.outbound_waits})};
    child.exchange_role = made.role;
    const wire::Octets nonce_i(made.nonce_i.begin(), made.nonce_i.end());
    const wire::Octets nonce_r(made.nonce_r.begin(), made.nonce_r.end());
    child.lowest_nonce = lowest_nonce(nonce_i, nonce_r);
    sa.children.push_back(std::move(child));
    return sa.children.back().id;
}

} // namespace viaduct::ike::v1
