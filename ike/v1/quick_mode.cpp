#include "ike/v1/quick_mode.h"

#include "ike/child_installation.h"
#include "ike/rekey_collision.h"
#include "ike/v1/timers.h"

#include <algorithm>

namespace viaduct::ike::v1 {

std::chrono::seconds child_lifetime(const policy::Connection& connection,
                                    const wire::v1::Lifetimes& peer) {
    constexpr std::uint64_t shortest = 2;
    const auto ours = connection.esp.lifetime;
    if (!peer.seconds || *peer.seconds == 0)
        return ours;
    const auto theirs = std::max(*peer.seconds, shortest);
    return theirs < static_cast<std::uint64_t>(ours.count())
               ? std::chrono::seconds(static_cast<std::int64_t>(theirs))
               : ours;
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
    const auto lifetime = shortened_by(child_lifetime(*sa.connection, made.choice.lifetimes),
                                       made.notifies, policy::ProtocolId::esp);
    const ChildSelectors wanted{made.selectors.local(), made.selectors.remote()};
    Child child{install(turn, facts, *sa.connection,
                        {.inbound_spi = made.inbound_spi,
                         .outbound_spi = made.choice.peer_spi,
                         .suite = suite,
                         .selectors = std::move(made.selectors),
                         .inbound_keys = std::move(*inbound),
                         .outbound_keys = std::move(*outbound),
                         .lifetime = lifetime,
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
