#include "ike/wire/v2_message_rules.h"

#include "tests/wire/octets.h"
#include "tests/wire/recorded_exchange.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

BOOST_AUTO_TEST_SUITE(v2_message_rules)

using namespace viaduct;
using namespace viaduct::ike::wire;
using namespace viaduct::test;
using policy::ProtocolId;

namespace {

using Payloads = std::vector<Payload>;

SaPayload offer(ProtocolId protocol) {
    return {{{1, {}, {protocol, {}}}}};
}
NotifyPayload notify(NotifyType type) {
    return {ProtocolId::none, {}, type, {}};
}

const Payload ike_sa = offer(ProtocolId::ike);
const Payload esp_sa = offer(ProtocolId::esp);
const Payload ke = KeyExchangePayload{31, Octets(32)};
const Payload nonce = NoncePayload{Octets(32)};
const Payload vendor = VendorIdPayload{octets("01")};
const Payload idi = IdPayload{IdPayload::Side::initiator, {}};
const Payload idr = IdPayload{IdPayload::Side::responder, {}};
const Payload auth = AuthPayload{AuthMethod::shared_key, Octets(32)};
const Payload tsi = TsPayload{TsPayload::Side::initiator, {}, 0};
const Payload tsr = TsPayload{TsPayload::Side::responder, {}, 0};
const Payload eap = EapPayload{octets("01020004")};
const Payload unknown = UnknownPayload{200, {}};
const Payload no_proposal = notify(NotifyType::no_proposal_chosen);
const Payload initial_contact = notify(NotifyType::initial_contact);

/// The fault and the payload it lies in; nothing when the message is read.
template <typename Message>
std::optional<std::pair<DecodeFault, PayloadType>> refusal(const Decoded<Message>& message) {
    if (message) {
        return std::nullopt;
    }
    return std::pair(message.error().fault, PayloadType{message.error().payload});
}
std::optional<std::pair<DecodeFault, PayloadType>> missing(PayloadType type) {
    return std::pair(DecodeFault::missing_payload, type);
}
std::optional<std::pair<DecodeFault, PayloadType>> unexpected(PayloadType type) {
    return std::pair(DecodeFault::unexpected_payload, type);
}

Payloads inner(const RecordedMessage& recorded) {
    return decode_v2_payloads(recorded.first_inner.value(), recorded.inner).value();
}
Payloads outer(const RecordedMessage& recorded) {
    return decode_v2_message(recorded.datagram).value().payloads;
}

} // namespace

BOOST_AUTO_TEST_CASE(charons_handshake_is_read) {
    const auto& messages = recorded_exchange("gcm256-x25519").messages;
    const auto request = read_sa_init_request(outer(messages.at(0)));
    BOOST_REQUIRE(request);
    BOOST_TEST(request->key_exchange.method == 31);
    BOOST_TEST(request->nonce.data.size() == 32U);
    BOOST_TEST(request->sa.proposals.size() == 1U);
    const auto response = read_sa_init_response(outer(messages.at(1)));
    BOOST_REQUIRE(response);
    BOOST_TEST(std::holds_alternative<SaInitMessage>(*response));
    const auto auth_request = read_auth_request(inner(messages.at(2)));
    BOOST_REQUIRE(auth_request);
    BOOST_TEST(auth_request->id_initiator.identity.to_string() == "10.10.10.5");
    BOOST_TEST(auth_request->id_responder->identity.to_string() == "10.10.10.4");
    BOOST_TEST(auth_request->ts_responder->selectors.at(0).to_string() == "192.168.20.0/24");
    const auto answer = read_auth_response(inner(messages.at(3)));
    BOOST_REQUIRE(answer);
    BOOST_TEST(std::get<AuthResponse>(*answer).sa.has_value());
    const auto removal = read_informational(inner(messages.at(4)));
    BOOST_REQUIRE(removal);
    BOOST_TEST(removal->deletes.at(0).spis.size() == 1U);
}

