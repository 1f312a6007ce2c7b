// Reading the configuration into the routers: at start, on SIGHUP and when an operator asks.
#pragma once

#include "daemon/log_writer.h"
#include "daemon/routers.h"

#include <filesystem>
#include <string>

namespace viaduct::daemon {

class Reload {
public:
    /// `only`: the one connection that is served, of which it warns when it is missing; empty:
    /// all.
    Reload(std::filesystem::path config, std::string only, Routers& routers, LogWriter& log)
        : files_(std::move(config)), only_(std::move(only)), routers_(routers), log_(log) {}

    /// Mistakes and changes are logged too.
    ReloadPlan run();
    /// Of the router of this name alone, in the time that one takes. No step and no mistake: there
    /// is no such router, and no file for it.
    ReloadPlan run_one(const std::string& router);
    /// Where the files are.
    const std::filesystem::path& where() const { return files_.where(); }

private:
    void tell(const ReloadPlan& plan);

    ConfigurationFiles files_;
    std::string only_;
    Routers& routers_;
    LogWriter& log_;
};

/// `added`, `reconfigured`, `unchanged`: what happened to a router, for people.
std::string_view to_string(RouterAction action);
/// `2 routers, 3 connections`, of what runs or waits after the reload.
std::string count_text(const ReloadPlan& plan);

} // namespace viaduct::daemon
