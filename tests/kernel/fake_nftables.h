// A kernel's nftables, as far as requests about tables go: transactions are done whole or not at
// all, no privileges, and any request can be made to fail.
#pragma once

#include "netns/netlink_socket.h"
#include "netns/nft/rule_message.h"
#include "tests/kernel/netlink_text.h"
#include "tests/kernel/request_refusal.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace viaduct::test {

/// What survives the sockets that speak to it.
class FakeNftables {
public:
    struct Chain {
        Octets definition;
        std::vector<Octets> rules;
        friend bool operator==(const Chain&, const Chain&) = default;
    };
    struct Set {
        Octets definition;
        /// Both ends of a range, or a single key, and where the packet goes on.
        std::map<Octets, Octets> elements;
        friend bool operator==(const Set&, const Set&) = default;
    };
    struct Table {
        /// Its attributes, flags among them.
        Octets definition;
        /// The port of the socket that owns it; 0: none.
        std::uint32_t owner = 0;
        std::map<std::string, Chain> chains;
        std::map<std::string, netns::nft::Count> counters;
        std::map<std::string, Set> sets;
        /// Another one for each table that was made.
        std::uint64_t handle = 0;

        /// Whoever owns it, whatever it has counted, and whenever it was made.
        bool says_the_same(const Table& other) const {
            return definition == other.definition && chains == other.chains && sets == other.sets;
        }
        /// Whether an element of the set takes in the two addresses.
        bool takes(const std::string& set, std::span<const std::uint8_t> source,
                   std::span<const std::uint8_t> destination) const;
    };
    using Tables = std::map<std::string, Table>;

    Tables tables;
    /// That of the message that begins or ends a transaction is that the transaction does not take
    /// effect.
    RequestRefusal refusal;
    /// Whether a table can have an owner that it outlives.
    bool knows_owners = true;
    /// How often it was asked for one and did not know.
    unsigned unknown_owners = 0;
    /// Called when a transaction takes effect, with what matches at that moment: an element that
    /// goes does no longer, one that comes does not yet.
    std::function<void(const Tables& matching)> at_commit = [](const Tables&) {};

    /// A socket that speaks to it. What it owns loses its owner with it.
    std::unique_ptr<netns::NetlinkExchange> socket();

private:
    class Socket;
    std::vector<netns::NetlinkAnswer> take(std::span<netns::NetlinkMessage> messages,
                                           std::uint32_t port);
    std::vector<netns::NetlinkAnswer> run(std::span<netns::NetlinkMessage> transaction,
                                          std::uint32_t port);
    netns::NetlinkAnswer answer(const netns::NetlinkMessage& question) const;

    std::uint32_t last_port_ = 1000;
    std::uint64_t last_handle_ = 0;
};

} // namespace viaduct::test
