#include "tests/fuzz/trusting_crypto.h"

#include "ike/crypto/shared_key_auth.h"
#include "ike/crypto/v1_authentication.h"
#include "ike/crypto/v1_encryption.h"
#include "ike/crypto/v2_encrypted_payload.h"

#include <algorithm>

namespace viaduct::fuzz {

using namespace ike::wire;

namespace {

/// As long as vector, pad length and integrity check of AES-GCM, so that messages are as long as in
/// life.
constexpr std::size_t before = 8;
constexpr std::size_t behind = 17;
/// Of IKEv1's ciphers.
constexpr std::size_t block = 16;

Octets padded(std::span<const std::uint8_t> chain) {
    Octets out(chain.begin(), chain.end());
    out.resize((out.size() + block - 1) / block * block);
    return out;
}

std::optional<ClearMessage> read_clear_v1(const Header& header,
                                          std::span<const std::uint8_t> message) {
    const auto chain = message.subspan(header_length);
    return ClearMessage{
        header, header.encryption, std::nullopt, header.next_payload, {chain.begin(), chain.end()}};
}

Octets write_clear_v1(const ClearMessage& message) {
    auto header = message.header;
    const auto body = message.encrypted ? padded(message.chain) : message.chain;
    header.encryption = message.encrypted;
    header.next_payload = message.first;
    header.length = static_cast<std::uint32_t>(header_length + body.size());
    ByteWriter out;
    encode_header(header, out);
    out.octets(body);
    return std::move(out).take();
}

} // namespace

std::optional<ClearMessage> read_clear(std::span<const std::uint8_t> message) {
    const auto header = decode_header(message);
    if (header && header->major_version == 1)
        return read_clear_v1(*header, message);
    const auto outer = decode_v2_message(message);
    if (!outer)
        return std::nullopt;
    if (!outer->encrypted) {
        const auto chain = message.subspan(header_length);
        return ClearMessage{outer->header,
                            false,
                            std::nullopt,
                            outer->header.next_payload,
                            {chain.begin(), chain.end()}};
    }
    const auto body = message.subspan(outer->encrypted->body_offset);
    if (body.size() < before + behind)
        return std::nullopt;
    const auto chain = body.subspan(before, body.size() - before - behind);
    return ClearMessage{outer->header,
                        true,
                        outer->fragment,
                        outer->encrypted->first_inner,
                        {chain.begin(), chain.end()}};
}

Octets write_clear(const ClearMessage& message) {
    if (message.header.major_version == 1)
        return write_clear_v1(message);
    auto header = message.header;
    if (!message.encrypted) {
        header.next_payload = message.first;
        header.length = static_cast<std::uint32_t>(header_length + message.chain.size());
        ByteWriter out;
        encode_header(header, out);
        out.octets(message.chain);
        return std::move(out).take();
    }
    const auto body = before + message.chain.size() + behind;
    auto octets = message.fragment
                      ? encode_v2_fragment_prefix(header, message.first, *message.fragment, body)
                      : encode_v2_encrypted_prefix(header, message.first, body);
    octets.insert(octets.end(), before, 0);
    octets.insert(octets.end(), message.chain.begin(), message.chain.end());
    octets.insert(octets.end(), behind, 0);
    return octets;
}

} // namespace viaduct::fuzz

