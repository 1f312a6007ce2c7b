#include "daemon/configuration.h"

#include "daemon/file_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <system_error>
#include <unordered_map>

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

std::expected<policy::Router, std::vector<policy::FileMistake>>
read_router(const fs::path& path, std::chrono::seconds settled, std::vector<FileStamp>& stamps) {
    stamps.push_back(FileStamp::of(path, settled));
    const auto file = read_file(path, longest_file);
    if (!file) {
        return std::unexpected(std::vector{mistake(path, "cannot be read: " + file.error())});
    }
    const auto access = file->others_may_read() ? policy::FileAccess::others_may_read
                                                : policy::FileAccess::owner_only;
    const auto folder = path.parent_path();
    return policy::parse_connection_file(
        path.string(), file->text, access, [&](std::string_view name) {
            stamps.push_back(FileStamp::of(folder / name, settled));
            return read_secret(folder, name);
        });
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
    std::ranges::sort(files, {}, &fs::path::native);
    return files;
}

/// Rare enough to read the file once more for it.
policy::RouterPlaces places_in(const std::string& path) {
    const auto file = read_file(path, longest_file);
    return file ? policy::router_places(file->text) : policy::RouterPlaces();
}

/// Names and namespaces that are taken.
class Taken {
public:
    /// All that forbids `router` beside those before it; nothing: what it has is taken.
    std::vector<policy::FileMistake> take(const std::string& file, const policy::Router& router) {
        const auto namesake = files_.find(router.name);
        const auto holder = holders_.find(router.netns);
        if (namesake == files_.end() && holder == holders_.end()) {
            files_.emplace(router.name, file);
            holders_.emplace(router.netns, router.name);
            return {};
        }
        const auto places = places_in(file);
        std::vector<policy::FileMistake> found;
        if (namesake != files_.end()) {
            found.push_back({file, places.name_line, places.name_column,
                             "the router name '" + router.name + "' is used by " +
                                 namesake->second + " already"});
        }
        if (holder != holders_.end()) {
            const auto place = router.netns.empty() ? std::string("the daemon's own namespace")
                                                    : "the namespace '" + router.netns + "'";
            found.push_back({file, places.netns_line, places.netns_column,
                             place + " belongs to router '" + holder->second + "' of " +
                                 files_.at(holder->second) + "; a namespace can have one router"});
        }
        return found;
    }

private:
    std::unordered_map<std::string, std::string> files_;
    std::unordered_map<std::string, std::string> holders_;
};

} // namespace

std::size_t Configuration::connection_count() const {
    return std::accumulate(routers.begin(), routers.end(), std::size_t{0},
                           [](std::size_t sum, const ConfiguredRouter& configured) {
                               return sum + configured.router->connections.connections.size();
                           });
}

ConfigurationFiles::RouterOrMistakes
ConfigurationFiles::router_in(const fs::path& file, std::map<std::string, Known>& known_now,
                              std::size_t& files_read) {
    const auto before = known_.find(file.string());
    if (before != known_.end() &&
        std::ranges::all_of(before->second.stamps, &FileStamp::still_holds)) {
        return known_now.emplace(file.string(), std::move(before->second)).first->second.router;
    }
    ++files_read;
    std::vector<FileStamp> stamps;
    auto router = read_router(file, settled_, stamps);
    if (!router) {
        return std::unexpected(std::move(router.error()));
    }
    auto shared = std::make_shared<const policy::Router>(std::move(*router));
    known_now.emplace(file.string(), Known{std::move(stamps), shared});
    return shared;
}

Configuration ConfigurationFiles::read() {
    Configuration result;
    Taken taken;
    std::map<std::string, Known> known_now;
    for (const auto& path : router_files(where_, result)) {
        auto router = router_in(path, known_now, result.files_read);
        if (!router) {
            std::ranges::move(router.error(), std::back_inserter(result.mistakes));
            result.broken_files.push_back(path.string());
        } else if (auto found = taken.take(path.string(), **router); !found.empty()) {
            std::ranges::move(found, std::back_inserter(result.mistakes));
            result.broken_files.push_back(path.string());
        } else {
            result.routers.push_back({path.string(), std::move(*router)});
        }
    }
    known_ = std::move(known_now);
    return result;
}

std::vector<fs::path> ConfigurationFiles::places_of(const std::string& name,
                                                    const std::string& file_now) const {
    std::vector<fs::path> places;
    const auto add = [&](fs::path place) {
        std::error_code error;
        if (!std::ranges::contains(places, place) && fs::exists(place, error)) {
            places.push_back(std::move(place));
        }
    };
    if (!file_now.empty()) {
        add(file_now);
    }
    std::error_code error;
    if (!fs::is_directory(where_, error)) {
        add(where_);
    } else if (!name.contains('/') && !name.starts_with('.')) {
        add(where_ / (name + ".toml"));
    }
    return places;
}

Configuration ConfigurationFiles::read_one(const std::string& name, const std::string& file_now) {
    Configuration result;
    const auto refuse = [&](const fs::path& file, std::string why) {
        result.mistakes.push_back(mistake(file, std::move(why)));
        result.broken_files.push_back(file.string());
    };
    std::error_code error;
    if (!fs::exists(where_, error)) {
        result.listing_incomplete = true;
        result.mistakes.push_back(mistake(where_, "is not there"));
    }
    for (const auto& path : places_of(name, file_now)) {
        std::map<std::string, Known> known_now;
        auto router = router_in(path, known_now, result.files_read);
        known_.erase(path.string());
        known_.merge(known_now);
        if (!router) {
            std::ranges::move(router.error(), std::back_inserter(result.mistakes));
            result.broken_files.push_back(path.string());
        } else if ((*router)->name == name && result.routers.empty()) {
            result.routers.push_back({path.string(), std::move(*router)});
        } else if ((*router)->name == name) {
            refuse(path, "the router name '" + name + "' is used by " +
                             result.routers.front().file + " already");
        } else if (result.routers.empty()) {
            refuse(path, "has the router '" + (*router)->name + "' and not '" + name +
                             "'; a reload of everything takes that over");
        }
        // Else it is another's, by chance under this name.
    }
    return result;
}

} // namespace viaduct::daemon
