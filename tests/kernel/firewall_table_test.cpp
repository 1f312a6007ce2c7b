// The firewall table over a kernel that refuses any request at any position: what was guarded stays
// so, the cause is told, and the next installation makes what is wanted.
#include "netns/firewall_table.h"

#include "tests/kernel/fake_nftables.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <optional>
#include <string>

BOOST_AUTO_TEST_SUITE(firewall_table)

using namespace viaduct;
using namespace viaduct::test;
using netns::FirewallTable;
using netns::nft::Count;
using netns::nft::TableOwner;
using policy::FirewallRules;
using Way = RequestRefusal::Way;
using Result = std::expected<void, netns::SystemError>;

namespace {

policy::ProtectedPair pair(const char* local_start, const char* local_end, const char* remote_start,
                           const char* remote_end) {
    const auto address = [](const char* text) { return policy::IpAddress::parse(text).value(); };
    return {address(local_start), address(local_end), address(remote_start), address(remote_end)};
}

const auto narrow = pair("10.1.0.0", "10.1.0.255", "10.2.0.0", "10.2.0.255");
const auto wide = pair("10.1.0.0", "10.1.0.255", "10.2.0.0", "10.2.255.255");
const auto apart = pair("10.1.0.0", "10.1.0.255", "10.9.0.0", "10.9.0.255");
const auto of_ipv6 = pair("fd00:1::", "fd00:1::ffff", "fd00:2::", "fd00:2::ffff");

const FirewallRules first_rules{{narrow, of_ipv6}};
const FirewallRules rules_apart{{narrow, apart}};
const FirewallRules rules_over_others{{wide, of_ipv6}};
const FirewallRules rules_with_interface{{narrow}, {"ipsec0"}};

const std::vector<policy::ClampedPair> first_clamp{{narrow, 1400}};
const std::vector<policy::ClampedPair> other_clamp{{narrow, 1300}, {of_ipv6, 1280}};

/// What may be refused, where the first rules and the first clamp are.
struct Change {
    const char* name;
    std::function<Result(FirewallTable&)> run;
    /// What the table is to say in the end.
    FirewallRules rules;
    bool is_known = true;
};

const std::vector<Change> changes{
    {"the same again, of a table that is not trusted",
     [](auto& table) { return table.install(first_rules); }, first_rules, false},
    {"other pairs", [](auto& table) { return table.install(rules_apart); }, rules_apart},
    {"pairs over others", [](auto& table) { return table.install(rules_over_others); },
     rules_over_others},
    {"pairs over others, of a table that is not trusted",
     [](auto& table) { return table.install(rules_over_others); }, rules_over_others, false},
    {"other rules", [](auto& table) { return table.install(rules_with_interface); },
     rules_with_interface},
    {"other segments", [](auto& table) { return table.clamp(other_clamp); }, first_rules},
    {"other segments, of a table that is not trusted",
     [](auto& table) { return table.clamp(other_clamp); }, first_rules, false},
};

const Count dropped_out{7, 700};
const Count dropped_in{3, 300};

/// A router whose table says what is wanted, and has counted something since it was read last.
struct GuardedRouter {
    GuardedRouter() {
        BOOST_REQUIRE(table.clamp(first_clamp));
        BOOST_REQUIRE(table.install(first_rules));
        ours().counters = {{"guard_out", {5, 500}}, {"guard_in", {1, 100}}};
        BOOST_REQUIRE(table.counters());
        ours().counters = {{"guard_out", dropped_out}, {"guard_in", dropped_in}};
    }
    FakeNftables::Table& ours() { return fake.tables.at("viaduct"); }