// covers 7296-2.21.2-b
BOOST_AUTO_TEST_CASE(charons_refusals_are_read) {
    const auto refused =
        read_sa_init_response(outer(recorded_exchange("no-proposal-chosen").messages.at(1)));
    BOOST_REQUIRE(refused);
    BOOST_TEST(
        (std::get<SaInitRefusal>(*refused).notifies.at(0).type == NotifyType::no_proposal_chosen));
    const auto other_group =
        read_sa_init_response(outer(recorded_exchange("gcm128-ecp384-invalid-ke").messages.at(1)));
    BOOST_REQUIRE(other_group);
    const auto& wanted = std::get<SaInitRefusal>(*other_group).notifies.at(0);
    BOOST_TEST((wanted.type == NotifyType::invalid_ke_payload));
    BOOST_TEST((wanted.data == octets("0014")));
    const auto wrong_psk = read_auth_response(inner(recorded_exchange("wrong-psk").messages.at(3)));
    BOOST_REQUIRE(wrong_psk);
    BOOST_TEST(std::holds_alternative<AuthRefusal>(*wrong_psk));
    // The IKE SA stands, only the child failed.
    const auto selectors =
        read_auth_response(inner(recorded_exchange("ts-unacceptable").messages.at(3)));
    BOOST_REQUIRE(selectors);
    const auto& response = std::get<AuthResponse>(*selectors);
    BOOST_TEST(!response.sa.has_value());
    BOOST_TEST(std::ranges::any_of(response.notifies, [](const auto& each) {
        return each.type == NotifyType::ts_unacceptable;
    }));
}

BOOST_AUTO_TEST_CASE(charons_create_child_requests_are_read) {
    std::size_t for_children = 0;
    std::size_t for_ike = 0;
    for (const auto& recorded : recorded_exchange("create-child-and-rekey").messages) {
        const auto header = decode_header(recorded.datagram).value();
        if (header.exchange == ExchangeType::create_child_sa && !header.response) {
            const auto request = read_create_child_request(inner(recorded));
            BOOST_REQUIRE(request);
            BOOST_TEST(request->key_exchange.has_value());
            ++(request->ts_initiator ? for_children : for_ike);
        }
    }
    BOOST_TEST(for_children == 2U);
    BOOST_TEST(for_ike == 1U);
}

// covers 7296-1.7-d, 7296-2.5-g, 7296-3.12-b
BOOST_AUTO_TEST_CASE(sa_init_needs_each_of_its_payloads_once) {
    BOOST_TEST(read_sa_init_request({ike_sa, ke, nonce}).has_value());
    BOOST_TEST(read_sa_init_request({vendor, nonce, unknown, ke, ike_sa, vendor}).has_value());
    const auto request = [](Payloads payloads) {
        return refusal(read_sa_init_request(std::move(payloads)));
    };
    BOOST_TEST((request({}) == missing(PayloadType::security_association)));
    BOOST_TEST((request({ike_sa, nonce}) == missing(PayloadType::key_exchange)));
    BOOST_TEST((request({ike_sa, ke}) == missing(PayloadType::nonce)));
    BOOST_TEST((request({ike_sa, ke, nonce, nonce}) == unexpected(PayloadType::nonce)));
    BOOST_TEST(
        (request({ike_sa, ike_sa, ke, nonce}) == unexpected(PayloadType::security_association)));
    BOOST_TEST((request({ike_sa, ke, nonce, auth}) == unexpected(PayloadType::authentication)));
}

BOOST_AUTO_TEST_CASE(an_sa_init_response_without_sa_and_notify_is_none) {
    BOOST_TEST((refusal(read_sa_init_response({})) == missing(PayloadType::notify)));
    BOOST_TEST((refusal(read_sa_init_response({ke, nonce})) == missing(PayloadType::notify)));
    BOOST_TEST((refusal(read_sa_init_response({ike_sa, no_proposal})) ==
                missing(PayloadType::key_exchange)));
    const Payload authorities = CertificateRequestPayload{4, {}};
    BOOST_TEST(read_sa_init_response({ike_sa, ke, nonce, authorities}).has_value());
}

