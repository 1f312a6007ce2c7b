#include "daemon/path_mtus.h"

#include "policy/tunnel_mtu.h"

#include <algorithm>

namespace viaduct::daemon {

netns::PathMtu PathMtus::use(const netns::PathEnds& path, TimePoint now) {
    auto answer = read_({&path, 1}).front();
    auto& known = known_.try_emplace(path, Known{.mtu = policy::usual_path_mtu}).first->second;
    ++known.tunnels;
    known.read_at = now;
    if (answer && *answer != 0) {
        known.mtu = *answer;
    }
    return answer;
}

void PathMtus::leave(const netns::PathEnds& path) {
    const auto found = known_.find(path);
    if (found != known_.end() && --found->second.tunnels == 0) {
        known_.erase(found);
    }
}

std::uint32_t PathMtus::of(const netns::PathEnds& path) const {
    const auto found = known_.find(path);
    return found == known_.end() ? policy::usual_path_mtu : found->second.mtu;
}

bool PathMtus::is_due(const Known& known, TimePoint now) const {
    const bool doubtful = doubted_ && known.read_at <= *doubted_;
    return known.read_at + (doubtful ? doubtful_interval : interval) <= now;
}

std::vector<PathMtus::Change> PathMtus::review(TimePoint now) {
    const auto most = std::max(most_at_once, known_.size() / 10 + 1);
    std::vector<netns::PathEnds> due;
    auto next = last_ ? known_.upper_bound(*last_) : known_.begin();
    for (auto left = known_.size(); left > 0 && due.size() < most; --left, ++next) {
        next = next == known_.end() ? known_.begin() : next;
        if (is_due(next->second, now)) {
            due.push_back(next->first);
        }
    }
    if (due.empty()) {
        return {};
    }
    last_ = due.back();
    const auto answers = read_(due);
    std::vector<Change> changes;
    for (std::size_t i = 0; i < due.size(); ++i) {
        auto& known = known_.at(due[i]);
        known.read_at = now;
        if (answers[i] && *answers[i] != 0 && *answers[i] != known.mtu) {
            changes.push_back({due[i], known.mtu, *answers[i]});
            known.mtu = *answers[i];
        }
    }
    return changes;
}

} // namespace viaduct::daemon