    FakeNftables fake;
    FirewallTable table{fake.socket(), TableOwner::maker};
};

FakeNftables::Table made_by(const Change& change) {
    GuardedRouter router;
    if (!change.is_known) {
        router.table.distrust();
    }
    BOOST_REQUIRE(change.run(router.table));
    BOOST_REQUIRE(router.fake.tables.size() == 1U);
    return router.ours();
}

/// Where such packets are dropped in both directions.
bool is_guarded(const FakeNftables::Tables& tables, const policy::ProtectedPair& pair) {
    const std::string family = pair.local_start.family() == policy::AddressFamily::ipv4 ? "4" : "6";
    const auto local = pair.local_start.octets();
    const auto remote = pair.remote_start.octets();
    return std::ranges::any_of(tables, [&](const auto& entry) {
        return entry.second.takes("out" + family, local, remote) &&
               entry.second.takes("in" + family, remote, local);
    });
}

/// What the first rules and these guard is guarded at each moment.
void watch(FakeNftables& fake, const FirewallRules& rules) {
    fake.at_commit = [&rules](const FakeNftables::Tables& matching) {
        for (const auto& each : first_rules.guarded) {
            const bool stays = std::ranges::any_of(rules.guarded, [&](const auto& other) {
                return other.local_start <= each.local_start && each.local_end <= other.local_end &&
                       other.remote_start <= each.remote_start &&
                       each.remote_end <= other.remote_end;
            });
            if (stays) {
                BOOST_TEST(is_guarded(matching, each), each.remote_start.to_string());
            }
        }
    };
}

/// What is so after a refusal, and what the next installation makes of it.
void check_after(GuardedRouter& router, const Change& change, const Result& result,
                 const FakeNftables::Table& before, const FakeNftables::Table& wanted) {
    auto& fake = router.fake;
    BOOST_TEST(router.table.is_trusted() == result.has_value());
    if (result) {
        BOOST_TEST(router.ours().says_the_same(wanted));
    } else {
        BOOST_TEST(result.error().code == fake.refusal.error());
        BOOST_TEST(fake.refusal.told().contains(result.error().what), result.error().what);
        // All or nothing.
        BOOST_TEST((router.ours().says_the_same(before) || router.ours().says_the_same(wanted)));
    }
    fake.refusal.end();
    BOOST_TEST(router.table.install(change.rules).has_value());
    BOOST_TEST(router.table.is_trusted());
    BOOST_TEST(fake.tables.size() == 1U);
    BOOST_TEST(router.ours().says_the_same(wanted));
    BOOST_TEST(router.ours().owner != 0U);
    // What could not be read goes on from where it was read last.
    const bool was_read = std::ranges::none_of(fake.refusal.told(), [](const std::string& what) {
        return what.starts_with("get counter");
    });
    const auto& counters = router.ours().counters;
    BOOST_TEST((counters.at("guard_out") == dropped_out ||
                (!was_read && counters.at("guard_out") == Count{5, 500})));
    BOOST_TEST((counters.at("guard_in") == dropped_in ||
                (!was_read && counters.at("guard_in") == Count{1, 100})));
}

/// How many requests were refused; 0: there was none at this position.
std::uint64_t refuse_request_of(const Change& change, const FakeNftables::Table& wanted, Way way,
                                std::uint64_t position) {
    GuardedRouter router;
    auto& fake = router.fake;
    const auto before = router.ours();
    if (!change.is_known) {
        router.table.distrust();
    }
    watch(fake, change.rules);
    fake.refusal.begin(position, way, ENOBUFS);
    const Result result = change.run(router.table);
    const auto refused = fake.refusal.refused_count();
    check_after(router, change, result, before, wanted);
    return refused;
}

void refuse_each_request_of(const Change& change, Way way) {
    const auto wanted = made_by(change);
    std::uint64_t refused = 1;
    std::uint64_t position = 1;
    while (refused != 0) {
        BOOST_TEST_CONTEXT(change.name << ", way " << static_cast<int>(way) << ", request "
                                       << position << " refused") {
            refused = refuse_request_of(change, wanted, way, position);
        }
        position += way == Way::with_whole_batch ? refused : 1;
    }
    BOOST_TEST(position > 3U);
}

} // namespace

BOOST_AUTO_TEST_CASE(any_request_of_a_change_may_be_refused) {
    for (const Change& change : changes) {
        for (const Way way : RequestRefusal::ways) {
            refuse_each_request_of(change, way);
        }
    }
}