namespace viaduct::ike::crypto {

DirectionKeys initiator_direction(const IkeKeys& keys) {
    return {.encryption = keys.ei, .integrity = keys.ai};
}

DirectionKeys responder_direction(const IkeKeys& keys) {
    return {.encryption = keys.er, .integrity = keys.ar};
}

std::expected<OpenedPayload, CryptoError> open_v2_message(const policy::IkeSuite& /*suite*/,
                                                          const DirectionKeys& /*keys*/,
                                                          std::span<const std::uint8_t> datagram,
                                                          const wire::EncryptedPayload& encrypted) {
    const auto clear = fuzz::read_clear(datagram);
    if (!clear || !clear->encrypted)
        return std::unexpected(CryptoError::bad_length);
    return OpenedPayload(encrypted.first_inner, {clear->chain.begin(), clear->chain.end()});
}

std::expected<wire::Octets, CryptoError>
seal_v2_message(const policy::IkeSuite& /*suite*/, const DirectionKeys& /*keys*/,
                wire::Header header, std::span<const wire::Payload> payloads,
                std::uint64_t /*counter*/, Botan::RandomNumberGenerator& /*rng*/) {
    const auto first =
        payloads.empty() ? wire::PayloadType::none : wire::payload_type(payloads.front());
    return fuzz::write_clear(
        {header, true, std::nullopt, first, wire::encode_v2_payloads(payloads)});
}

std::expected<std::vector<wire::Octets>, CryptoError>
seal_v2_fragments(const policy::IkeSuite& /*suite*/, const DirectionKeys& /*keys*/,
                  wire::Header header, wire::PayloadType first,
                  std::span<const std::uint8_t> content, std::size_t longest,
                  std::uint64_t& counter, Botan::RandomNumberGenerator& /*rng*/) {
    constexpr std::size_t around = wire::header_length + 8 + 8 + 17;
    const auto capacity = longest > around ? longest - around : 0;
    const auto total =
        capacity == 0 ? 0 : std::max<std::size_t>((content.size() + capacity - 1) / capacity, 1);
    if (total == 0 || total > 0xffff)
        return std::unexpected(CryptoError::bad_length);
    std::vector<wire::Octets> messages;
    for (std::size_t number = 1; number <= total; ++number) {
        const auto part = content.first(std::min(capacity, content.size()));
        content = content.subspan(part.size());
        const wire::FragmentNumber fragment{static_cast<std::uint16_t>(number),
                                            static_cast<std::uint16_t>(total)};
        messages.push_back(
            fuzz::write_clear({header, true, fragment, first, {part.begin(), part.end()}}));
        ++counter;
    }
    return messages;
}

std::expected<wire::Octets, CryptoError> shared_key_auth(policy::PseudoRandomFunction /*prf*/,
                                                         const policy::Secret& /*psk*/,
                                                         const SignedOctets& /*octets*/) {
    return wire::Octets(32, 0xaa);
}

bool verify_shared_key_auth(policy::PseudoRandomFunction /*prf*/, const policy::Secret& /*psk*/,
                            const SignedOctets& /*octets*/,
                            std::span<const std::uint8_t> /*auth*/) {
    return true;
}

namespace {

using Hash = std::expected<std::vector<std::uint8_t>, CryptoError>;

Hash any_hash() {
    return std::vector<std::uint8_t>(32, 0xaa);
}

ChainedText chained(std::span<const std::uint8_t> text) {
    return {{text.begin(), text.end()}, std::vector<std::uint8_t>(fuzz::block, 0xbb)};
}

} // namespace

std::expected<ChainedText, CryptoError> encrypt_v1_message(const policy::IkeSuite& /*suite*/,
                                                           const policy::Secret& /*key*/,
                                                           std::span<const std::uint8_t> /*vector*/,
                                                           std::span<const std::uint8_t> payloads) {
    return chained(fuzz::padded(payloads));
}

std::expected<ChainedText, CryptoError>
decrypt_v1_message(const policy::IkeSuite& /*suite*/, const policy::Secret& /*key*/,
                   std::span<const std::uint8_t> /*vector*/,
                   std::span<const std::uint8_t> ciphertext) {
    if (ciphertext.empty() || ciphertext.size() % fuzz::block != 0)
        return std::unexpected(CryptoError::bad_length);
    return chained(ciphertext);
}

Hash phase_one_hash(HashSender /*sender*/, policy::PseudoRandomFunction /*prf*/,
                    const policy::Secret& /*skeyid*/, const PhaseOneValues& /*values*/,
                    std::span<const std::uint8_t> /*sa_body*/,
                    std::span<const std::uint8_t> /*id_body*/) {
    return any_hash();
}

Hash first_hash(policy::PseudoRandomFunction /*prf*/, const policy::Secret& /*skeyid_a*/,
                wire::MessageId /*id*/, std::span<const std::uint8_t> /*rest*/) {
    return any_hash();
}

Hash second_hash(policy::PseudoRandomFunction /*prf*/, const policy::Secret& /*skeyid_a*/,
                 wire::MessageId /*id*/, std::span<const std::uint8_t> /*nonce_i*/,
                 std::span<const std::uint8_t> /*rest*/) {
    return any_hash();
}

Hash third_hash(policy::PseudoRandomFunction /*prf*/, const policy::Secret& /*skeyid_a*/,
                wire::MessageId /*id*/, std::span<const std::uint8_t> /*nonce_i*/,
                std::span<const std::uint8_t> /*nonce_r*/) {
    return any_hash();
}

/// Tells addresses apart, so that NATs are found.
Hash v1_nat_detection_hash(policy::PseudoRandomFunction /*prf*/, wire::IkeSpi /*cookie_i*/,
                           wire::IkeSpi /*cookie_r*/, const policy::UdpEndpoint& endpoint) {
    const auto octets = endpoint.address.octets();
    std::vector<std::uint8_t> hash(octets.begin(), octets.end());
    hash.push_back(static_cast<std::uint8_t>(endpoint.port >> 8));
    hash.push_back(static_cast<std::uint8_t>(endpoint.port));
    hash.resize(20);
    return hash;
}

bool is_same_hash(std::span<const std::uint8_t> /*expected*/,
                  std::span<const std::uint8_t> /*received*/) {
    return true;
}

} // namespace viaduct::ike::crypto
