// How a cell's happenings are told.
#include "ike/overloaded.h"
#include "tests/simulation/matrix_cell.h"
#include "tests/simulation/scripted_messages.h"

#include <algorithm>
#include <format>
#include <ranges>

namespace viaduct::simulation {

namespace {

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
    std::string out;
    for (std::size_t i = 0; i < texts.size();) {
        const auto same = static_cast<std::size_t>(
            std::ranges::find_if(texts.begin() + static_cast<std::ptrdiff_t>(i), texts.end(),
                                 [&](const auto& each) { return each != texts[i]; }) -
            texts.begin());
        if (!out.empty())
            out += separator;
        out += same - i > 1 ? std::format("{} (×{})", texts[i], same - i) : texts[i];
        i = same;
    }
    return out.empty() ? "-" : out;
}

} // namespace

std::string Cell::name(policy::ChildSaId child) {
    const auto found = std::ranges::find(children_, child, &policy::ChildSa::id);
    // Reported before it is installed.
    return std::string(1, static_cast<char>('A' + (found - children_.begin())));
}

std::string Cell::name(policy::ChildSpi spi) const {
    const auto found = std::ranges::find(children_, spi, &policy::ChildSa::inbound_spi);
    return found == children_.end()
               ? std::string("what was offered")
               : std::string(1, static_cast<char>('A' + (found - children_.begin())));
}

std::string Cell::name(IkeSpi initiator_spi) {
    auto found = std::ranges::find(ike_sas_, initiator_spi);
    if (found == ike_sas_.end())
        found = ike_sas_.insert(found, initiator_spi);
    return std::format("SA {}", found - ike_sas_.begin() + 1);
}

std::string Cell::names_in(const Heard& heard) const {
    std::vector<std::string> names;
    for (const auto spi : heard.deleted())
        names.push_back(name(spi));
    for (const auto& each : heard.payloads) {
        const auto* deleted = std::get_if<DeletePayload>(&each);
        if (deleted && deleted->protocol == policy::ProtocolId::ike)
            names.emplace_back("IKE");
        const auto* notify = std::get_if<NotifyPayload>(&each);
        if (notify && notify->type == NotifyType::rekey_sa)
            for (const auto& child : children_)
                if (spi_octets(child.inbound_spi) == notify->spi)
                    names.push_back(name(child.inbound_spi));
    }
    return names.empty() ? "" : " " + joined(names, ",");
}

std::string Cell::text_of(const Heard& heard, const ike::SendDatagram& datagram) const {
    const auto kind = heard.header.response ? Direction::response : Direction::request;
    auto text = arrow_notation(heard.header.exchange, heard.payloads, kind) + names_in(heard);
    text = heard.header.response ? "<-- " + text : text + " -->";
    const auto found = std::ranges::find(ike_sas_, heard.header.initiator_spi);
    const auto number = found - ike_sas_.begin() + 1;
    if (number > 1)
        text = std::format("SA {}: {}", number, text);
    if (datagram.path.remote.address != peer.own.local_address)
        text += " to where it came from";
    // The last one is this one.
    if (std::ranges::count(peer.datagrams, datagram.octets) > 1)
        text = "again " + text;
    return text;
}

std::string Cell::report_text(const ike::ReportEvent& event) {
    return std::visit(
        ike::Overloaded{
            [](const ike::MessageReport&) { return std::string(); },
            [](const ike::Retransmitted&) { return std::string(); },
            [&](const ike::IkeSaEstablished& each) { return name(each.initiator_spi) + " up"; },
            [&](const ike::IkeSaClosed& each) {
                return std::format("{} ended ({})", name(each.initiator_spi), ike::code(each.why));
            },
            [&](const ike::ChildSaEstablished& each) { return name(each.child) + " up"; },
            [&](const ike::ChildSaClosed& each) {
                return std::format("{} ended ({})", name(each.child), ike::code(each.why));
            },
            [](const ike::NegotiationFailed& each) {
                return std::format("failed ({}){}", ike::code(each.why),
                                   each.retry ? ", to be tried again" : "");
            },
            [](const ike::PeerMoved&) { return std::string("the peer moved"); },
        },
        event);
}

std::string Cell::drops() const {
    const auto now = peer.endpoint.status().dropped;
    std::vector<std::string> out;
    const auto note = [&](std::string_view name, auto member) {
        if (now.*member != drops_before_.*member)
            out.emplace_back(name);
    };
    using D = ike::DropCounters;
    note("malformed", &D::malformed);
    note("unknown version", &D::unknown_version);
    note("unknown exchange", &D::unknown_exchange);
    note("unknown SA", &D::unknown_sa);
    note("no connection", &D::no_connection);
    note("message ID", &D::bad_message_id);
    note("integrity", &D::integrity_failed);
    note("half-open limit", &D::half_open_limit);
    note("unexpected", &D::unexpected);
    return out.empty() ? "" : "dropped (" + joined(out, ", ") + ")";
}

std::string Cell::asked(IkeSpi initiator_spi) const {
    for (const auto& each : peer.requests | std::views::reverse) {
        if (each.header.initiator_spi != initiator_spi)
            continue;
        const auto* deleted = find<DeletePayload>(each.payloads);
        switch (each.header.exchange) {
        case ExchangeType::ike_sa_init: return " asks IKE_SA_INIT";
        case ExchangeType::ike_auth: return " asks IKE_AUTH";
        case ExchangeType::create_child_sa:
            if (find<TsPayload>(each.payloads))
                return rekey_of(each) ? " rekeys" + names_in(each) : " asks for a child";
            return " rekeys itself";
        default: return deleted ? " deletes" + names_in(each) : " asks for life";
        }
    }
    return "";
}

std::string Cell::text_of(const ike::IkeSaStatus& sa, std::vector<policy::ChildSaId>& known) const {
    const auto number = std::ranges::find(ike_sas_, sa.initiator_spi) - ike_sas_.begin() + 1;
    auto text = std::format("SA {} {}", number, sa.established ? "stands" : sa.state);
    for (const auto& child : sa.children) {
        known.push_back(child.id);
        const auto found = kernel.installed().find(child.id);
        const bool out = found != kernel.installed().end() && found->second.outbound;
        text += " " + name(child.inbound_spi) + (out ? "" : ".in");
    }
    return text + asked(sa.initiator_spi);
}

std::string Cell::state() const {
    const auto whole = peer.endpoint.status();
    std::vector<std::string> texts;
    std::vector<policy::ChildSaId> known;
    for (const auto& connection : whole.connections) {
        texts.emplace_back(to_string(connection.state));
        for (const auto& sa : connection.ike_sas)
            texts.push_back(text_of(sa, known));
    }
    if (whole.connections.empty())
        texts.emplace_back("not configured");
    if (whole.half_open > 0)
        texts.push_back(std::format("{} half-open", whole.half_open));
    for (const auto& [id, installed] : kernel.installed())
        if (!std::ranges::contains(known, id))
            texts.push_back("the kernel takes in " + name(installed.child.inbound_spi));
    return joined(texts, "; ");
}

CellNote Cell::note() const {
    auto sent = sent_;
    if (auto dropped = drops(); !dropped.empty())
        sent.push_back(std::move(dropped));
    return {joined(sent, "; "), joined(kernel_, " "), joined(reported_, "; "), state()};
}

} // namespace viaduct::simulation
