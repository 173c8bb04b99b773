#include "support/file_cache.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>

using namespace deployer;
using namespace deployer::file_cache;

TEST_CASE("a second deployer is kept from changing a cache, told who uses it, and may read it") {
    const TempDir directory;
    TestCall call;
    OtherProcess other([&](const auto& tell) {
        TestCall theirs;
        const auto cache = cache_at(directory.path());
        cache->store("snapshot", "theirs", theirs);
        tell();
        ::pause();
    });
    REQUIRE(other.wait_until_told());
    const auto cache = cache_at(directory.path());
    CHECK(cache->load("snapshot", call) == "theirs");
    const auto who = "another coco-fleet-deployer (pid " + std::to_string(other.pid()) + ") is using the cache at " +
                     directory.path().string();
    for (const auto& error : {thrown_by([&] { cache->store("snapshot", "ours", call); }),
                              thrown_by([&] { cache->erase("snapshot", call); })}) {
        CHECK(error.kind() == ErrorKind::misconfigured);
        CHECK(says(error, who));
    }
    CHECK(cache->load("snapshot", call) == "theirs");
    other.kill();
    cache->store("snapshot", "ours", call);
    CHECK(cache->load("snapshot", call) == "ours");
}

TEST_CASE("a document can be left beside the deployer that uses a cache, and is there for it") {
    const TempDir directory;
    const TestCall call;
    const auto owner = cache_at(directory.path());
    owner->store("ledger", "mine", call);
    OtherProcess other([&](const auto& tell) {
        const TestCall theirs;
        cache_at(directory.path())->leave("orders", "pause it", theirs);
        tell();
    });
    REQUIRE(other.wait_until_told());
    CHECK(owner->load("orders", call) == "pause it");
    owner->store("ledger", "still mine", call);
    CHECK(owner->load("ledger", call) == "still mine");
    CHECK(names_in(directory.path()) == Names{"ledger.document", "lock", "orders.document"});
}

TEST_CASE("the one who uses a cache is named, though it has only just taken the lock") {
    for (int round = 0; round < 10; ++round) {
        const TempDir directory;
        TestCall call;
        OtherProcess other([&](const auto& tell) {
            const auto lock = directory.path("lock");
            const int file = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
            const int watch = ::inotify_init1(IN_CLOEXEC);
            if (::flock(file, LOCK_EX) != 0 || ::inotify_add_watch(watch, lock.c_str(), IN_OPEN) < 0) return;
            tell();
            // Writes its process id as late as possible: when another process is about to read the lock file.
            std::array<char, 1024> event{};
            if (::read(watch, event.data(), event.size()) <= 0) return;
            ::usleep(2000);
            const auto pid = std::to_string(::getpid()) + "\n";
            if (::write(file, pid.data(), pid.size()) > 0) ::pause();
        });
        REQUIRE(other.wait_until_told());
        const auto error = thrown_by([&] { cache_at(directory.path())->store("snapshot", "ours", call); });
        CHECK(error.kind() == ErrorKind::misconfigured);
        CHECK(says(error, "another coco-fleet-deployer (pid " + std::to_string(other.pid()) + ") is using"));
    }
}

TEST_CASE("an instance gives the cache free at its end") {
    const TempDir directory;
    TestCall call;
    auto former = cache_at(directory.path());
    former->store("snapshot", "former", call);
    const auto latter = cache_at(directory.path());
    CHECK(thrown_by([&] { latter->store("snapshot", "latter", call); }).kind() == ErrorKind::misconfigured);
    former.reset();
    latter->store("snapshot", "latter", call);
    CHECK(latter->load("snapshot", call) == "latter");
}

TEST_CASE("a cache whose directory or lock was deleted is made and locked anew") {
    const TempDir directory;
    TestCall call;
    const auto cache = cache_at(directory.path("cache"));
    cache->store("snapshot", "text", call);
    directory.remove(GENERATE(as<std::string>{}, "cache", "cache/lock"));
    cache->store("snapshot", "again", call);
    CHECK(cache->load("snapshot", call) == "again");
    const auto other = cache_at(directory.path("cache"));
    CHECK(thrown_by([&] { other->erase("snapshot", call); }).kind() == ErrorKind::misconfigured);
}

