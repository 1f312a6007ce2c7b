#include "ike/v2/sa_init_initiator.h"

#include "ike/v2/auth_initiator.h"
#include "ike/v2/exchange_message.h"
#include "ike/v2/failure_notify.h"
#include "ike/v2/fragmentation.h"
#include "ike/v2/key_agreement.h"
#include "ike/wire/v2_message_rules.h"
#include "policy/proposal_choice.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

using wire::ExchangeType;
using wire::NotifyType;

/// One restart for a cookie and one for the group are normal; more is a peer that plays with us.
constexpr unsigned max_restarts = 5;

IkeSaState fail(Turn& turn, const SaInitSent& state, Cause why) {
    turn.outcomes.emplace_back(outcome::Failed{state.connection->name, std::move(why)});
    return Gone{};
}

std::vector<wire::Payload> request_payloads(const IkeSaFacts& facts, const SaInitSent& state) {
    std::vector<wire::Payload> payloads;
    if (!state.cookie.empty()) {
        // RFC 7296 2.6: the cookie comes first, everything else stays the same.
        auto cookie = plain_notify(NotifyType::cookie);
        cookie.data = state.cookie;
        payloads.emplace_back(std::move(cookie));
    }
    wire::SaPayload sa;
    std::uint8_t number = 0;
    for (const auto& each : state.connection->ike.proposals)
        sa.proposals.push_back({++number, {}, each});
    payloads.emplace_back(std::move(sa));
    payloads.emplace_back(key_exchange_payload(state.key_exchange));
    payloads.emplace_back(wire::NoncePayload{state.nonce});
    for (auto& notify :
         nat_detection_notifies(facts.initiator_spi, facts.responder_spi, facts.path,
                                state.connection->nat_traversal.force ? SourceNotify::altered
                                                                      : SourceNotify::truthful))
        payloads.emplace_back(std::move(notify));
    if (state.connection->ike.fragmentation.enabled)
        payloads.emplace_back(plain_notify(NotifyType::ikev2_fragmentation_supported));
    return payloads;
}

SaInitSent send_request(Turn& turn, const IkeSaFacts& facts, SaInitSent state) {
    const auto payloads = request_payloads(facts, state);
    const auto header = header_for(facts, ExchangeType::ike_sa_init, MessageKind::request, {});
    state.request.messages = {wire::encode_v2_message(header, payloads)};
    state.request.timer = Retransmission(turn.now, state.connection->ike.first_contact);
    report_message(turn, facts, Direction::sent, header, payloads, state.connection->name);
    turn.send(facts.path, state.request.messages);
    return state;
}

IkeSaState begin_again(Turn& turn, const IkeSaFacts& facts, SaInitSent state) {
    if (++state.restarts > max_restarts)
        return fail(turn, state,
                    violation(ExchangeType::ike_sa_init, "too many refusals of IKE_SA_INIT"));
    return send_request(turn, facts, std::move(state));
}

IkeSaState begin_again_with_group(Turn& turn, const IkeSaFacts& facts, SaInitSent state,
                                  const wire::NotifyPayload& notify) {
    const auto method =
        policy::KeyExchangeMethod{static_cast<std::uint16_t>(notify.data[0] << 8 | notify.data[1])};
    // A copy of the refusal that made us take this group.
    if (method == state.key_exchange.method())
        return state;
    // RFC 7296 2.7, 3.4: only a group that we proposed, so that nobody can lower our choice.
    if (!offers_group(state.connection->ike.proposals, method))
        return fail(
            turn, state,
            cause::PeerRefused{
                ExchangeType::ike_sa_init, notify.type, state.connection->ike.proposals, {}, {}});
    auto key_exchange = crypto::KeyExchange::generate(method, turn.rng);
    if (!key_exchange)
        return fail(turn, state, cause::LocalFault{std::string(to_string(key_exchange.error()))});
    state.key_exchange = std::move(*key_exchange);
    return begin_again(turn, facts, std::move(state));
}

IkeSaState begin_again_with_cookie(Turn& turn, const IkeSaFacts& facts, SaInitSent state,
                                   const wire::Octets& cookie) {
    // A copy of the one that is repeated already.
    if (cookie == state.cookie)
        return state;
    state.cookie = cookie;
    return begin_again(turn, facts, std::move(state));
}

IkeSaState consume_refusal(Turn& turn, const IkeSaFacts& facts, SaInitSent state,
                           const wire::SaInitRefusal& refusal) {
    const auto cookie =
        std::ranges::find(refusal.notifies, NotifyType::cookie, &wire::NotifyPayload::type);
    if (cookie != refusal.notifies.end())
        return begin_again_with_cookie(turn, facts, std::move(state), cookie->data);
    const auto* error = first_error(refusal.notifies);
    if (!error)
        return fail(turn, state,
                    violation(ExchangeType::ike_sa_init, "a response with neither SA nor error"));
    if (error->type == NotifyType::invalid_ke_payload)
        return begin_again_with_group(turn, facts, std::move(state), *error);
    return fail(
        turn, state,
        cause::PeerRefused{
            ExchangeType::ike_sa_init, error->type, state.connection->ike.proposals, {}, {}});
}

