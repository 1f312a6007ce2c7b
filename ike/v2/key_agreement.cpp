#include "ike/v2/key_agreement.h"

#include "ike/v2/failure_notify.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

constexpr std::size_t nonce_length = 32;

} // namespace

wire::Octets draw_nonce(Turn& turn) {
    wire::Octets nonce(nonce_length);
    turn.rng.randomize(nonce);
    return nonce;
}

policy::KeyExchangeMethod first_group(const std::vector<policy::Proposal>& proposals) {
    for (const auto& proposal : proposals)
        for (const auto& transform : proposal.transforms)
            if (transform.type == policy::TransformType::key_exchange)
                return policy::KeyExchangeMethod{transform.id};
    return policy::KeyExchangeMethod::none;
}

bool offers_group(const std::vector<policy::Proposal>& proposals, policy::KeyExchangeMethod group) {
    return std::ranges::any_of(proposals, [&](const policy::Proposal& proposal) {
        return std::ranges::any_of(proposal.transforms, [&](const policy::Transform& transform) {
            return transform.type == policy::TransformType::key_exchange &&
                   transform.id == static_cast<std::uint16_t>(group);
        });
    });
}

wire::KeyExchangePayload key_exchange_payload(const crypto::KeyExchange& key_exchange) {
    const auto value = key_exchange.public_value();
    return {static_cast<std::uint16_t>(key_exchange.method()), {value.begin(), value.end()}};
}

wire::NotifyPayload invalid_ke_notify(policy::KeyExchangeMethod group) {
    auto notify = plain_notify(wire::NotifyType::invalid_ke_payload);
    const auto number = static_cast<std::uint16_t>(group);
    notify.data = {static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
    return notify;
}

std::optional<crypto::KeyExchange>
offered_key_exchange(Turn& turn, const std::vector<policy::Proposal>& proposals,
                     std::optional<policy::KeyExchangeMethod> asked_for) {
    const auto group = asked_for ? *asked_for : first_group(proposals);
    if (group == policy::KeyExchangeMethod::none)
        return std::nullopt;
    auto made = crypto::KeyExchange::generate(group, turn.rng);
    return made ? std::optional(std::move(*made)) : std::nullopt;
}

std::optional<policy::KeyExchangeMethod>
other_group(const wire::NotifyPayload& notify, const std::vector<policy::Proposal>& proposals,
            const std::optional<crypto::KeyExchange>& tried) {
    if (notify.data.size() != 2)
        return std::nullopt;
    const auto group =
        policy::KeyExchangeMethod{static_cast<std::uint16_t>(notify.data[0] << 8 | notify.data[1])};
    if (group == policy::KeyExchangeMethod::none || (tried && tried->method() == group) ||
        !offers_group(proposals, group))
        return std::nullopt;
    return group;
}

std::expected<policy::Secret, Cause>
agree_on_secret(Turn& turn, policy::KeyExchangeMethod chosen,
                const std::optional<crypto::KeyExchange>& ours,
                const std::optional<wire::KeyExchangePayload>& peers) {
    if (chosen == policy::KeyExchangeMethod::none)
        return policy::Secret{};
    if (!ours || !peers || ours->method() != chosen ||
        peers->method != static_cast<std::uint16_t>(chosen))
        return std::unexpected(
            violation(wire::ExchangeType::create_child_sa, "KE does not fit the chosen proposal"));
    auto secret = ours->agree(peers->data, turn.rng);
    if (!secret)
        return std::unexpected(
            violation(wire::ExchangeType::create_child_sa, "KE is not a valid public value"));
    return std::move(*secret);
}

std::expected<AnsweredKeyExchange, Cause>
answer_key_exchange(Turn& turn, policy::KeyExchangeMethod method,
                    const std::optional<wire::KeyExchangePayload>& peer) {
    AnsweredKeyExchange out;
    if (method == policy::KeyExchangeMethod::none)
        return out;
    if (!peer || peer->method != static_cast<std::uint16_t>(method)) {
        out.other_group = invalid_ke_notify(method);
        return out;
    }
    const auto ours = crypto::KeyExchange::generate(method, turn.rng);
    if (!ours)
        return std::unexpected(cause::LocalFault{"no key pair could be made"});
    auto secret = ours->agree(peer->data, turn.rng);
    if (!secret)
        return std::unexpected(
            violation(wire::ExchangeType::create_child_sa, "KE is not a valid public value"));
    out.shared_secret = std::move(*secret);
    out.payload = key_exchange_payload(*ours);
    return out;
}

} // namespace viaduct::ike::v2
