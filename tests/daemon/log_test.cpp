#include "daemon/log_writer.h"
#include "daemon/one_line.h"
#include "daemon/report_line.h"

#include <boost/test/unit_test.hpp>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

namespace viaduct::daemon {

BOOST_AUTO_TEST_SUITE(log)

struct Fixture {
    std::ostringstream written;

    LogWriter writer(std::string_view levels) {
        auto logger = std::make_shared<spdlog::logger>(
            "test", std::make_shared<spdlog::sinks::ostream_sink_st>(written));
        logger->set_pattern("%l %v");
        return {*LogLevels::parse(levels), std::move(logger)};
    }
};

BOOST_FIXTURE_TEST_CASE(a_line_has_area_text_and_fields, Fixture) {
    auto log = writer("all=info");
    log.write(LogArea::ike, LogLevel::info, "IKE SA established",
              {.router = "router1", .connection = "vpn 2", .spi = "c0ffee01"});
    BOOST_TEST(written.str() == "info ike: IKE SA established router=router1 "
                                "connection=\"vpn 2\" spi=c0ffee01\n");
}

BOOST_FIXTURE_TEST_CASE(an_area_below_its_level_is_silent, Fixture) {
    auto log = writer("all=error,ike=debug");
    log.write(LogArea::daemon, LogLevel::info, "no");
    log.write(LogArea::ike, LogLevel::debug, "yes");
    log.write(LogArea::ike, LogLevel::trace, "no");
    BOOST_TEST(written.str() == "debug ike: yes\n");
}

// covers class-log
BOOST_FIXTURE_TEST_CASE(text_from_the_network_makes_no_line_of_its_own, Fixture) {
    auto log = writer("all=info");
    log.write(LogArea::ike, LogLevel::warn, "peer a\nerror ike: forged \x1b[31m",
              {.connection = "x\ny"});
    BOOST_TEST(written.str() ==
               "warning ike: peer a\\nerror ike: forged \\x1b[31m connection=x\\ny\n");
}

BOOST_FIXTURE_TEST_CASE(keys_are_written_where_they_are_asked_for_and_nowhere_else, Fixture) {
    auto silent = writer("all=trace");
    silent.write_keys(LogArea::xfrm, "KEYS 0123");
    BOOST_TEST(written.str() == "");
    auto asked = writer("all=error,keys");
    asked.write_keys(LogArea::xfrm, "KEYS 0123");
    BOOST_TEST(written.str() == "debug xfrm: KEYS 0123\n");
}

BOOST_FIXTURE_TEST_CASE(long_text_is_cut, Fixture) {
    BOOST_TEST(one_line(std::string(2000, 'x')).size() == 1003U);
    auto log = writer("all=info");
    log.write(LogArea::ike, LogLevel::warn, std::string(100000, 'x'));
    BOOST_TEST(written.str().size() < 2100U);
}

BOOST_FIXTURE_TEST_CASE(decoded_payloads_are_lines_below_their_message, Fixture) {
    auto log = writer("ike=debug");
    log.write_lines(LogArea::ike, LogLevel::debug, "SA\n  proposal 1\n\nKE\n");
    BOOST_TEST(written.str() ==
               "debug ike:     SA\ndebug ike:       proposal 1\ndebug ike:     KE\n");
}

BOOST_FIXTURE_TEST_CASE(a_failed_negotiation_says_with_whom_why_and_when_again, Fixture) {
    const ike::TimePoint now{std::chrono::seconds(1000)};
    const ike::NegotiationFailed failed{.connection = "vpn2",
                                        .role = ike::Role::initiator,
                                        .path = {{policy::IpAddress::v4(10, 0, 0, 1), 500},
                                                 {policy::IpAddress::v4(10, 0, 0, 2), 500}},
                                        .why = ike::cause::NameUnresolved{"gw.example.org"},
                                        .retry = now + std::chrono::seconds(30)};
    const auto line = report_line(failed, now);
    BOOST_TEST((line.level == LogLevel::warn));
    BOOST_TEST(line.connection == "vpn2");
    BOOST_TEST(line.text.starts_with("negotiation as initiator with 10.0.0.2[500] failed: "));
    BOOST_TEST(line.text.ends_with("; next attempt in 30 s"));
    BOOST_TEST(!may_come_from_anybody(failed));
    BOOST_TEST(may_come_from_anybody(
        ike::NegotiationFailed{.role = ike::Role::responder, .why = ike::cause::NoConnection{}}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::daemon
