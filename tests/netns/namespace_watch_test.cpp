// Names that come and go in a folder are told, also when the folder itself does.
#include "netns/namespace_watch.h"

#include <boost/test/unit_test.hpp>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

BOOST_AUTO_TEST_SUITE(namespace_watch)

using viaduct::netns::NamespaceWatch;

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

struct Folder {
    Folder() {
        std::string pattern = (fs::temp_directory_path() / "viaduct-watch.XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        parent = pattern;
        folder = parent / "netns";
    }
    ~Folder() { fs::remove_all(parent); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    void make(const std::string& name) const { std::ofstream(folder / name) << ""; }

    fs::path parent;
    fs::path folder;
};

void check(const NamespaceWatch::Changes& changes, const Names& names, bool everything = false) {
    BOOST_TEST(changes.names == names, boost::test_tools::per_element());
    BOOST_CHECK_EQUAL(changes.everything, everything);
}

BOOST_FIXTURE_TEST_CASE(names_that_come_and_go_are_told_once, Folder) {
    fs::create_directory(folder);
    make("before");
    auto watch = NamespaceWatch::open(folder).value();
    check(watch.read(), {});
    make("router1");
    make("router2");
    check(watch.read(), {"router1", "router2"});
    fs::remove(folder / "router1");
    make("router1");
    check(watch.read(), {"router1", "router1"});
    fs::rename(folder / "router2", folder / "router3");
    check(watch.read(), {"router2", "router3"});
    check(watch.read(), {});
}

BOOST_FIXTURE_TEST_CASE(a_folder_that_comes_later_is_watched_from_then_on, Folder) {
    auto watch = NamespaceWatch::open(folder).value();
    std::ofstream(parent / "another") << "";
    check(watch.read(), {});
    fs::create_directory(folder);
    make("early");
    check(watch.read(), {}, true);
    make("late");
    fs::create_directory(parent / "beside");
    check(watch.read(), {"late"});
}

BOOST_FIXTURE_TEST_CASE(a_folder_that_goes_may_come_again, Folder) {
    fs::create_directory(folder);
    make("router1");
    auto watch = NamespaceWatch::open(folder).value();
    fs::remove_all(folder);
    check(watch.read(), {"router1"}, true);
    fs::create_directory(folder);
    check(watch.read(), {}, true);
    make("router1");
    check(watch.read(), {"router1"});
    fs::rename(folder, parent / "aside");
    check(watch.read(), {}, true);
    std::ofstream(parent / "aside" / "elsewhere") << "";
    check(watch.read(), {});
}

BOOST_FIXTURE_TEST_CASE(more_than_the_kernel_keeps_is_everything, Folder) {
    fs::create_directory(folder);
    auto watch = NamespaceWatch::open(folder).value();
    std::size_t most = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
    if (most == 0 || most > 100000) {
        BOOST_TEST_MESSAGE("too many events would be needed here: " << most);
        return;
    }
    for (std::size_t count = 0; count <= most; count += 2) {
        make("flood" + std::to_string(count));
        fs::remove(folder / ("flood" + std::to_string(count)));
    }
    BOOST_CHECK(watch.read().everything);
    make("router1");
    check(watch.read(), {"router1"});
}

BOOST_AUTO_TEST_SUITE_END()
