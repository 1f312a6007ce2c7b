// NAT traversal on the wire in main mode: by RFC 3947, and with peers that know only the drafts
// before it (draft-ietf-ipsec-nat-t-ike-02 and -03), which differ in every number. Numbers and
// hashes are written here as the documents have them, and looked for in the messages' octets.
#include "tests/simulation/v1_scripted_peer.h"
#include "tests/wire/octets.h"

#include <botan/hash.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(v1_nat_numbers)

namespace {

namespace v1 = ike::wire::v1;
using ike::wire::ExchangeType;
using ike::wire::Octets;
using policy::EspMode;

struct Numbering {
    std::string_view name;
    std::string_view vendor_id;
    /// What the endpoint may answer to it.
    std::vector<std::string_view> answered;
    std::uint8_t nat_d, nat_oa;
    std::uint16_t tunnel_in_udp, transport_in_udp;
};

constexpr std::string_view rfc_3947 = "4a131c81070358455c5728f20e95452f";
constexpr std::string_view draft_03 = "7d9419a65310ca6f2c179d9215529d56";
constexpr std::string_view draft_02 = "cd60464335df21f87cfdb2fc68b6a448";
/// With a line feed behind the text that is hashed.
constexpr std::string_view draft_02_n = "90cb80913ebb696e086381b5ec427b1f";

const std::vector<Numbering> numberings{
    {"RFC 3947", rfc_3947, {rfc_3947}, 20, 21, 3, 4},
    {"draft 03", draft_03, {draft_03, draft_02_n}, 130, 131, 61443, 61444},
    {"draft 02", draft_02, {draft_03, draft_02_n}, 130, 131, 61443, 61444},
    {"draft 02 with a line feed", draft_02_n, {draft_03, draft_02_n}, 130, 131, 61443, 61444}};

struct RawPayload {
    std::uint8_t type = 0;
    Octets body;
};

std::vector<RawPayload> payloads_of(std::uint8_t first, std::span<const std::uint8_t> chain) {
    std::vector<RawPayload> out;
    for (auto type = first; type != 0;) {
        const auto length = static_cast<std::size_t>(chain[2] << 8 | chain[3]);
        out.push_back({type, {chain.begin() + 4, chain.begin() + static_cast<int>(length)}});
        type = chain[0];
        chain = chain.subspan(length);
    }
    return out;
}

std::vector<RawPayload> payloads_of(const OldHeard& message) {
    return payloads_of(message.octets[16], message.chain);
}

std::vector<std::string> bodies(const OldHeard& message, std::uint8_t type) {
    std::vector<std::string> out;
    for (const auto& each : payloads_of(message))
        if (each.type == type)
            out.push_back(test::hexadecimal(each.body));
    return out;
}

/// None of the other numbering's.
void check_only(const OldHeard& message, const Numbering& numbers) {
    for (const auto& each : payloads_of(message))
        for (const int foreign : {20, 21, 130, 131})
            BOOST_TEST(
                (each.type != foreign || foreign == numbers.nat_d || foreign == numbers.nat_oa));
}

/// The encapsulation modes of all transforms: attribute 4, of the short form.
std::vector<std::uint16_t> encapsulation_modes(const OldHeard& message) {
    std::vector<std::uint16_t> out;
    for (const auto& sa : payloads_of(message)) {
        if (sa.type != 1)
            continue;
        // DOI and situation, then proposals, with transforms behind their SPI.
        for (const auto& proposal : payloads_of(2, std::span(sa.body).subspan(8)))
            for (const auto& transform :
                 payloads_of(3, std::span(proposal.body).subspan(4u + proposal.body[2])))
                for (std::size_t at = 4; at + 4 <= transform.body.size();) {
                    const auto& b = transform.body;
                    const auto value = static_cast<std::uint16_t>(b[at + 2] << 8 | b[at + 3]);
                    if (b[at] == 0x80 && b[at + 1] == 4)
                        out.push_back(value);
                    at += 4u + ((b[at] & 0x80) != 0 ? 0u : value);
                }
    }
    return out;
}

/// HASH(CKY-I | CKY-R | IP | Port), with the hash that phase 1 agrees on.
Octets hash_of(const v1::Cookies& cookies, std::array<std::uint8_t, 4> ip, std::uint16_t port) {
    const auto hash = Botan::HashFunction::create_or_throw("SHA-256");
    hash->update_be(static_cast<std::uint64_t>(cookies.initiator));
    hash->update_be(static_cast<std::uint64_t>(cookies.responder));
    hash->update(ip.data(), ip.size());
    hash->update_be(port);
    return hash->final_stdvec();
}

constexpr std::array<std::uint8_t, 4> peer_ip{10, 10, 10, 5}, endpoint_ip{10, 10, 10, 4};

enum class Nat : std::uint8_t { none, before_the_peer, before_the_endpoint };
constexpr std::array nats{Nat::none, Nat::before_the_peer, Nat::before_the_endpoint};

/// First the hash of the address that the peer sends to, then that of its own.
OldNatTraversal says(const Numbering& numbers, Nat nat) {
    return {.vendor_ids = {v1::VendorIdPayload{test::octets(numbers.vendor_id)}},
            .detection =
                [numbers, nat](const v1::Cookies& cookies) {
                    const auto remote = nat == Nat::before_the_endpoint
                                            ? hash_of(cookies, {203, 0, 113, 9}, 500)
                                            : hash_of(cookies, endpoint_ip, 500);
                    const auto local = nat == Nat::before_the_peer
                                           ? hash_of(cookies, {192, 168, 77, 5}, 500)
                                           : hash_of(cookies, peer_ip, 500);
                    return OldPayloads{v1::UnknownPayload{numbers.nat_d, remote},
                                       v1::UnknownPayload{numbers.nat_d, local}};
                },
            .floats = nat != Nat::none};
}

/// The endpoint's key exchange carries two hashes: of the peer's address, and of its own.
void check_detection(const OldScriptedPeer& peer, const OldHeard& key_exchange,
                     const Numbering& numbers) {
    check_only(key_exchange, numbers);
    const auto hashes = bodies(key_exchange, numbers.nat_d);
    BOOST_REQUIRE(hashes.size() == 2u);
    BOOST_TEST(hashes[0] == test::hexadecimal(hash_of(peer.cookies(), peer_ip, 500)));
    BOOST_TEST(hashes[1] == test::hexadecimal(hash_of(peer.cookies(), endpoint_ip, 500)));
}

void check_found(const OldScriptedPeer& peer, Nat nat) {
    const auto sas = peer.status().ike_sas;
    BOOST_REQUIRE(sas.size() == 1u);
    const auto& sa = sas.front();
    BOOST_TEST(sa.established);
    BOOST_TEST(sa.local_behind_nat == (nat == Nat::before_the_endpoint));
    BOOST_TEST(sa.remote_behind_nat == (nat == Nat::before_the_peer));
    BOOST_TEST(sa.path.local.port == (nat == Nat::none ? 500u : 4500u));
    BOOST_TEST(sa.path.remote.port == (nat == Nat::none ? 500u : 4500u));
}

std::uint16_t number_of(const Numbering& numbers, EspMode mode, Nat nat) {
    if (nat == Nat::none)
        return mode == EspMode::tunnel ? 1 : 2;
    return mode == EspMode::tunnel ? numbers.tunnel_in_udp : numbers.transport_in_udp;
}

void check_child(const OldScriptedPeer& peer, EspMode mode, Nat nat) {
    BOOST_REQUIRE(peer.installed.size() == 1u);
    const auto& child = peer.installed.front();
    BOOST_TEST((child.mode == mode));
    BOOST_REQUIRE(child.encapsulation.has_value() == (nat != Nat::none));
    if (child.encapsulation) {
        BOOST_TEST(child.encapsulation->local_port == 4500u);
        BOOST_TEST(child.encapsulation->remote_port == 4500u);
    }
}

policy::Connection vpn(EspMode mode) {
    auto own = OldScriptedPeer::peer_connection();
    own.esp.mode = mode;
    if (mode == EspMode::transport) {
        own.local_selectors = subnets({"10.10.10.5/32"});
        own.remote_selectors = subnets({"10.10.10.4/32"});
    }
    return own;
}

v1::UnknownPayload original_address(const Numbering& numbers, std::array<std::uint8_t, 4> ip) {
    return {numbers.nat_oa, {1, 0, 0, 0, ip[0], ip[1], ip[2], ip[3]}};
}

const std::vector<std::string> both_addresses{"010000000a0a0a05", "010000000a0a0a04"};
const std::vector<std::string> none;

/// A quick mode of the peer's with this encapsulation mode.
std::optional<OldHeard> offer(OldScriptedPeer& peer, const Numbering& numbers, std::uint16_t mode) {
    const bool original = mode == numbers.transport_in_udp;
    return peer.begin_quick_mode({}, [&](OldPayloads& payloads) {
        auto& transform = std::get<v1::SaPayload>(payloads[0]).proposals.front().transforms.front();
        auto read = v1::read_esp_transform(transform).value();
        read.encapsulation = v1::Encapsulation{mode};
        transform = v1::esp_transform(transform.number, read);
        if (original) {
            payloads.emplace_back(original_address(numbers, peer_ip));
            payloads.emplace_back(original_address(numbers, endpoint_ip));
        }
    });
}

/// For each numbering, mode and place of the NAT.
template <typename Story> void in_every_way(const Story& story) {
    for (const auto& numbers : numberings)
        for (const auto mode : {EspMode::tunnel, EspMode::transport})
            for (const auto nat : nats)
                BOOST_TEST_CONTEXT(numbers.name << ", mode " << static_cast<int>(mode) << ", NAT "
                                                << static_cast<int>(nat)) {
                    story(numbers, mode, nat);
                }
}

} // namespace

