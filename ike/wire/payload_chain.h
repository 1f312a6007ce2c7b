// Payloads in a row: the generic payload header (RFC 7296 section 3.2) and nothing of what is in
// it.
#pragma once

#include "ike/wire/byte_reader.h"
#include "ike/wire/byte_writer.h"
#include "ike/wire/numbers.h"

namespace viaduct::ike::wire {

/*
    octet 0          1            2                3
   +--------------+-+-----------+---------------------------+
   | Next Payload |C| Reserved  | Payload Length            |
   +--------------+-+-----------+---------------------------+
   | Payload Length - 4 octets, whose form the previous     |
   | payload's (or the IKE header's) Next Payload tells     |
   +--------------------------------------------------------+
*/
constexpr std::size_t payload_header_length = 4;

/// One payload of a chain, its body not yet read.
struct ChainedPayload {
    PayloadType type = PayloadType::none;
    PayloadType next = PayloadType::none;
    bool critical = false;
    /// Reports its faults as being in `type`.
    ByteReader body{{}};
};

/// Takes the payload that stands next in `chain`; the one before it said that it is a `type`.
Decoded<ChainedPayload> read_chained_payload(PayloadType type, ByteReader& chain);

/// Starts a payload with the critical bit clear. To be closed when its body is written.
class PayloadFrame {
public:
    PayloadFrame(PayloadType next, ByteWriter& out);
    void close();

private:
    ByteWriter& out_;
    std::size_t start_;
    std::size_t length_field_;
};

} // namespace viaduct::ike::wire
