#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/loaded_plugin.hpp"
#include "support/shared_data.hpp"
#include "support/small_disk.hpp"
#include "support/temp_dir.hpp"
#include "support/test_call.hpp"
#include "support/thrown_error.hpp"
#include "support/unprivileged.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

/// With a short settle, so that the tests need not wait for quiet.
std::shared_ptr<Source> source_at(const fs::path& root) {
    return load_source("source-file", "path: '" + root.string() + "'\nsettle: 20ms\n");
}

std::unique_ptr<Checkout> checkout(Source& source) {
    TestCall call;
    return source.checkout({}, call);
}

Revision revision_of(Source& source) {
    return checkout(source)->revision();
}
Revision revision_of(const fs::path& root) {
    return revision_of(*source_at(root));
}

File read_one(Checkout& from, const std::string& location) {
    TestCall call;
    const std::vector<FileRequest> requests{{location}};
    return from.read(requests, call).at(0);
}

bool refuses(const File& file, ErrorKind kind, std::string_view fragment) {
    if (!file.error) {
        UNSCOPED_INFO("read: " << file.content.substr(0, 100));
        return false;
    }
    UNSCOPED_INFO(to_string(file.error->kind()));
    return says(*file.error, fragment) && file.error->kind() == kind && file.content.empty();
}

/// As editors save: a new file beside, then over the old one.
void replace(const TempDir& directory, const fs::path& name, std::string_view text) {
    directory.write(name.string() + ".new", text);
    fs::rename(directory.path(name.string() + ".new"), directory.path(name));
}

/// Whether waiting ended before its deadline, which only something that changes nothing reaches.
bool wakes(Source& source, std::chrono::milliseconds deadline = 20s) {
    TestCall call(deadline);
    source.wait_for_change(call);
    return static_cast<const Call&>(call).remaining() > 0ms;
}

}  // namespace

TEST_CASE("the revision tells contents apart, not places and times") {
    const TempDir one;
    const TempDir other;
    for (const auto* directory : {&one, &other}) {
        directory->write("services.yaml", "services: []\n");
        directory->write("units/foo@.service", "[Service]\n");
    }
    const auto source = source_at(one.path());
    const auto first = revision_of(*source);
    CHECK(first.id.starts_with("sha256:"));
    CHECK(first.id.size() == 7 + 64);
    CHECK(revision_of(other.path()) == first);

    SECTION("another content") {
        one.write("units/foo@.service", "[Service]\n\n");
    }
    SECTION("another content of the same size and time") {
        const auto file = one.path("units/foo@.service");
        const auto time = fs::last_write_time(file);
        one.write("units/foo@.service", "[Servize]\n");
        fs::last_write_time(file, time);
    }
    SECTION("another name") {
        fs::rename(one.path("units/foo@.service"), one.path("units/bar@.service"));
    }
    SECTION("another directory") {
        fs::rename(one.path("units"), one.path("unit"));
    }
    SECTION("another file, though empty") {
        one.write("empty", "");
    }
    SECTION("one file less") {
        one.remove("units/foo@.service");
    }
    SECTION("a link") {
        fs::create_symlink("services.yaml", one.path("link"));
    }
    SECTION("contents that moved from one file to the other") {
        one.write("services.yaml", "services: []\n[Service]\n");
        one.write("units/foo@.service", "");
    }
    const auto second = revision_of(*source);
    CHECK(second != first);
    CHECK(revision_of(one.path()) == second);
}

