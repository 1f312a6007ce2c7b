// The router files on disk, as values and mistakes.
#pragma once

#include "policy/connection_file.h"

#include <filesystem>
#include <string>
#include <vector>

namespace viaduct::daemon {

struct ConfiguredRouter {
    /// The path it was read from.
    std::string file;
    policy::Router router;
};

struct Configuration {
    /// In the order of the files' names. Names and namespaces are unique.
    std::vector<ConfiguredRouter> routers;
    std::vector<policy::FileMistake> mistakes;
    /// The files that have mistakes; they contribute no router.
    std::vector<std::string> broken_files;
    /// The place itself could not be read or listed: a router that is not here may be there.
    bool listing_incomplete = false;

    std::size_t connection_count() const;
};

/// Reads one file, or every `*.toml` in a folder. Never fails: what cannot be read is a mistake.
/// Secrets are refused from files that a group or others may read; `psk_file` is taken relative to
/// the folder of the file that names it.
Configuration read_configuration(const std::filesystem::path& where);

} // namespace viaduct::daemon
