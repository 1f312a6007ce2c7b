// Which connections have been told that hardware does not work for them.
#pragma once

#include "policy/connection.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace viaduct::daemon {

class OffloadRefusals {
public:
    /// Whether it has not been told before that this interface's hardware refuses the connection.
    /// From now on it has.
    bool is_news(const std::string& connection, std::uint32_t interface_index) {
        return told_.emplace(connection, interface_index).second;
    }
    /// Forgets connections that are no longer configured, or ask for something else now.
    void keep_only(const policy::ConnectionSet& connections) {
        std::map<std::string, Asked> asked;
        for (const auto& each : connections.connections) {
            if (each.esp.offload != policy::HardwareOffload::none) {
                asked.emplace(each.name, Asked{each.esp.offload, each.esp.proposals});
            }
        }
        std::erase_if(told_, [&](const auto& each) {
            const auto before = asked_.find(each.first);
            const auto now = asked.find(each.first);
            return now == asked.end() || (before != asked_.end() && before->second != now->second);
        });
        asked_ = std::move(asked);
    }

private:
    struct Asked {
        policy::HardwareOffload kind;
        std::vector<policy::Proposal> proposals;
        friend bool operator==(const Asked&, const Asked&) = default;
    };

    std::set<std::pair<std::string, std::uint32_t>> told_;
    std::map<std::string, Asked> asked_;
};

} // namespace viaduct::daemon
