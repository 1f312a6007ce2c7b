#include "xfrm/reversible_batch.h"

#include <cerrno>
#include <utility>

namespace viaduct::xfrm {
namespace {

using netns::NetlinkAnswer;
using netns::NetlinkMessage;

/// Whether the kernel may hold what the request asked for. Without an answer nobody knows.
bool may_be_done(const NetlinkAnswer& answer) {
    return answer || answer.error().code == ETIMEDOUT || answer.error().code == ENOBUFS;
}

} // namespace

bool is_gone(const netns::SystemError& error) {
    return error.code == ESRCH || error.code == ENOENT;
}

void ReversibleBatch::add(NetlinkMessage request, NetlinkMessage inverse) {
    requests_.push_back(std::move(request));
    inverses_.push_back(std::move(inverse));
    removals_.push_back(false);
}

void ReversibleBatch::add_removal(NetlinkMessage request, NetlinkMessage inverse) {
    add(std::move(request), std::move(inverse));
    removals_.back() = true;
}

std::expected<void, netns::SystemError> ReversibleBatch::send(RecordedKernel& kernel) {
    const auto answers = kernel.exchange(requests_);
    std::expected<void, netns::SystemError> result;
    for (std::size_t index = 0; index < answers.size() && result; ++index) {
        if (!answers[index] && !(removals_[index] && is_gone(answers[index].error()))) {
            result = std::unexpected(answers[index].error());
        }
    }
    if (result) {
        return result;
    }
    std::vector<NetlinkMessage> undoing;
    for (std::size_t index = answers.size(); index-- > 0;) {
        if (may_be_done(answers[index])) {
            undoing.push_back(std::move(inverses_[index]));
        }
    }
    // Nothing can be done about what cannot be taken back.
    static_cast<void>(kernel.exchange(undoing));
    return result;
}

} // namespace viaduct::xfrm
