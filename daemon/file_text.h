// A whole file, with what its permissions say about who else may read it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>

namespace viaduct::daemon {

struct FileText {
    std::string text;
    /// Permission bits.
    unsigned mode = 0;

    FileText() = default;
    FileText(FileText&&) = default;
    FileText& operator=(FileText&&) = default;
    /// Wipes the text, which may hold secrets.
    ~FileText();

    /// By its group or by everybody.
    bool others_may_read() const { return (mode & 0044U) != 0; }
};

/// What tells a file from its successor and its former self, as far as stat(2) knows.
struct FileStamp {
    std::filesystem::path path;
    /// Absent: it was not there, or changed less than `settled` before.
    std::optional<std::array<std::uint64_t, 7>> facts;

    /// A file that has just changed may change again without a trace in its times, whose clock is
    /// coarse. `settled` should be longer than a tick of that clock.
    static FileStamp of(std::filesystem::path path, std::chrono::seconds settled);
    /// Whether the file is what it was when the stamp was taken.
    bool still_holds() const;
};

/// The error says why, without the path. Refuses what is no regular file or longer than `limit`.
std::expected<FileText, std::string> read_file(const std::filesystem::path& path,
                                               std::size_t limit);

} // namespace viaduct::daemon
