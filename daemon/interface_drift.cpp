#include "daemon/interface_drift.h"

#include <algorithm>
#include <set>
#include <utility>

namespace viaduct::daemon {

std::vector<DriftReport> interface_drift(const netns::InterfaceReview& review) {
    std::vector<DriftReport> drift;
    std::set<std::string> told;
    for (const auto& part : review.missing) {
        DriftReport report{part.whole ? "interface missing" : "interface changed", part.interface,
                           part.request};
        const auto failed =
            std::ranges::find(review.failures, part.request, &netns::SystemError::what);
        if (failed != review.failures.end()) {
            report.remedy = "failed: " + failed->to_string();
            told.insert(part.request);
        }
        drift.push_back(std::move(report));
    }
    for (const auto& failure : review.failures) {
        if (told.insert(failure.what).second) {
            drift.push_back({"interface unknown", failure.what, "failed: " + failure.to_string()});
        }
    }
    return drift;
}

} // namespace viaduct::daemon
