// netns' views of netlink attributes, by their short names.
#pragma once

#include "netns/attribute_view.h"

namespace viaduct::xfrm {

using netns::AttributeViews;
using netns::read_attributes;
using netns::read_fixed;

} // namespace viaduct::xfrm
