// Lets Boost.Test print the values of this folder.
#pragma once

#include "policy/connection_file.h"
#include "policy/proposal_choice.h"

#include <optional>
#include <ostream>

namespace viaduct::policy {

template <typename Value>
    requires requires(const Value& value) {
        { value.to_string() } -> std::convertible_to<std::string>;
    }
std::ostream& operator<<(std::ostream& out, const Value& value) {
    return out << value.to_string();
}

} // namespace viaduct::policy
