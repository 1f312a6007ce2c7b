// The classes of parsing errors that other implementations of IKEv1 had to publish, one row for
// each: what the message looked like, and what becomes of it here.

#include "ike/wire/v1_identification.h"
#include "ike/wire/v1_message_rules.h"
#include "ike/wire/v1_transform.h"
#include "tests/wire/octets.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(v1_known_vulnerabilities)

using namespace viaduct;
using namespace viaduct::ike::wire::v1;
using namespace viaduct::test;
using ike::wire::DecodeFault;
using ike::wire::Octets;

namespace {

using Outcome = std::optional<DecodeFault>;

struct Row {
    const char* published_as;
    const char* what;
    PayloadType first;
    std::string payloads;
    Outcome outcome;
};

std::string zeros(std::size_t count) {
    return hexadecimal(Octets(count));
}

using enum PayloadType;
const std::string ipsec = "00000001 00000001";

const Row rows[] = {
    {"CVE-2015-3991", "a payload number of IKEv2 is an unknown payload", PayloadType{33},
     "00 00 0010" + zeros(12), std::nullopt},
    {"CVE-2016-5391", "a transform without a group is read and left to the choice",
     security_association,
     "00 00 0020" + ipsec + "00 00 0014 01 01 00 01 00 00 000c 01 01 0000 80010007", std::nullopt},
    {"CVE-2016-3071", "a key length of zero is read as such and never chosen", security_association,
     "00 00 0024" + ipsec + "00 00 0018 01 01 00 01 00 00 0010 01 01 0000 80010007 800e0000",
     std::nullopt},
    {"CVE-2015-3240", "a public value of no octets", key_exchange, "00 00 0004",
     DecodeFault::bad_length},
    {"CVE-2023-41913", "a public value that reaches beyond the message", key_exchange,
     "00 00 0104 01", DecodeFault::truncated},
    {"CVE-2023-38712", "a Delete with more SPIs than it holds", delete_sa,
     "00 00 0010 00000001 03 04 0400 01020304", DecodeFault::truncated},
    {"CVE-2023-38712", "a Delete of an ISAKMP SA that names half a cookie pair", delete_sa,
     "00 00 0014 00000001 01 08 0001" + zeros(8), DecodeFault::bad_length},
    {"CVE-2009-0790", "a DPD message without a sequence number", notification,
     "00 00 001c 00000001 01 10 8d28" + zeros(16), DecodeFault::bad_length},
    {"CVE-2009-0790", "a DPD message that names no SA", notification,
     "00 00 0010 00000001 01 00 8d29 00000001", DecodeFault::bad_length},
    {"CVE-2025-9242", "an identity far longer than any buffer of fixed size", identification,
     "00 00 2008 02 00 0000" + zeros(8192), std::nullopt},
    {"CVE-2025-9242", "a subnet with other octets than a subnet has", identification,
     "00 00 0028 04 00 0000" + zeros(32), DecodeFault::bad_length},
    {"CVE-2023-28771", "a notification with text for a shell is data", notification,
     "00 00 0015 00000001 00 00 0010 223b626173683b22 00", std::nullopt},
    {"CVE-2025-20253", "a payload length of zero does not stop the reader from advancing",
     vendor_id, "0d 00 0000 0d 00 0000", DecodeFault::bad_length},
    {"CVE-2025-20253", "a proposal length of zero", security_association,
     "00 00 0014" + ipsec + "02 00 0000 01 01 00 00", DecodeFault::bad_length},
    {"CVE-2025-20253", "a transform length of zero", security_association,
     "00 00 0018" + ipsec + "00 00 000c 01 01 00 01 03 00 0000", DecodeFault::bad_length},
    {"CVE-2014-2338", "an attribute whose length reaches beyond its transform",
     security_association,
     "00 00 0020" + ipsec + "00 00 0014 01 01 00 01 00 00 000c 01 01 0000 000cffff",
     DecodeFault::truncated},
};

} // namespace

// covers class-other-version, class-key-exchange, class-unusable-algorithm, class-delete
// covers class-identity, class-notify, class-endless, class-out-of-phase, class-proposals
BOOST_AUTO_TEST_CASE(each_class_ends_as_it_should) {
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.published_as << ": " << row.what) {
            const auto decoded = decode_chain(row.first, octets(row.payloads));
            BOOST_TEST(((decoded ? Outcome() : decoded.error().fault) == row.outcome));
            if (decoded) {
                BOOST_TEST(!describe(decoded->payloads).empty());
            }
        }
    }
}

// CVE-2023-38711: the identity of a quick mode is of a type that names no addresses.
// covers class-identity, 2408-5.8-b
BOOST_AUTO_TEST_CASE(a_name_is_no_selector) {
    for (unsigned type = 0; type < 256; ++type) {
        const IdPayload id{IdType{static_cast<std::uint8_t>(type)}, 0, 0, octets("677731")};
        BOOST_TEST(!selector_of(id));
    }
}

// CVE-2016-1287, CVE-2016-10396, CVE-2013-6076: numbers and lengths of fragments.
// covers class-fragments
BOOST_AUTO_TEST_CASE(a_fragment_inside_a_chain_belongs_to_no_message) {
    const auto decoded = decode_chain(fragment, octets("00 00 0009 0001 01 01 aa"));
    BOOST_REQUIRE(decoded);
    BOOST_TEST(!read_main_mode_sa(*decoded));
    BOOST_TEST(!read_main_mode_auth(*decoded));
    BOOST_TEST(!read_unprotected_informational(*decoded));
    BOOST_TEST(!decode_chain(fragment, octets("00 00 0003 0001 01 01 aa")));
    BOOST_TEST(!decode_chain(fragment, octets("00 00 0007 0001 01")));
}

// Memory taken by malformed messages (CVE-2025-20224 and others).
// covers class-memory
BOOST_AUTO_TEST_CASE(a_full_datagram_of_the_smallest_payloads_is_cut_off) {
    Octets chain;
    for (std::size_t size = 0; size + 4 <= 65000; size += 4) {
        chain.insert(chain.end(), {13, 0, 0, 4});
    }
    const auto decoded = decode_chain(vendor_id, chain);
    BOOST_REQUIRE(!decoded);
    BOOST_TEST((decoded.error().fault == DecodeFault::too_many));
}

// CVE-2019-10155: without the HASH payload in front nothing counts as protected.
// covers class-delete, 2408-5.15-d
BOOST_AUTO_TEST_CASE(an_informational_exchange_whose_hash_is_elsewhere_is_refused) {
    const std::vector<Payload> payloads = {
        DeletePayload{.protocol = policy::ProtocolId::esp, .children = {policy::ChildSpi{1}}},
        HashPayload{Octets(20)}};
    const auto read =
        read_protected_informational(decode_chain(delete_sa, encode_chain(payloads)).value());
    BOOST_REQUIRE(!read);
    BOOST_TEST((read.error().fault == DecodeFault::unexpected_payload));
}

BOOST_AUTO_TEST_SUITE_END()
