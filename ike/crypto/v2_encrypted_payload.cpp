#include "ike/crypto/v2_encrypted_payload.h"

#include "ike/crypto/cipher.h"
#include "ike/crypto/hmac.h"
#include "ike/crypto/library_call.h"

#include <botan/aead.h>
#include <botan/mem_ops.h>

#include <algorithm>

namespace viaduct::ike::crypto {

using Octets = std::span<const std::uint8_t>;
using SecureOctets = Botan::secure_vector<std::uint8_t>;

DirectionKeys initiator_direction(const IkeKeys& keys) {
    return {.encryption = keys.ei, .integrity = keys.ai};
}

DirectionKeys responder_direction(const IkeKeys& keys) {
    return {.encryption = keys.er, .integrity = keys.ar};
}

namespace {

/*
                        1                   2                   3
    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   | Next Payload  |C|  RESERVED   |         Payload Length        |
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   |                     Initialization Vector                     |
   |         (length is block size for encryption algorithm)       |
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   ~                    Encrypted IKE Payloads                     ~
   +               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   |               |             Padding (0-255 octets)            |
   +-+-+-+-+-+-+-+-+                               +-+-+-+-+-+-+-+-+
   |                                               |  Pad Length   |
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   ~                    Integrity Checksum Data                    ~
   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
*/
constexpr std::size_t generic_header_length = 4;
constexpr std::size_t fragment_number_length = 4;
constexpr std::size_t max_payload_length = 0xffff;

/// The lengths that a suite gives to the fields above.
struct Layout {
    policy::EncryptionAlgorithm algorithm = policy::EncryptionAlgorithm::none;
    bool aead = false;
    std::size_t key = 0;
    std::size_t salt = 0;
    std::size_t block = 0;
    std::size_t iv = 0;
    std::size_t icv = 0;

