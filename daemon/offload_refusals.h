// Which connections have been told that hardware does not work for them.
#pragma once

#include "policy/connection.h"

#include <cstdint>
#include <set>
#include <string>
#include <utility>

namespace viaduct::daemon {

class OffloadRefusals {
public:
    /// Whether it has not been told before that this interface's hardware refuses the connection.
    /// From now on it has.
    bool is_news(const std::string& connection, std::uint32_t interface_index) {
        return told_.emplace(connection, interface_index).second;
    }
    /// Forgets connections that are no longer configured.
    void keep_only(const policy::ConnectionSet& connections) {
        std::erase_if(told_,
                      [&](const auto& each) { return connections.find(each.first) == nullptr; });
    }

private:
    std::set<std::pair<std::string, std::uint32_t>> told_;
};

} // namespace viaduct::daemon
