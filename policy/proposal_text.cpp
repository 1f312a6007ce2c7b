// The notation of proposals, both ways: a table of words and the rules of RFC 7296 section 3.3.
#include "policy/nearest_name.h"
#include "policy/printable.h"
#include "policy/proposal.h"

#include <algorithm>
#include <array>

namespace viaduct::policy {

namespace {

constexpr std::size_t max_text = 255;

constexpr std::uint16_t number(auto id) {
    return static_cast<std::uint16_t>(id);
}

struct Word {
    std::string_view text;
    TransformType type;
    std::uint16_t id;
    /// 0: the algorithm has no key length.
    std::uint16_t key_bits = 0;

    Transform transform() const {
        return {type, id, key_bits == 0 ? std::nullopt : std::optional(key_bits)};
    }
};

constexpr auto encr = TransformType::encryption;
constexpr auto prf = TransformType::prf;
constexpr auto integ = TransformType::integrity;
constexpr auto ke = TransformType::key_exchange;
constexpr auto esn = TransformType::sequence_numbers;
constexpr auto cbc = number(EncryptionAlgorithm::aes_cbc);
constexpr auto ctr = number(EncryptionAlgorithm::aes_ctr);
constexpr auto ccm8 = number(EncryptionAlgorithm::aes_ccm_8);
constexpr auto ccm12 = number(EncryptionAlgorithm::aes_ccm_12);
constexpr auto ccm = number(EncryptionAlgorithm::aes_ccm_16);
constexpr auto gcm8 = number(EncryptionAlgorithm::aes_gcm_8);
constexpr auto gcm12 = number(EncryptionAlgorithm::aes_gcm_12);
constexpr auto gcm = number(EncryptionAlgorithm::aes_gcm_16);
constexpr auto gmac = number(EncryptionAlgorithm::null_auth_aes_gmac);
constexpr auto chacha = number(EncryptionAlgorithm::chacha20_poly1305);

/// The first word of a transform is the one that we write; the others are what strongSwan,
/// libreswan and racoon users write. Messages list `listed_words` of them.
constexpr std::array words{
    Word{"aes128", encr, cbc, 128},
    Word{"aes192", encr, cbc, 192},
    Word{"aes256", encr, cbc, 256},
    Word{"aes128gcm16", encr, gcm, 128},
    Word{"aes192gcm16", encr, gcm, 192},
    Word{"aes256gcm16", encr, gcm, 256},
    Word{"chacha20poly1305", encr, chacha},
    Word{"aes128ctr", encr, ctr, 128},
    Word{"aes192ctr", encr, ctr, 192},
    Word{"aes256ctr", encr, ctr, 256},
    Word{"aes128ccm16", encr, ccm, 128},
    Word{"aes192ccm16", encr, ccm, 192},
    Word{"aes256ccm16", encr, ccm, 256},
    Word{"aes128gmac", encr, gmac, 128},
    Word{"aes192gmac", encr, gmac, 192},
    Word{"aes256gmac", encr, gmac, 256},
    Word{"3des", encr, number(EncryptionAlgorithm::triple_des_cbc)},
    Word{"sha256", integ, number(IntegrityAlgorithm::hmac_sha2_256_128)},
    Word{"sha384", integ, number(IntegrityAlgorithm::hmac_sha2_384_192)},
    Word{"sha512", integ, number(IntegrityAlgorithm::hmac_sha2_512_256)},
    Word{"sha1", integ, number(IntegrityAlgorithm::hmac_sha1_96)},
    Word{"sha256_96", integ, number(IntegrityAlgorithm::hmac_sha2_256_96)},
    Word{"prfsha256", prf, number(PseudoRandomFunction::hmac_sha2_256)},
    Word{"prfsha384", prf, number(PseudoRandomFunction::hmac_sha2_384)},
    Word{"prfsha512", prf, number(PseudoRandomFunction::hmac_sha2_512)},
    Word{"prfsha1", prf, number(PseudoRandomFunction::hmac_sha1)},
    Word{"x25519", ke, number(KeyExchangeMethod::curve25519)},
    Word{"ecp256", ke, number(KeyExchangeMethod::ecp256)},
    Word{"ecp384", ke, number(KeyExchangeMethod::ecp384)},
    Word{"modp2048", ke, number(KeyExchangeMethod::modp2048)},
    Word{"modp3072", ke, number(KeyExchangeMethod::modp3072)},
    Word{"modp4096", ke, number(KeyExchangeMethod::modp4096)},
    Word{"ecp521", ke, number(KeyExchangeMethod::ecp521)},
    Word{"modp6144", ke, number(KeyExchangeMethod::modp6144)},
    Word{"modp8192", ke, number(KeyExchangeMethod::modp8192)},
    Word{"modp1024", ke, number(KeyExchangeMethod::modp1024)},
    Word{"modp1536", ke, number(KeyExchangeMethod::modp1536)},
    Word{"esn", esn, number(SequenceNumbers::extended)},
    Word{"noesn", esn, number(SequenceNumbers::thirty_two_bit)},

    Word{"aes128gcm8", encr, gcm8, 128},
    Word{"aes192gcm8", encr, gcm8, 192},
    Word{"aes256gcm8", encr, gcm8, 256},
    Word{"aes128gcm12", encr, gcm12, 128},
    Word{"aes192gcm12", encr, gcm12, 192},
    Word{"aes256gcm12", encr, gcm12, 256},
    Word{"aes128ccm8", encr, ccm8, 128},
    Word{"aes192ccm8", encr, ccm8, 192},
    Word{"aes256ccm8", encr, ccm8, 256},
    Word{"aes128ccm12", encr, ccm12, 128},
    Word{"aes192ccm12", encr, ccm12, 192},
    Word{"aes256ccm12", encr, ccm12, 256},
    Word{"aes", encr, cbc, 128},
    Word{"aes128cbc", encr, cbc, 128},
    Word{"aes192cbc", encr, cbc, 192},
    Word{"aes256cbc", encr, cbc, 256},
    Word{"3des_cbc", encr, number(EncryptionAlgorithm::triple_des_cbc)},
    Word{"aes_cbc128", encr, cbc, 128},
    Word{"aes_cbc192", encr, cbc, 192},
    Word{"aes_cbc256", encr, cbc, 256},
    Word{"aes_cbc_128", encr, cbc, 128},
    Word{"aes_cbc_192", encr, cbc, 192},
    Word{"aes_cbc_256", encr, cbc, 256},
    Word{"aes128gcm", encr, gcm, 128},
    Word{"aes192gcm", encr, gcm, 192},
    Word{"aes256gcm", encr, gcm, 256},
    Word{"aes128gcm128", encr, gcm, 128},
    Word{"aes192gcm128", encr, gcm, 192},
    Word{"aes256gcm128", encr, gcm, 256},
    Word{"aes_gcm128", encr, gcm, 128},
    Word{"aes_gcm192", encr, gcm, 192},
    Word{"aes_gcm256", encr, gcm, 256},
    Word{"aes_gcm_128", encr, gcm, 128},
    Word{"aes_gcm_192", encr, gcm, 192},
    Word{"aes_gcm_256", encr, gcm, 256},
    Word{"aes_gcm_16_128", encr, gcm, 128},
    Word{"aes_gcm_16_192", encr, gcm, 192},
    Word{"aes_gcm_16_256", encr, gcm, 256},
    Word{"aes128gcm64", encr, gcm8, 128},
    Word{"aes192gcm64", encr, gcm8, 192},
    Word{"aes256gcm64", encr, gcm8, 256},
    Word{"aes128gcm96", encr, gcm12, 128},
    Word{"aes192gcm96", encr, gcm12, 192},
    Word{"aes256gcm96", encr, gcm12, 256},
    Word{"aes128ccm64", encr, ccm8, 128},
    Word{"aes192ccm64", encr, ccm8, 192},
    Word{"aes256ccm64", encr, ccm8, 256},
    Word{"aes128ccm96", encr, ccm12, 128},
    Word{"aes192ccm96", encr, ccm12, 192},
    Word{"aes256ccm96", encr, ccm12, 256},
    Word{"aes128ccm128", encr, ccm, 128},
    Word{"aes192ccm128", encr, ccm, 192},
    Word{"aes256ccm128", encr, ccm, 256},
    Word{"aes128ccm", encr, ccm, 128},
    Word{"aes192ccm", encr, ccm, 192},
    Word{"aes256ccm", encr, ccm, 256},
    Word{"aes_ctr128", encr, ctr, 128},
    Word{"aes_ctr192", encr, ctr, 192},
    Word{"aes_ctr256", encr, ctr, 256},
    Word{"aes_ctr_128", encr, ctr, 128},
    Word{"aes_ctr_192", encr, ctr, 192},
    Word{"aes_ctr_256", encr, ctr, 256},
    Word{"aes_gcm_8_128", encr, gcm8, 128},
    Word{"aes_gcm_8_192", encr, gcm8, 192},
    Word{"aes_gcm_8_256", encr, gcm8, 256},
    Word{"aes_gcm_12_128", encr, gcm12, 128},
    Word{"aes_gcm_12_192", encr, gcm12, 192},
    Word{"aes_gcm_12_256", encr, gcm12, 256},
    Word{"aes_ccm128", encr, ccm, 128},
    Word{"aes_ccm192", encr, ccm, 192},
    Word{"aes_ccm256", encr, ccm, 256},
    Word{"aes_ccm_128", encr, ccm, 128},
    Word{"aes_ccm_192", encr, ccm, 192},
    Word{"aes_ccm_256", encr, ccm, 256},
    Word{"aes_ccm_8_128", encr, ccm8, 128},
    Word{"aes_ccm_8_192", encr, ccm8, 192},
    Word{"aes_ccm_8_256", encr, ccm8, 256},
    Word{"aes_ccm_12_128", encr, ccm12, 128},
    Word{"aes_ccm_12_192", encr, ccm12, 192},
    Word{"aes_ccm_12_256", encr, ccm12, 256},
    Word{"aes_ccm_16_128", encr, ccm, 128},
    Word{"aes_ccm_16_192", encr, ccm, 192},
    Word{"aes_ccm_16_256", encr, ccm, 256},
    Word{"null_auth_aes_gmac128", encr, gmac, 128},
    Word{"null_auth_aes_gmac192", encr, gmac, 192},
    Word{"null_auth_aes_gmac256", encr, gmac, 256},
    Word{"null_auth_aes_gmac_128", encr, gmac, 128},
    Word{"null_auth_aes_gmac_192", encr, gmac, 192},
    Word{"null_auth_aes_gmac_256", encr, gmac, 256},
    Word{"chacha20_poly1305", encr, chacha},
    Word{"sha", integ, number(IntegrityAlgorithm::hmac_sha1_96)},
    Word{"sha2", integ, number(IntegrityAlgorithm::hmac_sha2_256_128)},
    Word{"sha2_256", integ, number(IntegrityAlgorithm::hmac_sha2_256_128)},
    Word{"sha2_384", integ, number(IntegrityAlgorithm::hmac_sha2_384_192)},
    Word{"sha2_512", integ, number(IntegrityAlgorithm::hmac_sha2_512_256)},
    Word{"hmac_sha1", integ, number(IntegrityAlgorithm::hmac_sha1_96)},
    Word{"hmac_sha256", integ, number(IntegrityAlgorithm::hmac_sha2_256_128)},
    Word{"hmac_sha384", integ, number(IntegrityAlgorithm::hmac_sha2_384_192)},
    Word{"hmac_sha512", integ, number(IntegrityAlgorithm::hmac_sha2_512_256)},
    Word{"hmac_sha2_256", integ, number(IntegrityAlgorithm::hmac_sha2_256_128)},
    Word{"hmac_sha2_384", integ, number(IntegrityAlgorithm::hmac_sha2_384_192)},
    Word{"hmac_sha2_512", integ, number(IntegrityAlgorithm::hmac_sha2_512_256)},
    Word{"curve25519", ke, number(KeyExchangeMethod::curve25519)},
    Word{"dh2", ke, number(KeyExchangeMethod::modp1024)},
    Word{"dh5", ke, number(KeyExchangeMethod::modp1536)},
    Word{"dh14", ke, number(KeyExchangeMethod::modp2048)},
    Word{"dh15", ke, number(KeyExchangeMethod::modp3072)},
    Word{"dh16", ke, number(KeyExchangeMethod::modp4096)},
    Word{"dh17", ke, number(KeyExchangeMethod::modp6144)},
    Word{"dh18", ke, number(KeyExchangeMethod::modp8192)},
    Word{"dh19", ke, number(KeyExchangeMethod::ecp256)},
    Word{"dh20", ke, number(KeyExchangeMethod::ecp384)},
    Word{"dh21", ke, number(KeyExchangeMethod::ecp521)},
    Word{"dh31", ke, number(KeyExchangeMethod::curve25519)},
};
constexpr std::size_t listed_words = 39;

/// Words that are right elsewhere, so that guessing at a slip of the pen would mislead.
constexpr auto words_of_others = std::to_array<std::string_view>(
    {"null",         "des",        "blowfish",   "camellia", "camellia128",  "camellia192",
     "camellia256",  "md5",        "md5_128",    "sha1_160", "aesxcbc",      "aescmac",
     "prfmd5",       "prfaesxcbc", "prfaescmac", "modp768",  "modp1024s160", "modp2048s224",
     "modp2048s256", "ecp192",     "ecp224",     "ecp224bp", "ecp256bp",     "ecp384bp",
     "ecp512bp",     "curve448",   "x448",       "dh1",      "dh22",         "dh23",
     "dh24",         "dh25",       "dh26",       "dh27",     "dh28",         "dh29",
     "dh30",         "dh32",       "mlkem512",   "mlkem768", "mlkem1024",    "ke1_mlkem768",
     "ke1_mlkem1024"});

/// Why a word has no place in a protocol; empty where it has one.
std::string_view out_of_place(const Word& word, ProtocolId protocol) {
    if (protocol != ProtocolId::ike)
        return word.type == prf ? "belongs to IKE; ESP has no PRF" : "";
    if (word.type == esn)
        return "belongs to ESP; IKE has no extended sequence numbers";
    if (word.type == integ && word.id == number(IntegrityAlgorithm::hmac_sha2_256_96))
        return "belongs to ESP; IKE cuts HMAC-SHA2-256 to 128 bits";
    if (word.type == encr && facts(static_cast<EncryptionAlgorithm>(word.id))->esp_only)
        return "belongs to ESP; IKE messages are always encrypted";
    return "";
}

std::string words_of(TransformType type, ProtocolId protocol) {
    std::string text;
    for (const auto& word : std::span(words).first(listed_words)) {
        if (word.type == type && out_of_place(word, protocol).empty())
            text.append(text.empty() ? "" : ", ").append(word.text);
    }
    return text;
}

std::string expected_words(ProtocolId protocol) {
    auto text = "an encryption algorithm (" + words_of(encr, protocol) +
                "), an integrity algorithm (" + words_of(integ, protocol) + "), ";
    if (protocol == ProtocolId::ike)
        text += "a PRF (" + words_of(prf, protocol) + "), ";
    text += "a key exchange (" + words_of(ke, protocol) + ")";
    if (protocol == ProtocolId::esp)
        text += ", esn or noesn";
    return text;
}

std::string unknown_word(std::string_view part, ProtocolId protocol) {
    if (part.empty())
        return "empty part between hyphens; expected " + expected_words(protocol);
    if (part.ends_with('!'))
        return "'!' is not needed: nothing but what is written is ever offered or accepted";
    if (std::ranges::contains(words_of_others, part))
        return in_quotes(part) + " is not supported; expected " + expected_words(protocol);
    std::vector<std::string_view> known;
    for (const auto& word : words) {
        if (out_of_place(word, protocol).empty())
            known.push_back(word.text);
    }
    if (const auto nearest = nearest_name(part, known))
        return "unknown algorithm " + in_quotes(part) + ", did you mean " + in_quotes(*nearest) +
               "?";
    return "unknown algorithm " + in_quotes(part) + "; expected " + expected_words(protocol);
}

std::optional<PseudoRandomFunction> prf_of(IntegrityAlgorithm integrity) {
    switch (integrity) {
    case IntegrityAlgorithm::none:
    case IntegrityAlgorithm::hmac_sha2_256_96: break;
    case IntegrityAlgorithm::hmac_sha1_96: return PseudoRandomFunction::hmac_sha1;
    case IntegrityAlgorithm::hmac_sha2_256_128: return PseudoRandomFunction::hmac_sha2_256;
    case IntegrityAlgorithm::hmac_sha2_384_192: return PseudoRandomFunction::hmac_sha2_384;
    case IntegrityAlgorithm::hmac_sha2_512_256: return PseudoRandomFunction::hmac_sha2_512;
    }
    return std::nullopt;
}

bool is_aead(const Transform& transform) {
    const auto* const encryption = facts(static_cast<EncryptionAlgorithm>(transform.id));
    return transform.type == encr && encryption != nullptr && encryption->aead;
}

bool is_aead(const Proposal& proposal) {
    return std::ranges::any_of(proposal.transforms, [](const Transform& t) { return is_aead(t); });
}

std::vector<Transform> derived_prfs(const Proposal& proposal) {
    std::vector<Transform> derived;
    for (const auto& transform : proposal.transforms) {
        if (transform.type != integ)
            continue;
        if (const auto id = prf_of(static_cast<IntegrityAlgorithm>(transform.id)))
            derived.push_back({prf, number(*id), std::nullopt});
    }
    return derived;
}

/// Reads the parts one after the other; the rules about their combination follow after.
class ProposalReader {
public:
    ProposalReader(std::string_view text, ProtocolId protocol)
        : text_(text), proposal_{protocol, {}} {}

