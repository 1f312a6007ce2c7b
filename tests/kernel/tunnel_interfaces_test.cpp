// A router's interfaces over a kernel that refuses any request at any position: what failed is told
// and asked for again, and nothing of ours is left that nobody wants.
#include "netns/tunnel_interfaces.h"

#include "tests/kernel/fake_links.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string>

BOOST_AUTO_TEST_SUITE(tunnel_interfaces)

using namespace viaduct;
using namespace viaduct::test;
using netns::SystemError;
using netns::TunnelInterfaces;
using policy::WantedInterface;
using Way = RequestRefusal::Way;

namespace {

WantedInterface wanted(const char* name, std::uint16_t mtu,
                       const std::vector<const char*>& addresses,
                       const std::vector<const char*>& routes) {
    WantedInterface result{.name = name,
                           .if_id = policy::interface_id(name),
                           .mtu = mtu,
                           .addresses = {},
                           .routes = {},
                           .connections = {}};
    for (const char* const each : addresses) {
        result.addresses.push_back(policy::InterfaceAddress::parse(each).value());
    }
    for (const char* const each : routes) {
        result.routes.push_back(policy::Subnet::parse(each).value());
    }
    std::ranges::sort(result.addresses);
    std::ranges::sort(result.routes);
    return result;
}

const std::vector<WantedInterface> at_first{
    wanted("vti-a", 1400, {"169.254.10.1/30", "fd00:a::1/64"}, {"10.1.0.0/16", "fd00:1::/64"}),
    wanted("vti-b", 1380, {"169.254.11.1/30"}, {"10.2.0.0/16"}),
};
const std::vector<WantedInterface> with_less_and_more{
    wanted("vti-a", 1300, {"169.254.10.1/30", "169.254.12.1/30"}, {"10.3.0.0/16", "fd00:1::/64"}),
    wanted("vti-c", 1380, {}, {"10.2.0.0/16"}),
};

const std::vector<WantedInterface> narrow_and_wide{
    wanted("vti-a", 1000, {"169.254.10.1/30"}, {"10.1.0.0/16"}),
    wanted("vti-b", 1380, {"169.254.11.1/30"}, {"10.2.0.0/16"}),
};

/// A router with an interface of somebody else's.
struct TunnelRouter {
    TunnelRouter() { fake.add("eth0", std::nullopt); }