// covers 3947-3.1-a, 3947-4-a, 3947-4-b, 3947-4-d, 3947-4-e, 3947-5.2-a, 3947-5.2-c
BOOST_AUTO_TEST_CASE(who_is_asked_answers_with_the_numbers_of_the_vendor_id) {
    in_every_way([](const Numbering& numbers, EspMode mode, Nat nat) {
        OldScriptedPeer peer(vpn(mode));
        peer.establish_main_mode(says(numbers, nat));
        BOOST_REQUIRE(peer.heard.size() == 3u);
        // <-- IDENTITY_PROTECTION { SA, V, … }
        const auto vendor_ids = bodies(peer.heard[0], 13);
        for (const auto each : {rfc_3947, draft_03, draft_02, draft_02_n})
            BOOST_TEST(std::ranges::contains(vendor_ids, each) ==
                       std::ranges::contains(numbers.answered, each));
        // <-- IDENTITY_PROTECTION { KE, NONCE, NAT-D, NAT-D }
        check_detection(peer, peer.heard[1], numbers);
        check_found(peer, nat);
        // QUICK_MODE { HASH, SA, NONCE, ID, ID, … } -->
        //     <-- QUICK_MODE { HASH, SA, NONCE, ID, ID, … }
        const auto number = number_of(numbers, mode, nat);
        const auto answer = offer(peer, numbers, number);
        BOOST_REQUIRE(answer);
        BOOST_TEST(encapsulation_modes(*answer) == std::vector{number});
        check_only(*answer, numbers);
        const bool original = mode == EspMode::transport && nat != Nat::none;
        BOOST_TEST(bodies(*answer, numbers.nat_oa) == (original ? both_addresses : none));
        peer.finish_quick_mode(*answer);
        check_child(peer, mode, nat);
    });
}

