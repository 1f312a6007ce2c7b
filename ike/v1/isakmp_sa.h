// One ISAKMP SA: its facts and its state, and which function handles what in which state.
#pragma once

#include "ike/input.h"
#include "ike/status.h"
#include "ike/v1/fragmentation.h"
#include "ike/v1/isakmp_sa_state.h"
#include "ike/v1/turn.h"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace viaduct::ike::v1 {

class IsakmpSa {
public:
    /// Sends the first message. What goes wrong at once leaves it gone, with an outcome.
    static IsakmpSa initiate(Turn& turn, ConnectionPtr connection, const policy::UdpPath& path,
                             wire::IkeSpi own_cookie);
    /// As responder: after the first message was answered.
    IsakmpSa(const IkeSaFacts& facts, IsakmpSaState state)
        : facts_(facts), state_(std::move(state)) {}

    void on_message(Turn& turn, const Received& received);
    /// The whole message, when this part completes it.
    std::optional<wire::Octets> add_part(TimePoint now, const wire::v1::FragmentPayload& part) {
        return parts_.add(now, part);
    }
    void on_deadline(Turn& turn);
    /// Ends it: an established SA tells the peer, another is forgotten.
    void close(Turn& turn, const Cause& why);
    /// What it still has to say goes along another way to the same peer.
    void speak_along(const policy::UdpPath& path) { facts_.path = path; }
    /// Ends it without a word to the peer, which has forgotten it.
    void forget(Turn& turn, const Cause& why);
    void on_child_refused(Turn& turn, policy::ChildSaId child, const std::string& reason);
    void on_hard_expired(Turn& turn, policy::ChildSpi inbound_spi);
    void on_soft_expired(Turn& turn, policy::ChildSpi inbound_spi);
    void on_traffic_read(Turn& turn, policy::ChildSaId child, std::uint64_t inbound_packets);
    /// Rekeys the SA or its children before their time.
    void rekey(Turn& turn, Rekey::What what);
    /// Goes on by an edited configuration of its connection.
    void adopt(ConnectionPtr connection);
    /// An edit asks for another ISAKMP SA: its children are not for that one.
    void outdate();
    bool is_outdated() const;
    /// What waits for an answer is sent at once: the way to the peer is open again.
    void send_again(Turn& turn);
    /// Asks for the children that the connection wants and the SA has not.
    void create_missing_children(Turn& turn);
    /// Gives its children to the endpoint, which has another SA for them.
    void give_children(Turn& turn);
    void inherit(Turn& turn, std::vector<Child> children, std::vector<QuickModeWanted> waiting);
    /// The quick mode of a child, which ended under another SA, tells whether the peer has it.
    void told_of_child(Turn& turn, policy::ChildSaId child, bool peer_has_it);
    /// Outbound sides that wait for the peer go in now.
    void activate_children(Turn& turn);
    /// The peer said under another of its SAs that these of its children are gone.
    void delete_children(Turn& turn, const std::vector<policy::ChildSpi>& spis);
    /// The peer repeated its first message: says the answer again. False when the message is not
    /// the one that this SA came from.
    bool repeat_first_answer(Turn& turn, std::span<const std::uint8_t> message) const;

    std::optional<TimePoint> next_deadline() const;
    bool gone() const { return std::holds_alternative<Gone>(state_); }
    bool half_open() const;
    /// When both sides were authenticated; nothing before that.
    std::optional<TimePoint> established_at() const;
    /// Established.
    bool alive() const { return std::holds_alternative<Established>(state_); }
    /// Only children are left of it.
    bool orphaned() const { return std::holds_alternative<Orphaned>(state_); }
    /// Alive, and no child that the connection wants is still to come.
    bool is_complete(TimePoint now,
                     const std::function<bool(const ChildSelectors&)>& is_demanded) const;
    /// Complete, and every child's outbound side is in.
    bool carries_everything(const std::function<bool(const ChildSelectors&)>& is_demanded) const;
    /// Those that the connection wants and the SA has not.
    std::vector<ChildSelectors> missing_children() const;
    /// Whether some child in use takes all traffic between these selectors.
    bool protects(const ChildSelectors& selectors) const;
    /// Packets wait for children that are missing. What was refused is not asked for before its
    /// time.
    void on_demand(Turn& turn);
    /// Of an established SA: the peer has it too, as far as can be known.
    bool is_confirmed() const {
        const auto& sa = std::get<Established>(state_);
        // One that cannot be asked is believed.
        return sa.confirmed || !sa.peer.dead_peer_detection;
    }
    /// The child that carries the traffic between exactly these selectors.
    std::optional<policy::ChildSaId> carrier_of(const ChildSelectors& selectors) const;
    std::size_t child_count() const;
    /// Of an established SA: others have its children.
    bool is_superseded() const { return std::get<Established>(state_).superseded; }
    /// Asks the peer for a sign of life.
    void check_liveness(Turn& turn);
    /// Our role in phase 1, and the lower of its nonces. Only of an established SA.
    Role first_role() const { return facts_.role; }
    const wire::Octets& lowest_nonce() const { return std::get<Established>(state_).lowest_nonce; }
    /// Over for us; the peer is being told.
    bool saying_goodbye() const { return std::holds_alternative<Farewell>(state_); }
    /// Empty while the connection is not known.
    std::string_view connection() const;
    /// Of an established or orphaned SA.
    const policy::Identity& peer() const;
    const IkeSaFacts& facts() const { return facts_; }
    /// Nothing for states that are no concern of an operator.
    std::optional<IkeSaStatus> status() const;

private:
    void on_clear_informational(Turn& turn, const wire::v1::ClearMessage& message);

    IkeSaFacts facts_;
    IsakmpSaState state_;
    PartAssembly parts_;
};

} // namespace viaduct::ike::v1
