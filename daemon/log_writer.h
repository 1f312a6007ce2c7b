// The daemon's log: one line per event, with fields, to the terminal or to syslog.
#pragma once

#include "daemon/log_levels.h"

#include <chrono>
#include <memory>
#include <string_view>

namespace spdlog {
class logger;
namespace details {
class thread_pool;
}
} // namespace spdlog

namespace viaduct::daemon {

/// Lines on standard error, with time and level.
std::shared_ptr<spdlog::logger> terminal_log();
/// Syslog, facility daemon (under systemd: the journal).
std::shared_ptr<spdlog::logger> system_log();

/// Written behind the text as `router=… connection=… spi=…`; empty ones are left out.
struct LogFields {
    std::string_view router;
    std::string_view connection;
    std::string_view spi;
};

/// Escapes and bounds everything it writes, so that a text from the network makes no line of its
/// own and no terminal sequence.
class LogWriter {
public:
    LogWriter(LogLevels levels, std::shared_ptr<spdlog::logger> destination);

    /// From now on a thread writes, so that a reader who stops reading stops nobody else; when it
    /// falls behind, the oldest lines are lost.
    void write_in_background();
    /// Writes what is left, but no longer than this. Nothing may be written afterwards.
    void finish(std::chrono::milliseconds patience);

    const LogLevels& levels() const { return levels_; }
    bool shows(LogArea area, LogLevel level) const { return levels_.shows(area, level); }

    void write(LogArea area, LogLevel level, std::string_view text, const LogFields& fields = {});
    /// The lines of `text`, indented, each as a line of the log.
    void write_lines(LogArea area, LogLevel level, std::string_view text,
                     const LogFields& fields = {});
    /// A datagram's octets, which may be longer than other texts.
    void write_octets(LogArea area, LogLevel level, std::string_view text,
                      const LogFields& fields = {});

    /// Keys, which `--debug keys` asks for by name: only then, and whatever the area's level is.
    void write_keys(LogArea area, std::string_view text, const LogFields& fields = {});

private:
    void put(LogArea area, LogLevel level, std::string_view text, std::size_t limit,
             const LogFields& fields);
    void put_line(LogArea area, LogLevel level, std::string_view text, std::size_t limit,
                  const LogFields& fields);

    LogLevels levels_;
    std::shared_ptr<spdlog::logger> destination_;
    /// Empty: lines are written at once.
    std::shared_ptr<spdlog::details::thread_pool> background_;
};

} // namespace viaduct::daemon
