#include "ike/endpoint.h"

#include "ike/endpoint_core.h"

namespace viaduct::ike {

Endpoint::Endpoint(policy::ConnectionSet connections, Botan::RandomNumberGenerator& rng,
                   EndpointSettings settings)
    : core_(std::make_unique<Core>(std::move(connections), rng, std::move(settings))) {}
Endpoint::~Endpoint() = default;
Endpoint::Endpoint(Endpoint&&) noexcept = default;
Endpoint& Endpoint::operator=(Endpoint&&) noexcept = default;

void Endpoint::on_datagram(TimePoint now, const policy::UdpPath& path,
                           std::span<const std::uint8_t> octets) {
    core_->on_datagram(now, path, octets);
}

void Endpoint::on_command(TimePoint now, const Command& command) {
    core_->on_command(now, command);
}

void Endpoint::on_kernel_event(TimePoint now, const KernelEvent& event) {
    core_->on_kernel_event(now, event);
}

void Endpoint::on_effect_failed(TimePoint now, const EffectFailure& failure) {
    core_->on_effect_failed(now, failure);
}

void Endpoint::on_deadline(TimePoint now) {
    core_->on_deadline(now);
}

std::optional<Effect> Endpoint::next_effect() {
    return core_->next_effect();
}

std::optional<TimePoint> Endpoint::next_deadline() const {
    return core_->next_deadline();
}

EndpointStatus Endpoint::status() const {
    return core_->status();
}

} // namespace viaduct::ike
