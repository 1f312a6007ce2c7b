#include "daemon/cli/answer_text.h"
#include "daemon/cli/status_text.h"
#include "daemon/status_json.h"
#include "daemon/status_snapshot.h"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

namespace viaduct::daemon {

BOOST_AUTO_TEST_SUITE(status)

namespace {

using namespace std::chrono_literals;

policy::TrafficSelector subnet(std::string_view text) {
    return policy::TrafficSelector::from_subnet(*policy::Subnet::parse(text));
}

const ClockReading now{ike::TimePoint{100000s},
                       std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + 9h};

policy::Router configured() {
    policy::Connection vpn2{.name = "vpn2"};
    vpn2.local_address = policy::IpAddress::v4(10, 10, 10, 5);
    vpn2.peer_address = policy::IpAddress::v4(10, 10, 10, 4);
    policy::Connection vpn1 = vpn2;
    vpn1.name = "vpn1";
    vpn1.peer_address = policy::PeerName{"gw.example.org"};
    return {.name = "router1", .netns = "router1", .connections = {{vpn2, vpn1}}};
}

ike::ChildSaStatus child() {
    return {.id = policy::ChildSaId{7},
            .inbound_spi = policy::ChildSpi{0xc0ffee01},
            .outbound_spi = policy::ChildSpi{0x00000abc},
            .suite = {.encryption = policy::EncryptionAlgorithm::aes_gcm_16, .key_bits = 256},
            .local_selectors = {subnet("192.168.11.0/24")},
            .remote_selectors = {subnet("192.168.30.0/24"), subnet("192.168.40.0/24")},
            .established = now.steady - 192s,
            .replace_at = now.steady + 3000s,
            .volume = {.bytes = 1 << 30}};
}

ike::EndpointStatus endpoint() {
    const policy::UdpPath path{{policy::IpAddress::v4(10, 10, 10, 5), 500},
                               {policy::IpAddress::v4(10, 10, 10, 4), 500}};
    ike::IkeSaStatus sa{.role = ike::Role::initiator,
                        .established = true,
                        .initiator_spi = ike::wire::IkeSpi{0x0123456789abcdef},
                        .responder_spi = ike::wire::IkeSpi{0xfedcba9876543210},
                        .path = path,
                        .peer = policy::Identity::from_address(path.remote.address),
                        .since = now.steady - 192s,
                        .replace_at = now.steady + 28000s,
                        .last_heard = now.steady - 4s,
                        .children = {child()}};
    ike::ConnectionStatus up{.name = "vpn2",
                             .state = ike::ConnectionState::up,
                             .since = now.steady - 192s,
                             .ike_sas = {std::move(sa)},
                             .messages = {"IKE_SA_INIT { SA, KE, Ni } -->"}};
    ike::ConnectionStatus down{.name = "vpn1",
                               .state = ike::ConnectionState::waiting,
                               .since = now.steady - 30s,
                               .reason = ike::cause::NameUnresolved{"gw.example.org"},
                               .reason_at = now.steady - 30s,
                               .next_attempt = now.steady + 12s,
                               .attempts = 3};
    return {.connections = {std::move(up), std::move(down)}, .dropped = {.malformed = 2}};
}

StatusReport report() {
    RouterReport router;
    router.name = "router1";
    router.netns = "router1";
    router.file = "/etc/viaduct/routers/router1.toml";
    router.state = "running";
    router.since = past(now, now.steady - 200s);
    describe_endpoint(
        router, configured(), endpoint(),
        [](policy::ChildSaId id) -> std::optional<policy::ChildSaCounters> {
            BOOST_TEST((id == policy::ChildSaId{7}));
            return policy::ChildSaCounters{1024, 10, 2048, 20};
        },
        now);
    router.leak_guard = guard_report(
        {.outbound_packets = 3, .outbound_bytes = 1536, .inbound_packets = 0, .inbound_bytes = 0});
    return {.version = "0.1.0",
            .time = rfc3339(now.wall),
            .started = past(now, now.steady - 201s),
            .kernel = "xfrm",
            .routers = {std::move(router)}};
}

} // namespace

BOOST_AUTO_TEST_CASE(json_keeps_the_documented_keys) {
    const auto value = to_json(report());
    const auto& connection = value.at("routers").at(0).at("connections").at(0);
    BOOST_TEST(connection.at("state").as_string() == "up");
    BOOST_TEST(connection.at("since").at("seconds_ago").as_double() == 192.0);
    BOOST_TEST(connection.at("since").at("at").as_string() == "2026-11-23T08:56:48Z");
    BOOST_TEST(connection.at("reason").is_null());
    const auto& sa = connection.at("ike_sas").at(0);
    BOOST_TEST(sa.at("initiator_spi").as_string() == "0123456789abcdef");
    BOOST_TEST(sa.at("local").as_string() == "10.10.10.5[500]");
    const auto& child_sa = sa.at("child_sas").at(0);
    BOOST_TEST(child_sa.at("outbound_spi").as_string() == "00000abc");
    BOOST_TEST(child_sa.at("remote_selectors").at(1).as_string() == "192.168.40.0/24");
    BOOST_TEST(child_sa.at("counters").at("outbound_packets").to_number<int>() == 20);
    BOOST_TEST(child_sa.at("replacement").at("in_seconds").as_double() == 3000.0);
    BOOST_TEST(child_sa.at("limit_bytes").to_number<std::uint64_t>() == std::uint64_t{1} << 30);
    BOOST_TEST(child_sa.at("limit_packets").is_null());
    const auto& guard = value.at("routers").at(0).at("leak_guard");
    BOOST_TEST(guard.at("outbound_packets").to_number<int>() == 3);
    BOOST_TEST(guard.at("outbound_bytes").to_number<int>() == 1536);
    BOOST_TEST(guard.at("inbound_packets").to_number<int>() == 0);
    const auto& waiting = value.at("routers").at(0).at("connections").at(1);
    BOOST_TEST(waiting.at("reason").at("code").as_string() ==
               ike::code(ike::cause::NameUnresolved{}));
    BOOST_TEST(waiting.at("next_attempt").at("in_seconds").as_double() == 12.0);
    BOOST_TEST(waiting.at("peer_address").as_string() == "gw.example.org");
}

BOOST_AUTO_TEST_CASE(the_client_reads_what_the_daemon_writes) {
    const auto value = to_json(report());
    const auto read = status_from_json(boost::json::parse(boost::json::serialize(value)));
    BOOST_REQUIRE(read);
    BOOST_TEST((to_json(*read) == value));
    BOOST_TEST(indented(value).contains("\"in_seconds\": 12,"));
    BOOST_TEST(boost::json::parse(indented(value)).at("routers").at(0).at("name").as_string() ==
               "router1");
    BOOST_TEST(!status_from_json(boost::json::value{{"version", 1}}));
}

BOOST_AUTO_TEST_CASE(the_text_shows_state_addresses_selectors_counters_and_reasons) {
    const auto text = status_text(report(), StatusDetail::brief);
    BOOST_TEST_MESSAGE(text);
    BOOST_TEST(text.contains("router1: running 3m20s, namespace router1\n"));
    BOOST_TEST(text.contains("  vpn2      UP            3m12s  10.10.10.5 - 10.10.10.4\n"));
    BOOST_TEST(text.contains("initiator, established 3m12s ago, replaced in 7h46m\n"));
    BOOST_TEST(text.contains("192.168.11.0/24 === 192.168.30.0/24, 192.168.40.0/24\n"));
    BOOST_TEST(text.contains(", replaced in 50m00s or before 1.0 GiB\n"));
    BOOST_TEST(text.contains("in 10 packets, 1.0 KiB; out 20 packets, 2.0 KiB\n"));
    BOOST_TEST(text.contains("  vpn1      waiting         30s  10.10.10.5 - gw.example.org\n"));
    BOOST_TEST(text.contains("    reason      "));
    BOOST_TEST(text.contains("    next try    in 12s, 3 so far\n"));
    BOOST_TEST(text.contains("  leak guard: dropped 3 packets (1.5 KiB) that would have left in "
                             "clear, 0 (0 B) that arrived in clear\n"));
    BOOST_TEST(!text.contains("IKE_SA_INIT {"));
    const auto verbose = status_text(report(), StatusDetail::verbose);
    BOOST_TEST(verbose.contains("    messages    IKE_SA_INIT { SA, KE, Ni } -->\n"));
    BOOST_TEST(verbose.contains("  dropped: 2 malformed\n"));
}

BOOST_AUTO_TEST_CASE(a_waiting_router_shows_why_and_its_connections_are_down) {
    RouterReport router{.name = "router3",
                        .netns = "router3",
                        .state = "waiting",
                        .reason = "network namespace router3: No such file or directory"};
    describe_waiting(router, configured());
    const auto text = status_text({.routers = {router}}, StatusDetail::brief);
    BOOST_TEST(text.contains("router3: waiting"));
    BOOST_TEST(text.contains("  waits: network namespace router3: No such file"));
    BOOST_TEST(router.connections.size() == 2U);
    BOOST_TEST(router.connections[0].reason->code == "router_waiting");
}

BOOST_AUTO_TEST_CASE(moments_out_of_range_count_as_now) {
    BOOST_TEST(coming(now, ike::TimePoint::min()).in_seconds == 0.0);
    BOOST_TEST(past(now, ike::TimePoint::max()).seconds_ago == 0.0);
}

BOOST_AUTO_TEST_CASE(durations_and_sizes_are_short) {
    BOOST_TEST(short_duration(0.4) == "0s");
    BOOST_TEST(short_duration(59) == "59s");
    BOOST_TEST(short_duration(192) == "3m12s");
    BOOST_TEST(short_duration(7 * 3600 + 5 * 60) == "7h05m");
    BOOST_TEST(short_duration(100 * 3600) == "4d04h");
    BOOST_TEST(short_size(1023) == "1023 B");
    BOOST_TEST(short_size(1024 * 1024 * 3 / 2) == "1.5 MiB");
}

BOOST_AUTO_TEST_CASE(the_client_turns_refusals_and_mistakes_into_exit_statuses) {
    ClientOptions options;
    options.request.command = ControlCommand::up;
    const auto refused =
        answer_text(options, R"({"ok":false,"error":"several","candidates":["a/x","b/x"]})");
    BOOST_TEST(refused.exit_status == 1);
    BOOST_TEST(refused.error == "several\n  a/x\n  b/x\n");
    BOOST_TEST(
        answer_text(options, R"({"ok":true,"router":"a","connection":"x","state":"up"})").out ==
        "a/x: up\n");
    options.request.command = ControlCommand::reload;
    const auto reloaded = answer_text(
        options,
        R"({"ok":true,"mistakes":["f:1:2: bad"],"routers":[{"router":"a","action":)"
        R"("reconfigured","added":["x","y"],"removed":[],"changed":["c"],"kept":["z"],"consequences":{"c":"in place"}}],"unchanged":2})");
    BOOST_TEST(reloaded.exit_status == 1);
    BOOST_TEST(reloaded.out ==
               "a                reconfigured; added: x, y; changed: c (in place); kept: z\n"
               "2 routers unchanged\n");
    BOOST_TEST(reloaded.error == "f:1:2: bad\n");
    BOOST_TEST(answer_text(options, "nonsense").exit_status == 3);
    BOOST_TEST(answer_text(options, "{}").exit_status == 3);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::daemon
