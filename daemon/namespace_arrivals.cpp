#include "daemon/namespace_arrivals.h"

#include <algorithm>
#include <ranges>
#include <utility>
#include <vector>

namespace viaduct::daemon {

namespace {

constexpr auto first_wait = std::chrono::milliseconds(1);
constexpr auto longest_wait = std::chrono::milliseconds(512);

} // namespace

NamespaceArrivals::NamespaceArrivals(boost::asio::io_context& loop, LogWriter& log, OnName on_name,
                                     OnEverything on_everything)
    : log_(log),
      on_name_(std::move(on_name)),
      on_everything_(std::move(on_everything)),
      readiness_(loop),
      timer_(loop) {}

NamespaceArrivals::~NamespaceArrivals() {
    end();
}

void NamespaceArrivals::begin() {
    auto opened = netns::NamespaceWatch::open();
    if (!opened) {
        log_.write(LogArea::netns, LogLevel::warn,
                   "namespaces that come and go are noticed late: " + opened.error().to_string());
        return;
    }
    watch_ = std::move(*opened);
    readiness_.assign(watch_->descriptor());
    wait();
    // What came before the watch did.
    on_everything_();
}

void NamespaceArrivals::end() {
    if (watch_) {
        // The watch closes its descriptor itself.
        readiness_.release();
        watch_.reset();
    }
    unsettled_.clear();
    timer_.cancel();
}

void NamespaceArrivals::wait() {
    readiness_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [this](const auto& error) {
                              if (!error && watch_) {
                                  take_turn();
                              }
                          });
}

void NamespaceArrivals::take_turn() {
    const auto changes = watch_->read();
    for (const auto& name : changes.names) {
        look(name);
    }
    if (changes.everything) {
        on_everything_();
    }
    wait();
}

void NamespaceArrivals::look(const std::string& name) {
    unsettled_.erase(name);
    if (!on_name_(name)) {
        unsettled_[name] = {Clock::now() + first_wait, first_wait};
        arm();
    }
}

void NamespaceArrivals::look_again() {
    const auto now = Clock::now();
    std::vector<std::string> due;
    for (const auto& [name, state] : unsettled_) {
        if (state.next <= now) {
            due.push_back(name);
        }
    }
    for (const auto& name : due) {
        auto& state = unsettled_[name];
        state.wait *= 2;
        state.next = now + state.wait;
        if (on_name_(name) || state.wait > longest_wait) {
            unsettled_.erase(name);
        }
    }
    if (!unsettled_.empty()) {
        arm();
    }
}

void NamespaceArrivals::arm() {
    timer_.expires_at(std::ranges::min(unsettled_ | std::views::values |
                                       std::views::transform(&Unsettled::next)));
    timer_.async_wait([this](const auto& error) {
        if (!error && watch_) {
            look_again();
        }
    });
}

} // namespace viaduct::daemon