BOOST_AUTO_TEST_CASE(any_request_of_the_first_installation_may_be_refused) {
    for (const Way way : RequestRefusal::ways) {
        bool was_reached = true;
        for (std::uint64_t position = 1; was_reached; ++position) {
            BOOST_TEST_CONTEXT("way " << static_cast<int>(way) << " of " << position) {
                FakeNftables fake;
                FirewallTable table(fake.socket(), TableOwner::maker);
                BOOST_REQUIRE(table.clamp(first_clamp));
                fake.refusal.begin(position, way, ENOMEM);
                const Result result = table.install(first_rules);
                was_reached = fake.refusal.was_reached();
                BOOST_TEST(table.is_trusted() == result.has_value());
                if (!result) {
                    BOOST_TEST(result.error().code == ENOMEM);
                    BOOST_TEST(fake.refusal.told().contains(result.error().what),
                               result.error().what);
                }
                fake.refusal.end();
                BOOST_TEST(table.install(first_rules).has_value());
                BOOST_TEST(fake.tables.size() == 1U);
                BOOST_TEST(fake.tables.at("viaduct").says_the_same(GuardedRouter().ours()));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_clamp_before_the_first_installation_is_part_of_it) {
    FakeNftables fake;
    FirewallTable table(fake.socket(), TableOwner::maker);
    BOOST_TEST(table.clamp(first_clamp).has_value());
    BOOST_TEST(fake.refusal.count() == 0U);
    BOOST_REQUIRE(table.install(first_rules));
    // In both directions.
    BOOST_TEST(fake.tables.at("viaduct").sets.at("clamp4").elements.size() == 2U);
    BOOST_TEST(fake.tables.at("viaduct").chains.contains("segment_1400"));
}

BOOST_AUTO_TEST_CASE(without_owners_it_is_asked_for_one_once) {
    FakeNftables fake;
    fake.knows_owners = false;
    FirewallTable table(fake.socket(), TableOwner::maker);
    BOOST_REQUIRE(table.install(first_rules));
    BOOST_TEST(fake.unknown_owners == 1U);
    BOOST_TEST(fake.tables.at("viaduct").owner == 0U);
    table.distrust();
    // Twice: what stands in is another table.
    BOOST_REQUIRE(table.install(rules_over_others));
    BOOST_REQUIRE(table.install(first_rules));
    BOOST_TEST(fake.unknown_owners == 1U);
    BOOST_TEST(fake.tables.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_kernel_that_lacks_something_else_is_asked_for_an_owner_again) {
    FakeNftables fake;
    FirewallTable table(fake.socket(), TableOwner::maker);
    // As without nf_nat, which the kernel says with or without an owner.
    fake.refusal.begin(7, Way::from_there_on, EOPNOTSUPP);
    BOOST_TEST(!table.install(first_rules));
    fake.refusal.end();
    BOOST_REQUIRE(table.install(first_rules));
    BOOST_TEST(fake.tables.at("viaduct").owner != 0U);
}

BOOST_AUTO_TEST_CASE(what_the_kernel_lacks_is_said_beside_the_message) {
    const auto said = [](std::uint64_t position) {
        FakeNftables fake;
        FirewallTable table(fake.socket(), TableOwner::none);
        // The table is looked up and its counters are read before.
        fake.refusal.begin(3 + position, Way::once, ENOENT);
        const auto result = table.install(first_rules);
        BOOST_REQUIRE(!result);
        return result.error().what + ": " + result.error().kernel_message;
    };
    BOOST_TEST(said(1) == "nftables transaction: this kernel has no nftables: nf_tables");
    BOOST_TEST(said(7) == "add chain inet viaduct null_source of type nat: this kernel has no NAT "
                          "chains in the inet family: nft_chain_nat, nf_nat");
    BOOST_TEST(said(8) == "add rule inet viaduct null_source: rt ipsec exists snat to saddr: this "
                          "kernel lacks an nftables expression or set type");
}

BOOST_AUTO_TEST_CASE(somebody_elses_table_is_left_alone) {
    FakeNftables fake;
    std::optional<FirewallTable> other(std::in_place, fake.socket(), TableOwner::maker);
    BOOST_REQUIRE(other->install(first_rules));
    const auto theirs = fake.tables.at("viaduct");
    FirewallTable table(fake.socket(), TableOwner::maker);
    const auto refused = table.install(rules_apart);
    BOOST_REQUIRE(!refused);
    BOOST_TEST(refused.error().code == EPERM);
    BOOST_TEST(refused.error().what == "add table inet viaduct");
    BOOST_TEST(!table.is_trusted());
    const auto kept = table.remove();
    BOOST_REQUIRE(!kept);
    BOOST_TEST(kept.error().code == EPERM);
    BOOST_TEST(fake.tables.size() == 1U);
    BOOST_TEST(fake.tables.at("viaduct").says_the_same(theirs));
    // Its owner goes, and the table stays for who comes.
    other.reset();
    BOOST_REQUIRE(table.install(rules_apart));
    BOOST_TEST(fake.tables.size() == 1U);
    BOOST_TEST(!fake.tables.at("viaduct").says_the_same(theirs));
}

BOOST_AUTO_TEST_CASE(a_change_by_another_socket_is_foreign) {
    GuardedRouter router;
    const auto told_by = [](std::uint32_t port) {
        const auto request = netns::nft::delete_table("viaduct");
        Octets octets(request.octets().begin(), request.octets().end());
        std::memcpy(octets.data() + offsetof(nlmsghdr, nlmsg_pid), &port, sizeof(port));
        return octets;
    };
    const auto own = router.ours().owner;
    BOOST_TEST(!router.table.is_foreign_change(told_by(own)));
    BOOST_TEST(router.table.is_foreign_change(told_by(own + 1)));
}

BOOST_AUTO_TEST_CASE(what_somebody_changed_unheard_is_replaced) {
    GuardedRouter router;
    const auto wanted = made_by(changes[1]);
    // The update finds neither the element that is to go nor, later, the table.
    router.ours().sets.at("out6").elements.clear();
    BOOST_REQUIRE(router.table.install(rules_apart));
    BOOST_TEST(router.ours().says_the_same(wanted));
    BOOST_TEST((router.ours().counters.at("guard_out") == dropped_out));
    router.fake.tables.clear();
    BOOST_REQUIRE(router.table.install(first_rules));
    BOOST_TEST(router.ours().says_the_same(GuardedRouter().ours()));
    BOOST_TEST((router.ours().counters.at("guard_out") == dropped_out));
    BOOST_TEST(router.fake.tables.size() == 1U);
}

BOOST_AUTO_TEST_CASE(no_bridge_outlives_an_update_of_a_table_that_is_gone) {
    for (std::uint64_t position = 1; position < 1000; ++position) {
        GuardedRouter router;
        router.fake.tables.clear();
        router.fake.refusal.begin(position, Way::once, ENOBUFS);
        const auto result = router.table.install(rules_over_others);
        const bool was_reached = router.fake.refusal.was_reached();
        router.fake.refusal.end();
        BOOST_TEST_CONTEXT("request " << position << " refused") {
            BOOST_TEST(router.table.is_trusted() == result.has_value());
            BOOST_TEST(router.fake.tables.contains("viaduct_bridge") <= !result);
            BOOST_REQUIRE(router.table.install(rules_over_others));
            BOOST_TEST(router.fake.tables.size() == 1U);
        }
        if (!was_reached) {
            return;
        }
    }
}

BOOST_AUTO_TEST_CASE(a_bridge_that_could_not_be_removed_goes_with_the_next_installation) {
    GuardedRouter router;
    // A change that comes to nothing behind its bridge.
    router.fake.at_commit = [&](const FakeNftables::Tables&) {
        router.fake.refusal.begin(1, Way::from_there_on, ENOBUFS);
    };
    BOOST_TEST(!router.table.install(rules_over_others));
    BOOST_TEST(router.fake.tables.contains("viaduct_bridge"));
    router.fake.at_commit = [](const FakeNftables::Tables&) {};
    router.fake.refusal.end();
    // And somebody deletes the other one.
    router.fake.tables.erase("viaduct");
    BOOST_TEST(router.table.install(first_rules).has_value());
    BOOST_TEST(router.fake.tables.size() == 1U);
    BOOST_TEST(router.fake.tables.contains("viaduct"));
}

BOOST_AUTO_TEST_CASE(a_clamp_behind_a_refused_installation_keeps_the_rules_before_it) {
    GuardedRouter router;
    const auto wanted = made_by(changes[5]);
    router.fake.refusal.begin(1, Way::from_there_on, ENOBUFS);
    BOOST_TEST(!router.table.install(rules_over_others));
    router.fake.refusal.end();
    BOOST_TEST(router.table.clamp(other_clamp).has_value());
    BOOST_TEST(router.table.is_trusted());
    BOOST_TEST(router.ours().says_the_same(wanted));
}

BOOST_AUTO_TEST_CASE(any_request_of_a_removal_may_be_refused) {
    bool was_reached = true;
    for (const Way way : RequestRefusal::ways) {
        for (std::uint64_t position = 1; position < 1000; ++position) {
            BOOST_TEST_CONTEXT("way " << static_cast<int>(way) << " of " << position) {
                GuardedRouter router;
                // Of a daemon that was killed while it replaced the table.
                router.fake.tables["viaduct_bridge"] = router.ours();
                router.fake.refusal.begin(position, way, ENOBUFS);
                const auto result = router.table.remove();
                was_reached = router.fake.refusal.was_reached();
                BOOST_TEST(!router.table.is_trusted());
                BOOST_TEST(result.has_value() <= router.fake.tables.empty());
                if (!result) {
                    BOOST_TEST(router.fake.refusal.told().contains(result.error().what));
                }
                router.fake.refusal.end();
                BOOST_TEST(router.table.remove().has_value());
                BOOST_TEST(router.fake.tables.empty());
            }
            if (!was_reached) {
                break;
            }
        }
    }
    FakeNftables fake;
    FirewallTable table(fake.socket(), TableOwner::none);
    fake.refusal.begin(1, Way::from_there_on, EOPNOTSUPP);
    // Where there are no tables there is none of ours.
    BOOST_TEST(table.remove().has_value());
}

BOOST_AUTO_TEST_CASE(the_mark_stays_through_changes_until_it_is_taken_away) {
    GuardedRouter router;
    const auto is_marked = [&] { return router.ours().chains.contains("abandoned"); };
    BOOST_REQUIRE(router.table.mark_abandoned());
    BOOST_TEST(is_marked());
    BOOST_REQUIRE(router.table.install(rules_apart));
    BOOST_TEST(is_marked());
    router.table.distrust();
    BOOST_REQUIRE(router.table.install(rules_apart));
    BOOST_TEST(is_marked());
    // Who takes the router over finds it.
    FirewallTable successor(router.fake.socket(), TableOwner::none);
    BOOST_TEST(successor.is_marked_abandoned().value());
    // Who does not find out does not go on as if there were none: the router would stay closed.
    router.fake.refusal.begin(1, Way::once, ENOBUFS);
    BOOST_TEST(successor.is_marked_abandoned().error().code == ENOBUFS);
    router.fake.refusal.end();
    BOOST_REQUIRE(router.table.unmark_abandoned());
    BOOST_TEST(!is_marked());
    BOOST_TEST(!successor.is_marked_abandoned().value());
    BOOST_REQUIRE(router.table.install(first_rules));
    BOOST_TEST(!is_marked());
    FakeNftables empty;
    FirewallTable without(empty.socket(), TableOwner::none);
    BOOST_TEST(!without.is_marked_abandoned().value());
    BOOST_TEST(without.mark_abandoned().error().code == ENOENT);
    // Nor is there one where there is no nftables.
    empty.refusal.begin(1, Way::from_there_on, EOPNOTSUPP);
    BOOST_TEST(!without.is_marked_abandoned().value());
}

BOOST_AUTO_TEST_CASE(any_request_about_the_mark_may_be_refused) {
    // Begin, chain, end.
    for (std::uint64_t position = 1; position <= 3; ++position) {
        BOOST_TEST_CONTEXT("request " << position << " refused") {
            GuardedRouter router;
            const auto is_marked = [&] { return router.ours().chains.contains("abandoned"); };
            const auto refuse = [&] { router.fake.refusal.begin(position, Way::once, ENOBUFS); };
            refuse();
            const auto marked = router.table.mark_abandoned();
            BOOST_REQUIRE(!marked);
            BOOST_TEST(router.fake.refusal.told().contains(marked.error().what));
            BOOST_TEST(!is_marked());
            BOOST_REQUIRE(router.table.install(rules_apart));
            BOOST_TEST(!is_marked());
            BOOST_REQUIRE(router.table.mark_abandoned());
            refuse();
            const auto unmarked = router.table.unmark_abandoned();
            BOOST_REQUIRE(!unmarked);
            BOOST_TEST(router.fake.refusal.told().contains(unmarked.error().what));
            // It goes with the table that it is in.
            BOOST_TEST(is_marked());
            BOOST_TEST(!router.table.is_trusted());
            BOOST_REQUIRE(router.table.install(rules_apart));
            BOOST_TEST(!is_marked());
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
