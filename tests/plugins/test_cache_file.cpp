#include "support/file_cache.hpp"

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>

using namespace deployer;
using namespace deployer::file_cache;

TEST_CASE("cache-file gives back what was stored, also to another instance") {
    const TempDir directory;
    TestCall call;
    using std::string_literals::operator""s;
    const auto document = GENERATE(""s, "{\"units\":[]}"s, "\0\n\n\xff\r\n"s, std::string(1'000'000, 'x'));
    {
        const auto cache = cache_at(directory.path("cache"));
        CHECK(cache->load("snapshot", call) == std::nullopt);
        cache->store("snapshot", "former", call);
        cache->store("snapshot", document, call);
        cache->store("ledger", "other", call);
        CHECK(cache->load("snapshot", call) == document);
    }
    const auto cache = cache_at(directory.path("cache"));
    CHECK(cache->load("snapshot", call) == document);
    CHECK(cache->load("ledger", call) == "other");
    CHECK(call.log().text().empty());
}

TEST_CASE("cache-file erases documents, and succeeds when there is none") {
    const TempDir directory;
    TestCall call;
    const auto cache = cache_at(directory.path());
    cache->erase("snapshot", call);
    cache->store("snapshot", "text", call);
    cache->store("ledger", "text", call);
    cache->erase("snapshot", call);
    cache->erase("snapshot", call);
    CHECK(cache->load("snapshot", call) == std::nullopt);
    CHECK(cache->load("ledger", call) == "text");
    CHECK(cache_at(directory.path())->load("snapshot", call) == std::nullopt);
    CHECK(call.log().text().empty());
}

TEST_CASE("cache-file creates its directory at the first store, for its user alone") {
    const TempDir directory;
    TestCall call;
    const auto slash = GENERATE(as<std::string>{}, "", "/");
    const auto path = directory.path("var/cache");
    const auto cache = cache_at(path.string() + slash);
    CHECK(cache->load("snapshot", call) == std::nullopt);
    CHECK_FALSE(directory.exists("var"));
    const auto former = ::umask(0);
    cache->store("snapshot", "text", call);
    ::umask(former);
    CHECK(mode_of(path) == 0700);
    CHECK(mode_of(path / "snapshot.document") == 0600);
    CHECK(mode_of(path / "lock") == 0600);
    CHECK(names_in(path) == Names{"lock", "snapshot.document"});
}

TEST_CASE("a document with any one bit changed counts as absent, with a warning") {
    const TempDir directory;
    TestCall call;
    const auto cache = cache_at(directory.path());
    cache->store("snapshot", "{\"units\":[]}", call);
    const auto whole = directory.read("snapshot.document");
    const auto warning = "warning: ignoring cached document " + directory.path("snapshot.document").string() + ": ";
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        auto damaged = whole;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        directory.write("snapshot.document", damaged);
        call.log().clear();
        INFO("bit " << bit % 8 << " of byte " << bit / 8);
        REQUIRE(cache->load("snapshot", call) == std::nullopt);
        REQUIRE(call.log().holds(warning));
    }
    directory.write("snapshot.document", whole);
    CHECK(cache->load("snapshot", call) == "{\"units\":[]}");
}

TEST_CASE("a document cut at any length, or grown, counts as absent, with a warning") {
    const TempDir directory;
    TestCall call;
    const auto cache = cache_at(directory.path());
    cache->store("snapshot", "{\"units\":[]}", call);
    const auto whole = directory.read("snapshot.document");
    for (std::size_t length = 0; length <= whole.size() + 1; ++length) {
        if (length == whole.size()) continue;
        directory.write("snapshot.document", (whole + "\n").substr(0, length));
        call.log().clear();
        INFO("length " << length);
        REQUIRE(cache->load("snapshot", call) == std::nullopt);
        REQUIRE(call.log().lines().size() == 1);
    }
}