    std::expected<Proposal, ProposalTextError> read() {
        if (proposal_.protocol != ProtocolId::ike && proposal_.protocol != ProtocolId::esp)
            return refused("expected IKE or ESP");
        if (text_.size() > max_text)
            return refused("longer than " + std::to_string(max_text) + " characters");
        if (text_.empty())
            return refused("empty proposal; expected " + expected_words(proposal_.protocol));
        for (std::size_t offset = 0; offset <= text_.size();) {
            const auto part = text_.substr(offset, text_.find('-', offset) - offset);
            if (auto message = add(part))
                return std::unexpected(ProposalTextError{offset, std::string(part), *message});
            offset += part.size() + 1;
        }
        return complete();
    }

private:
    std::unexpected<ProposalTextError> refused(std::string message) const {
        return std::unexpected(
            ProposalTextError{0, std::string(text_.substr(0, max_text)), std::move(message)});
    }

    std::optional<std::string> add(std::string_view part) {
        const auto word = std::ranges::find(words, ascii_lower(part), &Word::text);
        if (word == words.end())
            return unknown_word(ascii_lower(part), proposal_.protocol);
        if (const auto why = out_of_place(*word, proposal_.protocol); !why.empty())
            return in_quotes(part) + " " + std::string(why);
        const auto transform = word->transform();
        if (word->type == encr && proposal_.has(encr) && is_aead(proposal_) != is_aead(transform))
            return in_quotes(part) +
                   " cannot share a proposal with the ciphers before it, of which "
                   "one kind needs an integrity algorithm and the other has its own;"
                   " write two proposals";
        if (!std::ranges::contains(proposal_.transforms, transform))
            proposal_.transforms.push_back(transform);
        return std::nullopt;
    }

