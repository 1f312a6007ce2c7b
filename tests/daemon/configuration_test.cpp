#include "daemon/configuration.h"
#include "tests/daemon/temporary_folder.h"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include <sys/stat.h>

namespace viaduct::daemon {

BOOST_AUTO_TEST_SUITE(configuration)

namespace {

std::string router_text(std::string_view name, std::string_view netns,
                        std::string_view secret = "psk = \"secret\"") {
    return fmt::format(R"([router]
name = "{}"
netns = "{}"
[ike.modern]
version = 2
proposals = ["aes256gcm16-prfsha384-x25519"]
[esp.modern]
proposals = ["aes256gcm16"]
[[connection]]
name = "vpn"
ike = "modern"
esp = "modern"
local_address = "10.10.10.5"
peer_address = "10.10.10.4"
{}
local_subnets = ["192.168.11.0/24"]
remote_subnets = ["192.168.30.0/24"]
)",
                       name, netns, secret);
}

std::string all_mistakes(const Configuration& configuration) {
    std::string text;
    for (const auto& mistake : configuration.mistakes) {
        text += mistake.to_string() + "\n";
    }
    return text;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_folder_is_its_toml_files_in_order) {
    test::TemporaryFolder folder;
    folder.write("b.toml", router_text("router2", "ns2"));
    folder.write("a.toml", router_text("router1", "ns1"));
    folder.write("a.toml.bak", "nonsense");
    folder.write(".hidden.toml", "nonsense");
    const auto read = read_configuration(folder.path());
    BOOST_TEST(all_mistakes(read) == "");
    BOOST_REQUIRE_EQUAL(read.routers.size(), 2U);
    BOOST_TEST(read.routers[0].router->name == "router1");
    BOOST_TEST(read.routers[1].router->name == "router2");
    BOOST_TEST(read.connection_count() == 2U);
}

BOOST_AUTO_TEST_CASE(only_what_changed_is_read_again) {
    test::TemporaryFolder folder;
    const auto a = folder.write("a.toml", router_text("router1", "ns1", "psk_file = \"a.psk\""));
    folder.write("a.psk", "secret-in-a-file", 0600);
    folder.write("b.toml", router_text("router2", "ns2"));
    ConfigurationFiles files(folder.path(), std::chrono::seconds(0));
    BOOST_TEST(files.read().files_read == 2U);
    BOOST_TEST(files.read().files_read == 0U);
    BOOST_TEST(files.read().routers.size() == 2U);

    folder.write("b.toml", router_text("router2", "ns3"));
    auto read = files.read();
    BOOST_TEST(read.files_read == 1U);
    BOOST_TEST(read.routers[1].router->netns == "ns3");
    // Another secret is another router, and so are other permissions.
    folder.write("a.psk", "another-secret-in-a-file", 0600);
    read = files.read();
    BOOST_TEST(read.files_read == 1U);
    BOOST_TEST((read.routers[0].router->connections.connections[0].psk ==
                policy::Secret::from_text("another-secret-in-a-file")));
    std::filesystem::permissions(folder.path() / "a.psk", std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    BOOST_TEST(files.read().broken_files.size() == 1U);
    // What is broken is read each time, what goes is forgotten.
    BOOST_TEST(files.read().files_read == 1U);
    std::filesystem::remove(a);
    read = files.read();
    BOOST_TEST(read.files_read == 0U);
    BOOST_TEST(read.routers.size() == 1U);
}

BOOST_AUTO_TEST_CASE(one_router_is_read_from_its_file_and_from_that_of_its_name) {
    test::TemporaryFolder folder;
    const auto a = folder.write("a.toml", router_text("router1", "ns1"));
    folder.write("b.toml", "nonsense");
    ConfigurationFiles files(folder.path(), std::chrono::seconds(0));
    static_cast<void>(files.read());

    auto read = files.read_one("router1", a.string());
    BOOST_TEST(all_mistakes(read) == "");
    BOOST_TEST(read.files_read == 0U);
    BOOST_REQUIRE(read.routers.size() == 1U);
    BOOST_TEST(read.routers[0].file == a.string());
    BOOST_TEST(files.read_one("router2", "").routers.empty());
    BOOST_TEST(files.read_one("../router2", "").mistakes.empty());

    const auto other = folder.write("router2.toml", router_text("router2", "ns2"));
    read = files.read_one("router2", "");
    BOOST_TEST(read.files_read == 1U);
    BOOST_REQUIRE(read.routers.size() == 1U);
    BOOST_TEST(read.routers[0].file == other.string());
    // What one reading found the next of all does not read again.
    BOOST_TEST(files.read().files_read == 1U);

    std::filesystem::remove(other);
    read = files.read_one("router2", other.string());
    BOOST_TEST((read.routers.empty() && read.mistakes.empty() && read.broken_files.empty()));
    std::filesystem::remove_all(folder.path());
    BOOST_TEST(files.read_one("router1", a.string()).listing_incomplete);
}

BOOST_AUTO_TEST_CASE(one_router_is_not_taken_from_a_file_that_has_another) {
    test::TemporaryFolder folder;
    const auto a = folder.write("a.toml", router_text("router1", "ns1"));
    const auto named = folder.write("router1.toml", router_text("router1", "ns3"));
    ConfigurationFiles files(folder.path(), std::chrono::seconds(0));
    auto read = files.read_one("router1", a.string());
    BOOST_REQUIRE(read.routers.size() == 1U);
    BOOST_TEST(read.routers[0].file == a.string());
    BOOST_TEST((read.broken_files == std::vector{named.string()}));
    BOOST_TEST(all_mistakes(read).contains("the router name 'router1' is used by " + a.string()));

    // Its file has become another's: it goes on as it was.
    std::filesystem::remove(named);
    folder.write("a.toml", router_text("router5", "ns1"));
    read = files.read_one("router1", a.string());
    BOOST_TEST(read.routers.empty());
    BOOST_TEST((read.broken_files == std::vector{a.string()}));
    BOOST_TEST(all_mistakes(read).contains("has the router 'router5' and not 'router1'"));

    folder.write("router1.toml", "nonsense");
    BOOST_TEST(files.read_one("router1", "").broken_files.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_has_just_changed_is_read_in_any_case) {
    test::TemporaryFolder folder;
    folder.write("a.toml", router_text("router1", "ns1"));
    ConfigurationFiles files(folder.path(), std::chrono::hours(1));
    BOOST_TEST(files.read().files_read == 1U);
    BOOST_TEST(files.read().files_read == 1U);
}

BOOST_AUTO_TEST_CASE(a_broken_file_leaves_the_others_and_all_mistakes_are_told) {
    test::TemporaryFolder folder;
    folder.write("a.toml", router_text("router1", "ns1"));
    const auto b = folder.write("b.toml", "[router]\nname = 5\ncolour = \"red\"\n");
    const auto c = folder.write("c.toml", "[router\n");
    const auto read = read_configuration(folder.path());
    BOOST_TEST(read.routers.size() == 1U);
    const auto mistakes = all_mistakes(read);
    BOOST_TEST(mistakes.contains(b.string() + ":2:"), mistakes);
    BOOST_TEST(mistakes.contains(b.string() + ":3:"), mistakes);
    BOOST_TEST(mistakes.contains(c.string() + ":1:"), mistakes);
    BOOST_TEST((read.broken_files == std::vector{b.string(), c.string()}));
}

BOOST_AUTO_TEST_CASE(a_name_or_namespace_used_twice_is_a_mistake_of_the_later_file) {
    test::TemporaryFolder folder;
    folder.write("a.toml", router_text("router1", "ns1"));
    const auto b = folder.write("b.toml", router_text("router1", "ns2"));
    const auto c = folder.write("c.toml", router_text("router3", "ns1"));
    const auto read = read_configuration(folder.path());
    BOOST_TEST(read.routers.size() == 1U);
    BOOST_TEST((read.broken_files == std::vector{b.string(), c.string()}));
    const auto mistakes = all_mistakes(read);
    BOOST_TEST(mistakes.contains(b.string() + ":2:8: the router name 'router1' is used by"),
               mistakes);
    BOOST_TEST(mistakes.contains(c.string() + ":3:9: the namespace 'ns1' belongs to router"),
               mistakes);
}

BOOST_AUTO_TEST_CASE(a_name_and_a_namespace_that_are_both_taken_are_told_at_once) {
    test::TemporaryFolder folder;
    const auto a = folder.write("a.toml", router_text("router1", "ns1"));
    const auto b = folder.write("b.toml", router_text("router2", "ns2"));
    const auto c = folder.write("c.toml", router_text("router1", "ns2"));
    const auto read = read_configuration(folder.path());
    BOOST_TEST(read.routers.size() == 2U);
    BOOST_TEST((read.broken_files == std::vector{c.string()}));
    BOOST_TEST(all_mistakes(read) ==
               c.string() + ":2:8: the router name 'router1' is used by " + a.string() +
                   " already\n" + c.string() +
                   ":3:9: the namespace 'ns2' belongs to router 'router2' of " + b.string() +
                   "; a namespace can have one router\n");
}

BOOST_AUTO_TEST_CASE(the_daemons_own_namespace_has_one_router_too) {
    test::TemporaryFolder folder;
    const auto own = [](std::string_view name) {
        auto text = router_text(name, "");
        return text.erase(text.find("netns"), text.find("[ike") - text.find("netns"));
    };
    folder.write("a.toml", own("router1"));
    const auto b = folder.write("b.toml", own("router2"));
    const auto mistakes = all_mistakes(read_configuration(folder.path()));
    BOOST_TEST(mistakes.contains(b.string() + ":2:8: the daemon's own namespace belongs to"),
               mistakes);
}

BOOST_AUTO_TEST_CASE(a_secret_that_others_may_read_is_refused_with_the_reason) {
    test::TemporaryFolder folder;
    folder.write("a.toml", router_text("router1", "ns1"), 0640);
    folder.write("b.toml", router_text("router2", "ns2", "psk_file = \"open.psk\""), 0644);
    folder.write("c.toml", router_text("router3", "ns3", "psk_file = \"closed.psk\""), 0644);
    folder.write("open.psk", "secret-in-a-file\n", 0604);
    folder.write("closed.psk", "secret-in-a-file\n", 0600);
    const auto read = read_configuration(folder.path());
    BOOST_REQUIRE_EQUAL(read.routers.size(), 1U);
    const auto& psk = read.routers[0].router->connections.connections[0].psk;
    BOOST_TEST((psk == policy::Secret::from_text("secret-in-a-file")));
    const auto mistakes = all_mistakes(read);
    BOOST_TEST(mistakes.contains("others may read it (mode 0604, expected 0600)"), mistakes);
    BOOST_TEST(!mistakes.contains("secret-in-a-file"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_a_mistake) {
    test::TemporaryFolder folder;
    const auto missing = (folder.path() / "missing").string();
    BOOST_TEST(all_mistakes(read_configuration(missing)).contains("cannot be read: No such file"));
    const auto fifo = (folder.path() / "a.toml");
    BOOST_REQUIRE_EQUAL(::mkfifo(fifo.c_str(), 0600), 0);
    BOOST_TEST(
        all_mistakes(read_configuration(folder.path())).contains("cannot be read: not a regular"));
}

BOOST_AUTO_TEST_CASE(an_empty_folder_is_no_mistake) {
    test::TemporaryFolder folder;
    const auto read = read_configuration(folder.path());
    BOOST_TEST(read.mistakes.empty());
    BOOST_TEST(read.routers.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::daemon