    FakeLinks fake;
    TunnelInterfaces interfaces{fake.socket()};
};

std::vector<SystemError> look(TunnelInterfaces& interfaces) {
    return interfaces.restore().failures;
}

std::vector<std::string> requests_of(const netns::InterfaceReview& review) {
    std::vector<std::string> requests;
    for (const auto& each : review.missing) {
        requests.push_back(each.request);
    }
    return requests;
}

/// What may be refused.
struct InterfaceChange {
    const char* name;
    std::function<void(TunnelRouter&)> before;
    std::function<std::vector<SystemError>(TunnelInterfaces&)> run;
    std::vector<WantedInterface> wanted;
};

void make_first(TunnelRouter& router) {
    BOOST_REQUIRE(router.interfaces.set(at_first).empty());
}

void take_some_away(TunnelRouter& router) {
    auto& link = router.fake.links.at("vti-a");
    link.mtu = 1450;
    link.addresses.erase(Octets{30, 169, 254, 10, 1});
    router.fake.routes.erase(Octets{16, 10, 1, 0, 0});
    router.interfaces.distrust();
}

const std::vector<InterfaceChange> interface_changes_to_refuse{
    {"the first, with what an earlier run left",
     [](TunnelRouter& router) {
         router.fake.add("vti-old", policy::interface_id("vti-old"));
         router.fake.add("vti-b", policy::interface_id("vti-b"));
         // And what it held.
         router.fake.links.at("vti-b").addresses.insert(Octets{30, 169, 254, 99, 1});
     },
     [](auto& interfaces) { return interfaces.set(at_first); }, at_first},
    {"the first, with one that nobody wants any more",
     [](TunnelRouter& router) { router.fake.add("vti-old", policy::interface_id("vti-old")); },
     [](auto& interfaces) { return interfaces.set(at_first); }, at_first},
    {"others", make_first, [](auto& interfaces) { return interfaces.set(with_less_and_more); },
     with_less_and_more},
    {"one too narrow for IPv6", make_first,
     [](auto& interfaces) { return interfaces.set(narrow_and_wide); }, narrow_and_wide},
    {"none", make_first, [](auto& interfaces) { return interfaces.set({}); }, {}},
    {"a look at what is there", make_first, look, at_first},
    {"a look when one is gone",
     [](TunnelRouter& router) {
         make_first(router);
         router.fake.remove("vti-a");
     },
     look, at_first},
    {"a look when one was taken down",
     [](TunnelRouter& router) {
         make_first(router);
         router.fake.take_down("vti-a");
     },
     look, at_first},
    {"a look when somebody took some of it away",
     [](TunnelRouter& router) {
         make_first(router);
         take_some_away(router);
     },
     look, at_first},
};

FakeLinks made_of(const std::vector<WantedInterface>& all) {
    TunnelRouter router;
    BOOST_REQUIRE(router.interfaces.set(all).empty());
    return router.fake;
}

void check_told(const std::vector<SystemError>& failures, const RequestRefusal& refusal) {
    for (const SystemError& failure : failures) {
        // What follows from a refusal has its own cause: without an interface there is no route.
        const bool follows = failure.code == ENETDOWN || failure.code == EEXIST;
        BOOST_TEST((follows || failure.code == refusal.error()), failure.to_string());
        BOOST_TEST((follows || refusal.told().contains(failure.what)), failure.to_string());
    }
}

/// Whether there was such a request.
bool refuse_request_of(const InterfaceChange& change, Way way, std::uint64_t position,
                       const std::function<void(TunnelRouter&)>& check) {
    TunnelRouter router;
    change.before(router);
    router.fake.refusal.begin(position, way, ENOBUFS);
    const auto failures = change.run(router.interfaces);
    const bool was_reached = router.fake.refusal.was_reached();
    check_told(failures, router.fake.refusal);
    router.fake.refusal.end();
    if (failures.empty()) {
        BOOST_TEST(router.fake.holds_the_same(made_of(change.wanted)));
    }
    check(router);
    BOOST_TEST(router.fake.links.contains("eth0"));
    return was_reached;
}

void refuse_each_request(const std::function<void(TunnelRouter&, const InterfaceChange&)>& check) {
    for (const InterfaceChange& change : interface_changes_to_refuse) {
        for (const Way way : RequestRefusal::ways) {
            bool was_reached = true;
            for (std::uint64_t position = 1; was_reached; ++position) {
                BOOST_TEST_CONTEXT(change.name << ", way " << static_cast<int>(way) << ", request "
                                               << position << " refused") {
                    was_reached =
                        refuse_request_of(change, way, position,
                                          [&](TunnelRouter& router) { check(router, change); });
                }
            }
        }
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(what_failed_is_asked_for_again) {
    refuse_each_request([](TunnelRouter& router, const InterfaceChange& change) {
        // Once a second, as the daemon does: an interface that is down is seen then, not before.
        static_cast<void>(look(router.interfaces));
        const auto failures = look(router.interfaces);
        BOOST_TEST(failures.empty(), (failures.empty() ? "" : failures.front().to_string()));
        BOOST_TEST(router.fake.holds_the_same(made_of(change.wanted)));
        for (const WantedInterface& each : change.wanted) {
            BOOST_TEST(router.interfaces.is_there(each.name));
        }
        const auto requests = router.fake.refusal.count();
        BOOST_TEST(look(router.interfaces).empty());
        // Each is looked at, and nothing else.
        BOOST_TEST(router.fake.refusal.count() == requests + change.wanted.size());
    });
}

BOOST_AUTO_TEST_CASE(nothing_is_left_when_nothing_is_wanted_any_more) {
    refuse_each_request([](TunnelRouter& router, const InterfaceChange&) {
        BOOST_TEST(router.interfaces.set({}).empty());
        BOOST_TEST(router.fake.holds_the_same(made_of({})));
    });
    refuse_each_request([](TunnelRouter& router, const InterfaceChange&) {
        router.interfaces.remove_all();
        BOOST_TEST(router.fake.holds_the_same(made_of({})));
    });
}

BOOST_AUTO_TEST_CASE(a_change_behind_a_refusal_leaves_nothing_of_what_was) {
    refuse_each_request([](TunnelRouter& router, const InterfaceChange&) {
        static_cast<void>(router.interfaces.set(with_less_and_more));
        static_cast<void>(look(router.interfaces));
        BOOST_TEST(look(router.interfaces).empty());
        BOOST_TEST(router.fake.holds_the_same(made_of(with_less_and_more)));
    });
}

BOOST_AUTO_TEST_CASE(one_that_nothing_was_heard_of_is_not_made_anew) {
    TunnelRouter router;
    make_first(router);
    const auto before = router.fake.index_of("vti-a");
    router.fake.refusal.begin(1, Way::once, ENOBUFS);
    const auto failures = look(router.interfaces);
    BOOST_REQUIRE(failures.size() == 1U);
    BOOST_TEST(failures.front().what == "GETLINK vti-a");
    BOOST_TEST(router.interfaces.is_there("vti-a"));
    BOOST_TEST(look(router.interfaces).empty());
    BOOST_TEST(router.fake.index_of("vti-a") == before);
}

BOOST_AUTO_TEST_CASE(somebody_elses_interface_and_route_are_not_touched) {
    TunnelRouter router;
    router.fake.add("vti-a", 42);
    router.fake.links.at("eth0").up = true;
    const auto destination = Octets{16, 10, 2, 0, 0};
    router.fake.routes[destination] = {"eth0", 4};
    for (int second = 0; second < 3; ++second) {
        const auto requests = router.fake.refusal.count();
        const auto failures =
            second == 0 ? router.interfaces.set(at_first) : look(router.interfaces);
        // One interface asked for and looked at, one looked at, and its route asked for.
        BOOST_TEST((second == 0 || router.fake.refusal.count() - requests == 4U));
        BOOST_REQUIRE(failures.size() == 2U);
        BOOST_TEST(failures[0].what == "NEWLINK vti-a");
        BOOST_TEST(failures[0].code == EEXIST);
        BOOST_TEST(failures[0].kernel_message ==
                   "there is an interface of that name that is not ours");
        BOOST_TEST(failures[1].what == "NEWROUTE 10.2.0.0/16 dev vti-b");
        BOOST_TEST(failures[1].code == EEXIST);
        BOOST_TEST(!router.interfaces.is_there("vti-a"));
        BOOST_TEST((router.fake.links.at("vti-a").if_id == 42U));
        BOOST_TEST((router.fake.routes.at(destination) == FakeLinks::Route{"eth0", 4}));
    }
    router.fake.remove("vti-a");
    router.fake.routes.erase(destination);
    BOOST_TEST(look(router.interfaces).empty());
    BOOST_TEST(router.fake.routes == made_of(at_first).routes);
}

BOOST_AUTO_TEST_CASE(what_somebody_took_away_is_told_and_what_is_his_stays) {
    TunnelRouter router;
    make_first(router);
    const auto his = Octets{24, 172, 16, 1, 1};
    router.fake.links.at("vti-a").addresses.insert(his);
    router.fake.routes[Octets{8, 11, 0, 0, 0}] = {"vti-a", 4};
    take_some_away(router);
    const std::vector<std::string> missing{"NEWLINK vti-a mtu 1400",
                                           "NEWADDR 169.254.10.1/30 dev vti-a",
                                           "NEWROUTE 10.1.0.0/16 dev vti-a"};
    const auto seen = router.interfaces.look();
    BOOST_TEST(seen.failures.empty());
    BOOST_TEST(requests_of(seen) == missing, boost::test_tools::per_element());
    const auto review = router.interfaces.restore();
    BOOST_TEST(review.failures.empty());
    BOOST_TEST(requests_of(review) == missing, boost::test_tools::per_element());
    BOOST_TEST(router.interfaces.look().missing.empty());
    BOOST_TEST(router.interfaces.restore().missing.empty());
    BOOST_TEST(router.fake.links.at("vti-a").addresses.erase(his) == 1U);
    BOOST_TEST(router.fake.routes.erase(Octets{8, 11, 0, 0, 0}) == 1U);
    BOOST_TEST(router.fake.holds_the_same(made_of(at_first)));
}

BOOST_AUTO_TEST_CASE(a_look_tells_the_same_without_mending) {
    TunnelRouter router;
    BOOST_TEST(router.interfaces.look().missing.empty());
    make_first(router);
    take_some_away(router);
    router.fake.remove("vti-b");
    auto before = router.fake;
    const auto seen = router.interfaces.look();
    BOOST_TEST(router.fake.holds_the_same(before));
    BOOST_REQUIRE(seen.missing.size() == 4U);
    BOOST_TEST((seen.missing.back() == netns::MissingPart{"vti-b", true, "NEWLINK vti-b"}));
    BOOST_TEST((seen.missing[1] ==
                netns::MissingPart{"vti-a", false, "NEWADDR 169.254.10.1/30 dev vti-a"}));
    // Looking again and again does not make anything of it known as gone.
    BOOST_TEST((router.interfaces.look().missing == seen.missing));
    BOOST_TEST((router.interfaces.restore().missing == seen.missing));
    BOOST_TEST(router.fake.holds_the_same(made_of(at_first)));

    // Somebody else's, in the place of ours, and a kernel that does not answer.
    router.fake.remove("vti-b");
    router.fake.add("vti-b", 42);
    BOOST_TEST(requests_of(router.interfaces.look()) == std::vector<std::string>{"NEWLINK vti-b"});
    router.fake.refusal.begin(1, Way::from_there_on, ENOBUFS);
    BOOST_TEST(router.interfaces.look().failures.size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_somebody_took_away_unheard_is_seen_by_a_look) {
    TunnelRouter router;
    make_first(router);
    router.fake.routes.erase(Octets{16, 10, 1, 0, 0});
    BOOST_TEST(router.interfaces.restore().missing.empty());
    BOOST_TEST(requests_of(router.interfaces.look()) ==
               std::vector<std::string>{"NEWROUTE 10.1.0.0/16 dev vti-a"});
}

BOOST_AUTO_TEST_CASE(one_that_becomes_too_narrow_for_ipv6_loses_it_without_a_word) {
    TunnelRouter router;
    make_first(router);
    const auto index = router.fake.index_of("vti-a");
    BOOST_TEST(router.interfaces.set(narrow_and_wide).empty());
    BOOST_TEST(router.fake.holds_the_same(made_of(narrow_and_wide)));
    BOOST_TEST(router.fake.index_of("vti-a") == index);
    const auto quiet = [&] {
        const auto review = router.interfaces.restore();
        return review.failures.empty() && review.missing.empty();
    };
    const auto requests = router.fake.refusal.count();
    BOOST_TEST(quiet());
    BOOST_TEST(router.fake.refusal.count() == requests + 2);
    // One that is narrow anyway, and another MTU than ours: it has nothing to lose.
    router.fake.set_mtu("vti-a", 900);
    BOOST_TEST(requests_of(router.interfaces.restore()) ==
               std::vector<std::string>{"NEWLINK vti-a mtu 1000"});
    BOOST_TEST(router.fake.index_of("vti-a") == index);
    BOOST_TEST(quiet());
    // And back, made anew: with IPv6 alone the kernel would give it an address of its own.
    BOOST_TEST(router.interfaces.set(at_first).empty());
    BOOST_TEST(quiet());
    BOOST_TEST(router.fake.holds_the_same(made_of(at_first)));
    BOOST_TEST(router.fake.index_of("vti-a") != index);
}

BOOST_AUTO_TEST_CASE(one_that_somebody_makes_too_narrow_for_ipv6_is_made_anew) {
    TunnelRouter router;
    make_first(router);
    router.fake.set_mtu("vti-a", 1279);
    BOOST_TEST(requests_of(router.interfaces.look()) == std::vector<std::string>{"NEWLINK vti-a"});
    BOOST_TEST(requests_of(router.interfaces.restore()) ==
               std::vector<std::string>{"NEWLINK vti-a"});
    BOOST_TEST(router.fake.holds_the_same(made_of(at_first)));
}

BOOST_AUTO_TEST_CASE(what_is_so_already_is_no_failure) {
    TunnelRouter router;
    make_first(router);
    // Somebody did what the change is about to do.
    const auto after = made_of(with_less_and_more);
    router.fake.links.at("vti-a").addresses = after.links.at("vti-a").addresses;
    router.fake.routes.erase(Octets{16, 10, 1, 0, 0});
    router.fake.remove("vti-b");
    BOOST_TEST(router.interfaces.set(with_less_and_more).empty());
    BOOST_TEST(router.fake.holds_the_same(after));
}

BOOST_AUTO_TEST_CASE(one_that_goes_during_a_change_is_made_again_without_a_word) {
    TunnelRouter router;
    make_first(router);
    router.fake.remove("vti-a");
    auto changed = at_first;
    changed[0] = with_less_and_more[0];
    BOOST_TEST(router.interfaces.set(changed).empty());
    BOOST_TEST(!router.fake.links.contains("vti-a"));
    BOOST_TEST(look(router.interfaces).empty());
    BOOST_TEST(router.fake.holds_the_same(made_of(changed)));
}

BOOST_AUTO_TEST_SUITE_END()
