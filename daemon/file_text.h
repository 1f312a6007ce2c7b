// A whole file, with what its permissions say about who else may read it.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
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

/// The error says why, without the path. Refuses what is no regular file or longer than `limit`.
std::expected<FileText, std::string> read_file(const std::filesystem::path& path,
                                               std::size_t limit);

} // namespace viaduct::daemon
