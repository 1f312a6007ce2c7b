// The clamp in a router's firewall table, over a kernel of the test's own.
#include "daemon/segment_clamp.h"

#include "tests/kernel/fake_nftables.h"
#include "tests/kernel/fixed_child.h"

#include <boost/test/unit_test.hpp>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

BOOST_AUTO_TEST_SUITE(segment_clamp)

using namespace viaduct;
using namespace std::chrono_literals;

namespace {

struct Router {
    boost::asio::io_context loop;
    std::ostringstream lines;
    daemon::LogWriter log{*daemon::LogLevels::parse("all=info"),
                          std::make_shared<spdlog::logger>(
                              "clamp", std::make_shared<spdlog::sinks::ostream_sink_mt>(lines))};
    std::string name = "r1";
    test::FakeNftables kernel;
    netns::FirewallTable table{kernel.socket(), netns::nft::TableOwner::none};
    std::uint32_t path_carries = 1500;
    daemon::SegmentClamp clamp{
        loop, log, name,
        [this](auto paths) { return std::vector<netns::PathMtu>(paths.size(), path_carries); },
        table};

    Router() { BOOST_REQUIRE(table.install({})); }
    void settle() {
        loop.restart();
        loop.run();
    }
    std::vector<std::string> segment_chains() const {
        std::vector<std::string> names;
        for (const auto& [chain, value] : kernel.tables.at("viaduct").chains) {
            if (chain.starts_with("segment_")) {
                names.push_back(chain);
            }
        }
        return names;
    }
};

using Names = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_CASE(it_follows_the_path_down_and_up_and_changes_nothing_else) {
    Router router;
    router.clamp.on_installed(test::gcm_child());
    router.settle();
    BOOST_TEST(router.segment_chains() == (Names{"segment_1406"}));
    auto now = std::chrono::steady_clock::now();
    const auto handle = router.kernel.tables.at("viaduct").handle;
    for (const std::uint32_t mtu : {1400U, 1500U}) {
        router.path_carries = mtu;
        now += daemon::PathMtus::interval + 1s;
        BOOST_TEST(router.clamp.review_paths(now));
        router.settle();
        BOOST_TEST(router.segment_chains() == (Names{"segment_" + std::to_string(mtu - 94)}));
        BOOST_TEST(*router.clamp.path_mtu("") == mtu);

        // While nothing changes, the kernel hears nothing.
        const auto requests = router.kernel.refusal.count();
        for (int second = 0; second < 60; ++second) {
            now += 1s;
            BOOST_TEST(!router.clamp.review_paths(now));
            router.settle();
        }
        BOOST_TEST(router.kernel.refusal.count() == requests);
    }
    BOOST_TEST(router.kernel.tables.at("viaduct").handle == handle);
    BOOST_TEST(router.lines.str().contains(
        "the path from 10.10.10.5 to 10.10.10.4 carries 1400 octets instead of 1500"));
    BOOST_TEST(router.lines.str().contains("carries 1500 octets instead of 1400"));
}

BOOST_AUTO_TEST_CASE(a_kernel_that_refuses_again_and_again_is_told_of_once) {
    Router router;
    auto child = test::gcm_child();
    using Way = test::RequestRefusal::Way;
    for (std::uint64_t id = 1; id < 4; ++id) {
        child.id = policy::ChildSaId{id};
        router.kernel.refusal.begin(1, Way::from_there_on, id < 3 ? ENOBUFS : ENOMEM);
        router.clamp.on_installed(child);
        router.settle();
    }
    const auto lines = router.lines.str();
    const auto first = lines.find("TCP segments are not clamped");
    const auto second = lines.find("TCP segments are not clamped", first + 1);
    BOOST_TEST(second != std::string::npos);
    BOOST_TEST(lines.find("TCP segments are not clamped", second + 1) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_path_of_a_child_that_went_or_moved_is_not_followed) {
    Router router;
    const auto child = test::gcm_child();
    router.clamp.on_installed(child);
    router.clamp.on_installed(child);
    const policy::UdpPath elsewhere{{policy::IpAddress::v4(10, 10, 10, 5), 500},
                                    {policy::IpAddress::v4(10, 10, 10, 9), 500}};
    router.clamp.on_moved(child.id, elsewhere, std::nullopt);
    router.settle();
    router.path_carries = 1400;
    auto now = std::chrono::steady_clock::now() + daemon::PathMtus::interval + 1s;
    BOOST_TEST(router.clamp.review_paths(now));
    BOOST_TEST(router.lines.str().contains("from 10.10.10.5 to 10.10.10.9"));
    BOOST_TEST(!router.lines.str().contains("to 10.10.10.4"));
    router.clamp.on_removed(child.id);
    router.settle();
    BOOST_TEST(router.segment_chains().empty());
    router.path_carries = 1300;
    now += daemon::PathMtus::interval + 1s;
    BOOST_TEST(!router.clamp.review_paths(now));
}

BOOST_AUTO_TEST_SUITE_END()
