#include "tests/fuzz/message_edit.h"

#include "ike/wire/payload_chain.h"

namespace viaduct::fuzz {

using namespace ike::wire;

namespace {

struct Element {
    PayloadType type;
    Octets body;
};

std::vector<Element> elements_of(const ClearMessage& message) {
    std::vector<Element> out;
    ByteReader rest(message.chain);
    auto type = message.first;
    while (type != PayloadType::none) {
        auto each = read_chained_payload(type, rest);
        if (!each)
            break;
        const auto body = each->body.rest();
        out.push_back({type, {body.begin(), body.end()}});
        type = each->next;
    }
    return out;
}

void put(const std::vector<Element>& elements, ClearMessage& message) {
    ByteWriter out;
    for (std::size_t i = 0; i < elements.size(); ++i) {
        const bool last = i + 1 == elements.size();
        PayloadFrame frame(last ? PayloadType::none : elements[i + 1].type, out);
        out.octets(elements[i].body);
        frame.close();
    }
    message.first = elements.empty() ? PayloadType::none : elements.front().type;
    message.chain = std::move(out).take();
}

void apply_to_v1_header(const MessageEdit& edit, Header& header) {
    constexpr ExchangeType exchanges[] = {ExchangeType::identity_protection,
                                          ExchangeType::aggressive, ExchangeType::informational_v1,
                                          ExchangeType::quick_mode};
    switch (edit.payload % 4) {
    case 0: header.exchange = exchanges[edit.place % std::size(exchanges)]; break;
    case 1: header.commit = !header.commit; break;
    case 2:
        header.message_id = MessageId{static_cast<std::uint32_t>(header.message_id) +
                                      static_cast<std::uint32_t>(edit.place) - 2};
        break;
    default: header.authentication_only = !header.authentication_only; break;
    }
}

void apply_to_header(const MessageEdit& edit, Header& header) {
    if (header.major_version == 1) {
        apply_to_v1_header(edit, header);
        return;
    }
    switch (edit.payload % 5) {
    case 0: header.exchange = ExchangeType{static_cast<std::uint8_t>(34 + edit.place % 5)}; break;
    case 1: header.response = !header.response; break;
    case 2:
        header.message_id = MessageId{static_cast<std::uint32_t>(header.message_id) +
                                      static_cast<std::uint32_t>(edit.place) - 2};
        break;
    case 3: header.initiator = !header.initiator; break;
    default: header.higher_version = true; break;
    }
}

/// The edits that leave a chain whose lengths are right.
void apply_to_elements(const MessageEdit& edit, std::vector<Element>& elements) {
    const auto at =
        elements.begin() +
        static_cast<std::ptrdiff_t>(edit.payload % std::max<std::size_t>(1, elements.size()));
    const auto type = PayloadType{edit.place};
    if (edit.what == 0 || elements.empty()) {
        elements.insert(elements.empty() ? elements.end() : at, {type, edit.octets});
        return;
    }
    auto& body = at->body;
    switch (edit.what) {
    case 1: elements.erase(at); break;
    case 2: elements.push_back(Element(*at)); break;
    case 3: body = edit.octets; break;
    case 4: body.resize(std::min<std::size_t>(body.size(), edit.place)); break;
    case 5: body.insert(body.end(), edit.octets.begin(), edit.octets.end()); break;
    case 6: at->type = type; break;
    case 7: std::swap(*at, elements.front()); break;
    default:
        for (std::size_t i = 0; i < edit.octets.size() && edit.place + i < body.size(); ++i)
            body[edit.place + i] ^= edit.octets[i];
    }
}

} // namespace

MessageEdit read_edit(ScriptReader& script) {
    MessageEdit edit{.what = static_cast<std::uint8_t>(script.octet() % 12),
                     .payload = script.octet(),
                     .place = script.octet(),
                     .octets = {}};
    const auto octets = script.counted();
    edit.octets.assign(octets.begin(), octets.end());
    return edit;
}

void apply(const MessageEdit& edit, ClearMessage& message) {
    if (edit.what == 9) {
        apply_to_header(edit, message.header);
    } else if (edit.what == 10) {
        message.first = PayloadType{edit.place};
        message.chain = edit.octets;
    } else if (edit.what == 11 || message.fragment) {
        const std::size_t start = std::size_t{edit.payload} << 3 | (edit.place & 7u);
        for (std::size_t i = 0; i < edit.octets.size() && start + i < message.chain.size(); ++i)
            message.chain[start + i] ^= edit.octets[i];
    } else {
        auto elements = elements_of(message);
        apply_to_elements(edit, elements);
        put(elements, message);
    }
}

} // namespace viaduct::fuzz
