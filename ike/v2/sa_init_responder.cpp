#include "ike/v2/sa_init_responder.h"

#include "ike/v2/exchange_message.h"
#include "ike/v2/failure_notify.h"
#include "ike/v2/fragmentation.h"
#include "ike/v2/key_agreement.h"
#include "ike/v2/timers.h"
#include "ike/wire/v2_message_rules.h"
#include "policy/proposal_choice.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

using wire::ExchangeType;
using MaybeRefused = std::optional<SaInitRefused>;

/// A candidate's proposals agree with the offer.
struct Choice {
    std::vector<ConnectionPtr> candidates;
    policy::ProposalChoice choice;
    policy::IkeSuite suite;
};

SaInitRefused refusal(Turn& turn, IkeSaFacts facts, wire::NotifyPayload notify,
                      std::optional<Cause> why, std::string connection) {
    // RFC 7296 2.6: a refusal names no SPI of ours, because none is kept.
    facts.responder_spi = {};
    const auto header =
        header_for(facts, ExchangeType::ike_sa_init, MessageKind::response, wire::MessageId{});
    const std::vector<wire::Payload> payloads{std::move(notify)};
    report_message(turn, facts, Direction::sent, header, payloads, connection);
    return {wire::encode_v2_message(header, payloads), std::move(why), std::move(connection)};
}

/// All candidates that can live with the first acceptable choice; the peer's identity will tell
/// which of them is meant.
std::expected<Choice, policy::ProposalMismatch> choose(std::vector<ConnectionPtr> candidates,
                                                       const wire::SaInitMessage& message) {
    const auto offered = wire::proposals_of(message.sa);
    const auto preferred = policy::KeyExchangeMethod{message.key_exchange.method};
    std::optional<policy::ProposalMismatch> mismatch;
    for (const auto& each : candidates) {
        auto choice = policy::choose_proposal(each->ike.proposals, offered,
                                              policy::KeyExchangeKind::negotiated, preferred);
        const auto suite = choice ? policy::ike_suite(choice->proposal) : std::nullopt;
        if (!suite) {
            if (!choice && !mismatch)
                mismatch = std::move(choice.error());
            continue;
        }
        const std::array chosen{choice->proposal};
        std::erase_if(candidates, [&](const ConnectionPtr& other) {
            return !policy::choose_proposal(other->ike.proposals, chosen);
        });
        return Choice{std::move(candidates), std::move(*choice), *suite};
    }
    return std::unexpected(mismatch.value_or(policy::ProposalMismatch{}));
}

std::vector<wire::Payload> response_payloads(const IkeSaFacts& facts, const Choice& chosen,
                                             const wire::SaInitMessage& request,
                                             const crypto::KeyExchange& key_exchange,
                                             const wire::Octets& nonce, SourceNotify source) {
    const auto number = request.sa.proposals[chosen.choice.offered_index].number;
    std::vector<wire::Payload> payloads{wire::SaPayload{{{number, {}, chosen.choice.proposal}}},
                                        key_exchange_payload(key_exchange),
                                        wire::NoncePayload{nonce}};
    for (auto& notify :
         nat_detection_notifies(facts.initiator_spi, facts.responder_spi, facts.path, source))
        payloads.emplace_back(std::move(notify));
    if (facts.fragmentation)
        payloads.emplace_back(plain_notify(wire::NotifyType::ikev2_fragmentation_supported));
    const bool childless = std::ranges::any_of(chosen.candidates, [](const ConnectionPtr& each) {
        return each->ike.childless != policy::ChildlessUse::never;
    });
    if (childless)
        payloads.emplace_back(plain_notify(wire::NotifyType::childless_ikev2_supported));
    return payloads;
}

/// The peer's identity will tell which connection is meant: fragments are taken when any of them
/// may have them, and made as small as one of them wants.
policy::Fragmentation fragmentation_of(const std::vector<ConnectionPtr>& candidates) {
    policy::Fragmentation all{.enabled = false, .size = 0xffff};
    for (const auto& each : candidates)
        if (each->ike.fragmentation.enabled) {
            all.enabled = true;
            all.size = std::min(all.size, each->ike.fragmentation.size);
        }
    return all;
}

