#include "daemon/drift_watch.h"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <utility>

namespace viaduct::daemon {

DriftWatch::DriftWatch(std::string router, RouterKernel& kernel,
                       const RouterSurroundings& surroundings, OnChildLost on_child_lost)
    : router_(std::move(router)),
      kernel_(kernel),
      surroundings_(surroundings),
      on_child_lost_(std::move(on_child_lost)),
      timer_(surroundings.loop) {}

DriftWatch::~DriftWatch() {
    for (const auto& request : std::exchange(requests_, {})) {
        request.done(std::unexpected("router " + router_ + " stopped running"));
    }
}

void DriftWatch::begin() {
    arm();
}

void DriftWatch::arm() {
    timer_.expires_after(interval);
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& error) {
        if (error || alive.expired()) {
            return;
        }
        compare(Use::mend, [this, alive](const auto& result) {
            if (alive.expired()) {
                return;
            }
            if (!result && failure_limit_.admit(std::chrono::steady_clock::now())) {
                surroundings_.log.write(LogArea::xfrm, LogLevel::warn,
                                        "cannot compare the kernel with what was installed: " +
                                            result.error(),
                                        {.router = router_});
            }
            arm();
        });
    });
}

void DriftWatch::compare(Use use, OnDone done) {
    requests_.push_back({use, std::move(done)});
    if (requests_.size() == 1) {
        next();
    }
}

void DriftWatch::next() {
    if (auto begun = kernel_.begin_comparison(); !begun) {
        finish(std::unexpected(std::move(begun.error())));
        return;
    }
    advance();
}

void DriftWatch::advance() {
    auto piece = kernel_.continue_comparison();
    if (!piece) {
        reports_.clear();
        finish(std::unexpected(std::move(piece.error())));
        return;
    }
    for (const auto& drift : piece->drifts) {
        reports_.push_back(act_on(drift));
    }
    if (piece->complete) {
        finish(std::exchange(reports_, {}));
    } else {
        // Other routers have their turn between the pieces.
        boost::asio::post(surroundings_.loop, [this, alive = std::weak_ptr(alive_)] {
            if (!alive.expired()) {
                advance();
            }
        });
    }
}

void DriftWatch::finish(std::expected<std::vector<DriftReport>, std::string> result) {
    const auto request = std::move(requests_.front());
    requests_.erase(requests_.begin());
    if (request.use == Use::mend) {
        mend_failures_.end_pass(result.has_value());
    }
    request.done(std::move(result));
    if (!requests_.empty()) {
        next();
    }
}

DriftReport DriftWatch::act_on(const KernelDrift& drift) {
    const auto& difference = drift.difference;
    DriftReport report{std::string(to_string(difference.kind)), difference.name, {}};
    if (difference.remedy) {
        report.remedy = difference.remedy->description();
    } else {
        report.remedy = drift.child ? "rekey the child SA" : "none: the child SA is being closed";
    }
    if (requests_.front().use == Use::look) {
        return report;
    }
    if (const auto mended = kernel_.mend(drift); !mended) {
        report.remedy = "failed: " + mended.error();
        // It is tried every time, and said once.
        if (!mend_failures_.is_news(report.kind + ": " + report.name, mended.error())) {
            return report;
        }
    } else if (drift.child) {
        on_child_lost_(*drift.child);
    }
    ++found_;
    surroundings_.log.write(LogArea::xfrm, LogLevel::warn,
                            fmt::format("the kernel differs from what was put there: {}: {}; {}",
                                        report.kind, report.name, report.remedy),
                            {.router = router_});
    return report;
}

} // namespace viaduct::daemon
