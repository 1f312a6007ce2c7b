// The XFRM interfaces of one router: made, followed through changes, and taken away.
#pragma once

#include "netns/link_message.h"
#include "netns/netlink_socket.h"
#include "netns/network_namespace.h"
#include "policy/wanted_interface.h"

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace viaduct::netns {

/// A request, and what it makes of the interface that is there.
struct InterfaceChange {
    NetlinkMessage request;
    std::function<void(policy::WantedInterface& there)> done;
    /// The error that says that it is so already; 0: there is none.
    int already = 0;
    /// A deletion and an addition for what is there already, should it be ours; the second answer
    /// counts.
    std::optional<std::pair<NetlinkMessage, NetlinkMessage>> replacement{};
};

/// What makes one wanted interface of another: the new before the old. A pure function; `before`
/// has mtu 0 and nothing else for a new interface, which is brought up.
std::vector<InterfaceChange> interface_changes(const ListedLink& link,
                                               policy::WantedInterface before,
                                               const policy::WantedInterface& after);

/// Something of an interface that is not as it ought to be.
struct MissingPart {
    std::string interface;
    /// The interface itself, and all that it had.
    bool whole = false;
    /// What puts it back: `NEWADDR 169.254.10.1/30 dev vti-a`.
    std::string request;

    friend bool operator==(const MissingPart&, const MissingPart&) = default;
};

/// What restore() and look() came upon.
struct InterfaceReview {
    /// What could not be done.
    std::vector<SystemError> failures;
    /// restore(): what somebody had taken away or changed. look(): also what was never there.
    std::vector<MissingPart> missing;
};

class TunnelInterfaces {
public:
    static std::expected<TunnelInterfaces, SystemError> open(const NetworkNamespace& router);
    /// Over a kernel of a test's own.
    explicit TunnelInterfaces(std::unique_ptr<NetlinkExchange> kernel)
        : kernel_(std::move(kernel)) {}

    /// These are there from now on, each with an mtu that is not 0, and no others of ours. An
    /// interface of somebody else's with such a name is not touched. What failed comes back, the
    /// rest is done. Also removes what an earlier run left.
    std::vector<SystemError> set(const std::vector<policy::WantedInterface>& wanted);
    /// Makes again what somebody took away, and tries again what failed. Whether the interfaces are
    /// there, up and of their size is looked at each time; their addresses and routes only after
    /// note() or distrust().
    InterfaceReview restore();
    /// Compares all of what is wanted with what is there, and changes nothing.
    InterfaceReview look();
    /// One notification of rtnetlink from the router's namespace, header included.
    void note(std::span<const std::uint8_t> notification);
    /// Notifications were lost.
    void distrust();
    void remove_all();
    /// Whether an interface is there, by what set() and restore() know.
    bool is_there(const std::string& name) const { return made_.contains(name); }

private:
    /// Interfaces of ours beside those made: an earlier run's, or what a request left that failed.
    enum class Leftovers : std::uint8_t { unknown, possible, none };
    struct Made {
        ListedLink link;
        /// As far as the kernel did what it was asked for.
        policy::WantedInterface as;
        /// Whether somebody may have taken some of it away.
        bool doubted = false;
        /// What is there in the place of ours and is not ours, by the requests that were refused.
        std::set<std::string> foreign;
    };

    void remove_leftovers(std::vector<SystemError>& failures);
    bool is_made(const ListedLink& link) const;
    void make(const policy::WantedInterface& wanted, std::vector<SystemError>& failures);
    std::expected<ListedLink, SystemError> create(const policy::WantedInterface& wanted);
    void remove(const ListedLink& link, std::vector<SystemError>& failures);
    void change(Made& made, const policy::WantedInterface& wanted,
                std::vector<SystemError>& failures);
    /// Where something is there already, deletes it if it is ours and asks again.
    void replace_ours(Made& made, std::vector<InterfaceChange>& changes,
                      std::vector<NetlinkAnswer>& answers);
    /// Whether the interface is still one that changes can mend.
    bool is_intact(const Made& made, const policy::WantedInterface& wanted,
                   const std::expected<ListedLink, SystemError>& found) const;
    /// Forgets of what was made what is not there any more.
    void review(Made& made, const ListedLink& found, InterfaceReview& review);
    /// What is there of what was made; its addresses and routes are read only when `doubted`.
    std::expected<policy::WantedInterface, SystemError>
    still_there(const Made& made, const ListedLink& found, bool doubted);
    std::expected<void, SystemError> read_contents(const Made& made,
                                                   policy::WantedInterface& contents);
    std::expected<ListedLink, SystemError> find(const std::string& name);
    void run(std::vector<NetlinkMessage> requests, std::vector<SystemError>& failures);

    std::unique_ptr<NetlinkExchange> kernel_;
    std::map<std::string, policy::WantedInterface> wanted_;
    std::map<std::string, Made> made_;
    Leftovers leftovers_ = Leftovers::unknown;
};

} // namespace viaduct::netns
