// What holds in every cell.
#include "tests/simulation/matrix_cell.h"
#include "tests/simulation/scripted_messages.h"

#include <algorithm>

namespace viaduct::simulation {

void Cell::check_kernel(std::vector<std::string>& broken) const {
    std::vector<policy::ChildSaId> known;
    for (const auto& connection : peer.endpoint.status().connections)
        for (const auto& sa : connection.ike_sas)
            for (const auto& child : sa.children) {
                known.push_back(child.id);
                if (!kernel.installed().contains(child.id))
                    broken.push_back("the kernel lacks " + name(child.inbound_spi));
            }
    for (const auto& [id, installed] : kernel.installed())
        if (installed.outbound && !std::ranges::contains(known, id))
            broken.push_back("no IKE SA has " + name(installed.child.inbound_spi));
}

void Cell::check_repetition(std::vector<std::string>& broken) {
    if (responses_ > requests_)
        broken.emplace_back("more responses than requests");
    if (delivered_.empty())
        return;
    const auto first = last_response_;
    last_response_.clear();
    kernel_.clear();
    const auto before = peer.datagrams.size();
    peer.send(Octets(delivered_));
    const auto sent = peer.datagrams.size() - before;
    if (last_response_ != first || sent > 1 || (sent == 1 && first.empty()) || !kernel_.empty())
        broken.emplace_back("the request again is not answered as before");
}

void Cell::check_end(std::vector<std::string>& broken) {
    peer.command(ike::Shutdown{});
    const auto end = peer.now + 5min;
    while (peer.now < end) {
        for (const auto& each : std::exchange(peer.requests, {})) {
            if (each.header.exchange == ExchangeType::informational)
                peer.answer(each, {});
            else if (each.header.exchange == ExchangeType::create_child_sa)
                peer.answer(each, {notify(NotifyType::temporary_failure)});
        }
        if (!peer.endpoint.next_deadline())
            break;
        peer.pass(1s);
    }
    if (peer.endpoint.next_deadline())
        broken.emplace_back("the end is not reached");
    if (!kernel.installed().empty())
        broken.emplace_back("the kernel keeps children");
    for (const auto& connection : peer.endpoint.status().connections)
        if (!connection.ike_sas.empty())
            broken.emplace_back("IKE SAs are left over");
    for (const auto& complaint : kernel.complaints())
        broken.push_back(complaint);
}

std::vector<std::string> Cell::broken_promises() {
    std::vector<std::string> broken;
    check_kernel(broken);
    check_repetition(broken);
    check_end(broken);
    return broken;
}

} // namespace viaduct::simulation
