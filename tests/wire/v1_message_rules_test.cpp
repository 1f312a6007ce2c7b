#include "ike/wire/v1_message_rules.h"

#include "tests/wire/octets.h"
#include "tests/wire/recorded_exchange.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

BOOST_AUTO_TEST_SUITE(v1_message_rules)

using namespace viaduct;
using namespace viaduct::ike::wire::v1;
using namespace viaduct::test;
using ike::wire::Decoded;
using ike::wire::DecodeFault;
using ike::wire::Octets;
using policy::ProtocolId;

namespace {

Chain recorded(std::string_view scenario, std::size_t index) {
    const auto& message = recorded_v1_exchange(scenario).messages.at(index);
    if (message.first_inner) {
        const auto first = PayloadType{static_cast<std::uint8_t>(*message.first_inner)};
        return decode_chain(first, message.inner).value();
    }
    return std::get<ClearMessage>(decode_message(message.datagram).value()).chain;
}

Chain chain(const std::vector<Payload>& payloads) {
    return decode_chain(first_type(payloads), encode_chain(payloads)).value();
}

template <typename T> std::optional<DecodeFault> fault(const Decoded<T>& read) {
    return read ? std::nullopt : std::optional(read.error().fault);
}

const Transform transform{.attributes = {{1, std::uint16_t{7}}}};
const SaPayload isakmp{{{1, ProtocolId::ike, {}, {transform}}}};
const SaPayload two_transforms{{{1, ProtocolId::ike, {}, {transform, transform}}}};
const SaPayload two_proposals{
    {{1, ProtocolId::ike, {}, {transform}}, {2, ProtocolId::ike, {}, {transform}}}};
const SaPayload esp{{{1, ProtocolId::esp, Octets(4, 1), {transform}}}};
const KeyExchangePayload ke{Octets(32, 1)};
const NoncePayload nonce{Octets(16, 1)};
const IdPayload id{IdType::ipv4_subnet, 0, 0, Octets(8, 0)};
const HashPayload hash{Octets(20, 1)};
const SignaturePayload signature{Octets(20, 1)};
const NotifyPayload notify{.type = NotifyType::initial_contact};
const DeletePayload removal{.protocol = ProtocolId::esp, .children = {policy::ChildSpi{1}}};
const NatDetectionPayload nat_d{NatNumbering::draft, Octets(20)};
const VendorIdPayload vendor{Octets(8)};
const UnknownPayload unknown{200, Octets(1)};

} // namespace

BOOST_AUTO_TEST_CASE(charons_main_and_quick_mode_are_read) {
    const auto scenario = "main-aes256-sha256-modp2048";
    const auto offer = read_main_mode_sa(recorded(scenario, 0));
    BOOST_REQUIRE(offer);
    BOOST_TEST(offer->vendor_ids.size() == 4U);
    BOOST_TEST(hexadecimal(offer->sa_body).starts_with("0000000100000001"));
    BOOST_TEST(read_main_mode_sa_response(recorded(scenario, 1)).has_value());
    const auto exchange = read_main_mode_key_exchange(recorded(scenario, 2));
    BOOST_REQUIRE(exchange);
    BOOST_TEST(exchange->nat_detection.size() == 2U);
    BOOST_TEST(exchange->key_exchange.data.size() == 256U);
    const auto auth = read_main_mode_auth(recorded(scenario, 4));
    BOOST_REQUIRE(auth);
    BOOST_TEST(hexadecimal(auth->id_body) == "010000000a0a0a05");
    BOOST_TEST(auth->hash->data.size() == 32U);
    BOOST_TEST((auth->notifies.at(0).type == NotifyType::initial_contact));
    const auto request = read_quick_mode_request(recorded(scenario, 6));
    BOOST_REQUIRE(request);
    BOOST_TEST(request->key_exchange.has_value());
    BOOST_TEST(request->id_responder.has_value());
    BOOST_TEST(hexadecimal(request->hashed).starts_with("0a00"));
    BOOST_TEST(read_quick_mode_response(recorded(scenario, 7)).has_value());
    BOOST_TEST(read_quick_mode_confirmation(recorded(scenario, 8)).has_value());
}

