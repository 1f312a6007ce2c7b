#include "xfrm/security_associations.h"

#include "netns/netlink_socket.h"
#include "policy/trap.h"
#include "xfrm/kernel_record.h"
#include "xfrm/larval_state.h"
#include "xfrm/reversible_batch.h"
#include "xfrm/security_policies.h"
#include "xfrm/state_copy.h"
#include "xfrm/state_message.h"
#include "xfrm/state_move.h"

#include <algorithm>
#include <cerrno>
#include <linux/netlink.h>
#include <map>
#include <set>
#include <span>
#include <utility>

namespace viaduct::xfrm {
namespace {

using netns::NetlinkAnswer;
using netns::NetlinkMessage;
using netns::SystemError;
using policy::ChildSa;
using policy::ChildSaId;

constexpr Direction directions[]{Direction::inbound, Direction::outbound};

KernelFailure failure(const SystemError& error) {
    return {error.what, error};
}

NetlinkMessage message_for(const PolicyChange& change) {
    if (const auto* const put = std::get_if<PutPolicy>(&change)) {
        return put_policy(put->policy);
    }
    return delete_policy(std::get<DeletePolicy>(change).selector);
}

/// What names a child's states to the kernel and on the wire, without keys and selectors.
ChildSa name_of(const ChildSa& child) {
    ChildSa name;
    name.id = child.id;
    name.connection = child.connection;
    name.local_address = child.local_address;
    name.remote_address = child.remote_address;
    name.inbound_spi = child.inbound_spi;
    name.outbound_spi = child.outbound_spi;
    name.encapsulation = child.encapsulation;
    name.offload = child.offload;
    return name;
}

bool has(ChildPart part, Direction direction) {
    return part == ChildPart::both ||
           part == (direction == Direction::inbound ? ChildPart::inbound : ChildPart::outbound);
}

bool has(ChildPart part, const KernelPolicy& policy) {
    return has(part, policy.selector.direction == PolicyDirection::out ? Direction::outbound
                                                                       : Direction::inbound);
}

std::expected<std::vector<KernelPolicy>, SystemError> policies_of(const ChildSa& child,
                                                                  ChildPart part) {
    auto policies = kernel_policies(child);
    if (policies) {
        std::erase_if(*policies, [&](const KernelPolicy& policy) { return !has(part, policy); });
    }
    return policies;
}

void append_policies(std::vector<std::string>& lines,
                     const std::expected<std::vector<KernelPolicy>, SystemError>& policies) {
    if (policies) {
        std::ranges::transform(*policies, std::back_inserter(lines), describe_policy);
    } else {
        lines.push_back(policies.error().to_string());
    }
}

constexpr const char* no_hardware = "the interface has no hardware for ESP";

} // namespace

std::string KernelFailure::to_string() const {
    return SystemError{error.code, request, error.kernel_message}.to_string();
}

struct SecurityAssociations::Router {
    struct Installed {
        /// By name_of().
        ChildSa name;
        bool inbound = false;
        bool outbound = false;
        /// What the outbound state had counted before it was taken out.
        StateCounters sent;

        bool& present(Direction direction) {
            return direction == Direction::inbound ? inbound : outbound;
        }
    };

    RecordedKernel kernel;
    KernelFeatures features;
    std::map<ChildSaId, Installed> installed;
    std::map<ChildSaId, ChildSa> traps;
    SecurityPolicies policies;
    /// Comparisons begun so far.
    std::uint64_t passes = 0;
    InterfaceLookup interface_between;
    std::optional<OffloadRefusal> offload_refusal;

    Router(std::unique_ptr<netns::NetlinkExchange> into, const KernelFeatures& known,
           InterfaceLookup lookup)
        : kernel(std::move(into)), features(known), interface_between(std::move(lookup)) {}

    /// Whether the part can follow what is there of the child.
    std::expected<void, SystemError> check(const ChildSa& child, ChildPart part) const;
    std::uint32_t offload_interface(const ChildSa& child) const;
    std::expected<void, SystemError> put(const ChildSa& child, ChildPart part,
                                         const StatePlace& place);
    /// A device that can do nothing for ESP is passed over in silence.
    bool is_offloaded(const ChildSa& child, ChildPart part);
    void note_refusal(const ChildSa& child, std::uint32_t interface, std::string reason) {
        offload_refusal = OffloadRefusal{child.connection, interface, std::move(reason)};
    }

