// Compares a router's kernel with what was put there, and mends what differs.
#pragma once

#include "daemon/mend_failures.h"
#include "daemon/rate_limit.h"
#include "daemon/router_kernel.h"
#include "daemon/router_surroundings.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace viaduct::daemon {

/// One difference in an operator's words.
struct DriftReport {
    /// `state missing`, `policy changed`, …
    std::string kind;
    /// Which state or policy.
    std::string name;
    /// What mends it, or why that failed.
    std::string remedy;
};

class DriftWatch {
public:
    /// Told of a child SA that has lost a state: it needs new ones.
    using OnChildLost = std::function<void(policy::ChildSpi inbound)>;
    enum class Use : std::uint8_t {
        look,
        mend,
    };
    /// What was found, or why nothing could be found out.
    using OnDone = std::function<void(std::expected<std::vector<DriftReport>, std::string>)>;

    /// `kernel` and `surroundings` outlive it.
    DriftWatch(std::string router, RouterKernel& kernel, const RouterSurroundings& surroundings,
               OnChildLost on_child_lost);
    ~DriftWatch();

    /// Compares and mends from now on, every `interval`.
    void begin();
    /// Compares now, in pieces between which everything else goes on. One that is asked for while
    /// another is under way begins when that is done.
    void compare(Use use, OnDone done);

    /// Differences found since the router runs, other than those that compare() only looked at.
    std::uint64_t found() const { return found_; }

    static constexpr std::chrono::seconds interval{5};

private:
    struct Request {
        Use use;
        OnDone done;
    };

    void arm();
    void next();
    void advance();
    void finish(std::expected<std::vector<DriftReport>, std::string> result);
    DriftReport act_on(const KernelDrift& drift);

    std::string router_;
    RouterKernel& kernel_;
    const RouterSurroundings& surroundings_;
    OnChildLost on_child_lost_;
    boost::asio::steady_timer timer_;
    /// The first is under way.
    std::vector<Request> requests_;
    /// What it has found so far.
    std::vector<DriftReport> reports_;
    std::uint64_t found_ = 0;
    RateLimit failure_limit_{0.02, 1.0};
    MendFailures mend_failures_;
    // A completion that was queued before the destructor ran finds this gone.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace viaduct::daemon
