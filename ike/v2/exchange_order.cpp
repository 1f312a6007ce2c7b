#include "ike/v2/exchange_order.h"

#include "ike/v2/create_child_initiator.h"
#include "ike/v2/delete_sa.h"
#include "ike/v2/exchange_message.h"
#include "ike/v2/message_ids.h"
#include "ike/v2/rekey_ike.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

/// What a purpose puts into its request; nothing when it has become void.
struct Contents {
    using Payloads = std::optional<std::vector<wire::Payload>>;
    Turn& turn;
    const IkeSaFacts& facts;
    const Established& sa;

    Payloads operator()(const purpose::LivenessCheck&) { return Payloads(std::in_place); }
    Payloads operator()(purpose::CreateChild& purpose) {
        return begin_create_child(turn, facts, sa, purpose);
    }
    Payloads operator()(const purpose::DeleteChildren& purpose) {
        return Payloads({wire::DeletePayload{policy::ProtocolId::esp, purpose.spis}});
    }
    Payloads operator()(purpose::RekeyIkeSa& purpose) { return begin_ike_rekey(turn, sa, purpose); }
    Payloads operator()(const purpose::DeleteIkeSa&) {
        return Payloads({wire::DeletePayload{policy::ProtocolId::ike, {}}});
    }
};

wire::ExchangeType exchange_of(const RequestPurpose& purpose) {
    const bool creates = std::holds_alternative<purpose::CreateChild>(purpose) ||
                         std::holds_alternative<purpose::RekeyIkeSa>(purpose);
    return creates ? wire::ExchangeType::create_child_sa : wire::ExchangeType::informational;
}

/// The most urgent purpose that still has something to say.
struct NextRequest {
    RequestPurpose purpose;
    std::vector<wire::Payload> payloads;
};
/// Later in the variant is more urgent.
std::size_t urgency(const RequestPurpose& purpose) {
    return purpose.index();
}

std::optional<NextRequest> take_next(Turn& turn, const IkeSaFacts& facts, Established& sa) {
    while (!sa.waiting.empty()) {
        const auto next = std::ranges::max_element(sa.waiting, {}, urgency);
        auto purpose = std::move(*next);
        sa.waiting.erase(next);
        if (auto payloads = std::visit(Contents{turn, facts, sa}, purpose))
            return NextRequest{std::move(purpose), std::move(*payloads)};
    }
    return std::nullopt;
}

} // namespace

void request(Turn& turn, IkeSaFacts& facts, Established& sa, RequestPurpose purpose) {
    sa.waiting.push_back(std::move(purpose));
    start_waiting_request(turn, facts, sa);
}

void start_waiting_request(Turn& turn, IkeSaFacts& facts, Established& sa) {
    if (sa.under_way)
        return;
    auto next = take_next(turn, facts, sa);
    if (!next)
        return;
    const auto id = sa.next_request;
    const auto exchange = exchange_of(next->purpose);
    auto messages = seal(turn, facts, sa.keys, exchange, MessageKind::request, id, next->payloads,
                         sa.connection->name);
    if (!messages) {
        report_closed(turn, facts, sa, cause::LocalFault{"a request could not be sealed"});
        return;
    }
    turn.send(facts.path, *messages);
    const auto* farewell = std::get_if<purpose::DeleteIkeSa>(&next->purpose);
    const auto& schedule = farewell && !std::holds_alternative<cause::Replaced>(farewell->why)
                               ? farewell_schedule
                               : sa.connection->ike.retransmission;
    sa.under_way = RequestUnderWay{.id = id,
                                   .exchange = exchange,
                                   .messages = std::move(*messages),
                                   .timer = Retransmission(turn.now, schedule)};
    sa.under_way_purpose = std::move(next->purpose);
    sa.next_request = following(id);
}

} // namespace viaduct::ike::v2
