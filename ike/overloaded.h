// One handler for each alternative of a variant.
#pragma once

namespace viaduct::ike {

template <typename... Handlers> struct Overloaded : Handlers... {
    using Handlers::operator()...;
};

} // namespace viaduct::ike