// covers 3947-3.1-a, 3947-4-a, 3947-4-b, 3947-4-d, 3947-5.2-a, 3947-5.2-b
BOOST_AUTO_TEST_CASE(who_begins_goes_on_with_the_numbers_of_the_answer) {
    in_every_way([](const Numbering& numbers, EspMode mode, Nat nat) {
        auto endpoints = mirrored(vpn(mode));
        endpoints.start = policy::StartAction::initiate;
        OldScriptedPeer peer(vpn(mode), endpoints);
        // IDENTITY_PROTECTION { SA, V, … } -->
        BOOST_REQUIRE(peer.heard.size() == 1u);
        for (const auto each : {rfc_3947, draft_03, draft_02, draft_02_n})
            BOOST_TEST(std::ranges::contains(bodies(peer.heard[0], 13), each));
        peer.answer_main_mode(says(numbers, nat));
        peer.pass(1ms);
        BOOST_REQUIRE(peer.heard.size() == 4u);
        // IDENTITY_PROTECTION { KE, NONCE, NAT-D, NAT-D } -->
        check_detection(peer, peer.heard[1], numbers);
        check_found(peer, nat);
        // QUICK_MODE { HASH, SA, NONCE, ID, ID, … } -->
        const auto begun = peer.heard[3];
        BOOST_TEST((begun.header.exchange == ExchangeType::quick_mode));
        const auto number = number_of(numbers, mode, nat);
        BOOST_TEST(encapsulation_modes(begun) == std::vector{number});
        check_only(begun, numbers);
        const bool original = mode == EspMode::transport && nat != Nat::none;
        const std::vector<std::string> ours{both_addresses[1], both_addresses[0]};
        BOOST_TEST(bodies(begun, numbers.nat_oa) == (original ? ours : none));
        //     <-- QUICK_MODE { HASH, SA, NONCE, ID, ID, … }
        OldPayloads behind;
        for (const auto& each : begun.payloads)
            if (std::holds_alternative<v1::IdPayload>(each))
                behind.push_back(each);
        if (original) {
            behind.emplace_back(original_address(numbers, endpoint_ip));
            behind.emplace_back(original_address(numbers, peer_ip));
        }
        peer.answer_quick_mode(begun, behind);
        check_child(peer, mode, nat);
    });
}

