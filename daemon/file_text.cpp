#include "daemon/file_text.h"

#include <botan/mem_ops.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace viaduct::daemon {

namespace {

struct Descriptor {
    int number;
    explicit Descriptor(int opened) : number(opened) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number >= 0) {
            ::close(number);
        }
    }
};

std::expected<void, std::string> read_all(int descriptor, std::string& text) {
    std::size_t filled = 0;
    while (filled < text.size()) {
        const auto count = ::read(descriptor, text.data() + filled, text.size() - filled);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return std::unexpected(std::strerror(errno));
        }
        if (count == 0) {
            break;
        }
        filled += static_cast<std::size_t>(count);
    }
    text.resize(filled);
    return {};
}

/// The daemon gives up root's right to read everybody's files.
std::string why_not_opened(int code) {
    std::string reason = std::strerror(code);
    if (code == EACCES && ::geteuid() == 0) {
        reason += "; it belongs to another user; chown it to root";
    }
    return reason;
}

} // namespace

FileStamp FileStamp::of(std::filesystem::path path, std::chrono::seconds settled) {
    FileStamp stamp{.path = std::move(path), .facts = {}};
    struct stat facts{};
    if (::stat(stamp.path.c_str(), &facts) != 0) {
        return stamp;
    }
    // The change time moves with content, owner and permissions, and nobody can set it.
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec - facts.st_ctim.tv_sec >= settled.count()) {
        stamp.facts = {facts.st_dev,
                       facts.st_ino,
                       static_cast<std::uint64_t>(facts.st_size),
                       static_cast<std::uint64_t>(facts.st_mtim.tv_sec),
                       static_cast<std::uint64_t>(facts.st_mtim.tv_nsec),
                       static_cast<std::uint64_t>(facts.st_ctim.tv_sec),
                       static_cast<std::uint64_t>(facts.st_ctim.tv_nsec)};
    }
    return stamp;
}

bool FileStamp::still_holds() const {
    return facts && of(path, std::chrono::seconds(0)).facts == facts;
}

FileText::~FileText() {
    Botan::secure_scrub_memory(text.data(), text.size());
}

std::expected<FileText, std::string> read_file(const std::filesystem::path& path,
                                               std::size_t limit) {
    // O_NONBLOCK: opening a FIFO must not wait for somebody to write.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat facts{};
    if (file.number < 0 || ::fstat(file.number, &facts) != 0) {
        return std::unexpected(why_not_opened(errno));
    }
    if (!S_ISREG(facts.st_mode)) {
        return std::unexpected("not a regular file");
    }
    if (static_cast<std::size_t>(facts.st_size) > limit) {
        return std::unexpected("longer than " + std::to_string(limit) + " octets");
    }
    FileText result;
    result.mode = facts.st_mode & 07777U;
    result.text.resize(static_cast<std::size_t>(facts.st_size));
    if (auto read = read_all(file.number, result.text); !read) {
        return std::unexpected(read.error());
    }
    return result;
}

} // namespace viaduct::daemon