TEST_CASE("what a killed deployer left unfinished is removed, and nothing else") {
    const TempDir directory;
    TestCall call;
    directory.write("snapshot.document.tmp", "half");
    directory.write("ledger.document.tmp", "half");
    directory.write("notes.tmp", "of a person");
    fs::create_directory(directory.path("empty.document.tmp"));
    directory.write("full.document.tmp/file", "of a person");
    fs::create_symlink("notes.tmp", directory.path("link.document.tmp"));
    cache_at(directory.path())->erase("snapshot", call);
    CHECK(names_in(directory.path()) ==
          Names{"empty.document.tmp", "full.document.tmp", "link.document.tmp", "lock", "notes.tmp"});
}

TEST_CASE("killed at any moment of a store, there is one whole document, the former or the new") {
    const TempDir directory;
    TestCall call;
    constexpr std::size_t size = 300'000;
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    cache_at(directory.path())->store("snapshot", std::string(size, 'a'), call);
    const auto require_whole = [&] {
        const auto document = cache_at(directory.path())->load("snapshot", call);
        REQUIRE(document.has_value());
        REQUIRE(document->size() == size);
        REQUIRE(document->find_first_not_of(document->front()) == std::string::npos);
    };
    for (int round = 0; round < 40; ++round) {
        OtherProcess writer([&](const auto& tell) {
            TestCall theirs;
            const auto cache = cache_at(directory.path());
            for (char letter = 'a';; letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1)) {
                cache->store("snapshot", std::string(size, letter), theirs);
                if (!tell()) return;
            }
        });
        for (auto stores = random() % 4 + 1; stores > 0; --stores) {
            REQUIRE(writer.wait_until_told());
            require_whole();
        }
        ::usleep(static_cast<useconds_t>(random() % 3000));
        writer.kill();
        require_whole();
    }
    CHECK(call.log().text().empty());
    cache_at(directory.path())->store("snapshot", "end", call);
    CHECK(names_in(directory.path()) == Names{"lock", "snapshot.document"});
}

TEST_CASE("cache-file: a directory that a stranger may have made where anybody may is refused") {
    if (::geteuid() != 0) {
        WARN("skipped: only root can make files of other users");
        return;
    }
    const TempDir dir;
    const auto shared = dir.path("tmp");
    fs::create_directory(shared);
    fs::permissions(shared, fs::perms::all | fs::perms::sticky_bit);
    const auto theirs = shared / "theirs";
    constexpr uid_t stranger = 4711;
    TestCall call;
    const auto check_refused = [&](const fs::path& directory) {
        const auto cache = cache_at(directory);
        for (const auto& error :
             {thrown_by([&] { (void)cache->load("a", call); }), thrown_by([&] { cache->store("a", "x", call); }),
              thrown_by([&] { cache->erase("a", call); })}) {
            CHECK(error.kind() == ErrorKind::misconfigured);
            CHECK(std::string_view(error.what())
                      .find(theirs.string() + " belongs to user 4711, in a directory that "
                                              "anybody may write to") != std::string_view::npos);
        }
    };
    SECTION("itself") {
        fs::create_directory(theirs);
        REQUIRE(::chown(theirs.c_str(), stranger, stranger) == 0);
        check_refused(theirs);
    }
    SECTION("or one on the way to it") {
        fs::create_directories(theirs / "state/cache");
        REQUIRE(::chown(theirs.c_str(), stranger, stranger) == 0);
        check_refused(theirs / "state/cache");
        check_refused(theirs / "not/yet/there");
    }
    SECTION("or a symbolic link of theirs, wherever it leads") {
        fs::create_directory(dir.path("ours"));
        fs::create_directory_symlink(dir.path("ours"), theirs);
        REQUIRE(::lchown(theirs.c_str(), stranger, stranger) == 0);
        check_refused(theirs);
    }
    SECTION("but not where others may write nothing, nor one of the deployer's own or of root's") {
        fs::create_directory(dir.path("volume"));
        REQUIRE(::chown(dir.path("volume").c_str(), stranger, stranger) == 0);
        CHECK_NOTHROW(cache_at(dir.path("volume"))->store("a", "x", call));
        CHECK_NOTHROW(cache_at(shared / "mine/cache")->store("a", "x", call));
        fs::permissions(dir.path(), fs::perms::all);
        const Unprivileged user(stranger);
        fs::create_directory(theirs);
        CHECK_NOTHROW(cache_at(theirs)->store("a", "x", call));
    }
}
