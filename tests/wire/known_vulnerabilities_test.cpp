// The classes of parsing errors that other implementations had to publish, one row for each: what
// the message looked like, and what becomes of it here.

#include "ike/wire/v2_message_rules.h"
#include "tests/wire/octets.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(known_vulnerabilities)

using namespace viaduct;
using namespace viaduct::ike::wire;
using namespace viaduct::test;

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

const Row rows[] = {
    {"CVE-2015-3991", "a payload number of IKEv1 in IKEv2 is an unknown payload", PayloadType{8},
     "00 00 0014" + zeros(16), std::nullopt},
    {"CVE-2014-9221", "a group number of private use is read and left to the proposal choice",
     PayloadType::key_exchange, "00 00 0009 ffff 0000 01", std::nullopt},
    {"CVE-2015-3240", "a public value of no octets", PayloadType::key_exchange,
     "00 00 0008 000e 0000", DecodeFault::bad_length},
    {"CVE-2023-41913", "a public value that reaches beyond the message", PayloadType::key_exchange,
     "00 00 0108 000e 0000 01", DecodeFault::truncated},
    {"CVE-2016-5391", "a proposal without a key exchange is read and left to the proposal choice",
     PayloadType::security_association,
     "00 00 0018 00 00 0014 01 01 00 01 00 00 000c 01 00 0014 800e 0100", std::nullopt},
    {"CVE-2016-3071", "a key length of zero is read as such and never chosen",
     PayloadType::security_association,
     "00 00 0018 00 00 0014 01 01 00 01 00 00 000c 01 00 0014 800e 0000", std::nullopt},
    {"CVE-2023-38710", "a REKEY_SA whose protocol does not fit its SPI", PayloadType::notify,
     "00 00 000c 01 04 4009 01020304", DecodeFault::bad_length},
    {"CVE-2023-38712", "a Delete with more SPIs than it holds", PayloadType::delete_sa,
     "00 00 000c 03 04 0400 01020304", DecodeFault::truncated},
    {"CVE-2023-23009", "more selectors announced than there are", PayloadType::ts_initiator,
     "00 00 0018 02 000000 07 00 0010 0000 ffff 00000000 ffffffff", DecodeFault::truncated},
    {"CVE-2023-23009", "no selectors at all", PayloadType::ts_initiator, "00 00 0008 00 000000",
     DecodeFault::bad_value},
    {"CVE-2013-6076", "a fragment inside what was encrypted", PayloadType::encrypted_fragment,
     "00 00 0009 0001 0001 aa", DecodeFault::unexpected_payload},
    {"CVE-2026-50722", "a signature of no octets", PayloadType::authentication,
     "00 00 0008 0e 000000", DecodeFault::bad_length},
    {"CVE-2025-9242", "an identity far longer than any buffer of fixed size",
     PayloadType::id_initiator, "00 00 2008 02 000000" + zeros(8192), std::nullopt},
    {"CVE-2025-9242", "an identity of an address with other octets than an address has",
     PayloadType::id_initiator, "00 00 0028 01 000000" + zeros(32), DecodeFault::bad_length},
    {"CVE-2023-28771", "a notify with text for a shell is data", PayloadType::notify,
     "00 00 0011 00 00 0018 223b626173683b22 00", std::nullopt},
    {"CVE-2025-20253", "a payload length of zero does not stop the reader from advancing",
     PayloadType::vendor_id, "2b 00 0000 2b 00 0000", DecodeFault::bad_length},
    {"CVE-2025-20253", "a proposal length of zero", PayloadType::security_association,
     "00 00 000c 02 00 0000 01 01 00 00", DecodeFault::bad_length},
    {"CVE-2025-20253", "a selector length of zero", PayloadType::ts_responder,
     "00 00 000c ff 000000 07 00 0000", DecodeFault::bad_length},
};

} // namespace

// covers class-other-version, class-key-exchange, class-unusable-algorithm, class-error-answer
// covers class-delete, class-selectors, class-identity, class-notify, class-endless
// covers class-weak-comparison
BOOST_AUTO_TEST_CASE(each_class_ends_as_it_should) {
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.published_as << ": " << row.what) {
            const auto decoded = decode_v2_payloads(row.first, octets(row.payloads));
            BOOST_TEST(((decoded ? Outcome() : decoded.error().fault) == row.outcome));
            if (decoded) {
                BOOST_TEST(!describe(*decoded).empty());
            }
        }
    }
}

// CVE-2013-4564: a header that ends early or lies about the length.
// covers class-header
BOOST_AUTO_TEST_CASE(a_datagram_shorter_than_a_header_is_no_message) {
    for (std::size_t length = 0; length < header_length; ++length) {
        BOOST_TEST(!decode_v2_message(Octets(length)));
    }
}

// CVE-2013-6467, CVE-2013-6466: a payload that the exchange needs is missing.
// covers class-missing-payload
BOOST_AUTO_TEST_CASE(no_exchange_is_read_without_its_payloads) {
    BOOST_TEST(!read_sa_init_request({}));
    BOOST_TEST(!read_sa_init_response({}));
    BOOST_TEST(!read_auth_request({}));
    BOOST_TEST(!read_auth_response({}));
    BOOST_TEST(!read_create_child_request({}));
}

// Memory taken by malformed messages (CVE-2025-20224 and others): what one message may hold is
// bounded, whatever its counts say.
// covers class-memory
BOOST_AUTO_TEST_CASE(a_full_datagram_of_the_smallest_payloads_is_cut_off) {
    Octets chain;
    for (std::size_t size = 0; size + 4 <= 65000; size += 4) {
        chain.insert(chain.end(), {43, 0, 0, 4});
    }
    const auto decoded = decode_v2_payloads(PayloadType::vendor_id, chain);
    BOOST_REQUIRE(!decoded);
    BOOST_TEST((decoded.error().fault == DecodeFault::too_many));
}

BOOST_AUTO_TEST_SUITE_END()
