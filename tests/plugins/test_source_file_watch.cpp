#include "support/file_source.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace deployer::file_source;
using namespace std::chrono_literals;

TEST_CASE("a change between checkout and waiting ends the waiting at once") {
    const TempDir directory;
    directory.write("root/services.yaml", "x");
    directory.write("root/units/a.service", "a");
    directory.write("other/units/a.service", "b");
    fs::create_directories(directory.path("root/deep/er"));
    const auto source = source_at(directory.path("root"));
    checkout(*source);

    SECTION("an edit in place") {
        directory.write("root/services.yaml", "y");
    }
    SECTION("an edit in a directory") {
        directory.write("root/units/a.service", "b");
    }
    SECTION("a save by replacing") {
        replace(directory, "root/services.yaml", "y");
    }
    SECTION("a new file") {
        directory.write("root/deep/er/b.service", "b");
    }
    SECTION("a deleted file") {
        directory.remove("root/units/a.service");
    }
    SECTION("a new directory") {
        fs::create_directory(directory.path("root/new"));
    }
    SECTION("a renamed directory") {
        fs::rename(directory.path("root/units"), directory.path("root/unit"));
    }
    SECTION("a new link") {
        fs::create_symlink("services.yaml", directory.path("root/link"));
    }
    SECTION("a file moved in") {
        fs::rename(directory.path("other/units/a.service"), directory.path("root/b.service"));
    }
    SECTION("a file moved out") {
        fs::rename(directory.path("root/units/a.service"), directory.path("a.service"));
    }
    SECTION("a mode") {
        fs::permissions(directory.path("root/units/a.service"), fs::perms(0));
    }
    SECTION("the root deleted") {
        directory.remove("root");
    }
    SECTION("the root moved away") {
        fs::rename(directory.path("root"), directory.path("away"));
    }
    SECTION("the root replaced") {
        fs::rename(directory.path("root"), directory.path("away"));
        fs::rename(directory.path("other"), directory.path("root"));
    }
    CHECK(wakes(*source));
}

TEST_CASE("a change while waiting ends the waiting", "[concurrent]") {
    const TempDir directory;
    directory.write("services.yaml", "x");
    const auto source = source_at(directory.path());
    checkout(*source);
    const std::jthread editor([&] {
        std::this_thread::sleep_for(20ms);
        replace(directory, "services.yaml", "y");
    });
    CHECK(wakes(*source));
}

TEST_CASE("waiting goes on in directories that came later") {
    const TempDir directory;
    directory.write("services.yaml", "x");
    const auto source = source_at(directory.path());
    checkout(*source);
    directory.write("new/er/a.service", "a");
    CHECK(wakes(*source));
    checkout(*source);
    directory.write("new/er/a.service", "b");
    CHECK(wakes(*source));
    CHECK(read_one(*checkout(*source), "new/er/a.service").content == "b");
}

TEST_CASE("a root that comes back is noticed, however much of the way to it was gone") {
    const TempDir directory;
    directory.write("a/b/root/services.yaml", "x");
    const auto source = source_at(directory.path("a/b/root"));
    checkout(*source);
    directory.remove(GENERATE(as<std::string>{}, "a", "a/b", "a/b/root"));
    CHECK(wakes(*source));
    TestCall call;
    while (!directory.exists("a/b/root")) {
        CHECK(thrown_by([&] { source->checkout({}, call); }).kind() == ErrorKind::unavailable);
        if (!directory.exists("a")) {
            fs::create_directory(directory.path("a"));
        } else if (!directory.exists("a/b")) {
            fs::create_directory(directory.path("a/b"));
        } else {
            fs::create_directory(directory.path("a/b/root"));
        }
        CHECK(wakes(*source));
    }
    checkout(*source);
    directory.write("a/b/root/services.yaml", "y");
    CHECK(wakes(*source));
    CHECK(read_one(*checkout(*source), "services.yaml").content == "y");
}

