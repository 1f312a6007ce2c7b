// The router files on disk, as values and mistakes.
#pragma once

#include "daemon/file_text.h"
#include "policy/connection_file.h"

#include <chrono>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace viaduct::daemon {

struct ConfiguredRouter {
    /// The path it was read from.
    std::string file;
    /// Never null. A file that is as it was gives the same object again.
    std::shared_ptr<const policy::Router> router;
};

struct Configuration {
    /// In the order of the files' names. Names and namespaces are unique.
    std::vector<ConfiguredRouter> routers;
    std::vector<policy::FileMistake> mistakes;
    /// The files that have mistakes; they contribute no router.
    std::vector<std::string> broken_files;
    /// The place itself could not be read or listed: a router that is not here may be there.
    bool listing_incomplete = false;
    /// How many files had to be read; the others had not changed.
    std::size_t files_read = 0;

    std::size_t connection_count() const;
};

/// The configuration of one file, or of every `*.toml` in a folder.
class ConfigurationFiles {
public:
    /// What changed less than `settled` before it was read is read again in any case.
    explicit ConfigurationFiles(std::filesystem::path where,
                                std::chrono::seconds settled = std::chrono::seconds(2))
        : where_(std::move(where)), settled_(settled) {}

    /// Never fails: what cannot be read is a mistake. Secrets are refused from files that a group
    /// or others may read; `psk_file` is taken relative to the folder of the file that names it.
    /// What has not changed since the last time is not read again.
    Configuration read();
    /// The router of this name alone: from the file that has it now (empty: none has) and, in a
    /// folder, from NAME.toml. Of the others nothing is read or looked at.
    Configuration read_one(const std::string& name, const std::string& file_now);

    const std::filesystem::path& where() const { return where_; }

private:
    struct Known {
        /// Of the file and of the secrets that it names.
        std::vector<FileStamp> stamps;
        std::shared_ptr<const policy::Router> router;
    };
    using RouterOrMistakes =
        std::expected<std::shared_ptr<const policy::Router>, std::vector<policy::FileMistake>>;
    RouterOrMistakes router_in(const std::filesystem::path& file,
                               std::map<std::string, Known>& known_now, std::size_t& files_read);

    std::vector<std::filesystem::path> places_of(const std::string& name,
                                                 const std::string& file_now) const;

    std::filesystem::path where_;
    std::chrono::seconds settled_;
    std::map<std::string, Known> known_;
};

/// The same, once.
inline Configuration read_configuration(const std::filesystem::path& where) {
    return ConfigurationFiles(where).read();
}

} // namespace viaduct::daemon
