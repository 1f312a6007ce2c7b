// A peer of one endpoint over IKEv1 that says what its test wants, with the keys to be believed:
// what a gateway that has authenticated may still do wrong.
#pragma once

#include "ike/crypto/key_exchange.h"
#include "ike/crypto/v1_authentication.h"
#include "ike/crypto/v1_key_schedule.h"
#include "ike/endpoint.h"
#include "ike/wire/v1_message.h"
#include "ike/wire/v1_message_rules.h"
#include "ike/wire/v1_transform.h"
#include "tests/simulation/v1_connections.h"

#include <botan/chacha_rng.h>

#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace viaduct::simulation {

using OldPayloads = std::vector<ike::wire::v1::Payload>;

/// A message of the endpoint's, opened.
struct OldHeard {
    ike::wire::Header header;
    OldPayloads payloads;
    /// As it was sent, without the non-ESP marker.
    ike::wire::Octets octets;
    /// The payloads' octets, decrypted.
    ike::wire::Octets chain;

    /// The notification of this type in it; null: none.
    const ike::wire::v1::NotifyPayload* notify(ike::wire::v1::NotifyType type) const;
};

/// Tells how much was drawn from it.
class CountedRng : public Botan::RandomNumberGenerator {
public:
    explicit CountedRng(std::uint8_t seed) : rng_(Botan::secure_vector<std::uint8_t>(32, seed)) {}
    std::string name() const override { return "counted"; }
    void clear() override {}
    bool accepts_input() const override { return false; }
    bool is_seeded() const override { return true; }
    std::size_t octets() const { return octets_; }

private:
    void fill_bytes_with_input(std::span<std::uint8_t> output,
                               std::span<const std::uint8_t> /*input*/) override {
        octets_ += output.size();
        rng_.randomize(output);
    }
    Botan::ChaCha_RNG rng_;
    std::size_t octets_ = 0;
};

/// What a peer says of NAT traversal in main mode.
struct OldNatTraversal {
    /// Behind its SA payload.
    OldPayloads vendor_ids;
    /// Behind its nonce.
    std::function<OldPayloads(const ike::wire::v1::Cookies&)> detection;
    /// It goes to port 4500, or followed the endpoint there.
    bool floats = false;
};

class OldScriptedPeer {
public:
    /// The connection as the peer sees it, with one proposal for each phase and without PFS, and as
    /// the endpoint has it. The endpoint answers aggressive mode.
    explicit OldScriptedPeer(const policy::Connection& own_connection = peer_connection());
    OldScriptedPeer(policy::Connection own_connection, policy::Connection endpoints,
                    ike::EndpointSettings settings = {});
    static policy::Connection peer_connection();

    /// Sends the first message of aggressive mode, with these changes. What came back, if anything.
    std::optional<OldHeard> greet(const std::function<void(OldPayloads&)>& change = {});
    /// The third message, after greet().
    void authenticate(const OldHeard& answer, const OldPayloads& behind_hash = {});
    /// Aggressive mode: the ISAKMP SA stands.
    void establish();
    /// The same with a NAT before either side, negotiated by RFC 3947 or by a draft.
    void establish_through_nat(ike::wire::v1::NatNumbering numbering);

    /// Main mode, begun by the peer.
    void establish_main_mode(const OldNatTraversal& nat);
    /// Main mode as the endpoint has begun it.
    void answer_main_mode(const OldNatTraversal& nat);

    /// An informational exchange, under a message ID of its own or this one.
    void inform(const OldPayloads& payloads, std::optional<ike::wire::MessageId> id = std::nullopt);
    /// The same as the next message under a message ID that was used.
    void inform_behind(const OldPayloads& payloads, ike::wire::MessageId id);
    /// The octets of one, for repetition.
    ike::wire::Octets informational(const OldPayloads& payloads, ike::wire::MessageId id);
    /// A quick mode for the connection's subnets, with these durations and changes; its answer.
    std::optional<OldHeard> begin_quick_mode(const ike::wire::v1::Lifetimes& lifetimes = {},
                                             const std::function<void(OldPayloads&)>& change = {});
    /// The third message of it.
    void finish_quick_mode(const OldHeard& answer);
    /// The answer to a quick mode of the endpoint's: its first transform, and these payloads behind
    /// the nonce. As it was sent.
    ike::wire::Octets answer_quick_mode(const OldHeard& offer, const OldPayloads& behind_nonce);

