// What peers say to each other in CREATE_CHILD_SA and Delete, for stories with a scripted peer.
#pragma once

#include "tests/simulation/scripted_peer.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace viaduct::simulation {

using namespace ike::wire;
using namespace std::chrono_literals;

/// Without a key exchange for children, and without questions whether the peer is alive.
inline policy::Connection plain() {
    auto own = left_vpn();
    own.esp.proposals = esp_proposals({"aes128gcm16"});
    own.dpd.interval = 0s;
    return own;
}

inline policy::Connection short_children() {
    auto own = plain();
    own.esp.lifetime = 10min;
    return own;
}

inline policy::Connection short_ike() {
    auto own = plain();
    own.ike.lifetime = 20min;
    return own;
}

/// Lets time pass until the endpoint asks for something.
inline std::optional<Heard> request_of(ScriptedPeer& peer, ike::TimePoint::duration limit) {
    const auto end = peer.now + limit;
    while (peer.requests.empty() && peer.now < end)
        peer.pass(100ms);
    if (peer.requests.empty())
        return std::nullopt;
    auto heard = peer.requests.front();
    peer.requests.clear();
    return heard;
}

template <typename T> const T* find(const Payloads& payloads) {
    for (const auto& each : payloads)
        if (const auto* found = std::get_if<T>(&each))
            return found;
    return nullptr;
}

inline Octets spi_octets(policy::ChildSpi spi) {
    const auto n = static_cast<std::uint32_t>(spi);
    return {static_cast<std::uint8_t>(n >> 24), static_cast<std::uint8_t>(n >> 16),
            static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
}

/// What the peer says to a request for a child, with this SPI for what it receives.
inline Payloads acceptance(ScriptedPeer& peer, const Heard& request, policy::ChildSpi spi) {
    BOOST_REQUIRE(find<SaPayload>(request.payloads));
    return peer.child_answer(request, spi);
}

inline constexpr policy::ChildSpi new_spi{0xdddd0001};

/// Lets the endpoint ask for a child, accepts it with `new_spi`, and gives what it asks then.
inline std::optional<Heard> next_after_acceptance(ScriptedPeer& peer) {
    const auto request = request_of(peer, 10min);
    BOOST_REQUIRE(request.has_value());
    peer.answer(*request, acceptance(peer, *request, new_spi));
    return request_of(peer, 1min);
}

inline Payload notify(NotifyType type) {
    return NotifyPayload{.type = type};
}
inline Payload removal(policy::ChildSpi spi) {
    return DeletePayload{policy::ProtocolId::esp, {spi}};
}
inline Payload ike_removal() {
    return DeletePayload{policy::ProtocolId::ike, {}};
}

struct Spis {
    policy::ChildSpi ours{}, theirs{};
};
/// Of the only child.
inline Spis spis(const ScriptedPeer& peer) {
    for (const auto& sa : peer.status().ike_sas)
        for (const auto& child : sa.children)
            return {child.inbound_spi, child.outbound_spi};
    BOOST_FAIL("there is no child");
    return {};
}

inline bool has_child(const ScriptedPeer& peer, policy::ChildSpi outbound) {
    for (const auto& sa : peer.status().ike_sas)
        for (const auto& child : sa.children)
            if (child.outbound_spi == outbound)
                return true;
    return false;
}

inline const NotifyPayload* rekey_of(const Heard& heard) {
    for (const auto& each : heard.payloads)
        if (const auto* found = std::get_if<NotifyPayload>(&each))
            if (found->type == NotifyType::rekey_sa)
                return found;
    return nullptr;
}

inline Payloads rekey_request(ScriptedPeer& peer, policy::ChildSpi own_old) {
    auto payloads = peer.child_payloads();
    payloads.insert(payloads.begin(), peer.rekey_notify(own_old));
    return payloads;
}

/// Answers whatever the endpoint asks from now on, as a peer that agrees and has nothing to say.
inline void agree_to_all(ScriptedPeer& peer, ike::TimePoint::duration duration) {
    const auto end = peer.now + duration;
    while (peer.now < end) {
        if (const auto request = request_of(peer, 1s)) {
            if (request->header.exchange == ExchangeType::informational)
                peer.answer(*request, {});
            else
                peer.answer(*request, {notify(NotifyType::no_additional_sas)});
        }
    }
}

} // namespace viaduct::simulation