TEST_CASE("what does not belong to the wanted state does not change the revision") {
    const TempDir directory;
    directory.write("services.yaml", "services: []\n");
    const auto source = source_at(directory.path());
    const auto first = revision_of(*source);
    SECTION("a repository's own files") {
        directory.write(".git/HEAD", "ref: refs/heads/main\n");
        directory.write("units/.foo.service.swp", "x");
    }
    SECTION("a time") {
        fs::last_write_time(directory.path("services.yaml"), fs::file_time_type::clock::now() + 1h);
    }
    SECTION("a mode") {
        fs::permissions(directory.path("services.yaml"), fs::perms(0400));
    }
    SECTION("the same content in another file") {
        replace(directory, "services.yaml", "services: []\n");
    }
    SECTION("a directory with nothing in it") {
        fs::create_directories(directory.path("a/b"));
    }
    SECTION("the way to it") {
        fs::create_directory_symlink(
            directory.path(), directory.path("..").string() + "/" + directory.path().filename().string() + ".link");
        const auto link = fs::path(directory.path().string() + ".link");
        CHECK(revision_of(link) == first);
        fs::remove(link);
    }
    CHECK(revision_of(*source) == first);
    CHECK(revision_of(directory.path()) == first);
}

TEST_CASE("a checkout of the known revision is none, whoever knew it") {
    const TempDir directory;
    TestCall call;
    directory.write("services.yaml", "one");
    const auto source = source_at(directory.path());
    const auto one = revision_of(*source);
    CHECK(source->checkout(one, call) == nullptr);
    CHECK(source_at(directory.path())->checkout(one, call) == nullptr);
    CHECK(source->checkout({}, call) != nullptr);
    CHECK(source->checkout({"sha256:0"}, call) != nullptr);

    replace(directory, "services.yaml", "two");
    const auto two = source->checkout(one, call);
    REQUIRE(two != nullptr);
    CHECK(two->revision() != one);
    CHECK(source->checkout(two->revision(), call) == nullptr);

    directory.write("services.yaml", "one");
    CHECK(source->checkout(one, call) == nullptr);
    CHECK(source->checkout(two->revision(), call) != nullptr);
}

TEST_CASE("a checkout stays as it was, whatever becomes of the directory") {
    const TempDir directory;
    directory.write("root/services.yaml", "one");
    directory.write("root/foo.service", "foo");
    const auto source = source_at(directory.path("root"));
    const auto first = checkout(*source);
    directory.write("root/services.yaml", "two");
    const auto second = checkout(*source);
    directory.remove("root");
    CHECK(read_one(*first, "services.yaml").content == "one");
    CHECK(read_one(*first, "foo.service").content == "foo");
    CHECK(read_one(*second, "services.yaml").content == "two");
}

TEST_CASE("files are answered in the order of the requests, each with content or error") {
    const TempDir directory;
    using std::string_literals::operator""s;
    const auto bytes = "\0\r\n\xff"s;
    directory.write("services.yaml", "services: []\n");
    directory.write("units/a.service", bytes);
    directory.write("empty", "");
    const auto from = checkout(*source_at(directory.path()));
    TestCall call;
    const std::vector<FileRequest> requests{{"units/a.service"}, {"b.service"},       {"services.yaml"},
                                            {"empty"},           {"units/a.service"}, {"./units//a.service"}};
    const auto files = from->read(requests, call);
    REQUIRE(files.size() == 6);
    CHECK(files[0].content == bytes);
    CHECK_FALSE(files[0].error);
    CHECK(refuses(files[1], ErrorKind::not_found, "there is no \"" + directory.path("b.service").string() + "\""));
    CHECK(files[2].content == "services: []\n");
    CHECK(files[3].content.empty());
    CHECK_FALSE(files[3].error);
    CHECK(files[4].content == bytes);
    CHECK(files[5].content == bytes);
    CHECK(from->read({}, call).empty());
}

