// Connections for stories: two gateways that fit each other, to be changed by the story.
#pragma once

#include "policy/connection.h"

#include <string>
#include <string_view>
#include <vector>

namespace viaduct::simulation {

inline std::vector<policy::Proposal> proposals(std::initializer_list<std::string_view> texts,
                                               policy::ProtocolId protocol) {
    std::vector<policy::Proposal> out;
    for (const auto text : texts)
        out.push_back(policy::parse_proposal(text, protocol).value());
    return out;
}

inline std::vector<policy::Proposal> ike_proposals(std::initializer_list<std::string_view> texts) {
    return proposals(texts, policy::ProtocolId::ike);
}

inline std::vector<policy::Proposal> esp_proposals(std::initializer_list<std::string_view> texts) {
    return proposals(texts, policy::ProtocolId::esp);
}

inline std::vector<policy::TrafficSelector> subnets(std::initializer_list<std::string_view> texts) {
    std::vector<policy::TrafficSelector> out;
    for (const auto text : texts)
        out.push_back(policy::TrafficSelector::from_subnet(policy::Subnet::parse(text).value()));
    return out;
}

inline policy::IpAddress address(std::string_view text) {
    return policy::IpAddress::parse(text).value();
}

/// 10.10.10.5 as it sees "vpn": it initiates.
inline policy::Connection left_vpn(std::string name = "vpn") {
    const auto local = address("10.10.10.5"), peer = address("10.10.10.4");
    policy::Connection c;
    c.name = std::move(name);
    c.ike = {.name = "modern", .proposals = ike_proposals({"aes256gcm16-prfsha384-x25519"})};
    c.esp = {.name = "modern", .proposals = esp_proposals({"aes256gcm16-x25519", "aes128gcm16"})};
    c.local_address = local;
    c.peer_address = peer;
    c.local_id = policy::Identity::from_address(local);
    c.peer_id = policy::IdentityPattern::exactly(policy::Identity::from_address(peer));
    c.psk = policy::Secret::from_text("correct horse battery staple");
    c.local_selectors = subnets({"192.168.11.0/24"});
    c.remote_selectors = subnets({"192.168.30.0/24", "192.168.40.0/24"});
    c.start = policy::StartAction::initiate;
    return c;
}

/// The same connection as the other side sees it; it responds.
inline policy::Connection mirrored(const policy::Connection& other) {
    auto c = other;
    c.local_address = std::get<policy::IpAddress>(other.peer_address);
    c.peer_address = other.local_address;
    c.local_id = other.peer_id.identity;
    c.peer_id = policy::IdentityPattern::exactly(other.local_id);
    std::swap(c.local_selectors, c.remote_selectors);
    c.start = policy::StartAction::respond;
    return c;
}

} // namespace viaduct::simulation
