// The cryptography against exchanges that another implementation made.
#include "ike/crypto/shared_key_auth.h"
#include "ike/crypto/v2_encrypted_payload.h"
#include "policy/proposal_choice.h"
#include "tests/crypto/charon_recording.h"
#include "tests/crypto/scripted_rng.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

BOOST_AUTO_TEST_SUITE(charon_exchanges)

using namespace viaduct;
namespace crypto = ike::crypto;
namespace wire = ike::wire;
using Octets = std::vector<std::uint8_t>;
using test::RecordedMessage;
using test::RecordedSa;
using test::Recording;

namespace {

const std::vector<Recording>& recordings() {
    static const auto all = test::read_recordings();
    return all;
}

wire::OuterMessage outer(const RecordedMessage& message) {
    return wire::decode_v2_message(message.octets).value();
}

/// Calls `with(recording, sa, outer message, message)` for each message whose content is known.
template <typename With> int for_each_encrypted(With with) {
    int count = 0;
    for (const auto& recording : recordings()) {
        BOOST_TEST_CONTEXT(recording.scenario) {
            for (const auto& message : recording.messages) {
                if (!message.plain) {
                    continue;
                }
                const auto decoded = outer(message);
                const auto* sa =
                    recording.find(decoded.header.initiator_spi, decoded.header.responder_spi);
                BOOST_REQUIRE(sa);
                BOOST_REQUIRE(decoded.encrypted);
                with(recording, *sa, decoded, message);
                ++count;
            }
        }
    }
    return count;
}

crypto::DirectionKeys sender_keys(const RecordedSa& sa, const wire::Header& header) {
    return header.initiator ? crypto::initiator_direction(sa.keys)
                            : crypto::responder_direction(sa.keys);
}

/// The IKE_SA_INIT message that this side of the SA signs: the last one, after INVALID_KE_PAYLOAD.
Octets first_message(const Recording& recording, const RecordedSa& sa, bool of_initiator) {
    Octets found;
    for (const auto& message : recording.messages) {
        const auto header = wire::decode_header(message.octets).value();
        if (header.exchange == wire::ExchangeType::ike_sa_init &&
            header.initiator_spi == sa.initiator_spi && header.initiator == of_initiator) {
            found = message.octets;
        }
    }
    return found;
}

template <typename T> const T* find_payload(const std::vector<wire::Payload>& payloads) {
    for (const auto& payload : payloads) {
        if (const auto* found = std::get_if<T>(&payload)) {
            return found;
        }
    }
    return nullptr;
}

/// Whatever a random generator is asked first in sealing is the vector.
Octets vector_of(const policy::IkeSuite& suite, const wire::OuterMessage& decoded,
                 const Octets& message) {
    const auto start =
        message.begin() + static_cast<std::ptrdiff_t>(decoded.encrypted->body_offset);
    const auto length = policy::facts(suite.encryption)->iv;
    return {start, start + static_cast<std::ptrdiff_t>(length)};
}

std::uint64_t number(const Octets& octets) {
    std::uint64_t value = 0;
    for (auto octet : octets) {
        value = value << 8 | octet;
    }
    return value;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_keys_of_ike_sas_are_charons) {
    int rekeyed = 0;
    for (const auto& recording : recordings()) {
        BOOST_TEST_CONTEXT(recording.scenario) {
            const RecordedSa* old = nullptr;
            for (const auto& sa : recording.sas) {
                const auto keys = old ? crypto::derive_rekeyed_ike_keys(
                                            sa.suite, old->suite.prf, old->keys.d, sa.g_ir, sa.ni,
                                            sa.nr, sa.initiator_spi, sa.responder_spi)
                                      : crypto::derive_ike_keys(sa.suite, sa.g_ir, sa.ni, sa.nr,
                                                                sa.initiator_spi, sa.responder_spi);
                BOOST_REQUIRE(keys);
                BOOST_TEST((*keys == sa.keys));
                rekeyed += old != nullptr;
                old = &sa;
            }
        }
    }
    BOOST_TEST(rekeyed > 0);
}

BOOST_AUTO_TEST_CASE(charons_messages_open_to_what_charon_put_in) {
    const auto count =
        for_each_encrypted([](const Recording&, const RecordedSa& sa,
                              const wire::OuterMessage& decoded, const RecordedMessage& message) {
            const auto keys = sender_keys(sa, decoded.header);
            const auto opened =
                crypto::open_v2_message(sa.suite, keys, message.octets, *decoded.encrypted);
            BOOST_REQUIRE(opened);
            BOOST_TEST((opened->first() == message.plain->first));
            BOOST_TEST(std::ranges::equal(opened->octets(), message.plain->octets));
        });
    BOOST_TEST(count > 30);
}

BOOST_AUTO_TEST_CASE(the_same_payloads_seal_to_charons_message) {
    for_each_encrypted([](const Recording&, const RecordedSa& sa, const wire::OuterMessage& decoded,
                          const RecordedMessage& message) {
        const auto payloads =
            wire::decode_v2_payloads(message.plain->first, message.plain->octets).value();
        const auto keys = sender_keys(sa, decoded.header);
        const auto vector = vector_of(sa.suite, decoded, message.octets);
        test::ScriptedRng rng(vector);
        const auto sealed =
            crypto::seal_v2_message(sa.suite, keys, decoded.header, payloads, number(vector), rng);
        BOOST_REQUIRE(sealed);
        if (policy::facts(sa.suite.encryption)->aead) {
            BOOST_TEST(*sealed == message.octets);
            return;
        }
        // Padding has any content, so that only the lengths and the opened content must agree.
        BOOST_TEST(sealed->size() == message.octets.size());
        const auto opened =
            crypto::open_v2_message(sa.suite, keys, *sealed, *decoded.encrypted).value();
        BOOST_TEST(std::ranges::equal(opened.octets(), message.plain->octets));
    });
}

// covers 7383-2.5-a, 7383-2.5-b, 7383-2.5-c, 7383-2.5-g
BOOST_AUTO_TEST_CASE(charons_fragments_open_and_the_same_content_seals_to_them) {
    const auto& all = recordings();
    const auto recording = std::ranges::find(all, "fragments", &Recording::scenario);
    BOOST_REQUIRE((recording != all.end()));
    const auto& sa = recording->sas.front();
    for (const bool of_initiator : {true, false}) {
        std::vector<Octets> fragments;
        Octets content;
        auto first = wire::PayloadType::none;
        std::uint64_t last_vector = 0;
        for (const auto& message : recording->messages) {
            const auto decoded = outer(message);
            if (!decoded.fragment || decoded.header.initiator != of_initiator) {
                continue;
            }
            fragments.push_back(message.octets);
            BOOST_TEST(decoded.fragment->number == fragments.size());
            const auto opened = crypto::open_v2_message(sa.suite, sender_keys(sa, decoded.header),
                                                        message.octets, decoded.encrypted.value());
            BOOST_REQUIRE(opened);
            if (fragments.size() == 1) {
                first = opened->first();
            }
            content.insert(content.end(), opened->octets().begin(), opened->octets().end());
            last_vector = number(vector_of(sa.suite, decoded, message.octets));
        }
        BOOST_REQUIRE(fragments.size() >= 2);
        const auto payloads = wire::decode_v2_payloads(first, content);
        BOOST_REQUIRE(payloads);
        BOOST_TEST(find_payload<wire::AuthPayload>(*payloads));

        // charon's vectors do not count up, so that only the last fragment can be the same in all.
        auto counter = last_vector - (fragments.size() - 1);
        test::ScriptedRng rng(1);
        const auto header = wire::decode_header(fragments.front()).value();
        const auto sealed =
            crypto::seal_v2_fragments(sa.suite, sender_keys(sa, header), header, first, content,
                                      fragments.front().size(), counter, rng);
        BOOST_REQUIRE(sealed);
        BOOST_TEST(counter == last_vector + 1);
        BOOST_REQUIRE(sealed->size() == fragments.size());
        BOOST_TEST(sealed->back() == fragments.back());
        for (std::size_t i = 0; i < fragments.size(); ++i) {
            BOOST_TEST(sealed->at(i).size() == fragments[i].size());
            BOOST_TEST(std::ranges::equal(std::span(sealed->at(i)).first(36),
                                          std::span(fragments[i]).first(36)));
        }
    }
}

// covers 7296-1.2-b
BOOST_AUTO_TEST_CASE(charons_auth_payloads_verify) {
    int verified = 0;
    for_each_encrypted([&](const Recording& recording, const RecordedSa& sa,
                           const wire::OuterMessage& decoded, const RecordedMessage& message) {
        const auto payloads =
            wire::decode_v2_payloads(message.plain->first, message.plain->octets).value();
        const auto* auth = find_payload<wire::AuthPayload>(payloads);
        const auto* id = find_payload<wire::IdPayload>(payloads);
        if (!auth) {
            return;
        }
        BOOST_REQUIRE(id);
        const bool of_initiator = decoded.header.initiator;
        const auto first = first_message(recording, sa, of_initiator);
        const auto signed_octets = [&](bool swapped) -> crypto::SignedOctets {
            return {.first_message = first,
                    .peer_nonce = of_initiator != swapped ? sa.nr : sa.ni,
                    .sk_p = of_initiator ? sa.keys.pi : sa.keys.pr,
                    .identity = id->identity};
        };
        BOOST_TEST(crypto::verify_shared_key_auth(sa.suite.prf, recording.psk, signed_octets(false),
                                                  auth->data));
        BOOST_TEST(!crypto::verify_shared_key_auth(sa.suite.prf, recording.psk, signed_octets(true),
                                                   auth->data));
        const auto other = policy::Secret::from_text("another");
        BOOST_TEST(
            !crypto::verify_shared_key_auth(sa.suite.prf, other, signed_octets(false), auth->data));
        ++verified;
    });
    BOOST_TEST(verified > 15);
}

// covers 7296-2.17-a, 7296-2.17-b
BOOST_AUTO_TEST_CASE(the_keys_of_the_first_child_are_charons) {
    int derived = 0;
    for_each_encrypted([&](const Recording&, const RecordedSa& sa,
                           const wire::OuterMessage& decoded, const RecordedMessage& message) {
        if (decoded.header.exchange != wire::ExchangeType::ike_auth || !decoded.header.response ||
            sa.children.empty()) {
            return;
        }
        const auto payloads =
            wire::decode_v2_payloads(message.plain->first, message.plain->octets).value();
        const auto* chosen = find_payload<wire::SaPayload>(payloads);
        BOOST_REQUIRE(chosen);
        const auto keys =
            crypto::derive_child_keys(policy::esp_suite(chosen->proposals.at(0).proposal).value(),
                                      sa.suite.prf, sa.keys.d, {}, sa.ni, sa.nr);
        BOOST_REQUIRE(keys);
        BOOST_TEST((keys->initiator == sa.children.front().initiator));
        BOOST_TEST((keys->responder == sa.children.front().responder));
        ++derived;
    });
    BOOST_TEST(derived > 5);
}

BOOST_AUTO_TEST_SUITE_END()