    /// What the peer holds of an ISAKMP SA, for more to be said under an older one.
    struct Keys {
        ike::crypto::PhaseOneValues values;
        ike::crypto::SkeyIds skeyids;
        policy::Secret cipher;
        /// The last block of phase 1.
        ike::wire::Octets phase_vector;
    };
    Keys keys() const { return {values_, skeyids_, cipher_, phase_vector_}; }
    void use(Keys keys);

    void send(const ike::wire::Octets& octets);
    void command(const ike::Command& command);
    void kernel_event(const ike::KernelEvent& event);
    /// The endpoint's deadlines are kept.
    void pass(ike::TimePoint::duration time);

    /// As greet() sent it.
    const ike::wire::Octets& first_message() const { return first_message_; }

    ike::ConnectionStatus status() const;
    /// Of the ISAKMP SA.
    ike::wire::v1::Cookies cookies() const { return {values_.cookie_i, values_.cookie_r}; }
    /// The last message of the endpoint's of this type of exchange.
    const OldHeard* last(ike::wire::ExchangeType exchange) const;

    policy::Connection own;
    CountedRng endpoint_rng{21};
    Botan::ChaCha_RNG rng{Botan::secure_vector<std::uint8_t>(32, 22)};
    ike::Endpoint endpoint;
    ike::TimePoint now{std::chrono::hours(1)};
    /// As the endpoint sees it.
    policy::UdpPath path;
    /// All that the endpoint sent, repetitions included.
    std::vector<OldHeard> heard;
    /// What the endpoint put into its kernel.
    std::vector<policy::ChildSa> installed;
    /// How many of them came without their outbound side.
    std::size_t installed_inbound = 0;
    std::vector<ike::ReportEvent> reports;

private:
    void drain();
    OldHeard open(const ike::wire::Octets& octets);
    void derive_keys();
    /// What proves who it is in phase 1.
    ike::wire::v1::HashPayload own_hash(ike::crypto::HashSender sender,
                                        const ike::wire::Octets& id_body) const;
    void go_to_nat_ports(const OldNatTraversal& nat);
    ike::wire::Header header(ike::wire::ExchangeType exchange, ike::wire::MessageId id) const;
    ike::wire::MessageId draw_id() { return ike::wire::MessageId{next_id_++}; }
    /// `vector` becomes that of the next message.
    ike::wire::Octets encrypted(const ike::wire::Header& header, ike::wire::v1::PayloadType first,
                                const ike::wire::Octets& chain, ike::wire::Octets& vector) const;
    /// The first vector of an exchange under phase 1.
    ike::wire::Octets first_vector(ike::wire::MessageId id) const;
    ike::wire::Octets first_hash_message(ike::wire::ExchangeType exchange, ike::wire::MessageId id,
                                         const OldPayloads& payloads,
                                         ike::wire::Octets& vector) const;

    policy::IkeSuite suite_;
    std::optional<ike::crypto::KeyExchange> key_exchange_;
    ike::wire::Octets first_message_, public_i_, public_r_, nonce_i_, nonce_r_, sa_body_, id_body_;
    ike::crypto::PhaseOneValues values_;
    ike::crypto::SkeyIds skeyids_;
    policy::Secret cipher_;
    /// The last block of phase 1.
    ike::wire::Octets phase_vector_;
    /// Of the next message under each message ID.
    std::map<ike::wire::MessageId, ike::wire::Octets> vectors_;
    ike::wire::Octets quick_nonce_;
    std::uint32_t next_id_ = 0x1000;
    std::uint32_t next_spi_ = 0xd0000000;
};

} // namespace viaduct::simulation
