#include "tests/kernel/fake_xfrm.h"

#include "xfrm/attribute_view.h"

#include <cerrno>
#include <cstring>
#include <linux/netlink.h>
#include <netinet/in.h>

#include <linux/xfrm.h>

namespace viaduct::test {

using netns::NetlinkAnswer;
using netns::NetlinkMessage;
using netns::SystemError;

namespace {

using View = std::span<const std::uint8_t>;

template <class Fixed> Fixed fixed_part(View request) {
    return xfrm::read_fixed<Fixed>(request.subspan(NLMSG_HDRLEN)).value();
}

template <class Fixed> View attributes_behind(View request) {
    return request.subspan(NLMSG_LENGTH(sizeof(Fixed)));
}

template <class... Values> Octets key_of(const Values&... values) {
    Octets key;
    const auto append = [&key](const auto& value) {
        const auto* const begin = reinterpret_cast<const std::uint8_t*>(&value);
        key.insert(key.end(), begin, begin + sizeof(value));
    };
    (append(values), ...);
    return key;
}

Octets state_key(const xfrm_address_t& destination, std::uint32_t spi) {
    return key_of(destination, spi);
}

std::uint32_t if_id_in(View attributes) {
    std::uint32_t if_id = 0;
    const auto found = xfrm::read_attributes(attributes);
    if (const auto entry = found.find(XFRMA_IF_ID); entry != found.end()) {
        std::memcpy(&if_id, entry->second.data(), sizeof(if_id));
    }
    return if_id;
}

/// What was asked for, as an answer.
NetlinkAnswer told(Octets kept, std::uint16_t type) {
    auto head = *xfrm::read_fixed<nlmsghdr>(kept);
    head.nlmsg_type = type;
    std::memcpy(kept.data(), &head, sizeof(head));
    return Botan::secure_vector<std::uint8_t>(kept.begin(), kept.end());
}

NetlinkAnswer refused(const NetlinkMessage& request, int code) {
    return std::unexpected(SystemError{code, request.description(), {}});
}

} // namespace

class FakeXfrm::Socket : public netns::NetlinkExchange {
public:
    explicit Socket(FakeXfrm& kernel) : kernel_(kernel) {}

    std::vector<NetlinkAnswer> exchange(std::span<NetlinkMessage> messages) override {
        kernel_.batches += messages.empty() ? 0U : 1U;
        std::vector<NetlinkAnswer> answers;
        for (NetlinkMessage& request : messages) {
            answers.push_back(kernel_.take(request));
        }
        return answers;
    }
    /// Nobody asks it for lists, nor who it is.
    std::expected<void, SystemError> dump(NetlinkMessage request,
                                          const std::function<void(View)>& /*each*/) override {
        return std::unexpected(SystemError{EOPNOTSUPP, request.description(), {}});
    }
    std::uint32_t port() const override { return 0; }

private:
    FakeXfrm& kernel_;
};

std::unique_ptr<netns::NetlinkExchange> FakeXfrm::socket() {
    return std::make_unique<Socket>(*this);
}

NetlinkAnswer FakeXfrm::take(NetlinkMessage& request) {
    if (++requests != refused_request) {
        return carry_out(request);
    }
    if (done_all_the_same) {
        static_cast<void>(carry_out(request));
    }
    return refused(request, error);
}

NetlinkAnswer FakeXfrm::carry_out(NetlinkMessage& request) {
    const View octets = request.octets();
    const auto type = xfrm::read_fixed<nlmsghdr>(octets)->nlmsg_type;
    switch (type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA: {
        auto answer = add_state(octets, type == XFRM_MSG_NEWSA);
        return answer ? answer : refused(request, answer.error().code);
    }
    case XFRM_MSG_ALLOCSPI: {
        auto info = fixed_part<xfrm_userspi_info>(octets).info;
        info.id.spi = htonl(fixed_part<xfrm_userspi_info>(octets).min);
        info.seq = larval_states;
        larval_states -= larval_states == 0 ? 0U : 1U;
        NetlinkMessage kept("kept", XFRM_MSG_NEWSA, 0);
        kept.put_fixed(info);
        Octets made(kept.octets().begin(), kept.octets().end());
        states[state_key(info.id.daddr, info.id.spi)] = made;
        return told(std::move(made), XFRM_MSG_NEWSA);
    }
    case XFRM_MSG_DELSA: {
        const auto id = fixed_part<xfrm_usersa_id>(octets);
        return states.erase(state_key(id.daddr, id.spi)) == 0 ? refused(request, ESRCH)
                                                              : NetlinkAnswer{};
    }
    case XFRM_MSG_GETSA: {
        const auto id = fixed_part<xfrm_usersa_id>(octets);
        const auto found = states.find(state_key(id.daddr, id.spi));
        if (found == states.end()) {
            return refused(request, ESRCH);
        }
        return told(found->second, XFRM_MSG_NEWSA);
    }
    case XFRM_MSG_GETPOLICY: {
        const auto id = fixed_part<xfrm_userpolicy_id>(octets);
        const auto attributes = attributes_behind<xfrm_userpolicy_id>(octets);
        const auto found = policies.find(key_of(id.sel, id.dir, if_id_in(attributes)));
        return found == policies.end() ? refused(request, ENOENT)
                                       : told(found->second, XFRM_MSG_NEWPOLICY);
    }
    case XFRM_MSG_UPDPOLICY: {
        const auto info = fixed_part<xfrm_userpolicy_info>(octets);
        const auto attributes = attributes_behind<xfrm_userpolicy_info>(octets);
        policies[key_of(info.sel, info.dir, if_id_in(attributes))] =
            Octets(octets.begin(), octets.end());
        return {};
    }
    case XFRM_MSG_DELPOLICY: {
        const auto id = fixed_part<xfrm_userpolicy_id>(octets);
        const auto attributes = attributes_behind<xfrm_userpolicy_id>(octets);
        return policies.erase(key_of(id.sel, id.dir, if_id_in(attributes))) == 0
                   ? refused(request, ENOENT)
                   : NetlinkAnswer{};
    }
    default: return refused(request, EOPNOTSUPP);
    }
}

NetlinkAnswer FakeXfrm::add_state(View request, bool must_be_new) {
    const auto info = fixed_part<xfrm_usersa_info>(request);
    const auto key = state_key(info.id.daddr, info.id.spi);
    if (must_be_new && states.contains(key)) {
        return std::unexpected(SystemError{EEXIST, {}, {}});
    }
    NetlinkMessage kept("kept", XFRM_MSG_NEWSA, 0);
    kept.put_fixed(info);
    for (const auto& [type, value] :
         xfrm::read_attributes(attributes_behind<xfrm_usersa_info>(request))) {
        const bool algorithm = type == XFRMA_ALG_AEAD || type == XFRMA_ALG_CRYPT ||
                               type == XFRMA_ALG_AUTH || type == XFRMA_ALG_AUTH_TRUNC;
        if (algorithm && lacking.contains(reinterpret_cast<const char*>(value.data()))) {
            return std::unexpected(SystemError{ENOSYS, {}, {}});
        }
        if (!unknown_attributes.contains(type)) {
            kept.put_attribute(type, value);
        }
    }
    states[key] = Octets(kept.octets().begin(), kept.octets().end());
    return {};
}

} // namespace viaduct::test
