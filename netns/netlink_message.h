// One netlink request as bytes.
#pragma once

#include <botan/secmem.h>

#include <cstdint>
#include <linux/netlink.h>
#include <span>
#include <string>
#include <type_traits>

namespace viaduct::netns {

/// Written front to back: the header, the family's fixed part, attributes. Lives in secure memory,
/// since a request may carry keys.
class NetlinkMessage {
public:
    /// `description` names the request in errors: `NEWSA 10.10.10.5 -> 10.10.10.4 spi 0xc0ffee01`.
    NetlinkMessage(std::string description, std::uint16_t type, std::uint16_t flags);
    /// Takes a complete message that somebody else wrote.
    NetlinkMessage(std::string description, std::span<const std::uint8_t> octets);

    template <class Fixed> void put_fixed(const Fixed& fixed) {
        static_assert(std::is_trivially_copyable_v<Fixed>);
        append({reinterpret_cast<const std::uint8_t*>(&fixed), sizeof(Fixed)});
    }
    void put_attribute(std::uint16_t type, std::span<const std::uint8_t> value);
    template <class Value> void put_attribute_of(std::uint16_t type, const Value& value) {
        static_assert(std::is_trivially_copyable_v<Value>);
        put_attribute(type, {reinterpret_cast<const std::uint8_t*>(&value), sizeof(Value)});
    }

    void set_sequence(std::uint32_t sequence);
    std::uint16_t flags() const;
    const std::string& description() const { return description_; }
    std::span<const std::uint8_t> octets() const { return octets_; }

private:
    nlmsghdr* header();
    void append(std::span<const std::uint8_t> octets);

    std::string description_;
    Botan::secure_vector<std::uint8_t> octets_;
};

} // namespace viaduct::netns