BOOST_AUTO_TEST_CASE(charons_aggressive_mode_and_informational_exchanges_are_read) {
    const auto scenario = "aggressive-aes256-sha256-modp2048";
    const auto request = read_aggressive_mode_request(recorded(scenario, 0));
    BOOST_REQUIRE(request);
    BOOST_TEST((request->id.type == IdType::fqdn));
    const auto response = read_aggressive_mode_response(recorded(scenario, 1));
    BOOST_REQUIRE(response);
    BOOST_TEST(response->hash->data.size() == 32U);
    const auto auth = read_aggressive_mode_auth(recorded(scenario, 2));
    BOOST_REQUIRE(auth);
    BOOST_TEST(auth->nat_detection.size() == 2U);
    const auto end = read_protected_informational(recorded(scenario, 6));
    BOOST_REQUIRE(end);
    BOOST_TEST(end->deletes.at(0).children.size() == 1U);
    const auto& refused = recorded_v1_exchange("no-proposal-chosen").messages.back();
    const auto clear = std::get<ClearMessage>(decode_message(refused.datagram).value()).chain;
    const auto refusal = read_unprotected_informational(clear);
    BOOST_REQUIRE(refusal);
    BOOST_TEST((refusal->notifies.at(0).type == NotifyType::no_proposal_chosen));
}

// covers class-missing-payload, 2407-4.2.1-b
BOOST_AUTO_TEST_CASE(no_message_is_read_without_its_payloads) {
    BOOST_TEST(!read_main_mode_sa(chain({})));
    BOOST_TEST(!read_main_mode_sa_response(chain({})));
    BOOST_TEST(!read_main_mode_key_exchange(chain({ke})));
    BOOST_TEST(!read_main_mode_key_exchange(chain({nonce})));
    BOOST_TEST(!read_main_mode_auth(chain({hash})));
    BOOST_TEST(!read_main_mode_auth(chain({id})));
    BOOST_TEST(!read_aggressive_mode_request(chain({isakmp, ke, nonce})));
    BOOST_TEST(!read_aggressive_mode_request(chain({isakmp, ke, id})));
    BOOST_TEST(!read_aggressive_mode_response(chain({isakmp, ke, nonce, id})));
    BOOST_TEST(!read_aggressive_mode_auth(chain({})));
    BOOST_TEST(!read_quick_mode_request(chain({esp, nonce})));
    BOOST_TEST(!read_quick_mode_request(chain({hash, nonce})));
    BOOST_TEST(!read_quick_mode_request(chain({hash, esp})));
    BOOST_TEST(!read_quick_mode_confirmation(chain({})));
    BOOST_TEST(!read_protected_informational(chain({removal})));
}

// covers class-missing-payload, 2409-5-j
BOOST_AUTO_TEST_CASE(what_is_there_too_often_or_does_not_belong_is_refused) {
    constexpr auto unexpected = DecodeFault::unexpected_payload;
    BOOST_TEST((fault(read_main_mode_sa(chain({isakmp, isakmp}))) == unexpected));
    BOOST_TEST((fault(read_main_mode_sa(chain({isakmp, ke}))) == unexpected));
    BOOST_TEST((fault(read_main_mode_key_exchange(chain({ke, nonce, id}))) == unexpected));
    BOOST_TEST((fault(read_main_mode_key_exchange(chain({ke, nonce, nonce}))) == unexpected));
    BOOST_TEST((fault(read_main_mode_auth(chain({id, id, hash}))) == unexpected));
    BOOST_TEST((fault(read_main_mode_auth(chain({id, hash, signature}))) == unexpected));
    BOOST_TEST((fault(read_quick_mode_request(chain({hash, esp, esp, nonce}))) == unexpected));
    BOOST_TEST(
        (fault(read_quick_mode_request(chain({hash, esp, nonce, id, id, id}))) == unexpected));
    BOOST_TEST((fault(read_quick_mode_confirmation(chain({hash, nonce}))) == unexpected));
    BOOST_TEST((fault(read_protected_informational(chain({hash, esp}))) == unexpected));
    BOOST_TEST((fault(read_unprotected_informational(chain({hash, removal}))) == unexpected));
}

