// A file descriptor with one owner.
#pragma once

#include <unistd.h>

#include <utility>

namespace viaduct::netns {

class FileDescriptor {
public:
    FileDescriptor() = default;
    explicit FileDescriptor(int number) : number_(number) {}
    FileDescriptor(FileDescriptor&& other) noexcept : number_(other.release()) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~FileDescriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }

    int number() const { return number_; }
    bool is_open() const { return number_ >= 0; }
    /// Gives the descriptor up without closing it.
    int release() { return std::exchange(number_, -1); }

private:
    int number_ = -1;
};

} // namespace viaduct::netns
