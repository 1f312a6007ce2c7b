#include "ike/v2/child_negotiation.h"

#include "ike/v2/transport_mode.h"
#include "policy/proposal_choice.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

using policy::KeyExchangeKind;

std::vector<policy::Proposal> without_key_exchange(std::vector<policy::Proposal> proposals) {
    std::vector<policy::Proposal> out;
    for (auto& each : proposals) {
        std::erase_if(each.transforms, [](const policy::Transform& transform) {
            return transform.type == policy::TransformType::key_exchange;
        });
        if (!std::ranges::contains(out, each))
            out.push_back(std::move(each));
    }
    return out;
}

/// RFC 7296 1.2: IKE_AUTH has no KE, so groups play no part in its child.
KeyExchangeKind kind_in(wire::ExchangeType exchange) {
    return exchange == wire::ExchangeType::ike_auth ? KeyExchangeKind::ignored
                                                    : KeyExchangeKind::negotiated;
}

} // namespace

wire::Octets spi_octets(policy::ChildSpi spi) {
    const auto number = static_cast<std::uint32_t>(spi);
    return {static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
            static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
}

std::optional<policy::ChildSpi> child_spi(const wire::Octets& octets) {
    if (octets.size() != 4)
        return std::nullopt;
    const std::uint32_t number = std::uint32_t{octets[0]} << 24 | std::uint32_t{octets[1]} << 16 |
                                 std::uint32_t{octets[2]} << 8 | octets[3];
    return number > 255 ? std::optional(policy::ChildSpi{number}) : std::nullopt;
}

ChildOffer offer_child(Turn& turn, const IkeSaFacts& facts, const policy::Connection& connection,
                       ChildSelectors selectors, KeyExchangeKind key_exchange) {
    auto proposals = connection.esp.proposals;
    if (key_exchange == KeyExchangeKind::ignored)
        proposals = without_key_exchange(std::move(proposals));
    const auto mode = offered_mode(facts, connection, selectors);
    return {.inbound_spi = turn.child_spis.draw(turn.rng),
            .proposals = std::move(proposals),
            .selectors = std::move(selectors),
            .mode = mode};
}

wire::SaPayload sa_payload(const ChildOffer& offer) {
    wire::SaPayload sa;
    std::uint8_t number = 0;
    for (const auto& each : offer.proposals)
        sa.proposals.push_back({++number, spi_octets(offer.inbound_spi), each});
    return sa;
}

wire::SaPayload sa_payload(const AgreedChild& agreed) {
    return {{{agreed.proposal_number, spi_octets(agreed.inbound_spi), agreed.chosen}}};
}

wire::TsPayload ts_initiator(std::vector<policy::TrafficSelector> selectors) {
    return {wire::TsPayload::Side::initiator, std::move(selectors), 0};
}

wire::TsPayload ts_responder(std::vector<policy::TrafficSelector> selectors) {
    return {wire::TsPayload::Side::responder, std::move(selectors), 0};
}

std::expected<AgreedChild, Cause> consume_child_answer(wire::ExchangeType exchange,
                                                       const ChildOffer& offer,
                                                       const wire::SaPayload& sa,
                                                       const wire::TsPayload& tsi,
                                                       const wire::TsPayload& tsr) {
    if (sa.proposals.size() != 1)
        return std::unexpected(
            violation(exchange, "the answer does not hold exactly one ESP proposal"));
    const auto& answer = sa.proposals.front();
    const auto chosen = policy::verify_choice(offer.proposals, answer.proposal, kind_in(exchange));
    const auto suite = chosen ? policy::esp_suite(chosen->proposal) : std::nullopt;
    if (!suite)
        return std::unexpected(violation(exchange, "the answered ESP proposal is not ours: " +
                                                       answer.proposal.to_string()));
    const auto spi = child_spi(answer.spi);
    if (!spi)
        return std::unexpected(violation(exchange, "the answered ESP SPI is not valid"));
    auto selectors = policy::verify_narrowing(offer.selectors.local, offer.selectors.remote,
                                              tsi.selectors, tsr.selectors);
    if (!selectors)
        return std::unexpected(cause::NoSelectors{selectors.error()});
    return AgreedChild{.inbound_spi = offer.inbound_spi,
                       .outbound_spi = *spi,
                       .suite = *suite,
                       .chosen = chosen->proposal,
                       .proposal_number = answer.number,
                       .selectors = std::move(*selectors)};
}

std::expected<AgreedChild, Cause>
answer_child(wire::ExchangeType exchange, const policy::Connection& connection,
             const wire::SaPayload& sa, const wire::TsPayload& tsi, const wire::TsPayload& tsr,
             policy::KeyExchangeMethod preferred) {
    const auto offered = wire::proposals_of(sa);
    const auto choice =
        policy::choose_proposal(connection.esp.proposals, offered, kind_in(exchange), preferred);
    if (!choice)
        return std::unexpected(cause::NoProposal{policy::ProtocolId::esp, choice.error()});
    const auto suite = policy::esp_suite(choice->proposal);
    const auto& taken = sa.proposals[choice->offered_index];
    const auto spi = child_spi(taken.spi);
    if (!suite || !spi)
        return std::unexpected(violation(exchange, "the offered ESP SPI is not valid"));
    auto selectors = policy::narrow(connection.local_selectors, connection.remote_selectors,
                                    tsr.selectors, tsi.selectors);
    if (!selectors)
        return std::unexpected(cause::NoSelectors{selectors.error()});
    return AgreedChild{.outbound_spi = *spi,
                       .suite = *suite,
                       .chosen = choice->proposal,
                       .proposal_number = taken.number,
                       .selectors = std::move(*selectors)};
}

std::expected<ChildState, Cause> install_child(Turn& turn, const IkeSaFacts& facts,
                                               const policy::Connection& connection,
                                               const AgreedChild& agreed,
                                               const ChildKeySource& source, ChildBirth birth) {
    auto keys = crypto::derive_child_keys(agreed.suite, source.prf, source.sk_d,
                                          source.shared_secret, source.nonce_i, source.nonce_r);
    if (!keys)
        return std::unexpected(cause::LocalFault{std::string(crypto::to_string(keys.error()))});
    const bool we_began = birth.exchange_role == Role::initiator;
    return install(
        turn, facts, connection,
        {.inbound_spi = agreed.inbound_spi,
         .outbound_spi = agreed.outbound_spi,
         .suite = agreed.suite,
         .mode = agreed.mode,
         .selectors = agreed.selectors,
         .inbound_keys = we_began ? std::move(keys->responder) : std::move(keys->initiator),
         .outbound_keys = we_began ? std::move(keys->initiator) : std::move(keys->responder),
         .lifetime = connection.esp.lifetime,
         .wanted = std::move(birth.wanted),
         .predecessor = birth.predecessor,
         .outbound_waits = birth.outbound_waits});
}

} // namespace viaduct::ike::v2
