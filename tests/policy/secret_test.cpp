#include "policy/secret.h"

#include <boost/test/unit_test.hpp>

#include <format>
#include <ostream>

BOOST_AUTO_TEST_SUITE(secret)

using viaduct::policy::Secret;

namespace {

template <typename Value>
concept Streamable = requires(std::ostream& out, const Value& value) { out << value; };

} // namespace

BOOST_AUTO_TEST_CASE(secrets_compare_by_their_octets) {
    BOOST_TEST((Secret::from_text("a secret") == Secret::from_text("a secret")));
    BOOST_TEST((Secret::from_text("a secret") != Secret::from_text("a secreT")));
    BOOST_TEST((Secret::from_text("a secret") != Secret::from_text("a secret ")));
    BOOST_TEST((Secret() == Secret::from_text("")));
    BOOST_TEST(Secret::from_text(std::string_view("a\0b", 3)).size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_secret_cannot_be_printed) {
    static_assert(!Streamable<Secret>);
    static_assert(!std::formattable<Secret, char>);
}

BOOST_AUTO_TEST_SUITE_END()