BOOST_AUTO_TEST_CASE(the_first_hash_is_of_the_receiver_and_any_other_of_the_sender) {
    for (const auto& numbers : numberings)
        for (const bool in_order : {true, false})
            BOOST_TEST_CONTEXT(numbers.name << (in_order ? "" : ", the wrong way round")) {
                OldScriptedPeer peer(vpn(EspMode::tunnel));
                auto nat = says(numbers, Nat::none);
                nat.floats = !in_order;
                nat.detection = [&](const v1::Cookies& cookies) {
                    const v1::UnknownPayload remote{numbers.nat_d,
                                                    hash_of(cookies, endpoint_ip, 500)};
                    const v1::UnknownPayload local{numbers.nat_d, hash_of(cookies, peer_ip, 500)};
                    const v1::UnknownPayload other{numbers.nat_d,
                                                   hash_of(cookies, {192, 0, 2, 1}, 500)};
                    return in_order ? OldPayloads{remote, other, local}
                                    : OldPayloads{local, remote};
                };
                peer.establish_main_mode(nat);
                const auto sas = peer.status().ike_sas;
                BOOST_REQUIRE(sas.size() == 1u);
                BOOST_TEST(sas.front().local_behind_nat == !in_order);
                BOOST_TEST(sas.front().remote_behind_nat == !in_order);
            }
}

BOOST_AUTO_TEST_CASE(numbers_of_the_other_kind_are_refused) {
    for (const auto& numbers : numberings)
        for (const auto nat : nats)
            for (const std::uint16_t mode : std::to_array<std::uint16_t>({1, 3, 61443}))
                BOOST_TEST_CONTEXT(numbers.name << ", NAT " << static_cast<int>(nat) << ", mode "
                                                << mode) {
                    OldScriptedPeer peer(vpn(EspMode::tunnel));
                    peer.establish_main_mode(says(numbers, nat));
                    const bool fits = mode == number_of(numbers, EspMode::tunnel, nat);
                    BOOST_TEST(offer(peer, numbers, mode).has_value() == fits);
                }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
