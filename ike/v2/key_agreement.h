// Nonces and key exchanges as the exchanges share them: IKE_SA_INIT and CREATE_CHILD_SA
// (RFC 7296 sections 1.2, 1.3, 2.7, 2.10 and 3.4).
#pragma once

#include "ike/v2/turn.h"

#include <expected>

namespace viaduct::ike::v2 {

/// 32 octets: at least half the key size of every prf that we negotiate (RFC 7296 section 2.10).
wire::Octets draw_nonce(Turn& turn);

/// The first that is offered; `none` without any.
policy::KeyExchangeMethod first_group(const std::vector<policy::Proposal>& proposals);
bool offers_group(const std::vector<policy::Proposal>& proposals, policy::KeyExchangeMethod group);

/// KE for our public value.
wire::KeyExchangePayload key_exchange_payload(const crypto::KeyExchange& key_exchange);
/// INVALID_KE_PAYLOAD that asks for another group.
wire::NotifyPayload invalid_ke_notify(policy::KeyExchangeMethod group);

/// As initiator of CREATE_CHILD_SA: a new key pair in the group that is offered first, or that the
/// peer asked for. Nothing without groups, or when the library cannot make one.
std::optional<crypto::KeyExchange>
offered_key_exchange(Turn& turn, const std::vector<policy::Proposal>& proposals,
                     std::optional<policy::KeyExchangeMethod> asked_for);
/// The group that an INVALID_KE_PAYLOAD asks for, if it is one that we offered and have not just
/// tried (RFC 7296 section 1.3).
std::optional<policy::KeyExchangeMethod>
other_group(const wire::NotifyPayload& notify, const std::vector<policy::Proposal>& proposals,
            const std::optional<crypto::KeyExchange>& tried);
/// The shared secret of CREATE_CHILD_SA with the group that was chosen. Fails when the peer's KE
/// does not fit it.
std::expected<policy::Secret, Cause>
agree_on_secret(Turn& turn, policy::KeyExchangeMethod chosen,
                const std::optional<crypto::KeyExchange>& ours,
                const std::optional<wire::KeyExchangePayload>& peers);

/// Our side as responder of CREATE_CHILD_SA.
struct AnsweredKeyExchange {
    /// Set when the peer's KE is in another group than the proposal that we choose: the notify that
    /// asks for ours (RFC 7296 section 1.3).
    std::optional<wire::NotifyPayload> other_group;
    /// Empty without a key exchange.
    policy::Secret shared_secret;
    std::optional<wire::KeyExchangePayload> payload;
};
/// `method` none: no key exchange, whatever the peer sent. Fails when the public value is not one.
std::expected<AnsweredKeyExchange, Cause>
answer_key_exchange(Turn& turn, policy::KeyExchangeMethod method,
                    const std::optional<wire::KeyExchangePayload>& peer);

} // namespace viaduct::ike::v2
