#include "support/file_source.hpp"

#include <chrono>
#include <filesystem>
#include <vector>

using namespace deployer;
using namespace deployer::file_source;
using namespace std::chrono_literals;

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

TEST_CASE("source-file refuses settings that it cannot use") {
    CHECK(says(thrown_by([] { load_source("source-file", no_settings()); }), "path"));
    for (const auto* yaml : {"path: /x\nsettle: 19ms\n", "path: /x\nsettle: 61s\n"}) {
        const auto error = thrown_by([&] { load_source("source-file", yaml); });
        CHECK(error.kind() == ErrorKind::misconfigured);
        CHECK(says(error, "test.yaml:2: settle: has to be between 20ms and 60s"));
    }
    CHECK(says(thrown_by([] { load_source("source-file", "path: /x\nsetle: 1s\n"); }), "setle"));
    // A missing directory is no error of the settings, because it may be created later.
    CHECK(load_source("source-file", "path: /does/not/exist\n") != nullptr);
}

TEST_CASE("a path is relative to the configuration file") {
    const TempDir directory;
    directory.write("files/services.yaml", "x");
    const auto source = load_source("source-file", settings_from("path: files\n", directory.path()));
    CHECK(read_one(*checkout(*source), "services.yaml").content == "x");
}
