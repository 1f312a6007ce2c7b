#include "netns/namespace_message.h"

#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace viaduct::netns {
namespace {

NetlinkMessage about(int descriptor, const char* description, std::uint16_t type) {
    NetlinkMessage message(description, type, NLM_F_REQUEST | NLM_F_ACK);
    message.put_fixed(rtgenmsg{AF_UNSPEC});
    message.put_attribute_of(NETNSA_FD, static_cast<std::uint32_t>(descriptor));
    return message;
}

} // namespace

NetlinkMessage ask_for_number(int descriptor) {
    return about(descriptor, "GETNSID", RTM_GETNSID);
}

NetlinkMessage give_number(int descriptor, std::int32_t number) {
    auto message = about(descriptor, "NEWNSID", RTM_NEWNSID);
    message.put_attribute_of(NETNSA_NSID, number);
    return message;
}

} // namespace viaduct::netns
