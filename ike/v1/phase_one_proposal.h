// Proposals of phase 1: a policy's suites as transforms and back (RFC 2409 section 5, appendix A).
#pragma once

#include "ike/report.h"
#include "ike/wire/v1_transform.h"
#include "policy/connection.h"

#include <chrono>
#include <expected>
#include <optional>

namespace viaduct::ike::v1 {

/// One proposal with a transform for each combination of algorithms, in the order of preference.
/// `group`: only this one, because aggressive mode sends its public value along.
wire::v1::SaPayload
phase_one_offer(const policy::Connection& connection,
                policy::KeyExchangeMethod group = policy::KeyExchangeMethod::none);

/// What was agreed on.
struct PhaseOneChoice {
    policy::IkeSuite suite;
    /// As the initiator offered it.
    std::optional<std::chrono::seconds> lifetime;
    /// To be answered: the chosen transform as it came (RFC 2408 section 4.2).
    wire::v1::SaPayload answer;
};

/// As responder. The mismatch tells which kind of algorithm differs, with both sides' values.
/// `group`: of the public value that came along; `none`: it is still to come.
std::expected<PhaseOneChoice, Cause>
choose_phase_one(const policy::Connection& connection, const wire::v1::SaPayload& offered,
                 policy::KeyExchangeMethod group = policy::KeyExchangeMethod::none);

/// As initiator: the answer is one of what we offered.
std::expected<PhaseOneChoice, Cause> verify_phase_one(const policy::Connection& connection,
                                                      wire::ExchangeType exchange,
                                                      const wire::v1::SaPayload& answer);

/// The first group that a policy names.
policy::KeyExchangeMethod first_group(const std::vector<policy::Proposal>& proposals);

} // namespace viaduct::ike::v1
