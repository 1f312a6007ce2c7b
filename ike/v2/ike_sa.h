// One IKE SA from its first message to its end: chooses, by state, who handles what.
#pragma once

#include "ike/status.h"
#include "ike/v2/ike_sa_state.h"
#include "ike/v2/turn.h"

namespace viaduct::ike::v2 {

class IkeSa {
public:
    /// As initiator: sends IKE_SA_INIT. `own_spi` is unique in the endpoint.
    static IkeSa initiate(Turn& turn, ConnectionPtr connection, const policy::UdpPath& path,
                          wire::IkeSpi own_spi);
    /// As responder: after IKE_SA_INIT was answered.
    IkeSa(const IkeSaFacts& facts, AuthAwaited state) : facts_(facts), state_(std::move(state)) {}
    /// Made by an IKE rekey.
    IkeSa(const IkeSaFacts& facts, Established state) : facts_(facts), state_(std::move(state)) {}

    void on_message(Turn& turn, const Received& received);
    void on_deadline(Turn& turn);
    /// Ends it: an established SA tells the peer, another is forgotten.
    void close(Turn& turn, Cause why);
    /// What it still has to say goes along another way to the same peer.
    void speak_along(const policy::UdpPath& path) { facts_.path = path; }
    /// Ends it without a word to the peer, which has forgotten it.
    void forget(Turn& turn, Cause why);
    void on_child_refused(Turn& turn, policy::ChildSaId child, const std::string& reason);
    void on_hard_expired(Turn& turn, policy::ChildSpi inbound_spi);
    void on_soft_expired(Turn& turn, policy::ChildSpi inbound_spi);
    void on_traffic_read(Turn& turn, policy::ChildSaId child, std::uint64_t inbound_packets);
    /// Rekeys the SA or its children before their time.
    void rekey(Turn& turn, Rekey::What what);
    /// Goes on by an edited configuration of its connection, if it is established.
    void adopt(ConnectionPtr connection);
    /// Asks for the children that the connection wants and the SA has not.
    void create_missing_children(Turn& turn);
    /// As the heir of an IKE rekey.
    void inherit(Turn& turn, std::vector<ChildState> children, std::vector<RequestPurpose> waiting);
    /// Outbound sides that wait for the peer go in now.
    void activate_children(Turn& turn);
    /// The peer repeated its IKE_SA_INIT request: sends the same response again. False when the
    /// request is not the one that this SA came from.
    bool repeat_sa_init(Turn& turn, std::span<const std::uint8_t> message) const;

    std::optional<TimePoint> next_deadline() const;
    bool gone() const { return std::holds_alternative<Gone>(state_); }
    bool half_open() const { return std::holds_alternative<AuthAwaited>(state_); }
    /// When both sides were authenticated; nothing before that.
    std::optional<TimePoint> established_at() const;
    /// Established and not closing.
    bool alive() const;
    /// Alive, and no child that the connection wants and that `is_demanded` is still to come, at
    /// either end as far as can be known.
    bool is_complete(TimePoint now,
                     const std::function<bool(const ChildSelectors&)>& is_demanded) const;
    /// Complete, and every child's outbound side is in.
    bool carries_everything(const std::function<bool(const ChildSelectors&)>& is_demanded) const;
    /// Those that the connection wants and the SA has not.
    std::vector<ChildSelectors> missing_children() const;
    /// Whether some child in use takes all traffic between these selectors.
    bool protects(const ChildSelectors& selectors) const;
    std::size_t child_count() const;
    /// Packets wait for children that are missing. What was refused is not asked for before its
    /// time.
    void on_demand(Turn& turn);
    /// Of an established SA: the peer has it too, as far as can be known.
    bool is_confirmed() const { return std::get<Established>(state_).confirmed; }
    /// Our request that is under way goes out once more, beside its timer.
    void send_again(Turn& turn);
    /// Asks the peer for a sign of life.
    void check_liveness(Turn& turn);
    /// Our role in the exchange that authenticated it, and the lower of the nonces that made it.
    /// Only of an established SA.
    Role first_role() const { return std::get<Established>(state_).first_role; }
    const wire::Octets& lowest_nonce() const { return std::get<Established>(state_).lowest_nonce; }
    /// Over for us; the peer is being told.
    bool saying_goodbye() const;
    /// Empty while the connection is not known.
    std::string_view connection() const;
    const IkeSaFacts& facts() const { return facts_; }
    /// Nothing for states that are no concern of an operator.
    std::optional<IkeSaStatus> status() const;

private:
    void watch_children(const Turn& turn);

    IkeSa(const IkeSaFacts& facts, IkeSaState state) : facts_(facts), state_(std::move(state)) {}

    IkeSaFacts facts_;
    IkeSaState state_;
};

} // namespace viaduct::ike::v2