    std::expected<Proposal, ProposalTextError> complete() {
        const bool ike = proposal_.protocol == ProtocolId::ike;
        if (!proposal_.has(encr))
            return refused("no encryption algorithm; expected one of " + expected(encr));
        if (!is_aead(proposal_) && !proposal_.has(integ))
            return refused("no integrity algorithm; expected one of " + expected(integ));
        if (ike && !proposal_.has(prf))
            std::ranges::copy(derived_prfs(proposal_), std::back_inserter(proposal_.transforms));
        if (ike && !proposal_.has(prf))
            return refused("no PRF, which " + words_of_aead() + " needs; expected one of " +
                           expected(prf));
        if (ike && !proposal_.has(ke))
            return refused("no key exchange; expected one of " + expected(ke));
        if (is_aead(proposal_))
            std::erase_if(proposal_.transforms, [](const Transform& t) { return t.type == integ; });
        if (!ike && !proposal_.has(esn))
            proposal_.transforms.push_back(
                {esn, number(SequenceNumbers::thirty_two_bit), std::nullopt});
        std::ranges::stable_sort(proposal_.transforms, {}, &Transform::type);
        return proposal_;
    }

    std::string expected(TransformType type) const { return words_of(type, proposal_.protocol); }

    std::string words_of_aead() const {
        return proposal_text(Proposal{ProtocolId::none, {proposal_.transforms.front()}});
    }