    std::expected<void, SystemError> move(Installed& child, const ChildSa& moved);
    std::expected<void, SystemError> move(Installed& child, const ChildSa& moved,
                                          std::uint32_t offload_to);
    /// Sends what leads the states and the child's policies elsewhere, as one batch.
    std::expected<void, SystemError> move_with_policies(StateMove& way);
    /// Sends requests that take out for good; the first failure. What is gone already is none, and
    /// what the kernel keeps is left over from now on.
    std::expected<void, KernelFailure> remove(std::vector<NetlinkMessage>& requests);
    /// What was caught before must not keep the kernel from asking again for the traps that decide
    /// from now on.
    void reopen_traps(const std::vector<PolicyChange>& changes);
};

SecurityAssociations::SecurityAssociations(std::unique_ptr<netns::NetlinkExchange> kernel,
                                           const KernelFeatures& features,
                                           InterfaceLookup interface_between)
    : router_(std::make_unique<Router>(std::move(kernel), features, std::move(interface_between))) {
}
SecurityAssociations::SecurityAssociations(SecurityAssociations&&) noexcept = default;
SecurityAssociations& SecurityAssociations::operator=(SecurityAssociations&&) noexcept = default;
SecurityAssociations::~SecurityAssociations() = default;

std::expected<SecurityAssociations, SystemError>
SecurityAssociations::open(const netns::NetworkNamespace& router, const KernelFeatures& features,
                           InterfaceLookup interface_between) {
    return netns::NetlinkSocket::open(router, NETLINK_XFRM)
        .transform([&](netns::NetlinkSocket&& socket) {
            return SecurityAssociations(std::make_unique<netns::NetlinkSocket>(std::move(socket)),
                                        features, std::move(interface_between));
        });
}

std::expected<void, KernelFailure> SecurityAssociations::install(const ChildSa& child) {
    return put(child, ChildPart::both);
}

std::expected<void, KernelFailure> SecurityAssociations::install_inbound(const ChildSa& child) {
    return put(child, ChildPart::inbound);
}

std::expected<void, KernelFailure> SecurityAssociations::install_outbound(const ChildSa& child) {
    auto installed = put(child, ChildPart::outbound);
    if (!installed) {
        // The first failure is the one to tell.
        static_cast<void>(remove(child.id));
    }
    return installed;
}

std::expected<void, KernelFailure> SecurityAssociations::put(const ChildSa& child, ChildPart part) {
    if (const auto fits = router_->check(child, part); !fits) {
        return std::unexpected(failure(fits.error()));
    }
    StatePlace place{.features = router_->features,
                     .offload_interface = router_->offload_interface(child)};
    auto done = router_->put(child, part, place);
    const std::uint32_t interface = place.offload_interface;
    if (interface == 0) {
        return done.transform_error(failure);
    }
    if (!done) {
        // Hardware is asked for, not demanded.
        place.offload_interface = 0;
        const auto again = router_->put(child, part, place);
        if (again) {
            router_->note_refusal(child, interface, done.error().to_string());
        }
        return again.transform_error(failure);
    }
    if (!router_->is_offloaded(child, part)) {
        router_->note_refusal(child, interface, no_hardware);
    }
    return {};
}

std::expected<void, SystemError> SecurityAssociations::Router::check(const ChildSa& child,
                                                                     ChildPart part) const {
    const auto entry = installed.find(child.id);
    const bool fits =
        part == ChildPart::outbound
            ? entry != installed.end() && entry->second.inbound && !entry->second.outbound
            : entry == installed.end();
    if (fits) {
        return {};
    }
    return std::unexpected(SystemError{
        EEXIST,
        request_name("NEWSA", child,
                     part == ChildPart::outbound ? Direction::outbound : Direction::inbound),
        entry == installed.end() ? "the child's inbound SA is not installed"
                                 : "the child is installed already"});
}

std::uint32_t SecurityAssociations::Router::offload_interface(const ChildSa& child) const {
    const bool wanted = child.offload != policy::HardwareOffload::none && interface_between;
    return wanted ? interface_between(child.local_address, child.remote_address) : 0;
}

std::expected<void, SystemError>
SecurityAssociations::Router::put(const ChildSa& child, ChildPart part, const StatePlace& place) {
    ReversibleBatch batch;
    for (const Direction direction : directions) {
        if (has(part, direction)) {
            auto message = new_state(child, direction, place);
            if (!message) {
                return std::unexpected(message.error());
            }
            batch.add(std::move(*message), delete_state(child, direction));
        }
    }
    auto wanted = policies_of(child, part);
    if (!wanted) {
        return std::unexpected(wanted.error());
    }
    if (child.offload == policy::HardwareOffload::packet) {
        for (KernelPolicy& policy : *wanted) {
            policy.offload_interface = policy.in_clear ? 0 : place.offload_interface;
        }
    }
    for (const PolicyChange& change : policies.add(child.id, *wanted)) {
        batch.add(message_for(change),
                  message_for(policies.without(child.id, selector_of(change))));
    }
    if (auto sent = batch.send(kernel); !sent) {
        policies.undo_add(child.id, *wanted);
        return sent;
    }
    auto& now = installed.try_emplace(child.id, name_of(child)).first->second;
    for (const Direction direction : directions) {
        now.present(direction) |= has(part, direction);
    }
    return {};
}

bool SecurityAssociations::Router::is_offloaded(const ChildSa& child, ChildPart part) {
    std::vector<NetlinkMessage> question;
    question.push_back(
        read_state(child, part == ChildPart::outbound ? Direction::outbound : Direction::inbound));
    const auto answer = kernel.exchange(question);
    const auto told = answer[0] ? state_attributes(*answer[0]) : std::nullopt;
    return told && told->contains(XFRMA_OFFLOAD_DEV);
}

std::optional<OffloadRefusal> SecurityAssociations::take_offload_refusal() {
    return std::exchange(router_->offload_refusal, std::nullopt);
}

std::expected<void, KernelFailure> SecurityAssociations::remove_outbound(ChildSaId child) {
    const auto entry = router_->installed.find(child);
    if (entry == router_->installed.end() || !entry->second.outbound) {
        return {};
    }
    auto& [name, inbound, outbound, sent] = entry->second;
    std::vector<NetlinkMessage> requests;
    requests.push_back(query_state(name, Direction::outbound));
    requests.push_back(delete_state(name, Direction::outbound));
    const auto answers = router_->kernel.exchange(requests);
    if (!answers[1] && !is_gone(answers[1].error())) {
        return std::unexpected(failure(answers[1].error()));
    }
    outbound = false;
    if (answers[0]) {
        sent = read_counters(*answers[0]).value_or(sent);
    }
    return {};
}

std::expected<void, KernelFailure>
SecurityAssociations::move(ChildSaId child, const policy::UdpPath& path,
                           const std::optional<policy::UdpEncapsulation>& encapsulation) {
    const auto entry = router_->installed.find(child);
    if (entry == router_->installed.end()) {
        return std::unexpected(failure({ESRCH, "GETSA", "the child is not installed"}));
    }
    ChildSa moved = name_of(entry->second.name);
    moved.local_address = path.local.address;
    moved.remote_address = path.remote.address;
    moved.encapsulation = encapsulation;
    return router_->move(entry->second, moved).transform_error(failure);
}

std::expected<void, SystemError> SecurityAssociations::Router::move(Installed& child,
                                                                    const ChildSa& moved) {
    const std::uint32_t interface = offload_interface(moved);
    auto done = move(child, moved, interface);
    if (interface == 0) {
        return done;
    }
    if (!done) {
        const auto again = move(child, moved, 0);
        if (again) {
            note_refusal(moved, interface, done.error().to_string());
        }
        return again;
    }
    if (!is_offloaded(moved, child.inbound ? ChildPart::inbound : ChildPart::outbound)) {
        note_refusal(moved, interface, no_hardware);
    }
    return {};
}

std::expected<void, SystemError> SecurityAssociations::Router::move(Installed& child,
                                                                    const ChildSa& moved,
                                                                    std::uint32_t offload_to) {
    const ChildSa& before = child.name;
    std::vector<Direction> present;
    std::vector<NetlinkMessage> questions;
    for (const Direction direction : directions) {
        if (child.present(direction)) {
            present.push_back(direction);
            questions.push_back(read_state(before, direction));
        }
    }
    const auto states = kernel.exchange(questions);
    const bool in_place = moved.local_address == before.local_address &&
                          moved.remote_address == before.remote_address && moved.encapsulation &&
                          before.encapsulation &&
                          std::ranges::none_of(states, [](const NetlinkAnswer& state) {
                              return state && offloaded_to(*state) != 0;
                          });
    StateMove way{before, moved, in_place, offload_to, {}, {}};
    for (std::size_t index = 0; index < present.size(); ++index) {
        if (!states[index]) {
            return std::unexpected(states[index].error());
        }
        if (auto added = way.add(present[index], *states[index]); !added) {
            return added;
        }
    }
    auto done = move_with_policies(way);
    if (done) {
        child.name = moved;
    }
    return done;
}

std::expected<void, SystemError> SecurityAssociations::Router::move_with_policies(StateMove& way) {
    const auto id = way.before.id;
    // States that stay in the kernel are not found by policies that ask for hardware.
    const bool in_hardware = !way.in_place && way.before.offload == policy::HardwareOffload::packet;
    const std::uint32_t whole = in_hardware ? way.offload_to : 0;
    const auto policies_before = policies.policies_of(id);
    const auto move_policies = [&] {
        return policies.move(id, way.moved.local_address, way.moved.remote_address, whole);
    };
    const auto forth = move_policies();
    const auto back = policies.move_back(id, policies_before);
    move_policies();
    for (std::size_t index = 0; index < forth.size(); ++index) {
        way.requests.add(message_for(forth[index]), message_for(back[index]));
    }
    for (auto& [request, inverse] : way.removals) {
        way.requests.add_removal(std::move(request), std::move(inverse));
    }
    auto done = way.requests.send(kernel);
    if (!done) {
        policies.move_back(id, policies_before);
    }
    return done;
}

std::expected<void, KernelFailure> SecurityAssociations::remove(ChildSaId child) {
    const auto entry = router_->installed.find(child);
    if (entry == router_->installed.end()) {
        return {};
    }
    std::vector<NetlinkMessage> requests;
    const auto changes = router_->policies.drop(child);
    router_->reopen_traps(changes);
    std::ranges::transform(changes, std::back_inserter(requests), message_for);
    for (const Direction direction : directions) {
        if (entry->second.present(direction)) {
            requests.push_back(delete_state(entry->second.name, direction));
        }
    }
    router_->installed.erase(entry);
    return router_->remove(requests);
}

std::expected<void, KernelFailure>
SecurityAssociations::Router::remove(std::vector<NetlinkMessage>& requests) {
    const auto answers = kernel.exchange(requests);
    std::expected<void, KernelFailure> result;
    for (std::size_t index = 0; index < answers.size(); ++index) {
        if (answers[index] || is_gone(answers[index].error())) {
            continue;
        }
        kernel.record().forget(requests[index]);
        if (result) {
            result = std::unexpected(failure(answers[index].error()));
        }
    }
    return result;
}

void SecurityAssociations::Router::reopen_traps(const std::vector<PolicyChange>& changes) {
    std::set<std::uint32_t> reopened;
    for (const PolicyChange& change : changes) {
        const auto* const put = std::get_if<PutPolicy>(&change);
        if (put == nullptr || !policy::is_trap_reqid(put->policy.reqid) ||
            !reopened.insert(put->policy.reqid).second) {
            continue;
        }
        const auto trap = std::ranges::find_if(
            traps, [&](const auto& entry) { return entry.second.reqid == put->policy.reqid; });
        if (trap != traps.end()) {
            end_larval_states(kernel, trap->second);
        }
    }
}

std::expected<void, KernelFailure> SecurityAssociations::install_trap(const ChildSa& trap) {
    const auto policies = kernel_policies(trap);
    if (!policies) {
        return std::unexpected(failure(policies.error()));
    }
    // An earlier run may have left one, and the policies that it waited at are gone.
    end_larval_states(router_->kernel, trap);
    ReversibleBatch batch;
    for (const PolicyChange& change : router_->policies.add_beneath(trap.id, *policies)) {
        batch.add(message_for(change), delete_policy(selector_of(change)));
    }
    if (const auto sent = batch.send(router_->kernel); !sent) {
        router_->policies.drop(trap.id);
        return std::unexpected(failure(sent.error()));
    }
    router_->traps.emplace(trap.id, trap);
    return {};
}

std::expected<void, KernelFailure> SecurityAssociations::remove_trap(ChildSaId trap) {
    if (router_->traps.erase(trap) == 0) {
        return {};
    }
    std::vector<NetlinkMessage> requests;
    const auto changes = router_->policies.drop(trap);
    router_->reopen_traps(changes);
    std::ranges::transform(changes, std::back_inserter(requests), message_for);
    return router_->remove(requests);
}

std::optional<policy::ChildSpi>
SecurityAssociations::child_with(const policy::IpAddress& destination, policy::ChildSpi spi) const {
    for (const auto& [id, installed] : router_->installed) {
        const ChildSa& child = installed.name;
        if ((child.inbound_spi == spi && child.local_address == destination) ||
            (child.outbound_spi == spi && child.remote_address == destination)) {
            return child.inbound_spi;
        }
    }
    return std::nullopt;
}

std::expected<policy::ChildSaCounters, KernelFailure>
SecurityAssociations::counters(ChildSaId child) {
    const auto entry = router_->installed.find(child);
    if (entry == router_->installed.end()) {
        return std::unexpected(failure({ESRCH, "GETAE", "the child is not installed"}));
    }
    std::vector<NetlinkMessage> requests;
    std::vector<StateCounters*> counted;
    StateCounters received;
    StateCounters sent = entry->second.sent;
    for (const Direction direction : directions) {
        if (entry->second.present(direction)) {
            requests.push_back(query_state(entry->second.name, direction));
            counted.push_back(direction == Direction::inbound ? &received : &sent);
        }
    }
    const auto answers = router_->kernel.exchange(requests);
    for (std::size_t index = 0; index < answers.size(); ++index) {
        if (!answers[index]) {
            return std::unexpected(failure(answers[index].error()));
        }
        const auto read = read_counters(*answers[index]);
        if (!read) {
            return std::unexpected(
                failure({EBADMSG, requests[index].description(), "the answer holds no counters"}));
        }
        *counted[index] = *read;
    }
    return policy::ChildSaCounters{received.bytes, received.packets, sent.bytes, sent.packets};
}

std::expected<KernelComparison, SystemError>
SecurityAssociations::compare(const netns::NetworkNamespace& place) {
    return KernelComparison::begin(place, router_->kernel, ++router_->passes);
}

ListingCheck SecurityAssociations::check_listing() {
    return {router_->kernel.record(), ++router_->passes};
}

std::expected<void, KernelFailure> SecurityAssociations::mend(const KernelDifference& difference) {
    if (!difference.remedy) {
        return {};
    }
    NetlinkMessage request = *difference.remedy;
    const auto answer = router_->kernel.exchange({&request, 1}).front();
    if (!answer && !is_gone(answer.error())) {
        return std::unexpected(failure(answer.error()));
    }
    return {};
}

std::optional<policy::ChildSpi>
SecurityAssociations::child_of(const KernelDifference& difference) const {
    for (const auto& [id, child] : router_->installed) {
        for (const Direction direction : directions) {
            // A router may have thousands, and keys are dear to make.
            if (flow_of(child.name, direction).spi == difference.spi &&
                key_of(state_id(child.name, direction)) == difference.key) {
                return child.name.inbound_spi;
            }
        }
    }
    return std::nullopt;
}

void SecurityAssociations::remove_all() {
    while (!router_->traps.empty()) {
        static_cast<void>(remove_trap(router_->traps.begin()->first));
    }
    while (!router_->installed.empty()) {
        // Nobody is left to do anything about a failure.
        static_cast<void>(remove(router_->installed.begin()->first));
    }
}

std::expected<void, KernelFailure> SecurityAssociations::set_forwarding(ForwardedInClear what) {
    auto request = forwarding_default(what);
    const auto answer = router_->kernel.exchange({&request, 1}).front();
    return answer ? std::expected<void, KernelFailure>() : std::unexpected(failure(answer.error()));
}

std::optional<ForwardedInClear> SecurityAssociations::forwarding() {
    auto request = get_forwarding_default();
    const auto answer = router_->kernel.exchange({&request, 1}).front();
    return answer ? read_forwarding_default(*answer) : std::nullopt;
}

std::vector<std::string> SecurityAssociations::describe(const ChildSa& child, ChildPart part) {
    std::vector<std::string> lines;
    for (const Direction direction : directions) {
        if (has(part, direction)) {
            lines.push_back(describe_state(child, direction));
        }
    }
    append_policies(lines, policies_of(child, part));
    return lines;
}

std::vector<std::string> SecurityAssociations::describe_trap(const ChildSa& trap) {
    std::vector<std::string> lines;
    append_policies(lines, kernel_policies(trap));
    return lines;
}

} // namespace viaduct::xfrm
