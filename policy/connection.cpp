#include "policy/connection.h"

#include <algorithm>

namespace viaduct::policy {

const Connection* ConnectionSet::find(std::string_view name) const {
    const auto found = std::ranges::find(connections, name, &Connection::name);
    return found == connections.end() ? nullptr : &*found;
}

} // namespace viaduct::policy
