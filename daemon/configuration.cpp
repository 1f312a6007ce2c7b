#include "daemon/configuration.h"

#include "daemon/file_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <system_error>

namespace viaduct::daemon {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_file = 1024 * 1024;
constexpr std::size_t longest_secret = 64 * 1024;

policy::FileMistake mistake(const fs::path& file, std::string message) {
    return {.file = file.string(), .message = std::move(message)};
}

std::expected<policy::Secret, std::string> read_secret(const fs::path& folder,
                                                       std::string_view name) {
    const auto path = folder / name;
    const auto file = read_file(path, longest_secret);
    if (!file) {
        return std::unexpected(path.string() + ": " + file.error());
    }
    if (file->others_may_read()) {
        return std::unexpected(
            fmt::format("{}: refused, because others may read it (mode {:04o}, expected 0600)",
                        path.string(), file->mode));
    }
    std::string_view secret = file->text;
    if (secret.ends_with('\n')) {
        secret.remove_suffix(secret.ends_with("\r\n") ? 2 : 1);
    }
    return policy::Secret::from_text(secret);
}

std::expected<policy::Router, std::vector<policy::FileMistake>> read_router(const fs::path& path) {
    const auto file = read_file(path, longest_file);
    if (!file) {
        return std::unexpected(std::vector{mistake(path, "cannot be read: " + file.error())});
    }
    const auto access = file->others_may_read() ? policy::FileAccess::others_may_read
                                                : policy::FileAccess::owner_only;
    const auto folder = path.parent_path();
    return policy::parse_connection_file(
        path.string(), file->text, access,
        [&](std::string_view name) { return read_secret(folder, name); });
}

/// The files to read, sorted; what prevents listing them goes to `result`.
std::vector<fs::path> router_files(const fs::path& where, Configuration& result) {
    std::error_code error;
    if (!fs::is_directory(where, error)) {
        // Neither folder nor file: whatever it was, nobody took its routers out of it.
        result.listing_incomplete = !fs::is_regular_file(where, error);
        return {where};
    }
    std::vector<fs::path> files;
    for (auto entry = fs::directory_iterator(where, error);
         !error && entry != fs::directory_iterator(); entry.increment(error)) {
        const auto name = entry->path().filename().string();
        if (entry->path().extension() == ".toml" && !name.starts_with('.')) {
            files.push_back(entry->path());
        }
    }
    if (error) {
        result.listing_incomplete = true;
        result.mistakes.push_back(mistake(where, "cannot be listed: " + error.message()));
    }
    std::ranges::sort(files);
    return files;
}

/// What forbids `router` beside those already read; empty: nothing.
std::string clash(const std::vector<ConfiguredRouter>& others, const policy::Router& router) {
    for (const auto& other : others) {
        if (other.router.name == router.name) {
            return "the router name '" + router.name + "' is used by " + other.file + " already";
        }
        if (other.router.netns == router.netns) {
            const auto place = router.netns.empty() ? std::string("the daemon's own namespace")
                                                    : "the namespace '" + router.netns + "'";
            return place + " belongs to router '" + other.router.name + "' of " + other.file +
                   "; a namespace can have one router";
        }
    }
    return {};
}

} // namespace

std::size_t Configuration::connection_count() const {
    return std::accumulate(routers.begin(), routers.end(), std::size_t{0},
                           [](std::size_t sum, const ConfiguredRouter& configured) {
                               return sum + configured.router.connections.connections.size();
                           });
}

Configuration read_configuration(const fs::path& where) {
    Configuration result;
    for (const auto& path : router_files(where, result)) {
        auto router = read_router(path);
        if (!router) {
            result.mistakes.insert(result.mistakes.end(), router.error().begin(),
                                   router.error().end());
            result.broken_files.push_back(path.string());
        } else if (auto reason = clash(result.routers, *router); !reason.empty()) {
            result.mistakes.push_back(mistake(path, std::move(reason)));
            result.broken_files.push_back(path.string());
        } else {
            result.routers.push_back({path.string(), std::move(*router)});
        }
    }
    return result;
}

} // namespace viaduct::daemon
