// The bodies of IKEv2's payloads, behind the generic payload header. One file for each.
#pragma once

#include "ike/wire/v2_payload.h"

namespace viaduct::ike::wire {

/// Each reads a whole body; nothing may be left over.
Decoded<SaPayload> decode_sa(ByteReader body);
Decoded<KeyExchangePayload> decode_key_exchange(ByteReader body);
Decoded<IdPayload> decode_id(IdPayload::Side side, ByteReader body);
Decoded<CertificatePayload> decode_certificate(ByteReader body);
Decoded<CertificateRequestPayload> decode_certificate_request(ByteReader body);
Decoded<AuthPayload> decode_auth(ByteReader body);
Decoded<NoncePayload> decode_nonce(ByteReader body);
Decoded<NotifyPayload> decode_notify(ByteReader body);
Decoded<DeletePayload> decode_delete(ByteReader body);
Decoded<VendorIdPayload> decode_vendor_id(ByteReader body);
Decoded<TsPayload> decode_ts(TsPayload::Side side, ByteReader body);
Decoded<ConfigurationPayload> decode_configuration(ByteReader body);
Decoded<EapPayload> decode_eap(ByteReader body);

/// Each writes what its decoder reads.
void encode_body(const SaPayload& payload, ByteWriter& out);
void encode_body(const KeyExchangePayload& payload, ByteWriter& out);
void encode_body(const IdPayload& payload, ByteWriter& out);
void encode_body(const CertificatePayload& payload, ByteWriter& out);
void encode_body(const CertificateRequestPayload& payload, ByteWriter& out);
void encode_body(const AuthPayload& payload, ByteWriter& out);
void encode_body(const NoncePayload& payload, ByteWriter& out);
void encode_body(const NotifyPayload& payload, ByteWriter& out);
void encode_body(const DeletePayload& payload, ByteWriter& out);
void encode_body(const VendorIdPayload& payload, ByteWriter& out);
void encode_body(const TsPayload& payload, ByteWriter& out);
void encode_body(const ConfigurationPayload& payload, ByteWriter& out);
void encode_body(const EapPayload& payload, ByteWriter& out);
void encode_body(const UnknownPayload& payload, ByteWriter& out);

/// Reads the body of any payload; of an unknown type as UnknownPayload, and as an error when it is
/// `critical`. Encrypted payloads are not for this function: `unexpected_payload`.
Decoded<Payload> decode_v2_payload(PayloadType type, bool critical, ByteReader body);

} // namespace viaduct::ike::wire
