#include "netns/firewall_table.h"

#include "netns/netlink_socket.h"
#include "netns/nft/ruleset_transaction.h"

#include <cerrno>
#include <linux/netlink.h>

namespace viaduct::netns {
namespace {

/// The first request that failed says more than those behind it. A failed commit is reported for
/// the transaction's first message.
std::expected<void, SystemError> run(const NetworkNamespace& router,
                                     std::vector<NetlinkMessage> transaction) {
    auto socket = NetlinkSocket::open(router, NETLINK_NETFILTER);
    if (!socket) {
        return std::unexpected(socket.error());
    }
    for (const NetlinkAnswer& answer : socket->exchange(transaction)) {
        if (!answer) {
            return std::unexpected(answer.error());
        }
    }
    return {};
}

/// Adds what a bare error number does not tell.
SystemError explained(SystemError error) {
    if (error.kernel_message.empty() && (error.code == ENOENT || error.code == EOPNOTSUPP)) {
        if (error.what.ends_with("of type nat")) {
            error.kernel_message =
                "this kernel has no NAT chains in the inet family: nft_chain_nat, nf_nat";
        } else if (error.what.ends_with("transaction")) {
            error.kernel_message = "this kernel has no nftables: nf_tables";
        } else {
            error.kernel_message = "this kernel lacks an nftables expression or set type";
        }
    }
    return error;
}

} // namespace

std::expected<void, SystemError> install_firewall_table(const NetworkNamespace& router,
                                                        const policy::FirewallRules& rules) {
    return run(router, nft::install_transaction(rules)).transform_error(explained);
}

std::expected<void, SystemError> remove_firewall_table(const NetworkNamespace& router) {
    auto result = run(router, nft::remove_transaction());
    const bool absent =
        !result && (result.error().code == ENOENT || result.error().code == EOPNOTSUPP);
    return absent ? std::expected<void, SystemError>() : result;
}

std::expected<bool, SystemError> firewall_table_present(const NetworkNamespace& router) {
    auto result = run(router, nft::look_up());
    if (result) {
        return true;
    }
    return result.error().code == ENOENT ? std::expected<bool, SystemError>(false)
                                         : std::unexpected(result.error());
}

} // namespace viaduct::netns
