// A peer of one endpoint that says what its test wants, with the keys to be believed: what a
// gateway that has authenticated may still do wrong.
#pragma once

#include "ike/crypto/v2_encrypted_payload.h"
#include "ike/endpoint.h"
#include "ike/wire/v2_message.h"
#include "tests/simulation/connections.h"

#include <botan/chacha_rng.h>

#include <optional>
#include <vector>

namespace viaduct::simulation {

using Payloads = std::vector<ike::wire::Payload>;

/// A message of the endpoint's, opened.
struct Heard {
    ike::wire::Header header;
    Payloads payloads;
    /// The error in it, if there is one.
    std::optional<ike::wire::NotifyPayload> error() const;
    bool has(ike::wire::NotifyType type) const;
    /// The SPIs of its Delete payloads for ESP.
    std::vector<policy::ChildSpi> deleted() const;
};

class ScriptedPeer {
public:
    /// The connection as the peer sees it; the endpoint has its mirror image and responds.
    explicit ScriptedPeer(policy::Connection own = left_vpn());

    /// IKE_SA_INIT. From then on there are keys.
    void greet(Payloads extra = {});
    /// What a decent IKE_AUTH request holds.
    Payloads auth_payloads();
    /// IKE_SA_INIT and IKE_AUTH, and the IKE SA with one child stands.
    void establish();

    /// Sends a request under the next message ID and takes the response, if there is one.
    std::optional<Heard> ask(ike::wire::ExchangeType exchange, const Payloads& payloads);
    /// Sends a request under a message ID of the test's choice; the next one stays as it is.
    std::optional<Heard> ask_as(std::uint32_t id, ike::wire::ExchangeType exchange,
                                const Payloads& payloads);
    /// Answers a request of the endpoint's.
    void answer(const Heard& request, const Payloads& payloads);
    void send(std::vector<std::uint8_t> octets);
    /// A command to the endpoint.
    void command(const ike::Command& command);
    void pass(ike::TimePoint::duration time);

    /// SA, Ni, TSi and TSr of a request for a child.
    Payloads child_payloads();
    ike::wire::Payload rekey_notify(policy::ChildSpi spi,
                                    policy::ProtocolId protocol = policy::ProtocolId::esp) const;

    /// The endpoint's view.
    ike::ConnectionStatus status() const;
    bool is_up() const { return status().state == ike::ConnectionState::up; }
    std::size_t children() const;

    policy::Connection own;
    Botan::ChaCha_RNG endpoint_rng{Botan::secure_vector<std::uint8_t>(32, 11)};
    Botan::ChaCha_RNG rng{Botan::secure_vector<std::uint8_t>(32, 12)};
    ike::Endpoint endpoint;
    ike::TimePoint now{std::chrono::hours(1)};
    /// Requests of the endpoint's that nobody has looked at.
    std::vector<Heard> requests;
    /// All datagrams that the endpoint sent, as they were.
    std::vector<std::vector<std::uint8_t>> datagrams;
    std::uint32_t next_id = 0;

private:
    std::optional<Heard> drain();
    Heard open(std::span<const std::uint8_t> octets) const;
    std::vector<std::uint8_t> seal(ike::wire::Header header, const Payloads& payloads);

    policy::UdpPath path_;
    policy::IkeSuite suite_;
    ike::wire::IkeSpi own_spi_{0x1122334455667788}, peer_spi_{};
    ike::wire::Octets nonce_, peer_nonce_, first_;
    std::optional<ike::crypto::IkeKeys> keys_;
    std::uint64_t counter_ = 0;
    std::uint32_t next_spi_ = 0xd0000000;
};

} // namespace viaduct::simulation
