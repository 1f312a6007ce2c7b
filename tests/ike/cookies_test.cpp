// Cookies and the limits that ask for them.
#include "ike/cookies.h"

#include "ike/half_open_guard.h"

#include <boost/test/unit_test.hpp>
#include <botan/chacha_rng.h>

namespace viaduct::ike {

BOOST_AUTO_TEST_SUITE(cookies)

namespace {

using Octets = std::vector<std::uint8_t>;

const TimePoint start{std::chrono::hours(1)};
const Octets nonce(32, 7);
const auto peer = policy::IpAddress::v4(192, 0, 2, 1);
constexpr wire::IkeSpi spi{0x1122334455667788};

struct Responder {
    Botan::ChaCha_RNG rng{Botan::secure_vector<std::uint8_t>(32, 1)};
    Cookies cookies;

    Octets make(TimePoint now) { return cookies.make(now, rng, spi, peer, nonce); }
    bool accepts(TimePoint now, const Octets& cookie) const {
        return cookies.accepts(now, cookie, spi, peer, nonce);
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_cookie_is_accepted_from_the_same_peer_for_the_same_request_only) {
    Responder r;
    const auto cookie = r.make(start);
    BOOST_TEST(cookie.size() == 33u);
    BOOST_TEST(r.accepts(start, cookie));
    BOOST_TEST(!r.cookies.accepts(start, cookie, wire::IkeSpi{9}, peer, nonce));
    BOOST_TEST(!r.cookies.accepts(start, cookie, spi, policy::IpAddress::v4(192, 0, 2, 2), nonce));
    BOOST_TEST(!r.cookies.accepts(start, cookie, spi, peer, Octets(32, 8)));
    BOOST_TEST(!r.cookies.accepts(start, cookie, spi, peer, Octets(31, 7)));
}

// covers 7296-2.6-d, class-cookies
BOOST_AUTO_TEST_CASE(anything_else_is_not_a_cookie) {
    Responder r;
    BOOST_TEST(!r.accepts(start, {}));
    BOOST_TEST(!r.accepts(start, Octets(33)));
    const auto cookie = r.make(start);
    for (std::size_t i = 0; i < cookie.size(); ++i) {
        auto altered = cookie;
        altered[i] ^= 1;
        BOOST_TEST(!r.accepts(start, altered));
        BOOST_TEST(!r.accepts(start, Octets(cookie.begin(), cookie.begin() + static_cast<int>(i))));
    }
    BOOST_TEST(!Responder{}.accepts(start, cookie));
}

BOOST_AUTO_TEST_CASE(secrets_change_and_the_one_before_is_accepted_for_a_while) {
    Responder r;
    const auto first = r.make(start);
    BOOST_TEST(r.make(start + Cookies::secret_time - std::chrono::seconds(1)) == first);
    const auto later = start + Cookies::secret_time;
    const auto second = r.make(later);
    BOOST_TEST(second != first);
    BOOST_TEST(r.accepts(later, first));
    BOOST_TEST(r.accepts(later, second));
    const auto third = r.make(later + Cookies::secret_time);
    BOOST_TEST(!r.accepts(later + Cookies::secret_time, first));
    BOOST_TEST(r.accepts(later + Cookies::secret_time, second));
    // Also where no cookie was given out in between, which is when secrets change.
    BOOST_TEST(!r.accepts(later + 3 * Cookies::secret_time, third));
}

BOOST_AUTO_TEST_CASE(half_open_sas_are_counted_for_each_address_and_in_all) {
    EndpointSettings settings;
    settings.half_open_limit = 8;
    settings.half_open_limit_per_address = 4;
    settings.cookie_threshold = 6;
    settings.cookie_threshold_per_address = 2;
    HalfOpenGuard guard(settings);
    const auto other = policy::IpAddress::v4(192, 0, 2, 2);
    using Verdict = HalfOpenGuard::Verdict;
    const auto add = [&](const policy::IpAddress& from, std::uint16_t port) {
        guard.add({from, port}, spi, wire::IkeSpi{port});
    };
    add(peer, 1);
    BOOST_TEST((guard.judge(peer) == Verdict::admit));
    add(peer, 2);
    BOOST_TEST((guard.judge(peer) == Verdict::admit_with_cookie));
    BOOST_TEST((guard.judge(other) == Verdict::admit));
    add(peer, 3);
    add(peer, 4);
    BOOST_TEST((guard.judge(peer) == Verdict::drop));
    guard.remove({peer, 4}, spi, wire::IkeSpi{99});
    BOOST_TEST((guard.judge(peer) == Verdict::drop));
    guard.remove({peer, 4}, spi, wire::IkeSpi{4});
    BOOST_TEST((guard.judge(peer) == Verdict::admit_with_cookie));
    for (std::uint16_t port = 1; port <= 3; ++port)
        guard.add({policy::IpAddress::v4(192, 0, 2, 9), port}, spi, wire::IkeSpi{port});
    BOOST_TEST((guard.judge(other) == Verdict::admit_with_cookie));
    add(other, 1);
    add(other, 2);
    BOOST_TEST(guard.count() == 8u);
    BOOST_TEST((guard.judge(policy::IpAddress::v4(192, 0, 2, 3)) == Verdict::drop));
    guard.clear();
    BOOST_TEST((guard.judge(peer) == Verdict::admit));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::ike
