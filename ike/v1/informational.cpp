#include "ike/v1/informational.h"

#include "ike/crypto/v1_authentication.h"
#include "ike/peer_address.h"
#include "ike/v1/dead_peer_detection.h"
#include "ike/v1/delete_sa.h"
#include "ike/v1/established.h"
#include "ike/v1/failure_notification.h"
#include "ike/v1/phase_one.h"
#include "ike/v1/phase_two_proposal.h"
#include "ike/v1/quick_mode_initiator.h"
#include "ike/v1/succession.h"
#include "ike/v1/timers.h"

#include <algorithm>
#include <utility>

namespace viaduct::ike::v1 {

namespace {

using wire::v1::NotifyType;

HashMaker first_hash_of(const IsakmpKeys& keys, wire::MessageId id) {
    return [&keys, id](std::span<const std::uint8_t> behind) {
        return crypto::first_hash(keys.suite.prf, keys.skeyids.a, id, behind);
    };
}

std::optional<wire::v1::ProtectedInformational> verified(Turn& turn, const IkeSaFacts& facts,
                                                         const IsakmpKeys& keys,
                                                         const wire::v1::EncryptedMessage& message,
                                                         std::span<const std::uint8_t> vector,
                                                         const std::string& connection) {
    const auto opened = decrypt(keys, vector, message);
    if (!opened)
        return std::nullopt;
    auto read = wire::v1::read_protected_informational(opened->chain);
    if (!read)
        return std::nullopt;
    const auto expected = first_hash_of(keys, message.header.message_id)(read->hashed);
    if (!expected || !crypto::is_same_hash(*expected, read->hash.data))
        return std::nullopt;
    report_message(turn, facts, Direction::received, message.header, opened->chain.payloads,
                   connection);
    return std::move(*read);
}

bool means_this_sa(const IkeSaFacts& facts, const wire::v1::DeletePayload& deletes) {
    return std::ranges::contains(deletes.isakmp,
                                 wire::v1::Cookies{facts.initiator_spi, facts.responder_spi});
}

/// Whether an error speaks of the quick mode of ours that is under way. Peers name it by its SPI,
/// by the cookies of the SA, or not at all: then it can be no other, since one is under way at a
/// time.
bool concerns_quick_mode(const IkeSaFacts& facts, const Established& sa,
                         const wire::v1::NotifyPayload& error) {
    if (!sa.asked || !is_refusal(error.type))
        return false;
    if (std::ranges::all_of(error.spi, [](std::uint8_t octet) { return octet == 0; }))
        return true;
    if (const auto cookies = wire::v1::cookies_of(error.spi))
        return *cookies == wire::v1::Cookies{facts.initiator_spi, facts.responder_spi};
    return error.spi == spi_octets(sa.asked->inbound_spi);
}

/// Whether it came for the first time. More than a few are nobody's.
bool is_first(InformationalsHeard& heard, const wire::v1::EncryptedMessage& message) {
    constexpr std::size_t most = 4;
    wire::Octets octets(message.ciphertext.begin(), message.ciphertext.end());
    if (heard.size() == most || std::ranges::contains(heard, octets))
        return false;
    heard.push_back(std::move(octets));
    return true;
}

/// An error under the message ID of our quick mode, which ends it.
void refuse_asked(Turn& turn, IkeSaFacts& facts, Established& sa,
                  const wire::v1::ProtectedInformational& said) {
    if (const auto* error = first_error(said.notifies))
        quick_mode_refused(turn, facts, sa, *error);
    else
        ++turn.dropped.unexpected;
}

IsakmpSaState act_on(Turn& turn, IkeSaFacts& facts, Established sa,
                     const wire::v1::ProtectedInformational& said) {
    bool ends = false;
    for (const auto& each : said.deletes) {
        if (each.protocol == policy::ProtocolId::esp)
            children_deleted_by_peer(turn, sa, each.children);
        ends = ends || means_this_sa(facts, each);
    }
    // What else it says of an SA that is over counts for nothing.
    if (ends)
        return closed_by_peer(turn, facts, std::move(sa));
    for (const auto& each : said.notifies) {
        if (wire::v1::sequence_number(each))
            consume_dead_peer_detection(turn, facts, sa, each);
        else if (concerns_quick_mode(facts, sa, each))
            quick_mode_refused(turn, facts, sa, each);
        else if (wire::v1::is_error(each.type))
            ++turn.dropped.unexpected;
        else if (each.type == NotifyType::initial_contact)
            turn.outcomes.emplace_back(outcome::Up{.connection = sa.connection->name,
                                                   .childless = std::nullopt,
                                                   .has_child = !sa.children.empty(),
                                                   .initial_contact = true,
                                                   .peer = sa.peer_id});
    }
    if (const auto told = told_lifetimes(said.notifies, policy::ProtocolId::ike).seconds)
        shorten_lifetime(turn, facts, sa, *told);
    return sa;
}

} // namespace

std::optional<Messages> seal_informational(Turn& turn, const IkeSaFacts& facts,
                                           const IsakmpKeys& keys, wire::MessageId id,
                                           const Payloads& payloads,
                                           const std::string& connection) {
    auto vector = first_vector(keys, id);
    return seal_hashed(turn, facts, keys, vector,
                       header_for(facts, wire::ExchangeType::informational_v1, id), payloads,
                       first_hash_of(keys, id), connection);
}

void send_informational(Turn& turn, const IkeSaFacts& facts, Established& sa,
                        const Payloads& payloads) {
    const auto messages = seal_informational(turn, facts, sa.keys, sa.ids.draw(turn.rng), payloads,
                                             sa.connection->name);
    if (messages)
        turn.send(facts.path, *messages);
}

std::optional<wire::v1::ProtectedInformational>
open_informational(Turn& turn, const IkeSaFacts& facts, const IsakmpKeys& keys,
                   const wire::v1::EncryptedMessage& message, const std::string& connection) {
    return verified(turn, facts, keys, message, first_vector(keys, message.header.message_id),
                    connection);
}

IsakmpSaState consume_informational(Turn& turn, IkeSaFacts& facts, Established sa,
                                    const wire::v1::EncryptedMessage& message,
                                    const policy::UdpPath& path) {
    const auto id = message.header.message_id;
    // RFC 2408 3.1: CONNECTED comes under the message ID of the quick mode that it confirms.
    const auto mode = std::ranges::find(sa.over, id, &QuickModeOver::id);
    auto said = open_informational(turn, facts, sa.keys, message, sa.connection->name);
    if (!said && mode != sa.over.end())
        said = verified(turn, facts, sa.keys, message, mode->vector, sa.connection->name);
    // Some refuse a quick mode under its own message ID.
    const bool of_asked = sa.asked && sa.asked->id == id;
    if (!said && of_asked)
        said = verified(turn, facts, sa.keys, message, sa.asked->vector, sa.connection->name);
    if (!said) {
        ++turn.dropped.integrity_failed;
        return sa;
    }
    const bool repeated = mode != sa.over.end() ? !is_first(mode->informed, message)
                          : of_asked            ? !is_first(sa.asked->informed, message)
                                                : !sa.ids.use(id);
    if (repeated) {
        ++turn.dropped.repeated;
        return sa;
    }
    const bool stray = std::ranges::any_of(
        said->notifies, [&](const auto& each) { return is_stray_answer(facts, sa, each); });
    if (stray) {
        ++turn.dropped.unexpected;
    } else {
        sa.last_heard = turn.now;
        sa.confirmed = true;
        sa.questioned.reset();
        follow_peer(facts, path);
    }
    if (mode != sa.over.end()) {
        const bool connected = std::ranges::contains(said->notifies, NotifyType::connected,
                                                     &wire::v1::NotifyPayload::type);
        if (connected)
            told_of_child(turn, sa, mode->child, true);
        return sa;
    }
    if (of_asked) {
        refuse_asked(turn, facts, sa, *said);
        return sa;
    }
    return act_on(turn, facts, std::move(sa), *said);
}

} // namespace viaduct::ike::v1
