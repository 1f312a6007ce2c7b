#include "xfrm/kernel_probe.h"

#include "netns/network_namespace.h"
#include "policy/child_sa.h"
#include "xfrm/state_copy.h"
#include "xfrm/state_message.h"

#include <algorithm>
#include <cerrno>
#include <linux/netlink.h>
#include <numeric>
#include <optional>

namespace viaduct::xfrm {
namespace {

using policy::EncryptionAlgorithm;
using policy::EspSuite;
using policy::IntegrityAlgorithm;
using policy::TransformType;

policy::Secret any_key(std::size_t length) {
    std::vector<std::uint8_t> octets(length);
    std::iota(octets.begin(), octets.end(), std::uint8_t{1});
    return policy::Secret(octets);
}

/// RFC 5737: addresses that nobody has.
policy::ChildSa child_with(const EspSuite& suite) {
    policy::ChildSa child;
    child.reqid = policy::reqid_mark;
    child.local_address = policy::IpAddress::v4(192, 0, 2, 1);
    child.remote_address = policy::IpAddress::v4(192, 0, 2, 2);
    child.inbound_spi = policy::ChildSpi{0x100};
    child.outbound_spi = policy::ChildSpi{0x101};
    child.suite = suite;
    child.outbound_keys = {any_key(suite.encryption_key_length()),
                           any_key(suite.integrity_key_length())};
    return child;
}

/// What RFC 8221 demands of everybody, to try others beside it.
constexpr EncryptionAlgorithm common_cipher = EncryptionAlgorithm::aes_cbc;
constexpr IntegrityAlgorithm common_integrity = IntegrityAlgorithm::hmac_sha2_256_128;
constexpr std::uint16_t common_key_bits = 128;

/// A suite that has the transform. Nothing for what is neither cipher nor integrity algorithm.
std::optional<EspSuite> suite_with(const policy::Transform& transform) {
    if (transform.type == TransformType::integrity) {
        return EspSuite{.encryption = common_cipher,
                        .key_bits = common_key_bits,
                        .integrity = static_cast<IntegrityAlgorithm>(transform.id)};
    }
    const auto* const cipher = policy::facts(static_cast<EncryptionAlgorithm>(transform.id));
    if (transform.type != TransformType::encryption || cipher == nullptr) {
        return std::nullopt;
    }
    return EspSuite{.encryption = cipher->id,
                    .key_bits = transform.key_bits.value_or(cipher->fixed_key_bits),
                    .integrity = cipher->aead ? IntegrityAlgorithm::none : common_integrity};
}

/// ENOSYS: XFRM does not know it; ENOENT: the crypto layer does not have it. Without ESP, or
/// without a right to ask, other errors come, which say nothing about algorithms.
bool says_missing(int code) {
    return code == ENOSYS || code == ENOENT || code == EOPNOTSUPP;
}

} // namespace

std::expected<KernelProbe, netns::SystemError> KernelProbe::open() {
    return netns::NetworkNamespace::make()
        .and_then([](const netns::NetworkNamespace& place) {
            return netns::NetlinkSocket::open(place, NETLINK_XFRM);
        })
        .transform([](netns::NetlinkSocket&& socket) {
            return KernelProbe(std::make_unique<netns::NetlinkSocket>(std::move(socket)));
        });
}

KernelFeatures KernelProbe::features() {
    policy::ChildSa child = child_with(
        {.encryption = common_cipher, .key_bits = common_key_bits, .integrity = common_integrity});
    child.encapsulation = policy::UdpEncapsulation{};
    child.nat_keepalive = std::chrono::seconds(20);
    constexpr KernelFeatures all{.sa_direction = true, .nat_keepalive = true};
    auto state = new_state(child, Direction::outbound, {.features = all});
    if (!state) {
        return {};
    }
    std::vector<netns::NetlinkMessage> requests;
    requests.push_back(std::move(*state));
    requests.push_back(read_state(child, Direction::outbound));
    requests.push_back(delete_state(child, Direction::outbound));
    const auto answers = kernel_->exchange(requests);
    if (!answers[0] || !answers[1]) {
        return {};
    }
    // A kernel ignores attributes that it does not know: what it tells again, it has understood.
    const auto told = state_attributes(*answers[1]);
    if (!told) {
        return {};
    }
    return {.sa_direction = told->contains(XFRMA_SA_DIR),
            .nat_keepalive = told->contains(XFRMA_NAT_KEEPALIVE_INTERVAL)};
}

std::vector<policy::Transform> KernelProbe::missing(std::span<const policy::Transform> wanted) {
    std::vector<policy::Transform> result;
    std::ranges::copy_if(wanted, std::back_inserter(result),
                         [this](const policy::Transform& each) { return lacks(each); });
    return result;
}

bool KernelProbe::lacks(const policy::Transform& transform) {
    const auto suite = suite_with(transform);
    if (!suite) {
        return false;
    }
    const policy::ChildSa child = child_with(*suite);
    auto state = new_state(child, Direction::outbound);
    if (!state) {
        return says_missing(state.error().code);
    }
    std::vector<netns::NetlinkMessage> requests;
    requests.push_back(std::move(*state));
    requests.push_back(delete_state(child, Direction::outbound));
    const auto answers = kernel_->exchange(requests);
    return !answers[0] && says_missing(answers[0].error().code);
}

} // namespace viaduct::xfrm
