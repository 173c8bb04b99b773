#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/loaded_plugin.hpp"
#include "support/small_disk.hpp"
#include "support/temp_dir.hpp"
#include "support/test_call.hpp"
#include "support/thrown_error.hpp"
#include "support/unprivileged.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace deployer;

namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

std::shared_ptr<Cache> cache_at(const fs::path& directory) {
    return load_cache("cache-file", "path: '" + directory.string() + "'\n");
}

unsigned mode_of(const fs::path& path) {
    return static_cast<unsigned>(fs::symlink_status(path).permissions());
}

Names names_in(const fs::path& directory) {
    Names names;
    for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

/// Another deployer: a process with a cache of its own, which tells each time it has done something.
class OtherProcess {
public:
    template <class Action>
    explicit OtherProcess(const Action& action) {
        if (::pipe(pipe_.data()) != 0) throw std::runtime_error("no pipe");
        pid_ = ::fork();
        if (pid_ != 0) {
            ::close(pipe_[1]);
            return;
        }
        try {
            action([this] { return ::write(pipe_[1], "x", 1) == 1; });
            ::pause();
        } catch (const std::exception&) {
            // Seen by the test as the end of the pipe.
        }
        ::_exit(1);
    }
    ~OtherProcess() { kill(); }
    OtherProcess(const OtherProcess&) = delete;
    OtherProcess& operator=(const OtherProcess&) = delete;
    OtherProcess(OtherProcess&&) = delete;
    OtherProcess& operator=(OtherProcess&&) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// False when it has ended instead.
    [[nodiscard]] bool wait_until_told() const {
        char byte = 0;
        return ::read(pipe_[0], &byte, 1) == 1;
    }

    void kill() {
        if (pid_ < 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        ::close(pipe_[0]);
        pid_ = -1;
    }

private:
    std::array<int, 2> pipe_{};
    pid_t pid_ = -1;
};

}  // namespace

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
            // As late as it can be: when somebody is about to look.
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
