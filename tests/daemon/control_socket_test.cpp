#include "daemon/control_socket.h"
#include "tests/daemon/temporary_folder.h"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/ostream_sink.h>

#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace viaduct::daemon {

BOOST_AUTO_TEST_SUITE(control_socket)

std::shared_ptr<spdlog::logger> silence() {
    return std::make_shared<spdlog::logger>("test",
                                            std::make_shared<spdlog::sinks::null_sink_st>());
}

/// A client that writes what it likes; never blocks.
class RawClient {
public:
    explicit RawClient(const std::string& path)
        : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        BOOST_REQUIRE_EQUAL(
            ::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;
    ~RawClient() { ::close(descriptor_); }

    void send(std::string_view text) {
        BOOST_REQUIRE_EQUAL(::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL),
                            static_cast<ssize_t>(text.size()));
    }
    /// What has arrived; `closed` once the daemon has hung up.
    std::string received() {
        char part[4096];
        const auto count = ::recv(descriptor_, part, sizeof(part), 0);
        if (count > 0) {
            return {part, static_cast<std::size_t>(count)};
        }
        return count == 0 || errno == ECONNRESET ? "closed" : "";
    }

private:
    int descriptor_;
};

/// Echoes what it is asked, except `later`, whose answer the test gives.
struct Fixture {
    test::TemporaryFolder folder;
    std::string path = (folder.path() / "run" / "control.sock").string();
    boost::asio::io_context loop;
    LogWriter log{LogLevels{}, silence()};
    ControlAnswer later;

    auto open(std::chrono::milliseconds patience = std::chrono::seconds(10),
              std::size_t most_clients = 32) {
        return ControlSocket::open(loop,
                                   {.path = path,
                                    .most_clients = most_clients,
                                    .longest_request = 100,
                                    .patience = patience},
                                   log, [this](std::string_view line, ControlAnswer answer) {
                                       if (line == "later") {
                                           later = std::move(answer);
                                       } else {
                                           answer("you said " + std::string(line));
                                       }
                                   });
    }
    /// Runs the loop until nothing is left to do at this moment.
    void settle() {
        loop.restart();
        loop.poll();
    }
};

BOOST_FIXTURE_TEST_CASE(each_line_is_answered_with_a_line, Fixture) {
    const auto socket = open();
    BOOST_REQUIRE(socket);
    RawClient client(path);
    client.send("one\ntwo\n");
    settle();
    BOOST_TEST(client.received() == "you said one\nyou said two\n");
    client.send("half a ");
    settle();
    BOOST_TEST(client.received() == "");
    client.send("line\n");
    settle();
    BOOST_TEST(client.received() == "you said half a line\n");
}

BOOST_FIXTURE_TEST_CASE(an_answer_may_come_later_and_others_are_served_meanwhile, Fixture) {
    const auto socket = open();
    RawClient first(path);
    RawClient second(path);
    first.send("later\n");
    second.send("now\n");
    settle();
    BOOST_TEST(first.received() == "");
    BOOST_TEST(second.received() == "you said now\n");
    later("at last");
    settle();
    BOOST_TEST(first.received() == "at last\n");
}

BOOST_FIXTURE_TEST_CASE(a_line_without_end_is_refused_and_the_client_dropped, Fixture) {
    const auto socket = open();
    RawClient client(path);
    client.send(std::string(200, 'x'));
    settle();
    BOOST_TEST(client.received() == "{\"ok\":false,\"error\":\"the request is too long\"}\n");
    settle();
    BOOST_TEST(client.received() == "closed");
}

BOOST_FIXTURE_TEST_CASE(a_client_that_says_nothing_is_dropped_when_patience_ends, Fixture) {
    const auto socket = open(std::chrono::milliseconds(1));
    RawClient client(path);
    client.send("half");
    settle();
    loop.restart();
    // The timer of one millisecond is what is waited for; the accept alone never ends.
    loop.run_for(std::chrono::milliseconds(50));
    BOOST_TEST(client.received() == "closed");
}

BOOST_FIXTURE_TEST_CASE(clients_beyond_the_limit_are_turned_away_until_one_leaves, Fixture) {
    const auto socket = open(std::chrono::seconds(10), 1);
    {
        RawClient first(path);
        settle();
        RawClient second(path);
        settle();
        BOOST_TEST(second.received().contains("too many clients"));
        first.send("still here\n");
        settle();
        BOOST_TEST(first.received() == "you said still here\n");
    }
    settle();
    RawClient third(path);
    third.send("hello\n");
    settle();
    BOOST_TEST(third.received() == "you said hello\n");
}

BOOST_FIXTURE_TEST_CASE(an_answer_for_a_client_that_left_harms_nobody, Fixture) {
    const auto socket = open();
    {
        RawClient client(path);
        client.send("later\n");
        settle();
    }
    later("too late");
    settle();
    BOOST_TEST(true);
}

BOOST_FIXTURE_TEST_CASE(the_socket_is_for_owner_and_group_and_goes_with_the_daemon, Fixture) {
    {
        const auto socket = open();
        BOOST_REQUIRE(socket);
        struct stat facts{};
        BOOST_REQUIRE_EQUAL(::stat(path.c_str(), &facts), 0);
        BOOST_TEST((facts.st_mode & 0777U) == 0660U);
    }
    BOOST_TEST(!std::filesystem::exists(path));
}