std::expected<AuthAwaited, MaybeRefused> accept(Turn& turn, IkeSaFacts& facts, Choice chosen,
                                                wire::SaInitMessage request,
                                                const Received& received,
                                                std::vector<std::string> arrows) {
    const auto method = chosen.suite.key_exchange;
    const auto* method_facts = policy::facts(method);
    const auto name = chosen.candidates.front()->name;
    if (!method_facts || request.key_exchange.data.size() != method_facts->public_value)
        return std::unexpected(
            refusal(turn, facts, plain_notify(wire::NotifyType::invalid_syntax),
                    cause::ProtocolViolation{ExchangeType::ike_sa_init,
                                             "KE does not have the length of its group"},
                    name));
    auto key_exchange = crypto::KeyExchange::generate(method, turn.rng);
    if (!key_exchange)
        return std::unexpected(refusal(turn, facts,
                                       plain_notify(wire::NotifyType::temporary_failure),
                                       cause::LocalFault{"no key pair could be made"}, name));
    auto nonce = draw_nonce(turn);
    agree_on_fragmentation(
        facts, contains(request.notifies, wire::NotifyType::ikev2_fragmentation_supported),
        fragmentation_of(chosen.candidates));
    const auto header =
        header_for(facts, ExchangeType::ike_sa_init, MessageKind::response, wire::MessageId{});
    const bool forced = std::ranges::any_of(
        chosen.candidates, [](const ConnectionPtr& each) { return each->nat_traversal.force; });
    const auto payloads =
        response_payloads(facts, chosen, request, *key_exchange, nonce,
                          forced ? SourceNotify::altered : SourceNotify::truthful);
    auto response = wire::encode_v2_message(header, payloads);
    arrows.push_back(report_message(turn, facts, Direction::sent, header, payloads, {}));
    turn.send(facts.path, response);
    facts.nat = detect_nat(request.notifies, facts.initiator_spi, {}, facts.path);
    facts.nat.forced = facts.nat.supported && forced;
    return AuthAwaited{.candidates = std::move(chosen.candidates),
                       .suite = chosen.suite,
                       .key_exchange = std::move(*key_exchange),
                       .peer_public_value = std::move(request.key_exchange.data),
                       .keys = std::nullopt,
                       .first = {.request = {received.message.begin(), received.message.end()},
                                 .response = std::move(response),
                                 .nonce_i = std::move(request.nonce.data),
                                 .nonce_r = std::move(nonce)},
                       .arrows = std::move(arrows),
                       .give_up = turn.now + half_open_time};
}

} // namespace

std::expected<AuthAwaited, MaybeRefused> answer_sa_init(Turn& turn, IkeSaFacts& facts,
                                                        const Received& received) {
    auto request = wire::read_sa_init_request(received.outer.payloads);
    if (!request) {
        ++turn.dropped.malformed;
        return std::unexpected(std::nullopt);
    }
    auto candidates = turn.directory.candidates(policy::IkeVersion::v2, facts.path);
    auto arrow = report_message(turn, facts, Direction::received, received.outer.header,
                                received.outer.payloads, {});
    if (candidates.empty()) {
        ++turn.dropped.no_connection;
        return std::unexpected(refusal(turn, facts,
                                       plain_notify(wire::NotifyType::no_proposal_chosen),
                                       cause::NoConnection{facts.path}, {}));
    }
    const auto closest = candidates.front()->name;
    auto chosen = choose(std::move(candidates), *request);
    if (!chosen)
        return std::unexpected(
            refusal(turn, facts, plain_notify(wire::NotifyType::no_proposal_chosen),
                    cause::NoProposal{policy::ProtocolId::ike, chosen.error()}, closest));
    if (request->key_exchange.method != static_cast<std::uint16_t>(chosen->suite.key_exchange))
        return std::unexpected(refusal(turn, facts, invalid_ke_notify(chosen->suite.key_exchange),
                                       std::nullopt, closest));
    return accept(turn, facts, std::move(*chosen), std::move(*request), received,
                  {std::move(arrow)});
}

} // namespace viaduct::ike::v2
