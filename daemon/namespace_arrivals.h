// Tells at once when the name of a namespace comes, goes or changes hands.
#pragma once

#include "daemon/log_writer.h"
#include "netns/namespace_watch.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace viaduct::daemon {

/// Costs nothing while nothing changes, however many names there are.
class NamespaceArrivals {
public:
    /// A name below /run/netns changed. Answers whether that is dealt with: a name is there a
    /// moment before its namespace, and is asked for again, ever more slowly, for about a second.
    using OnName = std::function<bool(const std::string&)>;
    using OnEverything = std::function<void()>;

    /// Without inotify it says so in the log and tells nothing.
    NamespaceArrivals(boost::asio::io_context& loop, LogWriter& log, OnName on_name,
                      OnEverything on_everything);
    NamespaceArrivals(const NamespaceArrivals&) = delete;
    NamespaceArrivals& operator=(const NamespaceArrivals&) = delete;
    ~NamespaceArrivals();

    void begin();
    void end();

private:
    using Clock = std::chrono::steady_clock;
    /// A name that is to be looked at again.
    struct Unsettled {
        Clock::time_point next;
        Clock::duration wait;
    };

    void wait();
    void take_turn();
    void look(const std::string& name);
    void look_again();
    void arm();

    LogWriter& log_;
    OnName on_name_;
    OnEverything on_everything_;
    std::optional<netns::NamespaceWatch> watch_;
    boost::asio::posix::stream_descriptor readiness_;
    std::map<std::string, Unsettled> unsettled_;
    boost::asio::steady_timer timer_;
};

} // namespace viaduct::daemon