BOOST_FIXTURE_TEST_CASE(a_living_daemon_keeps_its_socket_and_a_dead_one_is_replaced, Fixture) {
    {
        const auto socket = open();
        const auto second = open();
        BOOST_REQUIRE(!second);
        BOOST_TEST(second.error().contains("another viaductd listens there"));
        BOOST_TEST(std::filesystem::exists(path));
    }
    const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    BOOST_REQUIRE_EQUAL(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ::close(dead);
    BOOST_TEST(open().has_value());
}

BOOST_FIXTURE_TEST_CASE(an_unknown_group_is_named, Fixture) {
    const auto socket =
        ControlSocket::open(loop, {.path = path, .group = "no-such-group"}, log, {});
    BOOST_REQUIRE(!socket);
    BOOST_TEST(socket.error() == "control socket: there is no group 'no-such-group'");
}

namespace {

constexpr uid_t somebody = 65534;

/// This process is another user, of these groups, until the end of the scope; what connects
/// meanwhile stays that user's.
class OtherUser {
public:
    OtherUser(gid_t group, const std::vector<gid_t>& further)
        : own_(static_cast<std::size_t>(::getgroups(0, nullptr))) {
        BOOST_REQUIRE_GE(::getgroups(static_cast<int>(own_.size()), own_.data()), 0);
        BOOST_REQUIRE_EQUAL(::setgroups(further.size(), further.data()), 0);
        BOOST_REQUIRE_EQUAL(::setegid(group), 0);
        BOOST_REQUIRE_EQUAL(::seteuid(somebody), 0);
    }
    OtherUser(const OtherUser&) = delete;
    OtherUser& operator=(const OtherUser&) = delete;
    ~OtherUser() {
        BOOST_CHECK_EQUAL(::seteuid(0), 0);
        BOOST_CHECK_EQUAL(::setegid(0), 0);
        BOOST_CHECK_EQUAL(::setgroups(own_.size(), own_.data()), 0);
    }

private:
    std::vector<gid_t> own_;
};

} // namespace

struct UsersFixture : Fixture {
    std::ostringstream written;
    LogWriter written_log{*LogLevels::parse("all=info"),
                          std::make_shared<spdlog::logger>(
                              "test", std::make_shared<spdlog::sinks::ostream_sink_st>(written))};

    /// Whatever its mode says: who may connect is not left to the file alone.
    std::unique_ptr<ControlSocket> open_to_all(const std::string& group) {
        auto socket = ControlSocket::open(loop, {.path = path, .group = group}, written_log,
                                          [](std::string_view line, const ControlAnswer& answer) {
                                              answer("you said " + std::string(line));
                                          });
        BOOST_REQUIRE(socket);
        std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
        std::filesystem::permissions(path, std::filesystem::perms(0666));
        return std::move(*socket);
    }
    std::string answer_to(RawClient& client) {
        settle();
        client.send("hello\n");
        settle();
        return client.received();
    }
};

namespace {

bool is_root() {
    if (::geteuid() != 0) {
        BOOST_TEST_MESSAGE("not tried: only root can be another user");
    }
    return ::geteuid() == 0;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(another_user_is_hung_up_on_and_named, UsersFixture) {
    if (!is_root()) {
        return;
    }
    const auto socket = open_to_all("");
    auto client = [&] {
        const OtherUser user(somebody, {somebody});
        return std::make_unique<RawClient>(path);
    }();
    settle();
    BOOST_TEST(client->received() == "closed");
    BOOST_TEST(written.str().contains(
                   fmt::format("control socket: refused user 65534 (process {})", ::getpid())),
               written.str());
}

BOOST_FIXTURE_TEST_CASE(members_of_the_group_are_served_be_it_their_first_or_a_further_one,
                        UsersFixture) {
    const auto* const group = ::getgrgid(1);
    if (!is_root() || group == nullptr) {
        return;
    }
    const auto socket = open_to_all(group->gr_name);
    const auto client_of = [&](gid_t first, const std::vector<gid_t>& further) {
        const OtherUser user(first, further);
        return std::make_unique<RawClient>(path);
    };
    BOOST_TEST(answer_to(*client_of(1, {})) == "you said hello\n");
    BOOST_TEST(answer_to(*client_of(somebody, {2, 1})) == "you said hello\n");
    BOOST_TEST(written.str() == "");
    const auto stranger = client_of(2, {2, 3});
    settle();
    BOOST_TEST(stranger->received() == "closed");
}

BOOST_FIXTURE_TEST_CASE(the_file_keeps_strangers_out_before_anything_is_asked, UsersFixture) {
    const auto* const group = ::getgrgid(1);
    if (!is_root() || group == nullptr) {
        return;
    }
    const auto socket =
        ControlSocket::open(loop, {.path = path, .group = group->gr_name}, written_log, {});
    BOOST_REQUIRE(socket);
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    const auto writable = [&](gid_t first) {
        const OtherUser user(first, {});
        return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
    };
    BOOST_TEST(!writable(somebody));
    BOOST_TEST(writable(1));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::daemon
