// Which requests a fake kernel refuses, and how.
#pragma once

#include "netns/netlink_socket.h"

#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <string>

namespace viaduct::test {

class RequestRefusal {
public:
    enum class Way : std::uint8_t {
        once,              ///< one request
        from_there_on,     ///< one request and all behind it
        with_whole_batch,  ///< nothing of what is sent with it arrives
        of_acknowledgement ///< it is done all the same
    };
    static constexpr std::array ways{Way::once, Way::from_there_on, Way::with_whole_batch,
                                     Way::of_acknowledgement};

    /// `position`: of requests to come, counted from 1 on.
    void begin(std::uint64_t position, Way way, int error) {
        refused_ = count_ + position;
        way_ = way;
        error_ = error;
    }
    void end() { refused_ = 0; }

    /// How many requests there were.
    std::uint64_t count() const { return count_; }
    bool was_reached() const { return refused_ != 0 && count_ >= refused_; }
    /// As many as a batch has where one was refused whole.
    std::uint64_t refused_count() const { return refused_count_; }
    bool does_all_the_same() const { return way_ == Way::of_acknowledgement; }
    int error() const { return error_; }
    /// What the requests that were refused are called.
    const std::set<std::string>& told() const { return told_; }

    /// Counts a request. The error, or 0; `reported` is the message that it is told of.
    int take(const netns::NetlinkMessage& reported) {
        const std::uint64_t position = ++count_;
        const bool refused = refused_ != 0 && (way_ == Way::from_there_on ? position >= refused_
                                                                          : position == refused_);
        if (refused) {
            told_.insert(reported.description());
            ++refused_count_;
        }
        return refused ? error_ : 0;
    }
    /// Whether nothing of this batch arrives; counts it then.
    bool takes_whole(std::span<const netns::NetlinkMessage> batch) {
        const bool refused =
            way_ == Way::with_whole_batch && refused_ > count_ && refused_ <= count_ + batch.size();
        if (refused) {
            count_ += batch.size();
            refused_count_ += batch.size();
            told_.insert(batch.front().description());
        }
        return refused;
    }

private:
    std::uint64_t refused_ = 0;
    Way way_ = Way::once;
    int error_ = 0;
    std::uint64_t count_ = 0;
    std::uint64_t refused_count_ = 0;
    std::set<std::string> told_;
};

} // namespace viaduct::test