// covers class-missing-payload
BOOST_AUTO_TEST_CASE(an_auth_request_has_its_child_whole_or_not_at_all) {
    BOOST_TEST(read_auth_request({idi, auth, esp_sa, tsi, tsr}).has_value());
    BOOST_TEST(read_auth_request({idi, auth}).has_value());
    BOOST_TEST(read_auth_request({idi, esp_sa, tsi, tsr}).has_value());
    const auto request = [](Payloads payloads) {
        return refusal(read_auth_request(std::move(payloads)));
    };
    BOOST_TEST((request({idi, auth, esp_sa}) == missing(PayloadType::ts_initiator)));
    BOOST_TEST((request({idi, auth, esp_sa, tsi}) == missing(PayloadType::ts_responder)));
    BOOST_TEST((request({idi, auth, tsi, tsr}) == missing(PayloadType::security_association)));
    BOOST_TEST((request({auth, esp_sa, tsi, tsr}) == missing(PayloadType::id_initiator)));
    BOOST_TEST((request({idi, idi, auth}) == unexpected(PayloadType::id_initiator)));
    BOOST_TEST((request({eap}) == missing(PayloadType::id_initiator)));
    BOOST_TEST((request({idi, auth, eap}) == unexpected(PayloadType::eap)));
}

// covers 7296-2.21.2-b
BOOST_AUTO_TEST_CASE(an_auth_response_authenticates_or_refuses) {
    const auto is_refusal = [](Payloads payloads) {
        return std::holds_alternative<AuthRefusal>(read_auth_response(std::move(payloads)).value());
    };
    BOOST_TEST(!is_refusal({idr, auth, esp_sa, tsi, tsr}));
    BOOST_TEST(!is_refusal({idr, auth, no_proposal, vendor}));
    BOOST_TEST(is_refusal({no_proposal}));
    BOOST_TEST(is_refusal({idr, no_proposal}));
    BOOST_TEST(is_refusal({auth, no_proposal}));
    BOOST_TEST(
        (refusal(read_auth_response({initial_contact})) == missing(PayloadType::id_responder)));
    BOOST_TEST((refusal(read_auth_response({idr, initial_contact})) ==
                missing(PayloadType::authentication)));
    BOOST_TEST((refusal(read_auth_response({idr, auth, tsi, tsr})) ==
                missing(PayloadType::security_association)));
    BOOST_TEST((refusal(read_auth_response({idr, auth, eap})) == unexpected(PayloadType::eap)));
}

// covers 7296-1.3.2-a
BOOST_AUTO_TEST_CASE(create_child_carries_what_its_protocol_needs) {
    BOOST_TEST(read_create_child_request({esp_sa, nonce, tsi, tsr}).has_value());
    BOOST_TEST(read_create_child_request({ike_sa, nonce, ke}).has_value());
    const auto request = [](Payloads payloads) {
        return refusal(read_create_child_request(std::move(payloads)));
    };
    BOOST_TEST((request({esp_sa, nonce, ke}) == missing(PayloadType::ts_initiator)));
    BOOST_TEST((request({esp_sa, nonce, ke, tsi}) == missing(PayloadType::ts_responder)));
    BOOST_TEST((request({ike_sa, nonce}) == missing(PayloadType::key_exchange)));
    BOOST_TEST((request({ike_sa, nonce, ke, tsi}) == unexpected(PayloadType::ts_initiator)));
    BOOST_TEST((request({nonce, ke}) == missing(PayloadType::security_association)));
    BOOST_TEST((request({SaPayload{}, nonce}) == missing(PayloadType::ts_initiator)));
}

BOOST_AUTO_TEST_CASE(an_informational_may_be_empty_and_holds_no_sa) {
    BOOST_TEST(read_informational({}).has_value());
    const Payload removal = DeletePayload{};
    const auto both = read_informational({removal, no_proposal, removal});
    BOOST_REQUIRE(both);
    BOOST_TEST(both->deletes.size() == 2U);
    BOOST_TEST(both->notifies.size() == 1U);
    BOOST_TEST(
        (refusal(read_informational({esp_sa})) == unexpected(PayloadType::security_association)));
}

BOOST_AUTO_TEST_SUITE_END()
