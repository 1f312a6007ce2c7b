// How long packets may be on the ways from one router to its peers.
#pragma once

#include "netns/path_mtu.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace viaduct::daemon {

/// Reads each way when a tunnel comes to use it, and again from time to time: the kernel tells
/// nobody when it learns that a path has become narrower, nor when it forgets that.
class PathMtus {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    /// One answer for each path, in their order.
    using Read = std::function<std::vector<netns::PathMtu>(std::span<const netns::PathEnds>)>;
    struct Change {
        netns::PathEnds path;
        /// In octets.
        std::uint32_t before = 0;
        std::uint32_t now = 0;
    };

    explicit PathMtus(Read read) : read_(std::move(read)) {}

    /// One more tunnel takes this path, which is read now. What came of it.
    netns::PathMtu use(const netns::PathEnds& path, TimePoint now);
    void leave(const netns::PathEnds& path);
    /// Of a path in use, in octets: as last read, or Ethernet's where nothing could be read yet.
    std::uint32_t of(const netns::PathEnds& path) const;
    /// Something happened to the router's links or routes.
    void doubt(TimePoint now) { doubted_ = now; }
    /// Reads again the paths whose turn it is, and says which of them carry more or less than
    /// before. To be called about once a second. A path that cannot be read stays as it was.
    std::vector<Change> review(TimePoint now);

    /// Between two readings of a path: of any, and of one that is in doubt.
    static constexpr std::chrono::seconds interval{15};
    static constexpr std::chrono::seconds doubtful_interval{2};
    /// Read in one review, or a tenth of all.
    static constexpr std::size_t most_at_once = 64;

private:
    struct Known {
        std::uint32_t mtu = 0;
        TimePoint read_at;
        std::size_t tunnels = 0;
    };

    bool is_due(const Known& known, TimePoint now) const;

    Read read_;
    std::map<netns::PathEnds, Known> known_;
    std::optional<TimePoint> doubted_;
    /// Where the last review ended.
    std::optional<netns::PathEnds> last_;
};

} // namespace viaduct::daemon
