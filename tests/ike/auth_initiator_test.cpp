// The one check that nothing else stands in for: an initiator believes no responder whose AUTH does
// not verify, though it holds the keys of the SA (anybody can have those).
#include "ike/v2/auth_initiator.h"

#include "ike/crypto/shared_key_auth.h"
#include "tests/simulation/connections.h"

#include <boost/test/unit_test.hpp>
#include <botan/chacha_rng.h>

#include <algorithm>

namespace viaduct::ike::v2 {

BOOST_AUTO_TEST_SUITE(auth_initiator)

namespace {

/// An initiator that has sent IKE_AUTH, and what a responder needs to answer.
struct Initiator {
    Botan::ChaCha_RNG rng{Botan::secure_vector<std::uint8_t>(32, 4)};
    EndpointSettings settings;
    ConnectionDirectory directory{{{simulation::left_vpn()}}, {}};
    ChildSpiTable child_spis;
    DropCounters dropped;
    std::deque<Effect> effects;
    std::vector<Outcome> outcomes;
    Turn turn{{.now = TimePoint{std::chrono::hours(1)},
               .rng = rng,
               .settings = settings,
               .directory = directory,
               .child_spis = child_spis,
               .dropped = dropped,
               .effects = effects,
               .is_up = [](const std::string&) { return false; },
               .is_wanted = [](const std::string&) { return true; },
               .is_demanded = [](const policy::Connection&, const ChildSelectors&) { return true; },
               .draw_ike_spi = [] { return wire::IkeSpi{3}; },
               .is_alive = [](wire::IkeSpi) { return false; },
               .hand_over = [](const std::string&, wire::IkeSpi) { return false; },
               .is_carried_elsewhere = [](const std::string&, wire::IkeSpi) { return false; },
               .has_peer = [](const std::string&, const policy::Identity&) { return false; },
               .no_room = {},
               .v1_peer_is_elsewhere = {},
               .children_elsewhere = {},
               .v1_carrier_elsewhere = {},
               .user_between_gateways = {},
               .retired = retired},
              outcomes};
    std::multimap<TimePoint, RetiredChild> retired;
    policy::UdpPath path{{simulation::address("10.10.10.5"), 500},
                         {simulation::address("10.10.10.4"), 500}};
    IkeSaFacts facts{.role = Role::initiator,
                     .initiator_spi = wire::IkeSpi{1},
                     .responder_spi = wire::IkeSpi{2},
                     .path = path,
                     .first_path = path,
                     .nat = {},
                     .since = turn.now};
    policy::IkeSuite suite{.encryption = policy::EncryptionAlgorithm::aes_gcm_16,
                           .key_bits = 256,
                           .prf = policy::PseudoRandomFunction::hmac_sha2_384,
                           .integrity = policy::IntegrityAlgorithm::none,
                           .key_exchange = policy::KeyExchangeMethod::curve25519};
    FirstMessages first{.request = wire::Octets(100, 1),
                        .response = wire::Octets(100, 2),
                        .nonce_i = wire::Octets(32, 3),
                        .nonce_r = wire::Octets(32, 4)};
    crypto::IkeKeys keys =
        crypto::derive_ike_keys(suite, policy::Secret::from_text("g^ir"), first.nonce_i,
                                first.nonce_r, facts.initiator_spi, facts.responder_spi)
            .value();
    ConnectionPtr connection = directory.find("vpn");
    AuthSent state = std::get<AuthSent>(begin_auth(turn, facts, connection, suite, keys, first));

    wire::Octets true_auth(const policy::Identity& responder) const {
        return crypto::shared_key_auth(suite.prf, connection->psk,
                                       {first.response, first.nonce_i, keys.pr, responder})
            .value();
    }

