#include "daemon/log_writer.h"

#include "daemon/one_line.h"

#include <future>
#include <ranges>
#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <string>
#include <thread>

namespace viaduct::daemon {

namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::trace: break;
    }
    return spdlog::level::trace;
}

void append_field(std::string& line, std::string_view name, std::string_view value) {
    if (value.empty()) {
        return;
    }
    const bool quoted = value.find(' ') != std::string_view::npos;
    line.append(" ").append(name).append("=");
    line.append(quoted ? "\"" : "").append(one_line(value, 200)).append(quoted ? "\"" : "");
}

} // namespace

std::shared_ptr<spdlog::logger> terminal_log() {
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_st>();
    auto logger = std::make_shared<spdlog::logger>("viaductd", std::move(sink));
    logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v", spdlog::pattern_time_type::utc));
    return logger;
}

std::shared_ptr<spdlog::logger> system_log() {
    auto sink =
        std::make_shared<spdlog::sinks::syslog_sink_st>("viaductd", LOG_PID, LOG_DAEMON, false);
    return std::make_shared<spdlog::logger>("viaductd", std::move(sink));
}

LogWriter::LogWriter(LogLevels levels, std::shared_ptr<spdlog::logger> destination)
    : levels_(levels), destination_(std::move(destination)) {
    // The areas decide what is shown.
    destination_->set_level(spdlog::level::trace);
    destination_->flush_on(spdlog::level::trace);
}

void LogWriter::write_in_background() {
    constexpr std::size_t most_lines = 4096;
    background_ = std::make_shared<spdlog::details::thread_pool>(most_lines, 1);
    const auto& sinks = destination_->sinks();
    destination_ = std::make_shared<spdlog::async_logger>(
        destination_->name(), sinks.begin(), sinks.end(), background_,
        spdlog::async_overflow_policy::overrun_oldest);
    destination_->set_level(spdlog::level::trace);
    destination_->flush_on(spdlog::level::trace);
}

void LogWriter::finish(std::chrono::milliseconds patience) {
    // The pool's destructor waits for its thread, which may wait for the reader.
    auto done = std::make_shared<std::promise<void>>();
    const auto written = done->get_future();
    std::thread([pool = std::move(background_), done]() mutable {
        pool.reset();
        done->set_value();
    }).detach();
    written.wait_for(patience);
}

void LogWriter::write(LogArea area, LogLevel level, std::string_view text,
                      const LogFields& fields) {
    put(area, level, text, 2000, fields);
}

void LogWriter::write_lines(LogArea area, LogLevel level, std::string_view text,
                            const LogFields& fields) {
    constexpr std::size_t most_lines = 400;
    for (const auto line : std::views::split(text, '\n') | std::views::take(most_lines)) {
        if (!line.empty()) {
            put(area, level, "    " + std::string(std::string_view(line)), 2000, fields);
        }
    }
}

void LogWriter::write_octets(LogArea area, LogLevel level, std::string_view text,
                             const LogFields& fields) {
    put(area, level, text, 140000, fields);
}

void LogWriter::write_keys(LogArea area, std::string_view text, const LogFields& fields) {
    if (levels_.keys) {
        put_line(area, LogLevel::debug, text, 2000, fields);
    }
}

void LogWriter::put(LogArea area, LogLevel level, std::string_view text, std::size_t limit,
                    const LogFields& fields) {
    if (shows(area, level)) {
        put_line(area, level, text, limit, fields);
    }
}

void LogWriter::put_line(LogArea area, LogLevel level, std::string_view text, std::size_t limit,
                         const LogFields& fields) {
    std::string line(to_string(area));
    line.append(": ").append(one_line(text, limit));
    append_field(line, "router", fields.router);
    append_field(line, "connection", fields.connection);
    append_field(line, "spi", fields.spi);
    destination_->log(spdlog_level(level), spdlog::string_view_t(line));
}

} // namespace viaduct::daemon
