// The bodies of IKEv1's payloads, behind the generic payload header.
#pragma once

#include "ike/wire/v1_payload.h"

namespace viaduct::ike::wire::v1 {

/// Each reads a whole body; nothing may be left over.
Decoded<SaPayload> decode_sa(ByteReader body);
Decoded<KeyExchangePayload> decode_key_exchange(ByteReader body);
Decoded<IdPayload> decode_id(ByteReader body);
Decoded<CertificatePayload> decode_certificate(ByteReader body);
Decoded<CertificateRequestPayload> decode_certificate_request(ByteReader body);
Decoded<HashPayload> decode_hash(ByteReader body);
Decoded<SignaturePayload> decode_signature(ByteReader body);
Decoded<NoncePayload> decode_nonce(ByteReader body);
Decoded<NotifyPayload> decode_notify(ByteReader body);
Decoded<DeletePayload> decode_delete(ByteReader body);
Decoded<VendorIdPayload> decode_vendor_id(ByteReader body);
Decoded<NatDetectionPayload> decode_nat_detection(NatNumbering numbering, ByteReader body);
Decoded<NatOriginalAddressPayload> decode_nat_original_address(NatNumbering numbering,
                                                               ByteReader body);
Decoded<FragmentPayload> decode_fragment(ByteReader body);

/// Each writes what its decoder reads.
void encode_body(const SaPayload& payload, ByteWriter& out);
void encode_body(const KeyExchangePayload& payload, ByteWriter& out);
void encode_body(const IdPayload& payload, ByteWriter& out);
void encode_body(const CertificatePayload& payload, ByteWriter& out);
void encode_body(const CertificateRequestPayload& payload, ByteWriter& out);
void encode_body(const HashPayload& payload, ByteWriter& out);
void encode_body(const SignaturePayload& payload, ByteWriter& out);
void encode_body(const NoncePayload& payload, ByteWriter& out);
void encode_body(const NotifyPayload& payload, ByteWriter& out);
void encode_body(const DeletePayload& payload, ByteWriter& out);
void encode_body(const VendorIdPayload& payload, ByteWriter& out);
void encode_body(const NatDetectionPayload& payload, ByteWriter& out);
void encode_body(const NatOriginalAddressPayload& payload, ByteWriter& out);
void encode_body(const FragmentPayload& payload, ByteWriter& out);
void encode_body(const UnknownPayload& payload, ByteWriter& out);

/// Reads the body of any payload; of a type that is not ours as UnknownPayload. Proposals and
/// transforms outside SA are `unexpected_payload`.
Decoded<Payload> decode_payload(PayloadType type, ByteReader body);

} // namespace viaduct::ike::wire::v1
