#include "ike/v2/fragmentation.h"

#include <algorithm>

namespace viaduct::ike::v2 {

namespace {

/// Sendings of a request after which the path counts as narrower than it was thought to be.
constexpr unsigned patience = 3;

bool is_v4(const policy::UdpPath& path) {
    return path.remote.address.family() == policy::AddressFamily::ipv4;
}

/// What every path carries: RFC 7383 2.5.1.
std::uint16_t smallest_size(const policy::UdpPath& path) {
    return is_v4(path) ? 576 : 1280;
}

/// Octets of an IP datagram around an IKE message.
std::size_t around_message(const Turn& turn, const policy::UdpPath& path) {
    constexpr std::size_t udp_header = 8;
    const auto marker = ike_datagram({}, path.local.port, turn.settings).size();
    return (is_v4(path) ? 20 : 40) + udp_header + marker;
}

std::size_t longest_message(const Turn& turn, const policy::UdpPath& path, std::uint16_t size) {
    const auto around = around_message(turn, path);
    return size > around ? size - around : 0;
}

std::size_t longest_of(const Messages& messages) {
    return messages.empty() ? 0 : std::ranges::max(messages, {}, &wire::Octets::size).size();
}

std::expected<Messages, crypto::CryptoError>
seal_in_fragments(Turn& turn, const IkeSaFacts& facts, MessageKeys& keys,
                  const wire::Header& header, wire::PayloadType first,
                  std::span<const std::uint8_t> content) {
    return crypto::seal_v2_fragments(keys.suite, keys.send, header, first, content,
                                     longest_message(turn, facts.path, facts.fragment_size),
                                     keys.counter, turn.rng);
}

/// Our own message, opened and sealed in shorter datagrams: its content is kept nowhere else.
/// Nothing when that is not possible.
std::optional<Messages> refragmented(Turn& turn, const IkeSaFacts& facts, MessageKeys& keys,
                                     const Messages& messages) {
    std::optional<wire::Header> header;
    auto first = wire::PayloadType::none;
    Botan::secure_vector<std::uint8_t> content;
    for (const auto& message : messages) {
        const auto outer = wire::decode_v2_message(message);
        if (!outer || !outer->encrypted)
            return std::nullopt;
        const auto opened =
            crypto::open_v2_message(keys.suite, keys.send, message, *outer->encrypted);
        if (!opened)
            return std::nullopt;
        if (!header) {
            header = outer->header;
            first = opened->first();
        }
        content.insert(content.end(), opened->octets().begin(), opened->octets().end());
    }
    if (!header)
        return std::nullopt;
    auto shorter = seal_in_fragments(turn, facts, keys, *header, first, content);
    // RFC 7383 2.5.2: the peer takes only more fragments than before for a fragmentation anew.
    if (!shorter || shorter->size() <= messages.size())
        return std::nullopt;
    return std::move(*shorter);
}

/// The peer's own datagrams tell what the path carries.
void learn_size(Turn& turn, IkeSaFacts& facts, const policy::UdpPath& path,
                std::size_t message_length) {
    const auto seen = around_message(turn, path) + message_length;
    if (seen < facts.fragment_size)
        facts.fragment_size = std::min(
            facts.fragment_size, std::max(smallest_size(path), static_cast<std::uint16_t>(seen)));
}

/// Somebody who has not said who he is yet, though he has the keys.
bool from_stranger(const IkeSaFacts& facts, const wire::Header& header) {
    return facts.role == Role::responder && header.exchange == wire::ExchangeType::ike_auth;
}

} // namespace

void agree_on_fragmentation(IkeSaFacts& facts, bool supported, const policy::Fragmentation& ours) {
    facts.fragmentation = supported && ours.enabled;
    facts.fragment_size = facts.fragmentation ? ours.size : 0;
}

void limit_fragments(IkeSaFacts& facts, const policy::Fragmentation& ours) {
    facts.fragment_size = ours.enabled ? std::min(facts.fragment_size, ours.size) : 0;
}

std::expected<Messages, crypto::CryptoError> fragmented(Turn& turn, const IkeSaFacts& facts,
                                                        MessageKeys& keys, wire::Octets message,
                                                        std::span<const wire::Payload> payloads) {
    const auto longest = longest_message(turn, facts.path, facts.fragment_size);
    if (facts.fragment_size != 0 && message.size() > longest && !payloads.empty()) {
        const auto header = wire::decode_header(message);
        const auto content = wire::encode_v2_payloads(payloads);
        return seal_in_fragments(turn, facts, keys, *header, wire::payload_type(payloads.front()),
                                 content);
    }
    Messages whole;
    whole.push_back(std::move(message));
    return whole;
}

bool wants_fragment(Turn& turn, const IkeSaFacts& facts, const wire::OuterMessage& outer) {
    if (!facts.fragmentation || outer.fragment->total > limit::fragments) {
        ++turn.dropped.unexpected;
        return false;
    }
    const bool wanted = facts.fragments.wants(outer.header, *outer.fragment);
    turn.dropped.repeated += wanted ? 0u : 1u;
    return wanted;
}

std::optional<AssembledContent> take_fragment(Turn& turn, IkeSaFacts& facts,
                                              const Received& received,
                                              const crypto::OpenedPayload& opened) {
    const auto& outer = received.outer;
    const auto most = from_stranger(facts, outer.header) ? limit::fragmented_content_of_stranger
                                                         : limit::fragmented_content;
    auto whole = facts.fragments.add(turn.now, outer.header, *outer.fragment, opened.first(),
                                     opened.octets(), most);
    if (whole)
        learn_size(turn, facts, received.path, whole->longest_fragment);
    return whole;
}

bool calls_for_repetition(const wire::OuterMessage& outer) {
    return !outer.fragment || outer.fragment->number == 1;
}

void send_again(Turn& turn, IkeSaFacts& facts, MessageKeys& keys, RequestUnderWay& request) {
    const auto smallest = smallest_size(facts.path);
    if (request.timer.attempts() == patience && facts.fragment_size > smallest &&
        longest_of(request.messages) > longest_message(turn, facts.path, smallest)) {
        facts.fragment_size = smallest;
        if (auto shorter = refragmented(turn, facts, keys, request.messages)) {
            request.messages = std::move(*shorter);
            // RFC 7383 2.5.2: the time that a response has starts over with each size.
            request.timer.start_over(turn.now);
        }
    }
    turn.send(facts.path, request.messages);
}

void answer_again(Turn& turn, IkeSaFacts& facts, Established& sa, const Received& received) {
    const auto& outer = received.outer;
    if (!calls_for_repetition(outer))
        return;
    const auto longest = longest_message(turn, facts.path, facts.fragment_size);
    const bool shorter_now = outer.fragment && facts.fragment_size != 0 &&
                             received.message.size() < longest &&
                             longest_of(sa.last_response) > received.message.size();
    const bool elsewhere = received.path != sa.last_response_path;
    // Only what changes something is worth being opened.
    const bool authentic =
        (shorter_now || elsewhere) && outer.encrypted &&
        crypto::open_v2_message(sa.keys.suite, sa.keys.receive, received.message, *outer.encrypted);
    if (shorter_now && authentic) {
        learn_size(turn, facts, received.path, received.message.size());
        if (auto shorter = refragmented(turn, facts, sa.keys, sa.last_response))
            sa.last_response = std::move(*shorter);
    }
    // RFC 7296 2.11: to where the request comes from; the mapping of a NAT may have changed since.
    turn.send(elsewhere && authentic ? received.path : sa.last_response_path, sa.last_response);
}

} // namespace viaduct::ike::v2