    std::string_view text_;
    Proposal proposal_;
};

/// What parse_proposal fills in by itself.
bool is_implied(const Proposal& proposal, const Transform& transform) {
    std::vector<Transform> implied;
    if (proposal.protocol == ProtocolId::ike && transform.type == prf)
        implied = derived_prfs(proposal);
    if (proposal.protocol == ProtocolId::esp && transform.type == esn)
        implied = {{esn, number(SequenceNumbers::thirty_two_bit), std::nullopt}};
    std::vector<Transform> actual;
    std::ranges::copy_if(proposal.transforms, std::back_inserter(actual),
                         [&](const Transform& t) { return t.type == transform.type; });
    return actual == implied;
}

} // namespace

std::expected<Proposal, ProposalTextError> parse_proposal(std::string_view text,
                                                          ProtocolId protocol) {
    return ProposalReader(text, protocol).read();
}

std::string proposal_text(const Proposal& proposal) {
    std::string text;
    for (const auto& transform : proposal.transforms) {
        if (is_implied(proposal, transform))
            continue;
        const auto word = std::ranges::find(words, transform, &Word::transform);
        text.append(text.empty() ? "" : "-");
        text.append(word == words.end() ? transform.to_string() : std::string(word->text));
    }
    return text;
}

} // namespace viaduct::policy