TEST_CASE("no location leaves the root") {
    const TempDir directory;
    directory.write("secret", "secret");
    directory.write("root/services.yaml", "x");
    directory.write("root/units/a.service", "x");
    directory.write("root/.git/config", "secret");
    struct Case {
        std::string location;
        ErrorKind kind;
        std::string fragment;
    };
    const auto rejected = ErrorKind::rejected;
    const std::vector<Case> cases{
        {"../secret", rejected, "\"..\" is not allowed"},
        {"units/../../secret", rejected, "\"..\" is not allowed"},
        {"units/../services.yaml", rejected, "\"..\" is not allowed"},
        {"..", rejected, "\"..\" is not allowed"},
        {directory.path("secret").string(), rejected, "is an absolute path"},
        {directory.path("root/services.yaml").string(), rejected, "is an absolute path"},
        {"//etc/passwd", rejected, "is an absolute path"},
        {"https://example.org/a.service", rejected, "source-file cannot fetch \"https://example.org/a.service\""},
        {"HTTP://example.org/a.service", rejected, "source-file cannot fetch"},
        {"file:///etc/passwd", rejected, "source-file cannot fetch"},
        {"", rejected, "names no file"},
        {".", rejected, "names no file"},
        {"/", rejected, "names no file"},
        {"units", rejected, "is a directory"},
        {"services.yaml/x", rejected, "is a file, not a directory"},
        {".git/config", rejected, "is hidden"},
        {"missing/a.service", ErrorKind::not_found, "there is no"},
        {std::string("services.yaml\0x", 15), ErrorKind::not_found, "\\x00"},
        {std::string(100'000, 'a'), ErrorKind::not_found, "there is no"},
    };
    const auto from = checkout(*source_at(directory.path("root")));
    for (const auto& [location, kind, fragment] : cases) {
        INFO(location.substr(0, 100));
        CHECK(refuses(read_one(*from, location), kind, fragment));
    }
}

TEST_CASE("symbolic links are followed below the root, and no further") {
    const TempDir directory;
    directory.write("secret", "secret");
    directory.write("root/units/a.service", "a");
    const auto link = [&](const std::string& target, const std::string& name) {
        fs::create_symlink(target, directory.path("root/" + name));
    };
    const auto root = directory.path("root").string();
    link("units/a.service", "file");
    link("file", "chain");
    link("units", "directory");
    link("../units/a.service", "units/up");
    link("../root/units/a.service", "units/winding");
    link(root + "/units/a.service", "absolute");
    link("../secret", "out");
    link("units/../../secret", "out-by-way");
    link("/etc/passwd", "out-absolute");
    link(root + "/../secret", "out-by-prefix");
    link(root + "x/secret", "out-by-likeness");
    link("..", "parent");
    link("loop", "loop");
    link("round", "about");
    link("about", "round");
    link("nowhere", "dangling");
    link(".", "self");
    const auto from = checkout(*source_at(directory.path("root")));
    for (const auto* name :
         {"file", "chain", "directory/a.service", "units/up", "directory/up", "absolute", "self/self/file"}) {
        INFO(name);
        const auto file = read_one(*from, name);
        CHECK_FALSE(file.error);
        CHECK(file.content == "a");
    }
    for (const auto* name : {"out", "out-by-way", "out-absolute", "out-by-prefix", "out-by-likeness", "parent",
                             "parent/secret", "self/out"}) {
        INFO(name);
        CHECK(refuses(read_one(*from, name), ErrorKind::rejected, "leads out of the source's root"));
    }
    // As the kernel would read it from inside: the name `root` does not exist below the root.
    CHECK(refuses(read_one(*from, "units/winding"), ErrorKind::not_found, "through symbolic link"));
    CHECK(refuses(read_one(*from, "loop"), ErrorKind::rejected, "too many symbolic links"));
    CHECK(refuses(read_one(*from, "about"), ErrorKind::rejected, "too many symbolic links"));
    CHECK(refuses(read_one(*from, "dangling"), ErrorKind::not_found, "through symbolic link"));
    CHECK(refuses(read_one(*from, "self"), ErrorKind::rejected, "is a directory"));
}

TEST_CASE("a tree that is published by switching a hidden link is read through it") {
    const TempDir directory;
    directory.write("..1/services.yaml", "one");
    directory.write("..2/services.yaml", "two");
    fs::create_symlink("..1", directory.path("..data"));
    fs::create_symlink("..data/services.yaml", directory.path("services.yaml"));
    const auto source = source_at(directory.path());
    const auto one = checkout(*source);
    CHECK(read_one(*one, "services.yaml").content == "one");
    fs::create_symlink("..2", directory.path("..new"));
    fs::rename(directory.path("..new"), directory.path("..data"));
    CHECK(wakes(*source));
    const auto two = checkout(*source);
    CHECK(two->revision() != one->revision());
    CHECK(read_one(*two, "services.yaml").content == "two");
}

TEST_CASE("a link is followed through as many hidden names as it takes") {
    const TempDir directory;
    const auto link = [&](const std::string& target, const std::string& name) {
        fs::create_symlink(target, directory.path(name));
    };
    directory.write(".a/.b/.c/services.yaml", "deep");
    directory.write(".a/plain/services.yaml", "plain");
    directory.write(".a/.unasked", "");
    link(".a/.b", "half");
    link("half/.c/services.yaml", "through-a-link");
    link(".a/.b/.c/services.yaml", "second-hidden-part");
    link(directory.path(".a/plain").string(), "absolute");
    link("absolute/../.b/.c", "up");
    link(".missing/services.yaml", "dangling");
    link(".loop", ".loop");
    link(".loop/x", "loop");
    const auto source = source_at(directory.path());
    const auto from = checkout(*source);
    CHECK(read_one(*from, "through-a-link").content == "deep");
    CHECK(read_one(*from, "second-hidden-part").content == "deep");
    CHECK(read_one(*from, "up/services.yaml").content == "deep");
    CHECK(read_one(*from, "absolute/services.yaml").content == "plain");
    CHECK(refuses(read_one(*from, "dangling"), ErrorKind::rejected, "is hidden"));
    CHECK(refuses(read_one(*from, "loop"), ErrorKind::rejected, "too many symbolic links"));

    // What a link leads to is watched, what nobody leads to is not.
    directory.write(".a/.unasked", "x");
    CHECK_FALSE(wakes(*source, 50ms));
    directory.write(".missing/services.yaml", "no longer");
    CHECK(wakes(*source));
    CHECK(read_one(*checkout(*source), "dangling").content == "no longer");
}

TEST_CASE("what is no regular file is rejected, and nobody waits for it") {
    const TempDir directory;
    directory.write("services.yaml", "x");
    REQUIRE(::mkfifo(directory.path("fifo").c_str(), 0600) == 0);
    fs::create_symlink("fifo", directory.path("link"));
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    directory.path("socket").string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(socket);
    const auto from = checkout(*source_at(directory.path()));
    CHECK(refuses(read_one(*from, "fifo"), ErrorKind::rejected, "is not a regular file"));
    CHECK(refuses(read_one(*from, "link"), ErrorKind::rejected, "is not a regular file"));
    CHECK(refuses(read_one(*from, "socket"), ErrorKind::rejected, "is not a regular file"));
    CHECK(read_one(*from, "services.yaml").content == "x");
}

TEST_CASE("what may not be read is rejected alone, and makes another revision when it may") {
    const TempDir directory;
    fs::permissions(directory.path(), fs::perms(0755));
    directory.write("services.yaml", "x");
    directory.write("units/a.service", "a");
    const auto name = GENERATE(as<std::string>{}, "units", "units/a.service");
    fs::permissions(directory.path(name), fs::perms(0));
    const auto source = source_at(directory.path());
    std::unique_ptr<Checkout> before;
    {
        const Unprivileged user;
        before = checkout(*source);
    }
    CHECK(read_one(*before, "services.yaml").content == "x");
    CHECK(refuses(read_one(*before, "units/a.service"), ErrorKind::rejected, "Permission denied"));

    fs::permissions(directory.path(name), fs::perms(0755));
    const auto after = checkout(*source);
    CHECK(after->revision() != before->revision());
    CHECK(read_one(*after, "units/a.service").content == "a");
}

TEST_CASE("a file above the limit is rejected alone, without being read") {
    const TempDir directory;
    directory.write("services.yaml", "x");
    directory.write("large", "");
    fs::resize_file(directory.path("large"), std::uintmax_t{1} << 40U);
    directory.write("just", "");
    fs::resize_file(directory.path("just"), 16U << 20U);
    directory.write("over", "");
    fs::resize_file(directory.path("over"), (16U << 20U) + 1);
    const auto from = checkout(*source_at(directory.path()));
    CHECK(read_one(*from, "services.yaml").content == "x");
    CHECK(read_one(*from, "just").content.size() == 16U << 20U);
    CHECK(refuses(read_one(*from, "large"), ErrorKind::rejected, "its 1099511627776 bytes are more than 16 MiB"));
    CHECK(refuses(read_one(*from, "over"), ErrorKind::rejected, "more than 16 MiB"));
}

TEST_CASE("a directory that is much too large is an error that names it") {
    const TempDir directory;
    TestCall call;
    std::string fragment;
    SECTION("in bytes") {
        for (const auto* name : {"a", "b", "c", "d", "e"}) {
            directory.write(name, "");
            fs::resize_file(directory.path(name), 15U << 20U);
        }
        fragment = "its files add up to more than 64 MiB (counted up to \"e\")";
    }
    SECTION("in files") {
        // Names of a few files: making a name is cheaper than making a file, but a file has no more than 65,000.
        fs::path file;
        for (int number = 0; number <= 100'000; ++number) {
            const auto name = std::to_string(number);
            if (number % 50'000 == 0) {
                file = directory.write(name, "");
            } else {
                fs::create_hard_link(file, directory.path(name));
            }
        }
        fragment = "it holds more than 100000 files";
    }
    const auto error = thrown_by([&] { source_at(directory.path())->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, fragment));
    CHECK(says(error, "cannot read directory " + directory.path().string()));
}

TEST_CASE("directories nested without end are rejected, not followed") {
    const TempDir directory;
    directory.write("services.yaml", "x");
    std::string deep;
    for (int depth = 0; depth < 100; ++depth) deep += "d/";
    directory.write(deep + "a.service", "a");
    const auto from = checkout(*source_at(directory.path()));
    CHECK(read_one(*from, "services.yaml").content == "x");
    CHECK(refuses(read_one(*from, deep + "a.service"), ErrorKind::rejected, "nested too deeply"));
}

TEST_CASE("a root that is not there, is no directory, or may not be read is unavailable until it is") {
    const TempDir directory;
    fs::permissions(directory.path(), fs::perms(0755));
    const auto root = directory.path("root");
    const auto source = source_at(root);
    TestCall call;
    std::string fragment;
    SECTION("missing") {
        fragment = "No such file or directory: create it, or correct the source's path";
    }
    SECTION("a file") {
        directory.write("root", "");
        fragment = "Not a directory: the source's path has to be a directory";
    }
    SECTION("a link to nowhere") {
        fs::create_symlink("nowhere", root);
        fragment = "No such file or directory";
    }
    SECTION("unreadable") {
        fs::create_directory(root);
        fs::permissions(root, fs::perms(0));
        fragment = "Permission denied: let the deployer's user read it";
    }
    SECTION("unsearchable") {
        fs::create_directory(root);
        fs::permissions(root, fs::perms(0444));
        fragment = "Permission denied";
    }
    {
        const Unprivileged user;
        const auto error = thrown_by([&] { source->checkout({}, call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, "cannot read directory " + root.string() + ": "));
        CHECK(says(error, fragment));
    }
    directory.remove("root");
    directory.write("root/services.yaml", "x");
    CHECK(read_one(*checkout(*source), "services.yaml").content == "x");
}

TEST_CASE("source-file refuses settings that it cannot use") {
    CHECK(says(thrown_by([] { load_source("source-file", no_settings()); }), "path"));
    for (const auto* yaml : {"path: /x\nsettle: 19ms\n", "path: /x\nsettle: 61s\n"}) {
        const auto error = thrown_by([&] { load_source("source-file", yaml); });
        CHECK(error.kind() == ErrorKind::misconfigured);
        CHECK(says(error, "test.yaml:2: settle: has to be between 20ms and 60s"));
    }
    CHECK(says(thrown_by([] { load_source("source-file", "path: /x\nsetle: 1s\n"); }), "setle"));
    // A missing directory is no matter of settings: it may come.
    CHECK(load_source("source-file", "path: /does/not/exist\n") != nullptr);
}

TEST_CASE("a path is relative to the configuration file") {
    const TempDir directory;
    directory.write("files/services.yaml", "x");
    const auto source = load_source("source-file", settings_from("path: files\n", directory.path()));
    CHECK(read_one(*checkout(*source), "services.yaml").content == "x");
}

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
    // The listing opens the directory; what comes after it is the waiting.
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
    // Longer than a busy machine lets the writer wait for its turn.
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

    // As it goes on so, nothing has moved, and nobody is woken.
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
    // A write that no stamp shows, as far as the watch can tell.
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

TEST_CASE("however a tree changes while it is read, a checkout is one moment of it", "[concurrent]") {
    const TempDir directory;
    for (const auto* version : {"one", "two"}) {
        for (int file = 0; file < 40; ++file) {
            directory.write(std::string(version) + "/units/" + std::to_string(file), version);
        }
    }
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
            // Longer and shorter than it takes for the tree to count as quiet.
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 50'000));
        }
        ended = true;
    });
    std::vector<FileRequest> requests;
    requests.reserve(40);
    for (int file = 0; file < 40; ++file) requests.push_back({"units/" + std::to_string(file)});
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
        // It may well be that it never was at rest.
        if (first.error) REQUIRE(says(*first.error, "it never stops changing"));
        for (const auto& file : now->read(requests, call)) {
            REQUIRE(file.error.has_value() == first.error.has_value());
            REQUIRE(file.content == first.content);
        }
    }
    CHECK(moments > 0);
}

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

    // The release that was left is watched no longer.
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
    // A user of this process's own, so that no other test runs out with it.
    std::optional<Unprivileged> user(std::in_place, static_cast<uid_t>(1'000'000'000 + ::getpid()));
    std::vector<int> used;
    for (int next = 0; (next = ::inotify_init1(IN_CLOEXEC)) >= 0;) used.push_back(next);
    const auto known = source->checkout({}, call)->revision();
    CHECK(source->checkout(known, call) == nullptr);
    REQUIRE(call.log().lines().size() == 1);
    CHECK(call.log().holds("warning: cannot watch files: Too many open files"));
    CHECK_FALSE(wakes(*source, 50ms));
    for (const int descriptor : used) ::close(descriptor);
    // It is tried again.
    CHECK(source->checkout(known, call) == nullptr);
    CHECK(call.log().lines().size() == 1);
    user.reset();
    directory.write("services.yaml", "y");
    CHECK(wakes(*source));
}

TEST_CASE("a directory of production size is read whole") {
    const auto root = find_shared("up-service-files");
    if (!root) return;
    const auto source = source_at(*root);
    const auto from = checkout(*source);
    int files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(*root)) {
        const auto name = entry.path().lexically_relative(*root).string();
        if (!entry.is_regular_file() || name.starts_with('.')) continue;
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        INFO(name);
        REQUIRE(read_one(*from, name).content == text);
        ++files;
    }
    CHECK(files > 100);
    TestCall call;
    CHECK(source->checkout(from->revision(), call) == nullptr);
}
