#include "ike/v1/quick_mode_initiator.h"

#include "ike/child_installation.h"
#include "ike/crypto/v1_authentication.h"
#include "ike/rekey_collision.h"
#include "ike/v1/exchange_message.h"
#include "ike/v1/failure_notification.h"
#include "ike/v1/phase_one.h"
#include "ike/v1/phase_two_proposal.h"
#include "ike/v1/quick_mode.h"
#include "ike/v1/succession.h"
#include "ike/v1/timers.h"
#include "ike/v1/transport_mode.h"
#include "ike/wire/v1_message_rules.h"
#include "policy/selector_narrowing.h"

#include <algorithm>
#include <utility>

namespace viaduct::ike::v1 {

namespace {

HashMaker first_hash_of(const Established& sa, wire::MessageId id) {
    return [&sa, id](std::span<const std::uint8_t> behind) {
        return crypto::first_hash(sa.keys.suite.prf, sa.keys.skeyids.a, id, behind);
    };
}

/// Draws everything that an offer needs; nothing when that fails.
std::optional<QuickModeSent> prepare(Turn& turn, const IkeSaFacts& facts, Established& sa,
                                     QuickModeWanted wanted) {
    const auto groups = groups_of(sa.connection->esp);
    if (groups.empty())
        return std::nullopt;
    const auto group = groups[sa.group_turn % groups.size()];
    std::optional<crypto::KeyExchange> key_exchange;
    if (group != policy::KeyExchangeMethod::none) {
        auto made = crypto::KeyExchange::generate(group, turn.rng);
        if (!made)
            return std::nullopt;
        key_exchange = std::move(*made);
    }
    const auto mode = offered_mode(facts, *sa.connection, wanted.selectors);
    return QuickModeSent{
        .wanted = std::move(wanted),
        .mode = mode,
        .id = sa.ids.draw(turn.rng),
        .inbound_spi = turn.child_spis.draw(turn.rng),
        .proposals = with_group(sa.connection->esp, group),
        .nonce = draw_nonce(turn),
        .key_exchange = std::move(key_exchange),
        .vector = {},
        .request = {quick_mode, {}, Retransmission(turn.now, sa.connection->ike.retransmission)}};
}

std::optional<Payloads> request_payloads(const IkeSaFacts& facts, const Established& sa,
                                         const QuickModeSent& sent) {
    const auto ids = identifications_of(sent.wanted.selectors, Role::initiator);
    if (!ids)
        return std::nullopt;
    Payloads payloads{phase_two_offer(*sa.connection, sent.proposals, sent.inbound_spi,
                                      encapsulation_of(facts, sa.peer, sent.mode)),
                      wire::v1::NoncePayload{sent.nonce}};
    if (sent.key_exchange) {
        const auto value = sent.key_exchange->public_value();
        payloads.emplace_back(wire::v1::KeyExchangePayload{{value.begin(), value.end()}});
    }
    payloads.emplace_back(ids->first);
    payloads.emplace_back(ids->second);
    for (auto& each : original_addresses(facts, sa.peer, sent.mode, Role::initiator))
        payloads.push_back(std::move(each));
    return payloads;
}

/// The exchange came to nothing.
void fail(Turn& turn, IkeSaFacts& facts, Established& sa, Cause why) {
    const auto sent = std::move(*sa.asked);
    sa.asked.reset();
    turn.child_spis.retire(sent.inbound_spi, turn.now);
    std::optional<TimePoint> retry;
    const auto old = sent.wanted.rekeyed
                         ? std::ranges::find(sa.children, *sent.wanted.rekeyed, &Child::id)
                         : sa.children.end();
    if (old != sa.children.end())
        retry = old->replace_at = turn.now + rekey_again_time;
    else
        retry = create_children_later(turn, sa);
    turn.outcomes.emplace_back(
        outcome::ChildFailed{sa.connection->name, Role::initiator, std::move(why), retry});
    start_waiting_quick_mode(turn, facts, sa);
}

std::expected<policy::NarrowedSelectors, Cause>
agreed_selectors(const IkeSaFacts& facts, const QuickModeSent& sent,
                 const wire::v1::QuickModeSa& answer) {
    const auto& ours = sent.wanted.selectors;
    // RFC 2409 5.5: the responder returns the identifications. One that leaves them out means ours.
    if (!answer.id_initiator || !answer.id_responder) {
        auto all = policy::verify_narrowing(ours.local, ours.remote, ours.local, ours.remote);
        return std::move(*all);
    }
    auto answered =
        selectors_of(answer.id_initiator, answer.id_responder, Role::initiator, facts.path);
    if (!answered)
        return std::unexpected(answered.error());
    // charon returns the addresses that it sees itself.
    if (sent.mode == policy::EspMode::transport && facts.nat.found())
        answered = between_gateways(facts.path, std::move(*answered));
    auto agreed =
        policy::verify_narrowing(ours.local, ours.remote, answered->local, answered->remote);
    if (!agreed)
        return std::unexpected(cause::NoSelectors{agreed.error()});
    return std::move(*agreed);
}

struct Agreed {
    PhaseTwoChoice choice;
    policy::NarrowedSelectors selectors;
    policy::Secret shared_secret;
};

std::expected<Agreed, Cause> agree(Turn& turn, const IkeSaFacts& facts, const Established& sa,
                                   const wire::v1::QuickModeSa& answer) {
    const auto& sent = *sa.asked;
    auto choice =
        verify_phase_two(sent.proposals, answer.sa, encapsulation_of(facts, sa.peer, sent.mode));
    if (!choice)
        return std::unexpected(choice.error());
    // RFC 2409 5.5: the keys of the two directions differ by their SPIs alone.
    if (choice->peer_spi == sent.inbound_spi)
        return std::unexpected(violation(quick_mode, "the answer has our own SPI"));
    auto selectors = agreed_selectors(facts, sent, answer);
    if (!selectors)
        return std::unexpected(selectors.error());
    if (auto taken = taken_by_another(turn, facts, sa, *selectors))
        return std::unexpected(std::move(*taken));
    policy::Secret shared_secret;
    if (sent.key_exchange) {
        if (!answer.key_exchange)
            return std::unexpected(violation(quick_mode, "the answer has no KE"));
        auto secret = sent.key_exchange->agree(answer.key_exchange->data, turn.rng);
        if (!secret)
            return std::unexpected(violation(quick_mode, "KE is not a valid public value"));
        shared_secret = std::move(*secret);
    }
    return Agreed{std::move(*choice), std::move(*selectors), std::move(shared_secret)};
}

/// Installs the child; what traffic it takes over waits until the peer is known to have it.
std::expected<policy::ChildSaId, Cause> put_in(Turn& turn, const IkeSaFacts& facts, Established& sa,
                                               Agreed agreed, const wire::v1::QuickModeSa& answer) {
    const auto& sent = *sa.asked;
    const auto& rekeyed = sent.wanted.rekeyed;
    const bool old_is_here = rekeyed && std::ranges::contains(sa.children, *rekeyed, &Child::id);
    // Others have the children by now, and get this one, too.
    const bool old_is_there =
        old_is_here || (rekeyed && sa.superseded &&
                        predecessor_for(turn, facts, sa, sent.wanted.selectors) == rekeyed);
    const auto child =
        install_quick_mode_child(turn, facts, sa,
                                 {.role = Role::initiator,
                                  .inbound_spi = sent.inbound_spi,
                                  .mode = sent.mode,
                                  .choice = std::move(agreed.choice),
                                  .selectors = std::move(agreed.selectors),
                                  .shared_secret = std::move(agreed.shared_secret),
                                  .nonce_i = sent.nonce,
                                  .nonce_r = answer.nonce.data,
                                  .notifies = answer.notifies,
                                  .predecessor = old_is_there ? rekeyed : std::nullopt,
                                  .outbound_waits = old_is_there});
    if (!child)
        return std::unexpected(child.error());
    auto& made = sa.children.back();
    if (old_is_there) {
        made.activate_at = made.activate_by = turn.now + TimePoint::duration(activation_time);
        auto limit = made.volume;
        if (old_is_here) {
            const auto old = std::ranges::find(sa.children, *rekeyed, &Child::id);
            made.activate_by = turn.now + (old->expire_at - turn.now) / 2;
            made.activate_at = std::min(*made.activate_at, made.activate_by);
            limit = old->volume;
        }
        // What is left of a limit of octets or packets may not last for long.
        const bool is_limited = limit != policy::VolumeLimit{};
        made.ask_traffic_wait = is_limited ? first_traffic_wait : longest_traffic_wait;
        made.ask_traffic_at = turn.now + made.ask_traffic_wait;
    }
    return *child;
}

void confirm(Turn& turn, IkeSaFacts& facts, Established& sa, policy::ChildSaId child,
             const wire::v1::QuickModeSa& answer, wire::Octets vector,
             std::span<const std::uint8_t> octets) {
    const auto sent = std::move(*sa.asked);
    sa.asked.reset();
    const auto hash = [&](std::span<const std::uint8_t>) {
        return crypto::third_hash(sa.keys.suite.prf, sa.keys.skeyids.a, sent.id, sent.nonce,
                                  answer.nonce.data);
    };
    auto messages =
        seal_hashed(turn, facts, sa.keys, vector, header_for(facts, quick_mode, sent.id), {}, hash,
                    sa.connection->name);
    if (messages)
        turn.send(facts.path, *messages);
    sa.over.push_back({.id = sent.id,
                       .received = {octets.begin(), octets.end()},
                       .answer = messages.value_or(Messages{}),
                       .child = child,
                       .vector = std::move(vector),
                       .until = turn.now + answer_time,
                       .informed = sent.informed});
}

} // namespace

void request_quick_mode(Turn& turn, IkeSaFacts& facts, Established& sa, QuickModeWanted wanted) {
    sa.waiting.push_back(std::move(wanted));
    start_waiting_quick_mode(turn, facts, sa);
}

void start_waiting_quick_mode(Turn& turn, IkeSaFacts& facts, Established& sa) {
    while (!sa.asked && !sa.waiting.empty()) {
        auto wanted = std::move(sa.waiting.front());
        sa.waiting.erase(sa.waiting.begin());
        if (wanted.rekeyed && !std::ranges::contains(sa.children, *wanted.rekeyed, &Child::id))
            continue;
        sa.asked = prepare(turn, facts, sa, std::move(wanted));
        const auto payloads =
            sa.asked ? request_payloads(facts, sa, *sa.asked) : std::optional<Payloads>();
        if (!payloads) {
            if (sa.asked)
                turn.child_spis.release(sa.asked->inbound_spi);
            sa.asked.reset();
            turn.outcomes.emplace_back(outcome::ChildFailed{
                sa.connection->name, Role::initiator,
                cause::LocalFault{"a quick mode could not be begun"}, std::nullopt});
            continue;
        }
        auto& sent = *sa.asked;
        sent.vector = first_vector(sa.keys, sent.id);
        auto messages =
            seal_hashed(turn, facts, sa.keys, sent.vector, header_for(facts, quick_mode, sent.id),
                        *payloads, first_hash_of(sa, sent.id), sa.connection->name);
        sent.request.messages = std::move(messages).value_or(Messages{});
        turn.send(facts.path, sent.request.messages);
    }
}

void consume_quick_mode_response(Turn& turn, IkeSaFacts& facts, Established& sa,
                                 const wire::v1::EncryptedMessage& message,
                                 std::span<const std::uint8_t> octets) {
    auto opened = decrypt(sa.keys, sa.asked->vector, message);
    const auto answer = opened ? wire::v1::read_quick_mode_response(opened->chain)
                               : wire::v1::read_quick_mode_response({});
    const auto expected = answer
                              ? crypto::second_hash(sa.keys.suite.prf, sa.keys.skeyids.a,
                                                    sa.asked->id, sa.asked->nonce, answer->hashed)
                              : std::unexpected(crypto::CryptoError::integrity_check_failed);
    if (!expected || !crypto::is_same_hash(*expected, answer->hash.data)) {
        ++turn.dropped.integrity_failed;
        return;
    }
    sa.last_heard = turn.now;
    sa.confirmed = true;
    report_message(turn, facts, Direction::received, message.header, opened->chain.payloads,
                   sa.connection->name);
    auto agreed = agree(turn, facts, sa, *answer);
    if (!agreed) {
        refuse_peer(turn, facts, sa.keys, agreed.error(), sa.connection->name);
        fail(turn, facts, sa, agreed.error());
        return;
    }
    const auto child = put_in(turn, facts, sa, std::move(*agreed), *answer);
    if (!child) {
        fail(turn, facts, sa, child.error());
        return;
    }
    const bool first = !sa.children.back().waiting_outbound.has_value();
    confirm(turn, facts, sa, *child, *answer, std::move(opened->next_vector), octets);
    sa.create_failures = 0;
    if (first) {
        settle_succession(turn, sa, *child);
        turn.outcomes.emplace_back(outcome::ChildUp{sa.connection->name});
    }
    start_waiting_quick_mode(turn, facts, sa);
}

void quick_mode_refused(Turn& turn, IkeSaFacts& facts, Established& sa,
                        const wire::v1::NotifyPayload& error) {
    if (!sa.asked)
        return;
    auto why = peer_refusal(quick_mode, error);
    if (error.type == wire::v1::NotifyType::no_proposal_chosen)
        why.our_proposals = sa.asked->proposals;
    if (error.type == wire::v1::NotifyType::invalid_id_information) {
        why.our_local_selectors = sa.asked->wanted.selectors.local;
        why.our_remote_selectors = sa.asked->wanted.selectors.remote;
    }
    ++sa.group_turn;
    fail(turn, facts, sa, std::move(why));
}

void repeat_quick_mode(Turn& turn, IkeSaFacts& facts, Established& sa) {
    auto& request = sa.asked->request;
    if (request.timer.on_deadline(turn.now) == Retransmission::Verdict::send_again) {
        turn.report(Retransmitted{sa.connection->name, quick_mode, request.timer.attempts()});
        turn.send(facts.path, request.messages);
        return;
    }
    fail(turn, facts, sa, cause::NoResponse{quick_mode, request.timer.attempts()});
}

} // namespace viaduct::ike::v1
