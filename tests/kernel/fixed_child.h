// The child SA that tests/vectors/kernel/iproute2_xfrm.txt speaks of.
#pragma once

#include "policy/child_sa.h"

#include <cstdint>
#include <numeric>
#include <vector>

namespace viaduct::test {

/// Octets that count up from `first`.
inline policy::Secret counting(std::uint8_t first, std::size_t length) {
    std::vector<std::uint8_t> octets(length);
    std::iota(octets.begin(), octets.end(), first);
    return policy::Secret(octets);
}

inline policy::TrafficSelector selector(const char* subnet) {
    return policy::TrafficSelector::from_subnet(policy::Subnet::parse(subnet).value());
}

inline policy::ChildSa child_with(const policy::EspSuite& suite) {
    policy::ChildSa child;
    child.id = policy::ChildSaId{1};
    child.reqid = 7;
    child.local_address = policy::IpAddress::v4(10, 10, 10, 5);
    child.remote_address = policy::IpAddress::v4(10, 10, 10, 4);
    child.inbound_spi = policy::ChildSpi{0xc0000000};
    child.outbound_spi = policy::ChildSpi{0xc0000001};
    child.suite = suite;
    child.inbound_keys = {counting(1, suite.encryption_key_length()),
                          counting(129, suite.integrity_key_length())};
    child.outbound_keys = {counting(65, suite.encryption_key_length()),
                           counting(193, suite.integrity_key_length())};
    child.local_selectors = {selector("192.168.10.0/24")};
    child.remote_selectors = {selector("192.168.20.0/24")};
    return child;
}

inline policy::ChildSa gcm_child() {
    return child_with({.encryption = policy::EncryptionAlgorithm::aes_gcm_16, .key_bits = 256});
}

/// Everything between two gateways that are neighbours on an IPv6 link.
inline policy::ChildSa neighbours_child() {
    policy::ChildSa child = gcm_child();
    child.reqid = policy::reqid_mark | 7;
    child.mode = policy::EspMode::transport;
    child.local_address = policy::IpAddress::parse("fd00:ffff::5").value();
    child.remote_address = policy::IpAddress::parse("fd00:ffff::4").value();
    child.local_selectors = {selector("fd00:ffff::5/128")};
    child.remote_selectors = {selector("fd00:ffff::4/128")};
    return child;
}

inline policy::ChildSa cbc_child(std::uint16_t key_bits, policy::IntegrityAlgorithm integrity) {
    policy::ChildSa child = child_with({.encryption = policy::EncryptionAlgorithm::aes_cbc,
                                        .key_bits = key_bits,
                                        .integrity = integrity});
    child.replay_window = 32;
    return child;
}

} // namespace viaduct::test
