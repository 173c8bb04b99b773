#include "support/file_source.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace deployer::file_source;
using namespace std::chrono_literals;

TEST_CASE("an idle checkout opens no file") {
    const TempDir directory;
    TestCall call;
    directory.write("services.yaml", "x");
    directory.write("units/a.service", "a");
    const auto source = source_at(directory.path());
    const auto known = revision_of(*source);
    const int watch = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    REQUIRE(::inotify_add_watch(watch, directory.path("services.yaml").c_str(), IN_OPEN) >= 0);
    REQUIRE(::inotify_add_watch(watch, directory.path("units/a.service").c_str(), IN_OPEN) >= 0);
    char event[1024];
    CHECK(source->checkout(known, call) == nullptr);
    CHECK(::read(watch, event, sizeof event) < 0);
    CHECK(source->checkout({}, call) != nullptr);
    CHECK(::read(watch, event, sizeof event) > 0);
    ::close(watch);
}

TEST_CASE("a tree that does not get quiet in time is unavailable, and named") {
    const TempDir directory;
    directory.write("units/\x1b[2Ja.service", "a");
    const auto source = load_source("source-file", "path: '" + directory.path().string() + "'\nsettle: 60s\n");
    TestCall call(50ms);
    const auto error = thrown_by([&] { source->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, R"(waiting until "units/\x1b[2Ja.service" no longer changes did not finish in time)"));
}

TEST_CASE("waiting for quiet ends at once when it is stopped", "[concurrent]") {
    const TempDir directory;
    directory.write("services.yaml", "x");
    const auto source = load_source("source-file", "path: '" + directory.path().string() + "'\nsettle: 60s\n");
    TestCall call;
    // The source opens the directory to list it, and waits for quiet after that.
    const int opened = ::inotify_init1(IN_CLOEXEC);
    REQUIRE(::inotify_add_watch(opened, directory.path().c_str(), IN_CLOSE_NOWRITE) >= 0);
    const std::jthread stopper([&] {
        std::array<char, 1024> event{};
        if (::read(opened, event.data(), event.size()) > 0) std::this_thread::sleep_for(20ms);
        call.request_stop();
    });
    const auto error = thrown_by([&] { source->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::cancelled);
    CHECK(says(error, "waiting until \"services.yaml\" no longer changes: cancelled"));
    ::close(opened);
}

TEST_CASE("a file that never stops changing holds what refers to it, and nothing else", "[concurrent]") {
    const TempDir directory;
    directory.write("services.yaml", "x");
    directory.write("noise", "");
    // The settle time is longer than the writer may have to wait for its turn on a busy machine.
    const auto source = load_source("source-file", "path: '" + directory.path().string() + "'\nsettle: 200ms\n");
    std::atomic<bool> ended = false;
    std::jthread writer([&] {
        for (int round = 0; !ended; ++round) {
            directory.write("noise", std::to_string(round));
            std::this_thread::sleep_for(1ms);
        }
    });
    const auto from = checkout(*source);
    CHECK(read_one(*from, "services.yaml").content == "x");
    CHECK(refuses(read_one(*from, "noise"), ErrorKind::rejected, "it never stops changing"));

    // While the file keeps changing, the revision stays the same and nobody is woken.
    TestCall call;
    CHECK(source->checkout(from->revision(), call) == nullptr);
    CHECK_FALSE(wakes(*source, 50ms));
    replace(directory, "services.yaml", "y");
    CHECK(wakes(*source));
    CHECK(read_one(*checkout(*source), "services.yaml").content == "y");

    ended = true;
    writer.join();
    directory.write("noise", "rest");
    CHECK(read_one(*checkout(*source), "noise").content == "rest");
}

TEST_CASE("what was reported is read again, whatever the time stamps say") {
    const TempDir directory;
    TestCall call;
    const auto file = directory.write("services.yaml", "x");
    const auto source = source_at(directory.path());
    const auto known = revision_of(*source);
    const int watch = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    std::array<char, 1024> event{};
    const auto is_read = [&] { return ::read(watch, event.data(), event.size()) > 0; };
    // To the watch this looks like a write, but it changes no time stamp.
    ::close(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    REQUIRE(::inotify_add_watch(watch, file.c_str(), IN_OPEN) >= 0);
    SECTION("at the next look") {
        CHECK(wakes(*source));
    }
    SECTION("also when the next look fails") {
        TestCall stopped;
        stopped.request_stop();
        CHECK(thrown_by([&] { source->checkout(known, stopped); }).kind() == ErrorKind::cancelled);
        REQUIRE_FALSE(is_read());
    }
    CHECK(source->checkout(known, call) == nullptr);
    CHECK(is_read());
    CHECK(source->checkout(known, call) == nullptr);
    CHECK_FALSE(is_read());
    ::close(watch);
}

TEST_CASE("where time stamps are whole seconds, a second edit within one of them is not lost", "[concurrent]") {
    const TempDir directory;
    fs::create_directory(directory.path("disk"));
    const auto disk = SmallDisk::with_whole_seconds(directory.path("disk"), directory.path("image"));
    if (!disk.problem().empty()) {
        WARN("skipped: " << disk.problem());
        return;
    }
    const auto source = source_at(directory.path("disk"));
    directory.write("disk/services.yaml", "b");
    const auto begin = std::chrono::steady_clock::now();
    std::jthread second([&] {
        std::this_thread::sleep_for(100ms);
        directory.write("disk/services.yaml", "c");
    });
    const auto from = checkout(*source);
    CHECK(std::chrono::steady_clock::now() - begin >= 2s);
    CHECK(read_one(*from, "services.yaml").content == "c");
}

namespace {

constexpr int files_of_version = 40;

void write_two_versions(const TempDir& directory) {
    for (const auto* version : {"one", "two"}) {
        for (int file = 0; file < files_of_version; ++file) {
            directory.write(std::string(version) + "/units/" + std::to_string(file), version);
        }
    }
}

}  // namespace

TEST_CASE("however a tree changes while it is read, a checkout is one moment of it", "[concurrent]") {
    const TempDir directory;
    write_two_versions(directory);
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    fs::path root;
    std::function<void()> change;
    SECTION("a directory in it exchanged with another") {
        root = directory.path("one");
        const auto elsewhere = directory.path("two/units");
        const auto here = root / "units";
        change = [=] {
            if (::renameat2(AT_FDCWD, elsewhere.c_str(), AT_FDCWD, here.c_str(), RENAME_EXCHANGE) != 0) std::abort();
        };
    }
    SECTION("the root switched by a link") {
        root = directory.path("current");
        fs::create_directory_symlink("one", root);
        change = [&directory, root, two = true]() mutable {
            fs::create_directory_symlink(two ? "two" : "one", directory.path("next"));
            fs::rename(directory.path("next"), root);
            two = !two;
        };
    }
    const auto source = source_at(root);
    std::atomic<bool> ended = false;
    const std::jthread writer([&] {
        for (int round = 0; round < 80; ++round) {
            change();
            // Some pauses are longer and some are shorter than the time after which the tree counts as quiet.
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 50'000));
        }
        ended = true;
    });
    std::vector<FileRequest> requests;
    for (int file = 0; file < files_of_version; ++file) requests.push_back({"units/" + std::to_string(file)});
    Revision known;
    int moments = 0;
    for (bool last = false; !last;) {
        last = ended;
        TestCall call(60s);
        const auto now = source->checkout(known, call);
        if (!now) continue;
        ++moments;
        known = now->revision();
        const auto first = read_one(*now, "units/0");
        // An error is allowed, because the tree may never have been quiet.
        if (first.error) REQUIRE(says(*first.error, "it never stops changing"));
        for (const auto& file : now->read(requests, call)) {
            REQUIRE(file.error.has_value() == first.error.has_value());
            REQUIRE(file.content == first.content);
        }
    }
    CHECK(moments > 0);
}
