// What every router gets from the daemon. All of it outlives the routers.
#pragma once

#include "daemon/log_writer.h"
#include "daemon/router_kernel.h"
#include "ike/endpoint.h"

#include <boost/asio/io_context.hpp>
#include <botan/rng.h>

#include <functional>
#include <string>

namespace viaduct::daemon {

class NameResolver;
class NamespaceEvents;

/// Told of everything a router's endpoint reports.
using ReportObserver =
    std::function<void(const std::string& router, const ike::ReportEvent& event)>;

struct RouterSurroundings {
    boost::asio::io_context& loop;
    KernelSource& kernel;
    NameResolver& resolver;
    NamespaceEvents& events;
    Botan::RandomNumberGenerator& rng;
    LogWriter& log;
    ike::EndpointSettings settings;
    ReportObserver observer;
};

} // namespace viaduct::daemon
