#include "netns/nft/ruleset_notification.h"

#include "netns/nft/ruleset_transaction.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <libmnl/libmnl.h>
#include <string_view>

namespace viaduct::netns::nft {
namespace {

/// Every kind of notification but that of a new generation names its table in the same attribute.
constexpr std::uint16_t table_attribute = NFTA_TABLE_NAME;
static_assert(NFTA_CHAIN_TABLE == table_attribute && NFTA_RULE_TABLE == table_attribute &&
              NFTA_SET_TABLE == table_attribute && NFTA_SET_ELEM_LIST_TABLE == table_attribute &&
              NFTA_OBJ_TABLE == table_attribute && NFTA_FLOWTABLE_TABLE == table_attribute);

bool is_about_a_table(const nlmsghdr& head) {
    return head.nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES &&
           (head.nlmsg_type & 0xff) != NFT_MSG_NEWGEN;
}

} // namespace

std::optional<std::uint32_t> changed_our_table(std::span<const std::uint8_t> notification) {
    const auto* const head = reinterpret_cast<const nlmsghdr*>(notification.data());
    if (!mnl_nlmsg_ok(head, static_cast<int>(notification.size())) || !is_about_a_table(*head) ||
        mnl_nlmsg_get_payload_len(head) < sizeof(nfgenmsg) ||
        static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(head))->nfgen_family != NFPROTO_INET) {
        return std::nullopt;
    }
    bool ours = false;
    mnl_attr_parse(
        head, sizeof(nfgenmsg),
        [](const nlattr* attribute, void* found) {
            if (mnl_attr_get_type(attribute) != table_attribute) {
                return MNL_CB_OK;
            }
            const std::string_view name(static_cast<const char*>(mnl_attr_get_payload(attribute)),
                                        mnl_attr_get_payload_len(attribute));
            // The kernel writes the NUL, too.
            *static_cast<bool*>(found) = name.substr(0, name.find('\0')) == table_name;
            return MNL_CB_STOP;
        },
        &ours);
    return ours ? std::optional(head->nlmsg_pid) : std::nullopt;
}

} // namespace viaduct::netns::nft
