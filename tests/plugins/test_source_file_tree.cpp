#include "support/file_source.hpp"

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

using namespace deployer;
using namespace deployer::file_source;
using namespace std::chrono_literals;

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
    // The path is resolved as below a changed root: the name `root` does not exist there.
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

    // The target of a link is watched; a file that no link leads to is not.
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
        // Hard links to a few files, because a link is cheaper to make than a file. A file can have 65,000 links.
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
