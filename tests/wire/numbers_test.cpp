#include "ike/wire/numbers.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(numbers)

using namespace viaduct::ike::wire;

BOOST_AUTO_TEST_CASE(names_are_the_registrys) {
    BOOST_TEST(to_string(ExchangeType::ike_sa_init) == "IKE_SA_INIT");
    BOOST_TEST(to_string(PayloadType::ts_responder) == "TSr");
    BOOST_TEST(to_string(NotifyType::no_proposal_chosen) == "NO_PROPOSAL_CHOSEN");
    BOOST_TEST(to_string(NotifyType::sa_resource_info) == "SA_RESOURCE_INFO");
    BOOST_TEST(to_string(AuthMethod::shared_key) == "SHARED_KEY");
    BOOST_TEST(to_string(IkeSpi{0xabc}) == "0000000000000abc");
}

BOOST_AUTO_TEST_CASE(what_has_no_name_is_shown_by_number) {
    BOOST_TEST(to_string(ExchangeType{240}) == "240");
    BOOST_TEST(to_string(PayloadType{200}) == "200");
    BOOST_TEST(to_string(NotifyType{40960}) == "40960");
    BOOST_TEST(to_string(AuthMethod{201}) == "201");
}

BOOST_AUTO_TEST_CASE(errors_lie_below_16384) {
    BOOST_TEST(is_error(NotifyType::ts_unacceptable));
    BOOST_TEST(is_error(NotifyType{16383}));
    BOOST_TEST(!is_error(NotifyType::initial_contact));
}

BOOST_AUTO_TEST_SUITE_END()