    /// The state after a response with this identity and AUTH, everything else as it should be.
    IkeSaState answer(const policy::Identity& responder, wire::Octets auth) {
        const wire::Header header{.initiator_spi = facts.initiator_spi,
                                  .responder_spi = facts.responder_spi,
                                  .exchange = wire::ExchangeType::ike_auth,
                                  .response = true,
                                  .message_id = wire::MessageId{1}};
        const std::vector<wire::Payload> payloads{
            wire::IdPayload{wire::IdPayload::Side::responder, responder},
            wire::AuthPayload{wire::AuthMethod::shared_key, std::move(auth)},
            wire::SaPayload{{{1, {0xc0, 0xff, 0xee, 1}, state.child->proposals.front()}}},
            wire::TsPayload{wire::TsPayload::Side::initiator, connection->local_selectors, 0},
            wire::TsPayload{wire::TsPayload::Side::responder, connection->remote_selectors, 0}};
        const auto message = crypto::seal_v2_message(suite, crypto::responder_direction(keys),
                                                     header, payloads, 0, rng)
                                 .value();
        const auto outer = wire::decode_v2_message(message).value();
        effects.clear();
        return consume_auth_response(turn, facts, std::move(state), {path, outer, message});
    }
    bool installed() const {
        return std::ranges::any_of(effects, [](const Effect& each) {
            return std::holds_alternative<InstallChildSa>(each);
        });
    }
    /// The cause of the one failure.
    const Cause& failure() const { return std::get<outcome::Failed>(outcomes.at(0)).why; }
};

/// A peer that is not believed is forgotten, or told good-bye where its message could not be read.
bool believed(const IkeSaState& state) {
    const auto* sa = std::get_if<Established>(&state);
    return sa && !sa->closing;
}

const auto responder = policy::Identity::from_address(policy::IpAddress::v4(10, 10, 10, 4));

} // namespace

BOOST_AUTO_TEST_CASE(a_responder_with_the_key_is_believed) {
    Initiator i;
    const auto next = i.answer(responder, i.true_auth(responder));
    BOOST_TEST(believed(next));
    BOOST_TEST(i.installed());
}

// covers 7296-1.2-b
BOOST_AUTO_TEST_CASE(a_responder_without_the_key_is_not) {
    Initiator i;
    auto auth = i.true_auth(responder);
    auth.back() ^= 1;
    const auto next = i.answer(responder, auth);
    BOOST_TEST(std::holds_alternative<Gone>(next));
    BOOST_TEST(!i.installed());
    BOOST_TEST(std::holds_alternative<cause::PeerNotAuthenticated>(i.failure()));
    BOOST_TEST(i.child_spis.size() == 0u);
}

// covers class-weak-comparison
BOOST_AUTO_TEST_CASE(an_auth_that_is_cut_short_or_empty_is_not_enough) {
    for (const std::size_t length : {0u, 1u, 16u, 47u}) {
        Initiator i;
        auto auth = i.true_auth(responder);
        auth.resize(length);
        BOOST_TEST(!believed(i.answer(responder, auth)));
        BOOST_TEST(!i.installed());
    }
}

// covers class-weak-comparison
BOOST_AUTO_TEST_CASE(our_own_auth_sent_back_is_not_the_responders) {
    Initiator i;
    const auto ours = crypto::shared_key_auth(
                          i.suite.prf, i.connection->psk,
                          {i.first.request, i.first.nonce_r, i.keys.pi, i.connection->local_id})
                          .value();
    BOOST_TEST(!believed(i.answer(responder, ours)));
    BOOST_TEST(!i.installed());
}

// covers 7296-1.2-c
BOOST_AUTO_TEST_CASE(the_key_does_not_help_under_another_identity) {
    Initiator i;
    const auto other = policy::Identity::parse("mallory.example.org").value();
    const auto next = i.answer(other, i.true_auth(other));
    BOOST_TEST(std::holds_alternative<Gone>(next));
    BOOST_TEST(!i.installed());
    BOOST_TEST(std::holds_alternative<cause::IdentityMismatch>(i.failure()));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::ike::v2
