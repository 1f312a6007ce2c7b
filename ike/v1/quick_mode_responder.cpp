#include "ike/v1/quick_mode_responder.h"

#include "ike/child_installation.h"
#include "ike/crypto/v1_authentication.h"
#include "ike/v1/delete_sa.h"
#include "ike/v1/exchange_message.h"
#include "ike/v1/failure_notification.h"
#include "ike/v1/phase_one.h"
#include "ike/v1/phase_two_proposal.h"
#include "ike/v1/quick_mode.h"
#include "ike/v1/succession.h"
#include "ike/v1/timers.h"
#include "ike/v1/transport_mode.h"
#include "ike/wire/v1_message_rules.h"

#include <algorithm>
#include <utility>

namespace viaduct::ike::v1 {

namespace {

/// Under way at once with one peer; more than anybody begins in parallel.
constexpr std::size_t most_answered = 64;

/// What the request comes to, with our public value where it takes one.
struct Answer {
    policy::EspMode mode = policy::EspMode::tunnel;
    PhaseTwoChoice choice;
    policy::NarrowedSelectors selectors;
    policy::Secret shared_secret;
    std::optional<wire::v1::KeyExchangePayload> key_exchange;
};

/// The group that the peer's public value is for: the one that its transforms name.
policy::KeyExchangeMethod group_of(const wire::v1::QuickModeSa& request) {
    if (!request.key_exchange)
        return policy::KeyExchangeMethod::none;
    for (const auto& proposal : request.sa.proposals)
        for (const auto& transform : proposal.transforms)
            if (const auto read = wire::v1::read_esp_transform(transform); read && read->group)
                return policy::KeyExchangeMethod{*read->group};
    return policy::KeyExchangeMethod::none;
}

std::expected<Answer, Cause> decide(Turn& turn, const IkeSaFacts& facts, const Established& sa,
                                    const wire::v1::QuickModeSa& request) {
    const auto group = group_of(request);
    const auto offered =
        selectors_of(request.id_initiator, request.id_responder, Role::responder, facts.path)
            .and_then([&](ChildSelectors named) {
                return meant_selectors(facts, sa, request, std::move(named));
            });
    if (!offered)
        return std::unexpected(offered.error());
    const auto mode = answered_mode(facts, sa, request.sa, *offered);
    auto choice =
        choose_phase_two(*sa.connection, request.sa, group, encapsulation_of(facts, sa.peer, mode));
    if (!choice)
        return std::unexpected(choice.error());
    auto selectors = accept_selectors(*sa.connection, *offered);
    if (!selectors)
        return std::unexpected(selectors.error());
    if (auto taken = taken_by_another(turn, facts, sa, *selectors))
        return std::unexpected(std::move(*taken));
    Answer answer{mode, std::move(*choice), std::move(*selectors), {}, std::nullopt};
    if (group != policy::KeyExchangeMethod::none) {
        const auto ours = crypto::KeyExchange::generate(group, turn.rng);
        if (!ours)
            return std::unexpected(cause::LocalFault{"no key pair could be made"});
        auto secret = ours->agree(request.key_exchange->data, turn.rng);
        if (!secret)
            return std::unexpected(violation(quick_mode, "KE is not a valid public value"));
        answer.shared_secret = std::move(*secret);
        const auto value = ours->public_value();
        answer.key_exchange = wire::v1::KeyExchangePayload{{value.begin(), value.end()}};
    }
    return answer;
}

/// The peer repeats its message until it hears of the refusal.
void refuse(Turn& turn, const IkeSaFacts& facts, Established& sa, wire::MessageId id,
            std::span<const std::uint8_t> octets, Cause why) {
    sa.over.push_back({.id = id,
                       .received = {octets.begin(), octets.end()},
                       .answer = refuse_peer(turn, facts, sa.keys, why, sa.connection->name),
                       .vector = {},
                       .until = turn.now + answer_time});
    turn.outcomes.emplace_back(
        outcome::ChildFailed{sa.connection->name, Role::responder, std::move(why), std::nullopt});
}

Payloads response_payloads(const IkeSaFacts& facts, const Established& sa,
                           const wire::v1::QuickModeSa& request, policy::EspMode mode,
                           wire::v1::SaPayload answered, policy::ChildSpi inbound_spi,
                           const wire::v1::Lifetimes& peer_life, const wire::Octets& nonce,
                           std::optional<wire::v1::KeyExchangePayload> key_exchange) {
    answered.proposals.front().spi = spi_octets(inbound_spi);
    Payloads payloads{std::move(answered), wire::v1::NoncePayload{nonce}};
    if (key_exchange)
        payloads.emplace_back(std::move(*key_exchange));
    if (request.id_initiator && request.id_responder) {
        payloads.emplace_back(*request.id_initiator);
        payloads.emplace_back(*request.id_responder);
    }
    for (auto& each : original_addresses(facts, sa.peer, mode, Role::responder))
        payloads.push_back(std::move(each));
    if (const auto told = shorter_lifetimes(*sa.connection, peer_life);
        told != wire::v1::Lifetimes{})
        payloads.emplace_back(
            wire::v1::responder_lifetime(policy::ProtocolId::esp, spi_octets(inbound_spi), told));
    return payloads;
}

/// RFC 2409 5.5: the keys of the two directions differ by their SPIs alone.
policy::ChildSpi draw_spi_beside(Turn& turn, policy::ChildSpi peer_spi) {
    const auto drawn = turn.child_spis.draw(turn.rng);
    if (drawn != peer_spi)
        return drawn;
    const auto another = turn.child_spis.draw(turn.rng);
    turn.child_spis.release(drawn);
    return another;
}

/// How many there are, where they are too many for another.
std::optional<std::size_t> too_many_children(const Turn& turn, const IkeSaFacts& facts,
                                             const Established& sa,
                                             const policy::NarrowedSelectors& wanted) {
    const auto limit = turn.settings.child_sa_limit;
    const auto elsewhere = turn.children_elsewhere(sa.connection->name, facts.own_spi());
    const auto in_use =
        static_cast<std::size_t>(std::ranges::count_if(sa.children, &Child::in_use)) + elsewhere;
    const auto all = sa.children.size() + elsewhere;
    if (all >= 2 * limit)
        return all;
    const bool is_rekey =
        predecessor_for(turn, facts, sa, {wanted.local(), wanted.remote()}).has_value();
    return !is_rekey && in_use >= limit ? std::optional(in_use) : std::nullopt;
}

/// Whether some of this traffic has another child to go through: under this SA one that meets it,
/// under others of the same peer any.
bool has_another_way(const Turn& turn, const IkeSaFacts& facts, const Established& sa,
                     const ChildSelectors& selectors) {
    return turn.children_elsewhere(sa.connection->name, facts.own_spi()) > 0 ||
           std::ranges::any_of(sa.children, [&](const Child& each) {
               return policy::meet(each.local_selectors, selectors.local) &&
                      policy::meet(each.remote_selectors, selectors.remote);
           });
}

void accept(Turn& turn, IkeSaFacts& facts, Established& sa,
            const wire::v1::EncryptedMessage& message, const wire::v1::QuickModeSa& request,
            Answer answer, wire::Octets vector, std::span<const std::uint8_t> octets) {
    const auto id = message.header.message_id;
    auto nonce = draw_nonce(turn);
    const auto inbound_spi = draw_spi_beside(turn, answer.choice.peer_spi);
    const ChildSelectors selectors{answer.selectors.local(), answer.selectors.remote()};
    const auto payloads =
        response_payloads(facts, sa, request, answer.mode, answer.choice.answer, inbound_spi,
                          answer.choice.lifetimes, nonce, std::move(answer.key_exchange));
    const bool waits = has_another_way(turn, facts, sa, selectors);
    const auto child =
        install_quick_mode_child(turn, facts, sa,
                                 {.role = Role::responder,
                                  .inbound_spi = inbound_spi,
                                  .mode = answer.mode,
                                  .choice = std::move(answer.choice),
                                  .selectors = std::move(answer.selectors),
                                  .shared_secret = std::move(answer.shared_secret),
                                  .nonce_i = request.nonce.data,
                                  .nonce_r = nonce,
                                  .notifies = {},
                                  .predecessor = predecessor_for(turn, facts, sa, selectors),
                                  .outbound_waits = waits});
    if (!child) {
        turn.child_spis.release(inbound_spi);
        refuse(turn, facts, sa, id, octets, child.error());
        return;
    }
    auto& made = sa.children.back();
    made.unconfirmed = true;
    // What comes in through it tells as much as the third message, which may be lost.
    if (!waits) {
        made.ask_traffic_wait = longest_traffic_wait;
        made.ask_traffic_at = turn.now + made.ask_traffic_wait;
    }
    const auto hash = [&](std::span<const std::uint8_t> behind) {
        return crypto::second_hash(sa.keys.suite.prf, sa.keys.skeyids.a, id, request.nonce.data,
                                   behind);
    };
    auto messages = seal_hashed(turn, facts, sa.keys, vector, header_for(facts, quick_mode, id),
                                payloads, hash, sa.connection->name);
    QuickModeAnswered answered{
        .id = id,
        .first_message = {octets.begin(), octets.end()},
        .child = *child,
        .nonce_i = request.nonce.data,
        .nonce_r = std::move(nonce),
        .vector = std::move(vector),
        .answer = {quick_mode, std::move(messages).value_or(Messages{}),
                   Retransmission(turn.now, sa.connection->ike.retransmission)}};
    turn.send(facts.path, answered.answer.messages);
    sa.answered.push_back(std::move(answered));
}

} // namespace

void answer_quick_mode(Turn& turn, IkeSaFacts& facts, Established& sa,
                       const wire::v1::EncryptedMessage& message,
                       std::span<const std::uint8_t> octets) {
    const auto id = message.header.message_id;
    auto opened = decrypt(sa.keys, first_vector(sa.keys, id), message);
    const auto request = opened ? wire::v1::read_quick_mode_request(opened->chain)
                                : wire::v1::read_quick_mode_request({});
    const auto expected =
        request ? crypto::first_hash(sa.keys.suite.prf, sa.keys.skeyids.a, id, request->hashed)
                : std::unexpected(crypto::CryptoError::integrity_check_failed);
    if (!expected || !crypto::is_same_hash(*expected, request->hash.data)) {
        ++turn.dropped.integrity_failed;
        return;
    }
    if (!sa.ids.use(id)) {
        ++turn.dropped.repeated;
        return;
    }
    sa.last_heard = turn.now;
    sa.confirmed = true;
    report_message(turn, facts, Direction::received, message.header, opened->chain.payloads,
                   sa.connection->name);
    if (sa.answered.size() >= most_answered) {
        refuse(turn, facts, sa, id, octets, violation(quick_mode, "too many quick modes at once"));
        return;
    }
    auto answer = decide(turn, facts, sa, *request);
    if (!answer) {
        refuse(turn, facts, sa, id, octets, answer.error());
        return;
    }
    if (const auto count = too_many_children(turn, facts, sa, answer->selectors)) {
        ++turn.dropped.child_sa_limit;
        refuse(turn, facts, sa, id, octets, cause::TooManyChildSas{*count});
        return;
    }
    accept(turn, facts, sa, message, *request, std::move(*answer), std::move(opened->next_vector),
           octets);
}

void consume_quick_mode_confirmation(Turn& turn, IkeSaFacts& facts, Established& sa,
                                     const wire::v1::EncryptedMessage& message,
                                     std::span<const std::uint8_t> octets) {
    const auto mode =
        std::ranges::find(sa.answered, message.header.message_id, &QuickModeAnswered::id);
    if (std::ranges::equal(mode->first_message, octets)) {
        ++turn.dropped.repeated;
        turn.send(facts.path, mode->answer.messages);
        return;
    }
    auto opened = decrypt(sa.keys, mode->vector, message);
    const auto confirmation = opened ? wire::v1::read_quick_mode_confirmation(opened->chain)
                                     : wire::v1::read_quick_mode_confirmation({});
    const auto expected = crypto::third_hash(sa.keys.suite.prf, sa.keys.skeyids.a, mode->id,
                                             mode->nonce_i, mode->nonce_r);
    if (!confirmation || !expected || !crypto::is_same_hash(*expected, confirmation->hash.data)) {
        ++turn.dropped.integrity_failed;
        return;
    }
    sa.last_heard = turn.now;
    report_message(turn, facts, Direction::received, message.header, opened->chain.payloads,
                   sa.connection->name);
    const auto child = mode->child;
    sa.over.push_back({.id = mode->id,
                       .received = {octets.begin(), octets.end()},
                       .answer = {},
                       .child = child,
                       .vector = std::move(opened->next_vector),
                       .until = turn.now + answer_time});
    sa.answered.erase(mode);
    activate_child(turn, sa, child);
}

void repeat_quick_mode_answer(Turn& turn, IkeSaFacts& facts, Established& sa, wire::MessageId id) {
    const auto mode = std::ranges::find(sa.answered, id, &QuickModeAnswered::id);
    auto& answer = mode->answer;
    if (answer.timer.on_deadline(turn.now) == Retransmission::Verdict::send_again) {
        turn.report(Retransmitted{sa.connection->name, quick_mode, answer.timer.attempts()});
        turn.send(facts.path, answer.messages);
        return;
    }
    const cause::NoResponse why{quick_mode, answer.timer.attempts()};
    const auto child = std::ranges::find(sa.children, mode->child, &Child::id);
    sa.answered.erase(mode);
    if (child == sa.children.end() || !child->is_pending())
        return;
    const auto gone = std::move(*child);
    sa.children.erase(child);
    // The peer may have it, and lack nothing but our word.
    send_child_delete(turn, facts, sa, {gone.inbound_spi});
    remove_child(turn, sa.connection->name, gone, why);
    turn.outcomes.emplace_back(
        outcome::ChildFailed{sa.connection->name, Role::responder, why, std::nullopt});
}

} // namespace viaduct::ike::v1