// RFC 2409 5: SA first in phase 1; HASH first where it covers the rest.
// covers 2409-5-d, 2409-5.5-b
BOOST_AUTO_TEST_CASE(what_must_come_first_comes_first) {
    constexpr auto unexpected = DecodeFault::unexpected_payload;
    BOOST_TEST((fault(read_main_mode_sa(chain({vendor, isakmp}))) == unexpected));
    BOOST_TEST((fault(read_aggressive_mode_request(chain({ke, isakmp, nonce, id}))) == unexpected));
    BOOST_TEST((fault(read_quick_mode_request(chain({esp, hash, nonce}))) == unexpected));
    BOOST_TEST((fault(read_quick_mode_confirmation(chain({notify, hash}))) == unexpected));
    BOOST_TEST((fault(read_protected_informational(chain({removal, hash}))) == unexpected));
    BOOST_TEST(read_main_mode_auth(chain({notify, hash, id})).has_value());
}

// RFC 2408 4.2.
// covers 2409-3.2-a, 2408-4.1.1-a, 2408-4.2-g, 2408-4.2-i
BOOST_AUTO_TEST_CASE(an_answer_chooses_one_suite) {
    BOOST_TEST(
        (fault(read_main_mode_sa_response(chain({two_transforms}))) == DecodeFault::too_many));
    BOOST_TEST(
        (fault(read_main_mode_sa_response(chain({two_proposals}))) == DecodeFault::too_many));
    BOOST_TEST(read_main_mode_sa(chain({two_proposals})).has_value());
    BOOST_TEST((fault(read_aggressive_mode_response(
                    chain({two_transforms, ke, nonce, id, hash}))) == DecodeFault::too_many));
    BOOST_TEST((fault(read_quick_mode_response(chain({hash, two_transforms, nonce}))) ==
                DecodeFault::too_many));
}

// covers 2409-5.5-d
BOOST_AUTO_TEST_CASE(identities_of_quick_mode_come_in_pairs) {
    BOOST_TEST((fault(read_quick_mode_request(chain({hash, esp, nonce, id}))) ==
                DecodeFault::missing_payload));
    const auto without = read_quick_mode_request(chain({hash, esp, nonce}));
    BOOST_REQUIRE(without);
    BOOST_TEST(!without->id_initiator);
    const auto both = read_quick_mode_request(chain({hash, esp, nonce, id, id}));
    BOOST_REQUIRE(both);
    BOOST_TEST(both->id_initiator.has_value());
}

BOOST_AUTO_TEST_CASE(nat_detection_of_the_drafts_and_unknown_payloads_are_let_pass) {
    const auto read = read_main_mode_key_exchange(chain({ke, nonce, nat_d, nat_d, unknown}));
    BOOST_REQUIRE(read);
    BOOST_TEST(read->nat_detection.size() == 2U);
    BOOST_TEST(read_main_mode_sa(chain({isakmp, unknown, vendor, notify})).has_value());
}

// covers class-delete, 2408-5.15-d
BOOST_AUTO_TEST_CASE(a_delete_in_clear_is_told_from_a_protected_one) {
    BOOST_TEST(read_unprotected_informational(chain({removal})).value().deletes.size() == 1U);
    BOOST_TEST(!read_protected_informational(chain({removal})));
    const auto read = read_protected_informational(chain({hash, removal, notify}));
    BOOST_REQUIRE(read);
    BOOST_TEST(hexadecimal(read->hashed) ==
               hexadecimal(encode_chain(std::vector<Payload>{removal, notify})));
}

BOOST_AUTO_TEST_SUITE_END()
