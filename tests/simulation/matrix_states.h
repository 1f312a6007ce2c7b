// The states of an IKE SA that the matrix begins in, and the events that it delivers there.
#pragma once

#include "tests/simulation/matrix_cell.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace viaduct::simulation {

struct MatrixState {
    std::string name;
    /// One sentence for the reader.
    std::string about;
    /// A fresh endpoint, driven there.
    std::function<std::unique_ptr<Cell>()> make;
};
/// In protocol order.
const std::vector<MatrixState>& matrix_states();

struct MatrixEvent {
    std::string name;
    /// False: this cannot happen in the state of the cell.
    std::function<bool(Cell&)> deliver;
};
/// What the peer asks, what it answers, time, the kernel, the operator.
const std::vector<MatrixEvent>& matrix_events();

} // namespace viaduct::simulation
