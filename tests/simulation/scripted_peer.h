// A peer of one endpoint that says what its test wants, with the keys to be believed: what a
// gateway that has authenticated may still do wrong.
#pragma once

#include "ike/crypto/key_exchange.h"
#include "ike/crypto/v2_encrypted_payload.h"
#include "ike/endpoint.h"
#include "ike/wire/v2_message.h"
#include "tests/simulation/connections.h"

#include <botan/chacha_rng.h>

#include <functional>
#include <optional>
#include <vector>

namespace viaduct::simulation {

using Payloads = std::vector<ike::wire::Payload>;

/// A message of the endpoint's, opened.
struct Heard {
    ike::wire::Header header;
    Payloads payloads;
    /// As it was sent, without non-ESP marker.
    ike::wire::Octets octets = {};
    /// The error in it, if there is one.
    std::optional<ike::wire::NotifyPayload> error() const;
    bool has(ike::wire::NotifyType type) const;
    /// The SPIs of its Delete payloads for ESP.
    std::vector<policy::ChildSpi> deleted() const;
};

/// An IKE SA as the peer holds it.
struct PeerSa {
    /// Whether the peer began the exchange that made it.
    bool initiator = true;
    ike::wire::IkeSpi initiator_spi{}, responder_spi{};
    policy::IkeSuite suite;
    /// Absent until IKE_SA_INIT is over.
    std::optional<ike::crypto::IkeKeys> keys = std::nullopt;
    std::uint64_t counter = 0;
    /// Of the peer's next request.
    std::uint32_t next_id = 0;

    bool has(const ike::wire::Header& header) const;
};

class ScriptedPeer {
public:
    /// The connection as the peer sees it; the endpoint has its mirror image and responds, until it
    /// is told to initiate.
    explicit ScriptedPeer(policy::Connection own = left_vpn(), ike::EndpointSettings settings = {});

    /// IKE_SA_INIT. From then on there are keys.
    void greet(Payloads extra = {});
    /// What a decent IKE_AUTH request holds.
    Payloads auth_payloads();
    /// IKE_SA_INIT and IKE_AUTH, and the IKE SA with one child stands.
    void establish();

    /// Tells the endpoint to initiate. Its IKE_SA_INIT is the last of `requests` then.
    void be_called();
    /// Answers an IKE_SA_INIT. From then on there are keys, and the endpoint sends its IKE_AUTH.
    void answer_greeting(const Heard& request, const Payloads& extra = {});
    /// What a decent answer to an IKE_AUTH request holds.
    Payloads auth_answer(const Heard& request);
    /// What a decent answer to a request for a child holds, with this SPI for what the peer
    /// receives.
    Payloads child_answer(const Heard& request, policy::ChildSpi spi);
    /// The endpoint initiates, and the IKE SA with one child stands.
    void be_called_and_agree();

    /// SA, Ni and KEi of a request for an IKE rekey.
    Payloads ike_rekey_payloads(std::optional<ike::wire::Octets> nonce = std::nullopt);
    /// The endpoint agreed to the last ike_rekey_payloads(): the peer holds the successor too.
    void take_successor(const Heard& response);
    /// Agrees to an IKE rekey of the endpoint's, and holds the successor.
    Payloads ike_rekey_answer(const Heard& request,
                              std::optional<ike::wire::Octets> nonce = std::nullopt);

    /// Sends a request under the next message ID and takes the response, if there is one.
    std::optional<Heard> ask(ike::wire::ExchangeType exchange, const Payloads& payloads);
    /// Sends a request under a message ID of the test's choice; the next one stays as it is.
    std::optional<Heard> ask_as(std::uint32_t id, ike::wire::ExchangeType exchange,
                                const Payloads& payloads);
    /// Answers a request of the endpoint's.
    void answer(const Heard& request, const Payloads& payloads);
    /// One datagram, as it is; what comes back is the response, if there is one.
    std::optional<Heard> send(const std::vector<std::uint8_t>& octets);
    /// A command to the endpoint.
    void command(const ike::Command& command);
    /// An event of the endpoint's kernel.
    void kernel_event(const ike::KernelEvent& event);
    void pass(ike::TimePoint::duration time);

    /// A message of the IKE SA that is current, to be sent.
    std::vector<std::uint8_t> seal(ike::wire::Header header, const Payloads& payloads);
    /// The same with any octets for a chain of payloads that begins with `first`. In a single
    /// fragment: the endpoint takes it where both sides fragment.
    std::vector<std::uint8_t> seal_octets(ike::wire::Header header, ike::wire::PayloadType first,
                                          const ike::wire::Octets& chain);

    /// SA, Ni, TSi and TSr of a request for a child.
    Payloads child_payloads();
    ike::wire::Payload rekey_notify(policy::ChildSpi spi,
                                    policy::ProtocolId protocol = policy::ProtocolId::esp) const;

    /// The endpoint's view.
    ike::ConnectionStatus status() const;
    bool is_up() const { return status().state == ike::ConnectionState::up; }
    std::size_t children() const;

    /// Our IKE_SA_INIT message, as it was sent.
    const ike::wire::Octets& greeting() const { return greeting_.own_message; }

    /// The IKE SA that requests are sent in.
    PeerSa& sa() { return sas.at(current); }

    policy::Connection own;
    Botan::ChaCha_RNG endpoint_rng{Botan::secure_vector<std::uint8_t>(32, 11)};
    Botan::ChaCha_RNG rng{Botan::secure_vector<std::uint8_t>(32, 12)};
    ike::Endpoint endpoint;
    ike::TimePoint now{std::chrono::hours(1)};
    /// As the endpoint sees it.
    policy::UdpPath path;
    /// Requests of the endpoint's that nobody has looked at.
    std::vector<Heard> requests;
    /// All datagrams that the endpoint sent, as they were.
    std::vector<std::vector<std::uint8_t>> datagrams;
    /// Is shown each effect, and what is in it if it is a datagram that can be read.
    std::function<void(const ike::Effect&, const Heard*)> observe;
    /// In the order in which they were made.
    std::vector<PeerSa> sas;
    std::size_t current = 0;

private:
    /// What AUTH is computed over.
    struct Greeting {
        ike::wire::Octets own_message, nonce, peer_nonce;
    };
    struct RekeyUnderWay {
        ike::crypto::KeyExchange key_exchange;
        ike::wire::IkeSpi spi;
        ike::wire::Octets nonce;
    };

    std::optional<Heard> drain();
    std::optional<Heard> open(std::span<const std::uint8_t> octets) const;
    ike::wire::Octets draw_nonce();
    ike::wire::IkeSpi draw_spi() { return ike::wire::IkeSpi{next_ike_spi_++}; }
    ike::wire::Octets auth_over(const policy::Secret& sk_p);
    /// The successor of the current SA, made by an exchange between the two SPIs and nonces.
    void add_successor(PeerSa successor, const policy::Secret& secret,
                       const ike::wire::Octets& nonce_i, const ike::wire::Octets& nonce_r);

    policy::IkeSuite suite_;
    Greeting greeting_;
    std::optional<RekeyUnderWay> rekey_;
    std::uint64_t next_ike_spi_ = 0x1122334455667788;
    std::uint32_t next_spi_ = 0xd0000000;
};

} // namespace viaduct::simulation
