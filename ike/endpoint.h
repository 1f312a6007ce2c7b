// The protocol machine of one router: datagrams, commands, kernel events and deadlines go in,
// effects come out. It opens no socket, asks for no time and draws no randomness of its own.
#pragma once

#include "ike/effect.h"
#include "ike/input.h"
#include "ike/settings.h"
#include "ike/status.h"
#include "policy/connection.h"

#include <botan/rng.h>

#include <memory>
#include <optional>
#include <span>

namespace viaduct::ike {

/// The methods come in four groups. Inputs: on_…; each may leave effects. Outputs: next_effect(),
/// to be drained after every input, and next_deadline(), for one timer. Observation: status(). None
/// throws for anything that a peer, a file or the kernel does.
class Endpoint {
public:
    /// `rng` must outlive the endpoint. Connections with start = initiate are begun by the first
    /// on_deadline(); next_deadline() is due at once for that.
    Endpoint(policy::ConnectionSet connections, Botan::RandomNumberGenerator& rng,
             EndpointSettings settings = {});
    ~Endpoint();
    Endpoint(Endpoint&&) noexcept;
    Endpoint& operator=(Endpoint&&) noexcept;

    /// `octets` as received: with the non-ESP marker if the local port is settings.nat_port.
    void on_datagram(TimePoint now, const policy::UdpPath& path,
                     std::span<const std::uint8_t> octets);
    void on_command(TimePoint now, const Command& command);
    void on_kernel_event(TimePoint now, const KernelEvent& event);
    void on_effect_failed(TimePoint now, const EffectFailure& failure);
    void on_deadline(TimePoint now);

    /// The effects, in the order in which they are to be carried out.
    std::optional<Effect> next_effect();
    /// When on_deadline() wants to be called; TimePoint::min() means at once.
    std::optional<TimePoint> next_deadline() const;

    EndpointStatus status() const;

private:
    class Core;
    std::unique_ptr<Core> core_;
};

} // namespace viaduct::ike
