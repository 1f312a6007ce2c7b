#include "xfrm/list_message.h"

#include <linux/netlink.h>
#include <linux/xfrm.h>

namespace viaduct::xfrm {

netns::NetlinkMessage list_states() {
    return {"GETSA", XFRM_MSG_GETSA, NLM_F_REQUEST | NLM_F_DUMP};
}

netns::NetlinkMessage list_policies() {
    return {"GETPOLICY", XFRM_MSG_GETPOLICY, NLM_F_REQUEST | NLM_F_DUMP};
}

} // namespace viaduct::xfrm
