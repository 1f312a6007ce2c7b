// The IKE header (RFC 7296 section 3.1, RFC 2408 section 3.1).
#pragma once

#include "ike/wire/byte_reader.h"
#include "ike/wire/byte_writer.h"
#include "ike/wire/numbers.h"

#include <cstddef>

namespace viaduct::ike::wire {

/*
                        1                   2                   3
    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   |                       IKE SA Initiator's SPI                  |
   |                                                               |
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   |                       IKE SA Responder's SPI                  |
   |                                                               |
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   |  Next Payload | MjVer | MnVer | Exchange Type |     Flags     |
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   |                          Message ID                           |
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   |                            Length                             |
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
*/
constexpr std::size_t header_length = 28;
/// The longest message that is read: what a UDP datagram can carry.
constexpr std::size_t max_message_length = 65507;

/// Any version and any exchange type are read; whoever decodes the payloads decides.
struct Header {
    IkeSpi initiator_spi{};
    IkeSpi responder_spi{};
    PayloadType next_payload = PayloadType::none;
    std::uint8_t major_version = 2;
    std::uint8_t minor_version = 0;
    ExchangeType exchange = ExchangeType::ike_sa_init;
    /// Flags of IKEv2 (section 3.1). Other bits are ignored on receipt and sent as zero.
    bool initiator = false; ///< sent by the original initiator of the IKE SA
    bool higher_version = false;
    bool response = false;
    /// Flags of IKEv1 (RFC 2408 section 3.1), read and sent only with major version 1.
    bool encryption = false; ///< everything behind the header is one ciphertext
    bool commit = false;
    bool authentication_only = false;
    MessageId message_id{};
    /// Whole message, in octets. decode_header() checks it against the datagram; encoders fill it.
    std::uint32_t length = 0;

    friend bool operator==(const Header&, const Header&) = default;
};

/// Reads the first 28 octets. `bad_length` when the length field is not exactly the datagram's.
Decoded<Header> decode_header(std::span<const std::uint8_t> datagram);
void encode_header(const Header& header, ByteWriter& out);

} // namespace viaduct::ike::wire
