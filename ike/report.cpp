#include "ike/report.h"

#include "ike/wire/v1_numbers.h"

#include <format>

namespace viaduct::ike {

namespace {

std::string list(const std::vector<policy::Proposal>& proposals) {
    std::string out;
    for (const auto& each : proposals)
        out += (out.empty() ? "" : ", ") + each.to_string();
    return out;
}

struct Sentence {
    std::string operator()(const cause::NoResponse& c) {
        return std::format("the peer does not answer {} ({} attempts)", wire::to_string(c.exchange),
                           c.attempts);
    }
    std::string operator()(const cause::NoConnection& c) {
        return std::format("no connection is configured between {} and {}",
                           c.path.local.to_string(), c.path.remote.to_string());
    }
    std::string operator()(const cause::NoProposal& c) { return c.mismatch.to_string(); }
    std::string operator()(const cause::EncapsulationDiffers& c) {
        return std::format("no proposal in common: the encapsulation mode differs (here {}, "
                           "offered {})",
                           c.configured, c.offered);
    }
    std::string operator()(const cause::NoSelectors& c) { return c.mismatch.to_string(); }
    std::string operator()(const cause::IdentityMismatch& c) {
        std::string expected;
        for (const auto& each : c.expected)
            expected += (expected.empty() ? "" : ", ") + each.to_string();
        if (c.asked_for) {
            std::string ours;
            for (const auto& each : c.ours)
                ours += (ours.empty() ? "" : ", ") + each.to_string();
            return std::format("the peer '{}' asks for '{}', here is {}", c.offered.to_string(),
                               c.asked_for->to_string(), ours);
        }
        return std::format("the peer calls itself '{}', expected {}", c.offered.to_string(),
                           expected.empty() ? "nothing of the kind" : expected);
    }
    std::string operator()(const cause::PeerNotAuthenticated& c) {
        std::string tried;
        for (const auto& each : c.connections)
            tried += (tried.empty() ? "" : ", ") + each;
        if (!c.v1_proof.empty())
            return std::format("the {} of '{}' does not verify: the pre-shared keys differ, or one "
                               "is for another identity (tried: that of {})",
                               c.v1_proof, c.peer.to_string(), tried);
        return std::format("the AUTH of '{}' does not verify: the pre-shared keys differ (tried: "
                           "that of {})",
                           c.peer.to_string(), tried);
    }
    std::string operator()(const cause::AlreadyUp& c) {
        return std::format("'{}' has an IKE SA of this connection already, which is kept",
                           c.peer.to_string());
    }
    std::string operator()(const cause::TooManyIkeSas& c) {
        return std::format("'{}' has {} IKE SAs of this connection, and gets no other",
                           c.peer.to_string(), c.count);
    }
    std::string operator()(const cause::TooManyPeers& c) {
        return std::format("'{}' gets no IKE SA: {} other peers have one of this connection",
                           c.peer.to_string(), c.others);
    }
    std::string operator()(const cause::TooManyChildSas& c) {
        return std::format("the peer gets no child SA beside {}", c.count);
    }
    std::string operator()(const cause::UnsupportedAuthMethod& c) {
        if (c.v1_method != 0)
            return std::format("the peer wants authentication by {}, configured is {}",
                               wire::v1::to_string(wire::v1::Authentication{c.v1_method}),
                               wire::v1::to_string(wire::v1::Authentication::pre_shared_key));
        return std::format("the peer wants authentication method {}, configured is {}",
                           c.method == 0 ? std::string("EAP")
                                         : wire::to_string(wire::AuthMethod{c.method}),
                           wire::to_string(wire::AuthMethod::shared_key));
    }
    std::string operator()(const cause::AggressiveModeOff&) {
        return "the peer begins with aggressive mode, and no connection for it says aggressive = "
               "true";
    }
    std::string operator()(const cause::PeerRefused& c) {
        auto text = std::format("the peer refuses {} with {}", wire::to_string(c.exchange),
                                c.v1_name.empty() ? wire::to_string(c.notify) : c.v1_name);
        if (c.notify == wire::NotifyType::authentication_failed)
            text += " (our identity or pre-shared key is not what it expects)";
        if (!c.our_proposals.empty())
            text += "; we offered " + list(c.our_proposals);
        if (!c.our_local_selectors.empty())
            text += std::format("; we offered {} === {}", policy::to_string(c.our_local_selectors),
                                policy::to_string(c.our_remote_selectors));
        return text;
    }
    std::string operator()(const cause::PeerLacks& c) {
        return "the peer does not support " + c.what;
    }
    std::string operator()(const cause::ProtocolViolation& c) {
        return std::format("the peer broke the protocol in {}: {}", wire::to_string(c.exchange),
                           c.what);
    }
    std::string operator()(const cause::KernelLacksAlgorithms&) {
        return "the kernel has none of the algorithms of the ESP proposals";
    }
    std::string operator()(const cause::KernelRefused& c) {
        return "the kernel refused the child SA: " + c.reason;
    }
    std::string operator()(const cause::LocalFault& c) { return "local fault: " + c.what; }
    std::string operator()(const cause::NameUnresolved& c) {
        return std::format("the name '{}' does not resolve", c.name);
    }
    std::string operator()(const cause::NoPath& c) {
        return c.obstacle.kind == PathObstacle::Kind::no_route
                   ? std::format("the router has no route to {}", c.obstacle.address.to_string())
                   : std::format("no interface of the router has the local address {}",
                                 c.obstacle.address.to_string());
    }
    std::string operator()(const cause::ClosedByPeer&) { return "closed by the peer"; }
    std::string operator()(const cause::ClosedByOperator&) { return "closed by the operator"; }
    std::string operator()(const cause::PeerDead& c) {
        return std::format("the peer is dead: no answer to {} liveness checks", c.attempts);
    }
    std::string operator()(const cause::LifetimeReached&) { return "its lifetime is over"; }
    std::string operator()(const cause::Reconfigured&) { return "its configuration changed"; }
    std::string operator()(const cause::ReplacedByPeer&) { return "the peer began anew"; }
    std::string operator()(const cause::Replaced&) { return "a successor took its place"; }
    std::string operator()(const cause::NoChildLeft&) {
        return "its last child SA went, and neither side asked for another";
    }
};

struct Code {
    std::string_view operator()(const cause::NoResponse&) { return "no_response"; }
    std::string_view operator()(const cause::NoConnection&) { return "no_connection"; }
    std::string_view operator()(const cause::NoProposal&) { return "no_proposal"; }
    std::string_view operator()(const cause::EncapsulationDiffers&) { return "no_proposal"; }
    std::string_view operator()(const cause::NoSelectors&) { return "no_selectors"; }
    std::string_view operator()(const cause::IdentityMismatch&) { return "identity_mismatch"; }
    std::string_view operator()(const cause::PeerNotAuthenticated&) {
        return "peer_not_authenticated";
    }
    std::string_view operator()(const cause::AlreadyUp&) { return "already_up"; }
    std::string_view operator()(const cause::TooManyIkeSas&) { return "too_many_ike_sas"; }
    std::string_view operator()(const cause::TooManyPeers&) { return "too_many_peers"; }
    std::string_view operator()(const cause::TooManyChildSas&) { return "too_many_child_sas"; }
    std::string_view operator()(const cause::UnsupportedAuthMethod&) {
        return "unsupported_auth_method";
    }
    std::string_view operator()(const cause::AggressiveModeOff&) { return "aggressive_mode_off"; }
    std::string_view operator()(const cause::PeerRefused&) { return "peer_refused"; }
    std::string_view operator()(const cause::PeerLacks&) { return "peer_lacks"; }
    std::string_view operator()(const cause::ProtocolViolation&) { return "protocol_violation"; }
    std::string_view operator()(const cause::KernelLacksAlgorithms&) {
        return "kernel_lacks_algorithms";
    }
    std::string_view operator()(const cause::KernelRefused&) { return "kernel_refused"; }
    std::string_view operator()(const cause::LocalFault&) { return "local_fault"; }
    std::string_view operator()(const cause::NameUnresolved&) { return "name_unresolved"; }
    std::string_view operator()(const cause::NoPath& c) {
        return c.obstacle.kind == PathObstacle::Kind::no_route ? "no_route" : "no_local_address";
    }
    std::string_view operator()(const cause::ClosedByPeer&) { return "closed_by_peer"; }
    std::string_view operator()(const cause::ClosedByOperator&) { return "closed_by_operator"; }
    std::string_view operator()(const cause::PeerDead&) { return "peer_dead"; }
    std::string_view operator()(const cause::LifetimeReached&) { return "lifetime_reached"; }
    std::string_view operator()(const cause::Reconfigured&) { return "reconfigured"; }
    std::string_view operator()(const cause::ReplacedByPeer&) { return "replaced_by_peer"; }
    std::string_view operator()(const cause::Replaced&) { return "replaced"; }
    std::string_view operator()(const cause::NoChildLeft&) { return "no_child_left"; }
};

} // namespace

Cause violation(wire::ExchangeType exchange, std::string what) {
    return cause::ProtocolViolation{exchange, std::move(what)};
}

policy::Identity shortened(policy::Identity identity) {
    constexpr std::size_t longest = 255;
    if (identity.data.size() > longest)
        identity.data.resize(longest);
    return identity;
}

std::string to_string(const Cause& cause) {
    return std::visit(Sentence{}, cause);
}

std::string_view code(const Cause& cause) {
    return std::visit(Code{}, cause);
}

} // namespace viaduct::ike
