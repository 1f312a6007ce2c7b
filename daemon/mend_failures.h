// Which differences between a router's kernel and what belongs there could not be mended.
#pragma once

#include <set>
#include <string>
#include <utility>

namespace viaduct::daemon {

/// Those of one comparison after the other.
class MendFailures {
public:
    /// Whether the comparison before this one did not meet the same difference with the same error.
    bool is_news(const std::string& difference, const std::string& error) {
        return !before_.contains(*now_.emplace(difference, error).first);
    }
    /// The comparison is over. One that was not complete says nothing of what it did not come to.
    void end_pass(bool complete) {
        if (complete) {
            before_.clear();
        }
        before_.merge(std::exchange(now_, {}));
    }

private:
    std::set<std::pair<std::string, std::string>> before_;
    std::set<std::pair<std::string, std::string>> now_;
};

} // namespace viaduct::daemon