    /// Of the ciphertext of `content` octets, with the padding and its length.
    std::size_t padded(std::size_t content) const {
        return (content + 1 + block - 1) / block * block;
    }
};

std::expected<Layout, CryptoError> layout_of(const policy::IkeSuite& suite,
                                             const DirectionKeys& keys) {
    const auto* cipher = policy::facts(suite.encryption);
    const auto* hash = policy::facts(suite.integrity);
    if (suite.encryption == policy::EncryptionAlgorithm::none || !cipher || cipher->esp_only ||
        (!cipher->aead && (suite.integrity == policy::IntegrityAlgorithm::none || !hash))) {
        return std::unexpected(CryptoError::unsupported_algorithm);
    }
    const std::size_t key = suite.key_bits / std::size_t{8};
    if (keys.encryption.size() != key + cipher->salt ||
        (!cipher->aead && keys.integrity.size() != hash->key)) {
        return std::unexpected(CryptoError::bad_length);
    }
    return Layout{.algorithm = suite.encryption,
                  .aead = cipher->aead,
                  .key = key,
                  .salt = cipher->salt,
                  .block = cipher->block,
                  .iv = cipher->iv,
                  .icv = cipher->aead ? cipher->icv : hash->icv};
}

/// Encrypts or decrypts `text` in place. With an AEAD the tag is appended or verified and removed,
/// and `associated` is what it covers besides.
void apply_cipher(const Layout& layout, const DirectionKeys& keys, Botan::Cipher_Dir direction,
                  Octets iv, Octets associated, SecureOctets& text) {
    auto cipher =
        make_cipher(layout.algorithm, static_cast<std::uint16_t>(layout.key * 8), direction);
    cipher->set_key(keys.encryption.expose().first(layout.key));
    if (layout.aead) {
        dynamic_cast<Botan::AEAD_Mode&>(*cipher).set_associated_data(associated);
    }
    // RFC 5282 4: the nonce is the salt from the key material and the vector from the message.
    const auto salt = keys.encryption.expose().last(layout.salt);
    SecureOctets nonce(salt.begin(), salt.end());
    nonce.insert(nonce.end(), iv.begin(), iv.end());
    if (layout.algorithm == policy::EncryptionAlgorithm::aes_ctr) {
        // RFC 5930 2.1, RFC 3686 4: the block counter begins with one.
        nonce.insert(nonce.end(), {0, 0, 0, 1});
    }
    cipher->start(nonce);
    cipher->finish(text);
}

SecureOctets integrity_check(const policy::IkeSuite& suite, const Layout& layout,
                             const DirectionKeys& keys, Octets covered) {
    auto mac = make_hmac(suite.integrity);
    mac->set_key(keys.integrity.expose());
    mac->update(covered);
    auto check = mac->final();
    check.resize(layout.icv);
    return check;
}

/// Removes the padding; its octets may have any value (RFC 7296 section 3.14).
std::expected<SecureOctets, CryptoError> strip_padding(SecureOctets text) {
    if (text.empty() || std::size_t{text.back()} + 1 > text.size()) {
        return std::unexpected(CryptoError::bad_padding);
    }
    text.resize(text.size() - 1 - text.back());
    return text;
}

std::expected<SecureOctets, CryptoError>
verify_and_decrypt(const policy::IkeSuite& suite, const Layout& layout, const DirectionKeys& keys,
                   Octets datagram, std::size_t body_offset) {
    const auto iv = datagram.subspan(body_offset, layout.iv);
    const auto rest = datagram.subspan(body_offset + layout.iv);
    const auto icv = rest.last(layout.icv);
    const auto cipher_text = rest.first(rest.size() - layout.icv);
    if (layout.aead) {
        SecureOctets text(rest.begin(), rest.end());
        apply_cipher(layout, keys, Botan::Cipher_Dir::Decryption, iv, datagram.first(body_offset),
                     text);
        return strip_padding(std::move(text));
    }
    const auto covered = datagram.first(datagram.size() - layout.icv);
    if (!Botan::constant_time_compare(integrity_check(suite, layout, keys, covered), icv)) {
        return std::unexpected(CryptoError::integrity_check_failed);
    }
    if (cipher_text.size() % layout.block != 0) {
        return std::unexpected(CryptoError::bad_length);
    }
    SecureOctets text(cipher_text.begin(), cipher_text.end());
    apply_cipher(layout, keys, Botan::Cipher_Dir::Decryption, iv, {}, text);
    return strip_padding(std::move(text));
}

/// RFC 5282 3.1, RFC 5930 2.1: any way to make the vector unique will do; a counter cannot repeat.
SecureOctets counter_vector(std::uint64_t counter) {
    SecureOctets octets(8);
    for (auto octet = octets.rbegin(); octet != octets.rend(); ++octet, counter >>= 8) {
        *octet = static_cast<std::uint8_t>(counter);
    }
    return octets;
}

SecureOctets padded_content(const Layout& layout, Octets content) {
    SecureOctets text(layout.padded(content.size()));
    std::ranges::copy(content, text.begin());
    text.back() = static_cast<std::uint8_t>(text.size() - content.size() - 1);
    return text;
}

/// Completes a message of which there is the prefix: appends vector, ciphertext and integrity
/// check.
void append_sealed(const policy::IkeSuite& suite, const Layout& layout, const DirectionKeys& keys,
                   wire::Octets& message, SecureOctets text, std::uint64_t counter,
                   Botan::RandomNumberGenerator& rng) {
    // RFC 7296 3.14: the vector of a CBC cipher must be unpredictable.
    const auto iv = layout.salt > 0 ? counter_vector(counter) : rng.random_vec(layout.iv);
    apply_cipher(layout, keys, Botan::Cipher_Dir::Encryption, iv, message, text);
    message.reserve(message.size() + iv.size() + text.size() + layout.icv);
    message.insert(message.end(), iv.begin(), iv.end());
    message.insert(message.end(), text.begin(), text.end());
    if (!layout.aead) {
        const auto check = integrity_check(suite, layout, keys, message);
        message.insert(message.end(), check.begin(), check.end());
    }
}

/// How much content fits into one SKF payload of a message of `longest` octets.
std::size_t fragment_capacity(const Layout& layout, std::size_t longest) {
    const auto around = wire::header_length + generic_header_length + fragment_number_length +
                        layout.iv + layout.icv;
    if (longest <= around) {
        return 0;
    }
    const auto room = std::min(longest, max_payload_length) - around;
    const auto text = room / layout.block * layout.block;
    return text == 0 ? 0 : text - 1;
}

} // namespace

std::expected<OpenedPayload, CryptoError> open_v2_message(const policy::IkeSuite& suite,
                                                          const DirectionKeys& keys,
                                                          Octets datagram,
                                                          const wire::EncryptedPayload& encrypted) {
    const auto layout = layout_of(suite, keys);
    if (!layout) {
        return std::unexpected(layout.error());
    }
    const auto shortest = layout->iv + layout->padded(0) + layout->icv;
    if (encrypted.body_offset > datagram.size() ||
        datagram.size() - encrypted.body_offset < shortest) {
        return std::unexpected(CryptoError::bad_length);
    }
    return call_library([&]() -> std::expected<OpenedPayload, CryptoError> {
        auto text = verify_and_decrypt(suite, *layout, keys, datagram, encrypted.body_offset);
        if (!text) {
            return std::unexpected(text.error());
        }
        return OpenedPayload(encrypted.first_inner, std::move(*text));
    });
}

std::expected<wire::Octets, CryptoError>
seal_v2_message(const policy::IkeSuite& suite, const DirectionKeys& keys, wire::Header header,
                std::span<const wire::Payload> payloads, std::uint64_t counter,
                Botan::RandomNumberGenerator& rng) {
    const auto layout = layout_of(suite, keys);
    if (!layout) {
        return std::unexpected(layout.error());
    }
    return call_library([&]() -> std::expected<wire::Octets, CryptoError> {
        auto text = padded_content(*layout, wire::encode_v2_payloads(payloads));
        const auto body = layout->iv + text.size() + layout->icv;
        if (generic_header_length + body > max_payload_length) {
            return std::unexpected(CryptoError::bad_length);
        }
        const auto first =
            payloads.empty() ? wire::PayloadType::none : wire::payload_type(payloads.front());
        auto message = wire::encode_v2_encrypted_prefix(header, first, body);
        append_sealed(suite, *layout, keys, message, std::move(text), counter, rng);
        return message;
    });
}

std::expected<std::vector<wire::Octets>, CryptoError>
seal_v2_fragments(const policy::IkeSuite& suite, const DirectionKeys& keys, wire::Header header,
                  wire::PayloadType first, Octets content, std::size_t longest,
                  std::uint64_t& counter, Botan::RandomNumberGenerator& rng) {
    const auto layout = layout_of(suite, keys);
    if (!layout) {
        return std::unexpected(layout.error());
    }
    const auto capacity = fragment_capacity(*layout, longest);
    const auto total =
        capacity == 0 ? 0 : std::max<std::size_t>((content.size() + capacity - 1) / capacity, 1);
    if (total == 0 || total > 0xffff) {
        return std::unexpected(CryptoError::bad_length);
    }
    return call_library([&]() -> std::expected<std::vector<wire::Octets>, CryptoError> {
        std::vector<wire::Octets> messages;
        for (std::size_t number = 1; number <= total; ++number) {
            const auto part = content.first(std::min(capacity, content.size()));
            content = content.subspan(part.size());
            auto text = padded_content(*layout, part);
            auto message = wire::encode_v2_fragment_prefix(
                header, first,
                {static_cast<std::uint16_t>(number), static_cast<std::uint16_t>(total)},
                layout->iv + text.size() + layout->icv);
            append_sealed(suite, *layout, keys, message, std::move(text), counter++, rng);
            messages.push_back(std::move(message));
        }
        return messages;
    });
}

} // namespace viaduct::ike::crypto