TEST_CASE("a root behind links is noticed when a link is switched") {
    const TempDir directory;
    directory.write("releases/4/units/services.yaml", "four");
    directory.write("releases/5/units/services.yaml", "five");
    fs::create_symlink("releases/4", directory.path("current"));
    fs::create_symlink(directory.path("current").string() + "/units", directory.path("root"));
    const auto source = source_at(directory.path("root"));
    CHECK(read_one(*checkout(*source), "services.yaml").content == "four");
    fs::create_symlink("releases/5", directory.path("next"));
    fs::rename(directory.path("next"), directory.path("current"));
    CHECK(wakes(*source));
    CHECK(read_one(*checkout(*source), "services.yaml").content == "five");

    // The former release is no longer watched.
    directory.write("releases/4/units/services.yaml", "4");
    CHECK_FALSE(wakes(*source, 50ms));
    directory.write("releases/5/units/services.yaml", "5");
    CHECK(wakes(*source));
}

TEST_CASE("what does not belong to the wanted state wakes nobody") {
    const TempDir directory;
    directory.write("root/services.yaml", "x");
    directory.write("root/.git/HEAD", "x");
    const auto source = source_at(directory.path("root"));
    const auto known = revision_of(*source);
    TestCall call;
    SECTION("nothing at all") {}
    SECTION("a swap file") {
        directory.write("root/.services.yaml.swp", "x");
    }
    SECTION("a repository's own files") {
        directory.write("root/.git/HEAD", "y");
    }
    SECTION("a neighbour of the root") {
        directory.write("neighbour", "x");
    }
    SECTION("a reader") {
        CHECK(directory.read("root/services.yaml") == "x");
    }
    SECTION("a checkout") {
        CHECK(source->checkout({}, call) != nullptr);
        CHECK(source->checkout(known, call) == nullptr);
    }
    SECTION("a change that was seen") {
        directory.write("root/services.yaml", "y");
        CHECK(source->checkout(known, call) != nullptr);
    }
    CHECK_FALSE(wakes(*source, 50ms));
}

TEST_CASE("waiting ends when it is stopped, before and while", "[concurrent]") {
    const TempDir directory;
    directory.write("services.yaml", "x");
    const auto source = source_at(directory.path());
    checkout(*source);
    TestCall call(60s);
    SECTION("before") {
        call.request_stop();
    }
    std::jthread stopper;
    SECTION("while") {
        stopper = std::jthread([&] {
            std::this_thread::sleep_for(20ms);
            call.request_stop();
        });
    }
    source->wait_for_change(call);
    CHECK(static_cast<const Call&>(call).remaining() > 0ms);
}

TEST_CASE("waiting before any checkout returns: nobody knows what has changed") {
    const TempDir directory;
    CHECK(wakes(*source_at(directory.path())));
}

TEST_CASE("without inotify the source says so once and goes by its deadline") {
    if (::geteuid() != 0) {
        WARN("skipped: only root can become a user of its own, whose inotify instances are used up here");
        return;
    }
    const TempDir directory;
    fs::permissions(directory.path(), fs::perms(0755));
    directory.write("services.yaml", "x");
    const auto source = source_at(directory.path());
    TestCall call;
    // A user that no other process has, so that other tests do not run out of watches.
    std::optional<Unprivileged> user(std::in_place, static_cast<uid_t>(1'000'000'000 + ::getpid()));
    std::vector<int> used;
    for (int next = 0; (next = ::inotify_init1(IN_CLOEXEC)) >= 0;) used.push_back(next);
    const auto known = source->checkout({}, call)->revision();
    CHECK(source->checkout(known, call) == nullptr);
    REQUIRE(call.log().lines().size() == 1);
    CHECK(call.log().holds("warning: cannot watch files: Too many open files"));
    CHECK_FALSE(wakes(*source, 50ms));
    for (const int descriptor : used) ::close(descriptor);
    // The source tries again to watch the files.
    CHECK(source->checkout(known, call) == nullptr);
    CHECK(call.log().lines().size() == 1);
    user.reset();
    directory.write("services.yaml", "y");
    CHECK(wakes(*source));
}
