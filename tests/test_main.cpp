#define BOOST_TEST_MODULE Viaduct
#include <boost/test/unit_test.hpp>
