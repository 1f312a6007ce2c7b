#include "ike/wire/v1_transform.h"

#include <algorithm>
#include <format>
#include <utility>

namespace viaduct::ike::wire::v1 {

namespace {

constexpr std::uint16_t extended = 1; // RFC 4304: 64-bit sequence numbers

std::unexpected<DecodeError> fault(DecodeFault cause, PayloadType payload, std::string_view where) {
    return std::unexpected(DecodeError{cause, static_cast<std::uint8_t>(payload), 0, where});
}

std::unexpected<DecodeError> bad_attribute() {
    return fault(DecodeFault::bad_value, PayloadType::transform, "attribute");
}

/// Reads life types and durations, which come in pairs: a type, then its duration.
class LifetimeReader {
public:
    /// False when the type before is still without its duration, or the type came before.
    bool type(std::uint64_t value) {
        const bool alternates = !pending_;
        pending_ = value;
        return alternates;
    }
    bool duration(std::uint64_t value) {
        if (!pending_) {
            return false;
        }
        const auto type = *std::exchange(pending_, std::nullopt);
        auto* slot = type == static_cast<std::uint64_t>(LifeType::seconds)     ? &read_.seconds
                     : type == static_cast<std::uint64_t>(LifeType::kilobytes) ? &read_.kilobytes
                                                                               : nullptr;
        if (slot == nullptr || slot->has_value()) {
            return false;
        }
        *slot = value;
        return true;
    }
    bool complete() const { return !pending_; }
    const Lifetimes& lifetimes() const { return read_; }

private:
    std::optional<std::uint64_t> pending_;
    Lifetimes read_;
};

/// Puts `value` into an empty slot that can hold it.
template <typename T> bool fill(std::optional<T>& slot, std::uint64_t value) {
    if (slot || value > 0xffff) {
        return false;
    }
    slot = static_cast<T>(value);
    return true;
}

bool read_into(PhaseOneSuite& suite, LifetimeReader& life, std::uint16_t type,
               std::uint64_t value) {
    switch (PhaseOneAttribute{type}) {
    case PhaseOneAttribute::encryption_algorithm: return fill(suite.encryption, value);
    case PhaseOneAttribute::hash_algorithm: return fill(suite.hash, value);
    case PhaseOneAttribute::authentication_method: return fill(suite.authentication, value);
    case PhaseOneAttribute::group_description: return fill(suite.group, value);
    case PhaseOneAttribute::key_length: return fill(suite.key_bits, value);
    case PhaseOneAttribute::life_type: return life.type(value);
    case PhaseOneAttribute::life_duration: return life.duration(value);
    // A named group is complete; MODP beside one says nothing new.
    case PhaseOneAttribute::group_type: return true;
    case PhaseOneAttribute::prf: break;
    }
    suite.unknown_attribute = true;
    return true;
}

bool read_into(EspTransform& transform, LifetimeReader& life, std::uint16_t type,
               std::uint64_t value) {
    switch (PhaseTwoAttribute{type}) {
    case PhaseTwoAttribute::life_type: return life.type(value);
    case PhaseTwoAttribute::life_duration: return life.duration(value);
    case PhaseTwoAttribute::group_description: return fill(transform.group, value);
    case PhaseTwoAttribute::encapsulation_mode: return fill(transform.encapsulation, value);
    case PhaseTwoAttribute::authentication_algorithm: return fill(transform.authentication, value);
    case PhaseTwoAttribute::key_length: return fill(transform.key_bits, value);
    case PhaseTwoAttribute::extended_sequence_numbers:
        transform.extended_sequence_numbers = value == extended;
        return value <= extended;
    }
    transform.unknown_attribute = true;
    return true;
}

template <typename Suite> Decoded<Suite> read_attributes(const Transform& transform, Suite suite) {
    LifetimeReader life;
    for (const auto& attribute : transform.attributes) {
        const auto value = number_of(attribute);
        if (!value) {
            // Long octet strings are the parameters of a group of the peer's own (RFC 2409 5.6).
            suite.unknown_attribute = true;
        } else if (!read_into(suite, life, attribute.type, *value)) {
            return bad_attribute();
        }
    }
    if (!life.complete()) {
        return bad_attribute();
    }
    suite.lifetimes = life.lifetimes();
    return suite;
}

/// Appends attributes of one phase.
template <typename Class> class AttributeWriter {
public:
    template <typename T> AttributeWriter& add(Class type, const std::optional<T>& value) {
        return value ? add(type, static_cast<std::uint32_t>(*value)) : *this;
    }
    AttributeWriter& add(Class type, std::uint32_t value) {
        list_.push_back(number_attribute(static_cast<std::uint16_t>(type), value));
        return *this;
    }
    AttributeWriter& lifetimes(const Lifetimes& life) {
        duration(LifeType::seconds, life.seconds);
        duration(LifeType::kilobytes, life.kilobytes);
        return *this;
    }
    std::vector<Attribute> take() && { return std::move(list_); }

private:
    void duration(LifeType type, const std::optional<std::uint64_t>& value) {
        if (value) {
            add(Class::life_type, static_cast<std::uint32_t>(type));
            add(Class::life_duration,
                static_cast<std::uint32_t>(std::min<std::uint64_t>(*value, 0xffffffff)));
        }
    }
    std::vector<Attribute> list_;
};

template <typename Class> std::vector<Attribute> lifetime_attributes(const Lifetimes& life) {
    AttributeWriter<Class> out;
    out.lifetimes(life);
    return std::move(out).take();
}

template <typename Suite> Decoded<Lifetimes> lifetimes_of(const Decoded<Suite>& suite) {
    return suite.transform([](const Suite& read) { return read.lifetimes; });
}

/// Joins what is there with slashes.
class SuiteText {
public:
    SuiteText& add(const std::string& part) {
        text_ += (text_.empty() ? "" : "/") + part;
        return *this;
    }
    template <typename T> SuiteText& add(const std::optional<T>& part) {
        return part ? add(to_string(*part)) : *this;
    }
    SuiteText& group(const std::optional<std::uint16_t>& number) {
        return number ? add(policy::transform_name(policy::TransformType::key_exchange, *number,
                                                   std::nullopt))
                      : *this;
    }
    SuiteText& unknown(bool there) { return there ? add("unknown attribute") : *this; }
    std::string take() && { return std::move(text_); }

private:
    std::string text_;
};

std::string with_key_bits(std::string name, const std::optional<std::uint16_t>& bits) {
    return bits ? std::format("{}_{}", name, *bits) : name;
}

} // namespace

std::string PhaseOneSuite::to_string() const {
    SuiteText text;
    if (encryption) {
        text.add(with_key_bits(v1::to_string(*encryption), key_bits));
    }
    text.add(hash).group(group).add(authentication).unknown(unknown_attribute);
    return std::move(text).take();
}

std::string EspTransform::to_string() const {
    SuiteText text;
    text.add(with_key_bits(v1::to_string(id), key_bits)).add(authentication).group(group);
    text.add(encapsulation).unknown(unknown_attribute);
    if (extended_sequence_numbers) {
        text.add(std::string("ESN"));
    }
    return std::move(text).take();
}

Decoded<PhaseOneSuite> read_phase_one_suite(const Transform& transform) {
    return read_attributes(transform, PhaseOneSuite{});
}

Decoded<EspTransform> read_esp_transform(const Transform& transform) {
    return read_attributes(transform, EspTransform{.id = EspTransformId{transform.id}});
}

Transform phase_one_transform(std::uint8_t number, const PhaseOneSuite& suite) {
    using enum PhaseOneAttribute;
    AttributeWriter<PhaseOneAttribute> out;
    out.add(encryption_algorithm, suite.encryption)
        .add(key_length, suite.key_bits)
        .add(hash_algorithm, suite.hash)
        .add(group_description, suite.group)
        .add(authentication_method, suite.authentication)
        .lifetimes(suite.lifetimes);
    return {.number = number, .id = transform_key_ike, .attributes = std::move(out).take()};
}

Transform esp_transform(std::uint8_t number, const EspTransform& transform) {
    using enum PhaseTwoAttribute;
    AttributeWriter<PhaseTwoAttribute> out;
    out.add(key_length, transform.key_bits)
        .add(authentication_algorithm, transform.authentication)
        .add(group_description, transform.group)
        .add(encapsulation_mode, transform.encapsulation)
        .lifetimes(transform.lifetimes);
    if (transform.extended_sequence_numbers) {
        out.add(extended_sequence_numbers, std::uint32_t{extended});
    }
    return {.number = number,
            .id = static_cast<std::uint8_t>(transform.id),
            .attributes = std::move(out).take()};
}

Decoded<Lifetimes> read_responder_lifetime(const NotifyPayload& notify) {
    const auto octets = std::span<const std::uint8_t>(notify.data);
    auto attributes =
        decode_attributes(ByteReader(octets, static_cast<std::uint8_t>(PayloadType::notification)));
    if (!attributes) {
        return std::unexpected(attributes.error());
    }
    // RFC 2407 4.6.3.1 takes the attributes from the negotiation that it answers.
    Transform transform{.attributes = *std::move(attributes)};
    if (notify.protocol == policy::ProtocolId::ike) {
        return lifetimes_of(read_phase_one_suite(transform));
    }
    return lifetimes_of(read_esp_transform(transform));
}

NotifyPayload responder_lifetime(policy::ProtocolId protocol, Octets spi, const Lifetimes& life) {
    const auto attributes = protocol == policy::ProtocolId::ike
                                ? lifetime_attributes<PhaseOneAttribute>(life)
                                : lifetime_attributes<PhaseTwoAttribute>(life);
    ByteWriter out;
    encode_attributes(attributes, out);
    return {.protocol = protocol,
            .spi = std::move(spi),
            .type = NotifyType::responder_lifetime,
            .data = std::move(out).take()};
}

} // namespace viaduct::ike::wire::v1
