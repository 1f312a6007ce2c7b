// What nftables tells its listeners (NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace viaduct::netns::nft {

/// The netlink port of whoever changed `table inet viaduct`, or a part of it, by this notification
/// (one message, header included). Nothing when it is about something else, or malformed.
std::optional<std::uint32_t> changed_our_table(std::span<const std::uint8_t> notification);

} // namespace viaduct::netns::nft
