#include "ike/v2/ike_sa_state.h"

namespace viaduct::ike::v2 {

MessageKeys message_keys(const policy::IkeSuite& suite, const crypto::IkeKeys& keys, Role role) {
    auto of_initiator = crypto::initiator_direction(keys);
    auto of_responder = crypto::responder_direction(keys);
    if (role == Role::initiator)
        return {suite, std::move(of_initiator), std::move(of_responder)};
    return {suite, std::move(of_responder), std::move(of_initiator)};
}

} // namespace viaduct::ike::v2
