#include "ike/rekey_collision.h"

#include <boost/test/unit_test.hpp>

namespace viaduct::ike {

BOOST_AUTO_TEST_SUITE(rekey_collision)

// covers 7296-2.8.1-d
BOOST_AUTO_TEST_CASE(nonces_are_compared_octet_by_octet_and_the_shorter_is_lower) {
    using Octets = std::vector<std::uint8_t>;
    const Octets low{0, 255, 255}, high{1, 0, 0}, cut{0, 255}, top{255};
    for (const auto& [lower, higher] :
         {std::pair(low, high), std::pair(cut, low), std::pair(low, top), std::pair(high, top)}) {
        BOOST_TEST((lowest_nonce(lower, higher) == lower));
        BOOST_TEST((lowest_nonce(higher, lower) == lower));
        BOOST_TEST(gives_way(lower, higher));
        BOOST_TEST(!gives_way(higher, lower));
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::ike
