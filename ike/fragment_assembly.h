// Fragments of the messages that one IKE SA receives (RFC 7383 section 2.6): kept until all are
// there. Only authenticated content comes in here.
#pragma once

#include "ike/input.h"
#include "ike/wire/v2_message.h"

#include <optional>
#include <span>
#include <vector>

namespace viaduct::ike {

namespace limit {
/// Of one message.
constexpr std::uint16_t fragments = 64;
/// Of one message: what it could have without fragmentation, and what a peer may make us keep that
/// has not said who it is: enough for a chain of certificates.
constexpr std::size_t fragmented_content = 0xffff;
constexpr std::size_t fragmented_content_of_stranger = 0x4000;
/// From the first fragment of a message to the last.
constexpr auto reassembly_time = std::chrono::seconds(30);
} // namespace limit

/// A message whose fragments have all come.
struct AssembledContent {
    /// The first payload inside.
    wire::PayloadType first = wire::PayloadType::none;
    std::vector<std::uint8_t> octets;
    /// The longest of the fragments, as a whole IKE message.
    std::size_t longest_fragment = 0;
};

/// One message each way is in the making at any time, because the window is 1: a request of the
/// peer's, and a response to ours. Another message takes the place of an incomplete one.
class FragmentAssembly {
public:
    /// To be asked before a fragment is opened: false for those that we have already, that belong
    /// to an earlier and coarser fragmentation of the same message, or that exceed the limits.
    bool wants(const wire::Header& header, wire::FragmentNumber fragment) const;

    /// Takes the opened content of a fragment that is wanted. The message, when it is complete.
    /// Drops the message when it grows beyond `content_limit` octets.
    std::optional<AssembledContent> add(TimePoint now, const wire::Header& header,
                                        wire::FragmentNumber fragment, wire::PayloadType first,
                                        std::span<const std::uint8_t> content,
                                        std::size_t content_limit);

    /// When on_deadline() wants to be called: an incomplete message is too old.
    std::optional<TimePoint> deadline() const;
    void on_deadline(TimePoint now);

    /// Octets of content that are kept.
    std::size_t kept() const;

private:
    struct Piece {
        std::uint16_t number = 0;
        std::vector<std::uint8_t> content;
    };
    struct Partial {
        wire::ExchangeType exchange{};
        bool response = false;
        wire::MessageId id{};
        std::uint16_t total = 0;
        TimePoint give_up;
        std::size_t octets = 0;
        std::size_t longest_fragment = 0;
        wire::PayloadType first = wire::PayloadType::none;
        /// By number.
        std::vector<Piece> pieces;

        bool is_of(const wire::Header& header) const;
        bool has(std::uint16_t number) const;
    };
    std::vector<Partial>::iterator place_for(TimePoint now, const wire::Header& header,
                                             wire::FragmentNumber fragment);

    /// At most one request and one response.
    std::vector<Partial> partials_;
};

} // namespace viaduct::ike
