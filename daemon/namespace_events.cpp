#include "daemon/namespace_events.h"

#include "daemon/rate_limit.h"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <cerrno>
#include <limits>
#include <utility>

namespace viaduct::daemon {

namespace {

constexpr int datagrams_per_turn = 64;
constexpr auto lowest_number = std::numeric_limits<netns::NamespaceNumber>::min();
constexpr auto highest_number = std::numeric_limits<netns::NamespaceNumber>::max();

} // namespace

struct NamespaceEvents::Source {
    Source(boost::asio::io_context& loop, int number, netns::EventSocket opened)
        : protocol(number), socket(std::move(opened)), readiness(loop, socket.descriptor()) {}
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    // The socket closes its descriptor itself.
    ~Source() { readiness.release(); }

    int protocol;
    netns::EventSocket socket;
    boost::asio::posix::stream_descriptor readiness;
    RateLimit trouble_limit{0.2, 3.0};
    // A completion that was queued before the destructor ran finds this gone.
    std::shared_ptr<const bool> alive = std::make_shared<const bool>(true);
};

NamespaceEvents::NamespaceEvents(boost::asio::io_context& loop, LogWriter& log)
    : loop_(loop), log_(log) {}

NamespaceEvents::~NamespaceEvents() = default;

std::expected<void, netns::SystemError> NamespaceEvents::listen(int protocol,
                                                                std::vector<unsigned> groups) {
    if (!numbers_) {
        auto numbers = netns::NamespaceNumbers::open();
        if (!numbers) {
            return std::unexpected(numbers.error());
        }
        numbers_ = std::move(*numbers);
    }
    auto socket = netns::EventSocket::open(protocol, groups);
    if (!socket) {
        return std::unexpected(socket.error());
    }
    auto& source = sources_[protocol];
    source = std::make_unique<Source>(loop_, protocol, std::move(*socket));
    wait(*source);
    return {};
}

std::expected<NamespaceEvents::Subscription, netns::SystemError>
NamespaceEvents::subscribe(const netns::NetworkNamespace& place, int protocol, Listener listener) {
    const auto source = sources_.find(protocol);
    const std::string what = "notifications of protocol " + std::to_string(protocol);
    if (source == sources_.end()) {
        return std::unexpected(netns::SystemError{EPROTONOSUPPORT, what, {}});
    }
    const auto number = numbers_->number_of(place);
    if (!number) {
        return std::unexpected(number.error());
    }
    if (*number != netns::own_namespace && !source->second->socket.hears_all()) {
        return std::unexpected(netns::SystemError{EPERM, what, {}});
    }
    const auto entry = listeners_.emplace(Key{protocol, *number}, Subscription());
    Subscription subscription(new Listener(std::move(listener)),
                              [this, entry](const Listener* ended) {
                                  listeners_.erase(entry);
                                  delete ended;
                              });
    entry->second = subscription;
    return subscription;
}

void NamespaceEvents::wait(Source& source) {
    source.readiness.async_wait(
        boost::asio::posix::stream_descriptor::wait_read,
        [this, &source, alive = std::weak_ptr(source.alive)](const auto& error) {
            if (!error && !alive.expired()) {
                take_turn(source);
            }
        });
}

void NamespaceEvents::take_turn(Source& source) {
    const auto outcome =
        source.socket.receive(datagrams_per_turn, [&](netns::NamespaceNumber place, auto message) {
            deliver(listeners_.equal_range({source.protocol, place}),
                    [&](const Listener& listener) { listener.on_message(message); });
        });
    if (!outcome || *outcome == netns::EventSocket::Outcome::lost) {
        if (source.trouble_limit.admit(std::chrono::steady_clock::now())) {
            log_.write(LogArea::netns, LogLevel::warn,
                       outcome ? "kernel notifications were lost; the tables are read again"
                               : outcome.error().to_string());
        }
        deliver({listeners_.lower_bound({source.protocol, lowest_number}),
                 listeners_.upper_bound({source.protocol, highest_number})},
                [](const Listener& listener) { listener.on_lost(); });
    }
    wait(source);
}

void NamespaceEvents::deliver(Range range, const std::function<void(const Listener&)>& tell) {
    // A listener may end its own subscription, and others'.
    std::vector<std::weak_ptr<const Listener>> told;
    for (auto entry = range.first; entry != range.second; ++entry) {
        told.push_back(entry->second);
    }
    for (const auto& weak : told) {
        if (const auto listener = weak.lock()) {
            tell(*listener);
        }
    }
}

} // namespace viaduct::daemon