TEST_CASE("what is no document of this key counts as absent, each for its own reason, and can be stored over") {
    const TempDir directory;
    TestCall call;
    const auto cache = cache_at(directory.path());
    cache->store("ledger", "of the ledger", call);
    const auto file = directory.path("snapshot.document");
    std::string reason = "it is not a document of this cache";
    SECTION("foreign") {
        directory.write("snapshot.document", "PNG\n\nand more");
    }
    SECTION("foreign, without an end of a header") {
        directory.write("snapshot.document", std::string(10'000, 'x'));
    }
    SECTION("of a later format") {
        directory.write("snapshot.document", "coco-fleet-deployer cache 2\nkey snapshot\n\n");
    }
    SECTION("of another key") {
        fs::copy_file(directory.path("ledger.document"), file);
        reason = "it holds the document of another key";
    }
    SECTION("empty") {
        directory.write("snapshot.document", "");
        reason = "it is empty";
    }
    SECTION("a fifo that nobody writes to") {
        REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
        reason = "it is not a regular file";
    }
    SECTION("a symbolic link, even to a document") {
        fs::create_symlink("ledger.document", file);
        reason = "symbolic link";
    }
    SECTION("larger than any memory") {
        directory.write("snapshot.document", "");
        fs::resize_file(file, std::uintmax_t{1} << 40U);
        reason = "it is too large";
    }
    CHECK(cache->load("snapshot", call) == std::nullopt);
    INFO(call.log().text());
    CHECK(call.log().holds(reason));
    cache->store("snapshot", "new", call);
    CHECK(cache->load("snapshot", call) == "new");
    CHECK(cache->load("ledger", call) == "of the ledger");
}

TEST_CASE("a document that may not be read counts as absent, with a warning") {
    const TempDir directory;
    TestCall call;
    const auto cache = cache_at(directory.path());
    cache->store("snapshot", "text", call);
    fs::permissions(directory.path(), fs::perms(0755));
    fs::permissions(directory.path("snapshot.document"), fs::perms(0));
    const Unprivileged user;
    CHECK(cache->load("snapshot", call) == std::nullopt);
    CHECK(call.log().holds("Permission denied"));
}

TEST_CASE("cache-file takes no key that could be a path") {
    const TempDir directory;
    TestCall call;
    const auto cache = cache_at(directory.path("cache"));
    const auto key = GENERATE(std::string(), std::string(65, 'a'), std::string("../x"), std::string("a/b"),
                              std::string("A"), std::string("a.b"), std::string("a b"), std::string("a\0b", 3));
    CHECK(thrown_by([&] { cache->store(key, "", call); }).kind() == ErrorKind::internal);
    CHECK(thrown_by([&] { cache->erase(key, call); }).kind() == ErrorKind::internal);
    CHECK(thrown_by([&] { cache->load(key, call); }).kind() == ErrorKind::internal);
    CHECK_FALSE(directory.exists("cache"));
    const std::string longest(64, '9');
    cache->store(longest, "x", call);
    CHECK(cache->load(longest, call) == "x");
}

TEST_CASE("a document above the limit is refused and the old one stays") {
    const TempDir directory;
    TestCall call;
    const auto cache = cache_at(directory.path());
    cache->store("snapshot", "old", call);
    const std::string document((std::size_t{128} << 20U) + 1, 'x');
    const auto error = thrown_by([&] { cache->store("snapshot", document, call); });
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(says(error, "134217729 bytes are more than"));
    CHECK(cache->load("snapshot", call) == "old");
}

TEST_CASE("on a full disk the old document stays whole, and can still be erased") {
    const TempDir directory;
    const SmallDisk disk(directory.path(), "256k");
    if (!disk.problem().empty()) {
        WARN("skipped: " << disk.problem());
        return;
    }
    TestCall call;
    const auto cache = cache_at(directory.path("cache"));
    const std::string old(100'000, 'o');
    cache->store("snapshot", old, call);
    const auto error = thrown_by([&] { cache->store("snapshot", std::string(1'000'000, 'n'), call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "cannot store " + directory.path("cache/snapshot.document").string()));
    CHECK(says(error, "No space left on device: free some space"));
    CHECK(cache->load("snapshot", call) == old);
    CHECK(names_in(directory.path("cache")) == Names{"lock", "snapshot.document"});
    CHECK_THROWS(directory.write("fill", std::string(1'000'000, 'f')));
    cache->erase("snapshot", call);
    CHECK(cache->load("snapshot", call) == std::nullopt);
}

TEST_CASE("a read-only cache can be read, and says what to do when it cannot be written") {
    const TempDir directory;
    const SmallDisk disk(directory.path(), "256k");
    if (!disk.problem().empty()) {
        WARN("skipped: " << disk.problem());
        return;
    }
    TestCall call;
    cache_at(directory.path())->store("snapshot", "text", call);
    disk.make_read_only();
    const auto cache = cache_at(directory.path());
    CHECK(cache->load("snapshot", call) == "text");
    const auto missing = cache_at(directory.path("missing/below"));
    for (const auto& error :
         {thrown_by([&] { cache->store("snapshot", "new", call); }), thrown_by([&] { cache->erase("snapshot", call); }),
          thrown_by([&] { missing->store("snapshot", "new", call); })}) {
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, "Read-only file system"));
        CHECK(says(error, ": make it writable, or set"));
    }
    CHECK(cache->load("snapshot", call) == "text");
}

TEST_CASE("a cache that the deployer's user may not write says what to do") {
    const TempDir directory;
    TestCall call;
    directory.write("cache/other", "");
    fs::permissions(directory.path(), fs::perms(0755));
    fs::permissions(directory.path("cache"), fs::perms(0555));
    const auto cache = cache_at(directory.path("cache"));
    const Unprivileged user;
    const auto error = thrown_by([&] { cache->store("snapshot", "text", call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "Permission denied: give the deployer's user write access"));
}

TEST_CASE("a cache path that is a file is a matter of configuration") {
    const TempDir directory;
    TestCall call;
    directory.write("file", "");
    const auto cache = cache_at(directory.path(GENERATE(as<std::string>{}, "file", "file/below", "file/far/below")));
    const auto error = thrown_by([&] { cache->store("snapshot", "text", call); });
    CHECK(error.kind() == ErrorKind::misconfigured);
    CHECK(says(error, "the cache's path has to be a directory"));
    CHECK(cache->load("snapshot", call) == std::nullopt);
}

TEST_CASE("a cache path that leads nowhere says so, and serves once it leads somewhere") {
    const TempDir directory;
    TestCall call;
    fs::create_symlink("absent", directory.path("link"));
    const auto path = directory.path(GENERATE(as<std::string>{}, "link", "link/below", "link/far/below"));
    const auto cache = cache_at(path);
    CHECK(cache->load("snapshot", call) == std::nullopt);
    const auto error = thrown_by([&] { cache->store("snapshot", "text", call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "symbolic link \"" + directory.path("link").string() + "\" leads nowhere"));
    CHECK(says(error, ": create what it leads to, or correct the cache's path"));
    fs::create_directory(directory.path("absent"));
    cache->store("snapshot", "text", call);
    CHECK(cache->load("snapshot", call) == "text");
}

TEST_CASE("a cache path of links in a circle is a matter of configuration") {
    const TempDir directory;
    TestCall call;
    fs::create_symlink("loop", directory.path("loop"));
    const auto cache = cache_at(directory.path(GENERATE(as<std::string>{}, "loop", "loop/below")));
    const auto error = thrown_by([&] { cache->store("snapshot", "text", call); });
    CHECK(error.kind() == ErrorKind::misconfigured);
    CHECK(says(error, "correct the cache's path"));
}

TEST_CASE("cache-file wants a path and knows no other key") {
    CHECK(says(thrown_by([] { load_cache("cache-file", no_settings()); }), "path"));
    const auto error = thrown_by([] { load_cache("cache-file", "path: /x\npaht: /y\n"); });
    CHECK(error.kind() == ErrorKind::misconfigured);
    CHECK(says(error, "paht"));
}