std::expected<policy::IkeSuite, Cause> agreed_suite(const SaInitSent& state,
                                                    const wire::SaInitMessage& message) {
    if (message.sa.proposals.size() != 1)
        return std::unexpected(violation(ExchangeType::ike_sa_init,
                                         "the answer does not hold exactly one IKE proposal"));
    const auto& answer = message.sa.proposals.front().proposal;
    const auto chosen = policy::verify_choice(state.connection->ike.proposals, answer);
    const auto suite = chosen ? policy::ike_suite(chosen->proposal) : std::nullopt;
    if (!suite)
        return std::unexpected(
            violation(ExchangeType::ike_sa_init,
                      "the answered IKE proposal is not ours: " + answer.to_string()));
    if (suite->key_exchange != state.key_exchange.method() ||
        message.key_exchange.method != static_cast<std::uint16_t>(suite->key_exchange))
        return std::unexpected(
            violation(ExchangeType::ike_sa_init, "KE is not of the group that was chosen"));
    return *suite;
}

IkeSaState consume_answer(Turn& turn, IkeSaFacts& facts, SaInitSent state,
                          wire::SaInitMessage message, const Received& received) {
    const auto& header = received.outer.header;
    if (header.responder_spi == wire::IkeSpi{})
        return fail(turn, state,
                    violation(ExchangeType::ike_sa_init, "the responder's SPI is zero"));
    const auto suite = agreed_suite(state, message);
    if (!suite)
        return fail(turn, state, suite.error());
    const auto secret = state.key_exchange.agree(message.key_exchange.data, turn.rng);
    if (!secret)
        return fail(
            turn, state,
            violation(ExchangeType::ike_sa_init, std::string(crypto::to_string(secret.error()))));
    const auto keys = crypto::derive_ike_keys(*suite, *secret, state.nonce, message.nonce.data,
                                              facts.initiator_spi, header.responder_spi);
    if (!keys)
        return fail(turn, state, cause::LocalFault{std::string(to_string(keys.error()))});

    facts.responder_spi = header.responder_spi;
    facts.childless_supported = contains(message.notifies, NotifyType::childless_ikev2_supported);
    facts.nat =
        detect_nat(message.notifies, header.initiator_spi, header.responder_spi, received.path);
    facts.nat.forced = facts.nat.supported && state.connection->nat_traversal.force;
    agree_on_fragmentation(facts,
                           contains(message.notifies, NotifyType::ikev2_fragmentation_supported),
                           state.connection->ike.fragmentation);
    if (facts.nat.found()) {
        // RFC 7296 2.23: with a NAT on the way everything else goes through port 4500.
        facts.path.local.port = turn.settings.nat_port;
        facts.path.remote.port = state.connection->peer_ports.nat;
    }
    FirstMessages first{.request = std::move(state.request.messages.front()),
                        .response = {received.message.begin(), received.message.end()},
                        .nonce_i = std::move(state.nonce),
                        .nonce_r = std::move(message.nonce.data)};
    return begin_auth(turn, facts, std::move(state.connection), *suite, *keys, std::move(first));
}

} // namespace

IkeSaState begin_sa_init(Turn& turn, IkeSaFacts& facts, ConnectionPtr connection) {
    auto key_exchange =
        crypto::KeyExchange::generate(first_group(connection->ike.proposals), turn.rng);
    if (!key_exchange) {
        turn.outcomes.emplace_back(outcome::Failed{
            connection->name, cause::LocalFault{std::string(to_string(key_exchange.error()))}});
        return Gone{};
    }
    auto nonce = draw_nonce(turn);
    return send_request(
        turn, facts,
        SaInitSent{.connection = std::move(connection),
                   .key_exchange = std::move(*key_exchange),
                   .nonce = std::move(nonce),
                   .cookie = {},
                   .restarts = 0,
                   .request = {.id = {},
                               .exchange = ExchangeType::ike_sa_init,
                               .messages = {},
                               .timer = Retransmission(turn.now, policy::first_contact_schedule)}});
}

IkeSaState consume_sa_init_response(Turn& turn, IkeSaFacts& facts, SaInitSent state,
                                    const Received& received) {
    const auto& header = received.outer.header;
    if (!header.response || header.exchange != ExchangeType::ike_sa_init || header.initiator ||
        header.message_id != wire::MessageId{} || received.outer.encrypted) {
        ++turn.dropped.unexpected;
        return state;
    }
    report_message(turn, facts, Direction::received, header, received.outer.payloads,
                   state.connection->name);
    auto response = wire::read_sa_init_response(received.outer.payloads);
    if (!response) {
        // Nothing proves that it came from the peer: the true answer may still arrive.
        ++turn.dropped.malformed;
        return state;
    }
    if (auto* refusal = std::get_if<wire::SaInitRefusal>(&*response))
        return consume_refusal(turn, facts, std::move(state), *refusal);
    return consume_answer(turn, facts, std::move(state),
                          std::move(std::get<wire::SaInitMessage>(*response)), received);
}

} // namespace viaduct::ike::v2
