#include "support/catch.hpp"
#include "support/github_double.hpp"
#include "support/loaded_plugin.hpp"
#include "support/nginx.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"
#include "support/socks_proxy.hpp"
#include "support/temp_dir.hpp"
#include "support/test_call.hpp"
#include "support/thrown_error.hpp"
#include "support/tls_files.hpp"

#include "wanted/wanted.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
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
using Locations = std::vector<std::string>;

std::shared_ptr<Source> repository_of(const GithubDouble& github, const std::string& more = "") {
    return load_source("source-github",
                       "repository: octo/config\nallow_http: true\napi_url: " + github.api_url() + "\n" + more);
}

std::shared_ptr<Source> site_of(const GithubDouble& github, const std::string& more = "") {
    return load_source("source-github", "allow_http: true\nroot_uri: " + github.root_uri() + "\n" + more);
}

std::unique_ptr<Checkout> checkout(Source& source, const Revision& known = {}) {
    TestCall call;
    return source.checkout(known, call);
}

std::vector<File> read(Checkout& from, const Locations& locations, const Call& call) {
    std::vector<FileRequest> requests;
    requests.reserve(locations.size());
    for (const auto& location : locations) requests.push_back({location});
    return from.read(requests, call);
}

std::vector<File> read(Checkout& from, const Locations& locations) {
    TestCall call;
    return read(from, locations, call);
}

File read_one(Checkout& from, const std::string& location) {
    return read(from, {location}).at(0);
}

/// As the engine does it: services.yaml first, which tells of the others.
Revision read_all(Source& source, const Locations& locations, const Revision& known = {}) {
    const auto now = checkout(source, known);
    if (!now) return known;
    read_one(*now, "services.yaml");
    read(*now, locations);
    return now->revision();
}

bool says(const Error& error, std::string_view fragment) {
    UNSCOPED_INFO(to_string(error.kind()) << ": " << error.what());
    return std::string_view(error.what()).find(fragment) != std::string_view::npos;
}

bool refuses(const File& file, ErrorKind kind, std::string_view fragment) {
    if (!file.error) {
        UNSCOPED_INFO("read: " << file.content.substr(0, 100));
        return false;
    }
    return says(*file.error, fragment) && file.error->kind() == kind && file.content.empty();
}

/// The first `times` requests whose line begins so.
GithubDouble::Fault fault_at(std::string line, GithubFault fault, std::size_t times = 1000) {
    return [line = std::move(line), fault = std::move(fault), times](const GithubRequest& request) {
        const bool hit = request.line.starts_with(line) && request.nth <= times;
        return hit ? std::optional(fault) : std::nullopt;
    };
}

/// A fault that happens before the nth request of that line is answered, and lets it be answered.
GithubDouble::Fault event_at(std::string line, std::size_t nth, std::function<void()> event) {
    return [line = std::move(line), nth, event = std::move(event)](const GithubRequest& request) {
        if (request.line == line && request.nth == nth) event();
        return std::optional<GithubFault>();
    };
}

std::vector<std::string> lines_of(const GithubDouble& github) {
    std::vector<std::string> lines;
    for (const auto& request : github.requests()) {
        lines.push_back(request.line + " " + std::to_string(request.status));
    }
    return lines;
}

void write_tree(const TempDir& directory, const GithubTree& tree) {
    for (const auto& [path, file] : tree) {
        if (!file.is_link) {
            directory.write(path, file.content);
            continue;
        }
        fs::create_directories(directory.path(path).parent_path());
        fs::create_symlink(file.content, directory.path(path));
    }
}

std::shared_ptr<Source> directory_source(const fs::path& root) {
    return load_source("source-file", "path: '" + root.string() + "'\nsettle: 20ms\n");
}

/// Contents and kinds of errors, one line each.
std::string outcomes(const Locations& locations, const std::vector<File>& files) {
    std::string text;
    for (std::size_t index = 0; index < files.size(); ++index) {
        const auto& [content, error] = files[index];
        text.append(locations[index].substr(0, 60)).append(": ");
        if (error) text.append(1, '(').append(to_string(error->kind())).append(1, ')');
        text.append(content).append(1, '\n');
    }
    return text;
}

}  // namespace

// --- a repository

TEST_CASE("a repository is read at the commit that its ref is at") {
    GithubDouble github;
    const auto first = github.commit({{"services.yaml", {"one"}}, {"units/a.service", {"a"}}});
    const auto source = repository_of(github);
    const auto one = checkout(*source);
    CHECK(one->revision().id == first);
    const auto second = github.put("services.yaml", "two");
    const auto two = checkout(*source, one->revision());
    REQUIRE(two != nullptr);
    CHECK(two->revision().id == second);
    CHECK(read_one(*two, "services.yaml").content == "two");
    // The first one stays what it was.
    CHECK(read_one(*one, "services.yaml").content == "one");
    const auto files = read(*two, {"units/a.service", "b.service", "./units//a.service", "services.yaml"});
    REQUIRE(files.size() == 4);
    CHECK(files[0].content == "a");
    CHECK(refuses(files[1], ErrorKind::not_found, "there is no \"b.service\""));
    CHECK(files[2].content == "a");
    CHECK(files[3].content == "two");
    CHECK(read(*two, {}).empty());
}

TEST_CASE("an idle cycle asks GitHub once, and GitHub does not count that where there is a token") {
    GithubDouble github({.token = "ghp_secret"});
    const Revision at{github.commit({{"services.yaml", {"x"}}})};
    const auto source = repository_of(github, "token: ghp_secret\n");
    CHECK(checkout(*source) != nullptr);
    github.forget_requests();
    github.limit(1, std::chrono::system_clock::now() + 1h);
    TestCall call;
    for (int cycle = 0; cycle < 3; ++cycle) CHECK(source->checkout(at, call) == nullptr);
    CHECK(lines_of(github) == Locations(3, "api commits/HEAD 304"));
    CHECK(call.log().lines().empty());
}

TEST_CASE("without a token every cycle counts, and that is said once") {
    GithubDouble github;
    const Revision at{github.commit({{"services.yaml", {"x"}}})};
    const auto source = repository_of(github);
    CHECK(checkout(*source) != nullptr);
    github.limit(2, std::chrono::system_clock::now() + 1h);
    TestCall call;
    for (int cycle = 0; cycle < 2; ++cycle) CHECK(source->checkout(at, call) == nullptr);
    CHECK(call.log().lines() == Locations{"warning: without a token " + github.api_url() +
                                          " allows 60 requests an hour, and every cycle is at least one: set "
                                          "token_file, or an interval of 5m or more"});
    CHECK(thrown_by([&] { source->checkout(at, call); }).retry_after());
}

TEST_CASE("a new commit costs three requests, however many files there are") {
    GithubDouble github;
    GithubTree tree{{"services.yaml", {"x"}}};
    Locations locations;
    for (int number = 0; number < 300; ++number) {
        locations.push_back("units/" + std::to_string(number) + ".service");
        tree[locations.back()] = {"x"};
    }
    github.commit(tree);
    const auto source = repository_of(github);
    const auto first = read_all(*source, locations);
    const auto second = github.put("units/7.service", "y");
    github.forget_requests();
    CHECK(read_all(*source, locations, first).id == second);
    CHECK(lines_of(github) == Locations{"api commits/HEAD 200", "api tarball/" + second + " 302",
                                        "codeload legacy.tar.gz/" + second + " 200"});
}

TEST_CASE("a commit that is known from before the start is not downloaded, nor is one twice") {
    GithubDouble github;
    const Revision at{github.commit({{"services.yaml", {"x"}}})};
    const auto source = repository_of(github);
    CHECK(checkout(*source, at) == nullptr);
    CHECK(lines_of(github) == Locations{"api commits/HEAD 200"});
    CHECK(checkout(*source) != nullptr);
    CHECK(checkout(*source, {"another"}) != nullptr);
    CHECK(read_one(*checkout(*source), "services.yaml").content == "x");
    CHECK(github.count("codeload") == 1);
    CHECK(github.count("api commits", 304) == 3);
}

TEST_CASE("a server without ETags is asked all the same") {
    GithubDouble github({.etags = false});
    const Revision at{github.commit({{"services.yaml", {"x"}}})};
    const auto source = repository_of(github);
    CHECK(checkout(*source) != nullptr);
    CHECK(checkout(*source, at) == nullptr);
    CHECK(github.count("api commits", 200) == 2);
    CHECK(github.count("codeload") == 1);
}

TEST_CASE("a ref is a branch, a tag, a commit, or the default branch") {
    GithubDouble github;
    const auto main = github.commit({{"services.yaml", {"main"}}});
    const auto branch = github.commit({{"services.yaml", {"branch"}}}, "feature/ä#b%20c");
    github.point("1.10", main);
    const auto read_at = [&](const std::string& more) {
        return read_one(*checkout(*repository_of(github, more)), "services.yaml").content;
    };
    CHECK(read_at("") == "main");
    CHECK(read_at("ref: feature/ä#b%20c\n") == "branch");
    CHECK(github.api().requests().back().target == "/repos/octo/config/tarball/" + branch);
    CHECK(read_at("ref: 1.10\n") == "main");
    CHECK(read_at("ref: " + branch + "\n") == "branch");
}

TEST_CASE("a GitHub Enterprise's API is below a path") {
    GithubDouble github;
    const auto at = github.commit({{"services.yaml", {"x"}}});
    const auto source = load_source(
        "source-github", "repository: octo/config\nallow_http: true\napi_url: " + github.api_url() + "/api/v3/\n");
    CHECK(checkout(*source)->revision().id == at);
    CHECK(github.api().requests().front().target == "/api/v3/repos/octo/config/commits/HEAD");
}

TEST_CASE("a path makes a folder of the repository the root") {
    GithubDouble github;
    github.commit({{"services.yaml", {"outer"}},
                   {"deploy/prod/services.yaml", {"inner"}},
                   {"deploy/prod/out.service", {"../../services.yaml", true}},
                   {"deploy/prod/in.service", {"../prod/services.yaml", true}},
                   {"deploy/product/services.yaml", {"another"}},
                   {"current", {"deploy/next", true}},
                   {"deploy/next", {"prod", true}},
                   {"loop", {"loop", true}},
                   {"away", {"../..", true}}});
    for (const auto* path : {"deploy/prod", "/deploy//prod/", "./deploy/prod", "current", "deploy/next"}) {
        INFO(path);
        const auto source = repository_of(github, "path: " + std::string(path) + "\n");
        const auto now = checkout(*source);
        CHECK(read_one(*now, "services.yaml").content == "inner");
        CHECK(refuses(read_one(*now, "out.service"), ErrorKind::rejected, "leads out of the source's root"));
        CHECK(refuses(read_one(*now, "../services.yaml"), ErrorKind::rejected, "\"..\" is not allowed"));
    }
    for (const auto* path : {"elsewhere", "services.yaml", "loop", "away", "deploy/pro"}) {
        INFO(path);
        const auto source = repository_of(github, "path: " + std::string(path) + "\n");
        const auto now = checkout(*source);
        CHECK(refuses(read_one(*now, "services.yaml"), ErrorKind::not_found,
                      "there is no \"" + std::string(path) + "/services.yaml\""));
    }
    CHECK(read_one(*checkout(*repository_of(github, "path: /\n")), "services.yaml").content == "outer");
}

TEST_CASE("the same tree gives the same from a directory and from a repository") {
    using std::string_literals::operator""s;
    const GithubTree tree{
        {"services.yaml", {"services: []\n"}},
        {"empty", {""}},
        {"bytes", {"\0\r\n\xff"s}},
        {"units/a.service", {"a"}},
        {"units/größe ä@.service", {"non-ascii"}},
        {"units/" + std::string(90, 'd') + "/" + std::string(90, 'e') + "/" + std::string(90, 'f'), {"long"}},
        {"units/" + "ü"s + std::string(120, 'd') + "/ü", {"long and not ascii"}},
        {"units/.a.service.swp", {"hidden"}},
        {".github/a.service", {"hidden"}},
        {"file", {"units/a.service", true}},
        {"chain", {"file", true}},
        {"directory", {"units", true}},
        {"units/up", {"../units/a.service", true}},
        {"units/winding", {"../root/units/a.service", true}},
        {"out", {"../secret", true}},
        {"out-by-way", {"units/../../secret", true}},
        {"out-absolute", {"/etc/passwd", true}},
        {"parent", {"..", true}},
        {"loop", {"loop", true}},
        {"round", {"about", true}},
        {"about", {"round", true}},
        {"dangling", {"nowhere", true}},
        {"self", {".", true}},
        {"through-file", {"services.yaml/x", true}},
        {"..1/a.service", {"first"}},
        {"..1/.deep/a.service", {"deep"}},
        {"..2/a.service", {"second"}},
        {"..data", {"..1", true}},
        {"data.service", {"..data/a.service", true}},
        {"long-link", {std::string(60, 'x') + "/../units/../units/./././././././././././././././././a.service", true}},
        {"to-deep", {"..1/.deep/a.service", true}},
        {"by-way", {"..data/.deeper/a.service", true}},
        {"..1/.deeper/a.service", {"deeper"}},
        {".x/.y/.z/a.service", {"z"}},
        {"to-x", {".x/link", true}},
        {".x/link", {".y/link", true}},
        {".x/.y/link", {".z/a.service", true}},
        {"up-and-down", {"units/../.up/../..1/a.service", true}},
    };
    Locations locations{"",
                        ".",
                        "/",
                        "..",
                        "../secret",
                        "units",
                        "units/",
                        "units/../services.yaml",
                        "/etc/passwd",
                        "//etc/passwd",
                        "/services.yaml",
                        "./units//a.service",
                        "units/a.service/",
                        "units/a.service/x",
                        "services.yaml/x",
                        "missing",
                        "missing/a.service",
                        ".git/config",
                        "units/.missing",
                        "directory/a.service",
                        "directory/up",
                        "self/self/file",
                        "self/out",
                        "parent/secret",
                        "..2",
                        "file:///etc/passwd",
                        "HTTP://example.org/a",
                        "ftp://example.org/a",
                        "a.service?x=y",
                        "a.service#x",
                        "%2e%2e/secret",
                        "..%2fsecret",
                        std::string("services.yaml\0x", 15),
                        std::string(100'000, 'a')};
    for (const auto& entry : tree) locations.push_back(entry.first);

    const TempDir directory;
    const TempDir outside;
    write_tree(directory, tree);
    const auto files = directory_source(directory.path());
    const auto from_directory = checkout(*files);
    const auto expected = outcomes(locations, read(*from_directory, locations));

    GithubDouble github;
    GithubTree nested{{"secret", {"secret"}}};
    for (const auto& [path, file] : tree) nested["root/" + path] = file;
    github.commit(nested);
    const auto repository = repository_of(github, "path: root\n");
    const auto from_repository = checkout(*repository);
    CHECK(outcomes(locations, read(*from_repository, locations)) == expected);

    // A web server tells nothing of links and directories.
    Locations plain;
    for (const auto& location : locations) {
        const auto found = tree.find(location);
        const bool is_plain = found == tree.end() || !found->second.is_link;
        const bool leads_on = location.find("a.service/") != location.npos || location.find("yaml/") != location.npos ||
                              location.starts_with("directory") || location.starts_with("self") ||
                              location.starts_with("parent") || location.starts_with("units/") ||
                              location.starts_with("..") || location.starts_with(".x") || location == "units";
        if (is_plain && !leads_on) plain.push_back(location);
    }
    plain.insert(plain.end(), {"..", "../secret", "units/a.service", "units/größe ä@.service", "./units//a.service",
                               "units/.a.service.swp", "units/../services.yaml"});
    GithubDouble site;
    site.commit(tree);
    const auto site_source = site_of(site);
    const auto from_site = checkout(*site_source);
    CHECK(outcomes(plain, read(*from_site, plain)) == outcomes(plain, read(*from_directory, plain)));
}

TEST_CASE("a file above the limit is rejected alone") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}},
                   {"just", {std::string(16U << 20U, 'x')}},
                   {"over", {std::string((16U << 20U) + 1, 'x')}}});
    const auto repository = repository_of(github);
    const auto from_repository = checkout(*repository);
    CHECK(read_one(*from_repository, "services.yaml").content == "x");
    CHECK(read_one(*from_repository, "just").content.size() == 16U << 20U);
    CHECK(refuses(read_one(*from_repository, "over"), ErrorKind::rejected, "its 16777217 bytes are more than 16 MiB"));

    const auto site_source = site_of(github);
    const auto from_site = checkout(*site_source);
    const auto files = read(*from_site, {"services.yaml", "just", "over"});
    CHECK(files[0].content == "x");
    CHECK(files[1].content.size() == 16U << 20U);
    CHECK(refuses(files[2], ErrorKind::rejected, "larger than 16 MiB"));
}

TEST_CASE("a repository that is much too large is an error that says what to do") {
    GithubDouble github;
    TestCall call;
    GithubTree tree{{"deploy/services.yaml", {"x"}}};
    std::string fragment;
    SECTION("in bytes") {
        for (const auto* name : {"a", "b", "c", "d", "e"}) tree[name] = {std::string(15U << 20U, 'x')};
        fragment = "its files add up to more than 64 MiB: the source's path has to be the folder of services.yaml";
    }
    SECTION("in files") {
        for (int number = 0; number < 100'000; ++number) tree["f/" + std::to_string(number)] = {};
        fragment = "it holds more than 100000 files: the source's path";
    }
    github.commit(tree);
    const auto source = repository_of(github);
    const auto error = thrown_by([&] { source->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, fragment));
    CHECK(std::string_view(thrown_by([&] { source->checkout({}, call); }).what()) == error.what());
    CHECK(github.count("codeload") == 1);
    // What lies beside the path does not matter.
    CHECK(read_one(*checkout(*repository_of(github, "path: deploy\n")), "services.yaml").content == "x");
}

TEST_CASE("an archive that unpacks without end is given up") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    github.set_fault(fault_at("codeload", {.body = GithubDouble::gzip(std::string((512U << 20U) + 1, '\0'))}));
    TestCall call;
    const auto error = thrown_by([&] { repository_of(github)->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "it unpacks to more than 512 MiB"));
}

TEST_CASE("an archive that is too large is not downloaded again before the ref moves") {
    GithubDouble github;
    const auto at = github.commit({{"services.yaml", {"x"}}});
    const auto source = repository_of(github);
    github.set_fault(fault_at("codeload", {.body = std::string((64U << 20U) + 1, 'x')}));
    for (int cycle = 0; cycle < 3; ++cycle) {
        TestCall call;
        const auto error = thrown_by([&] { source->checkout({}, call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, "cannot read octo/config at HEAD: cannot use the archive of commit " + at + ": GET "));
        CHECK(says(error, "the answer is larger than 64 MiB: it holds the whole repository, so what is large has to"));
    }
    CHECK(github.count("codeload") == 1);
    CHECK(github.count("api commits") == 3);
    github.set_fault({});
    github.put("services.yaml", "y");
    CHECK(read_one(*checkout(*source), "services.yaml").content == "y");
}

// --- archives that are not what they should be

TEST_CASE("[R17] an archive that is cut anywhere is an error, never a smaller tree") {
    GithubDouble github;
    const auto at = github.commit(
        {{"services.yaml", {"one\n"}}, {"units/a.service", {"a"}}, {"units/zero", {std::string(3000, '\0')}}});
    const auto source = repository_of(github);
    const auto archive = github.archive(at);
    const auto tar = github.tar(at);
    std::vector<std::string> bodies;
    for (std::size_t end = 0; end < archive.size(); end += 97) bodies.push_back(archive.substr(0, end));
    for (std::size_t end = archive.size() - 12; end < archive.size(); ++end) bodies.push_back(archive.substr(0, end));
    bodies.push_back(archive + '\0');
    bodies.push_back(archive + archive);
    // As when whatever writes the archive dies, and the rest is packed neatly.
    const auto marked = tar.find_last_not_of('\0') / 512 * 512 + 512;
    for (std::size_t end = 0; end < marked + 1024; end += 97) bodies.push_back(GithubDouble::gzip(tar.substr(0, end)));
    for (std::size_t end = 0; end < marked + 1024; end += 512) bodies.push_back(GithubDouble::gzip(tar.substr(0, end)));
    for (const auto& body : bodies) {
        github.set_fault(fault_at("codeload", {.body = body}));
        TestCall call;
        const auto error = thrown_by([&] { source->checkout({}, call); });
        REQUIRE(error.kind() == ErrorKind::unavailable);
        REQUIRE(says(error, "cannot read octo/config at HEAD: cannot use the archive of commit " + at + ": it is "));
    }
    github.set_fault({});
    CHECK(read_one(*checkout(*source), "services.yaml").content == "one\n");
}

TEST_CASE("[R17] an archive that is damaged anywhere is an error, or the exact tree") {
    GithubDouble github;
    const auto at =
        github.commit({{"services.yaml", {"one\n"}}, {"units/a.service", {"a"}}, {"units/link", {"a.service", true}}});
    const auto archive = github.archive(at);
    const Locations locations{"services.yaml", "units/a.service", "units/link", "units/none"};
    const auto expected = outcomes(locations, read(*checkout(*repository_of(github)), locations));
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    int errors = 0;
    for (std::size_t place = 0; place < archive.size(); ++place) {
        auto body = archive;
        body[place] = static_cast<char>(static_cast<unsigned char>(body[place]) ^ (1U << (random() % 8)));
        github.set_fault(fault_at("codeload", {.body = body}));
        try {
            // A source of its own, for one that has the commit does not ask for it again.
            const auto source = repository_of(github);
            const auto now = checkout(*source);
            REQUIRE(outcomes(locations, read(*now, locations)) == expected);
        } catch (const Error& error) {
            REQUIRE(error.kind() == ErrorKind::unavailable);
            ++errors;
        }
    }
    // A few bits mean nothing: the time in the gzip header, codes that are not used.
    CHECK(errors > static_cast<int>(archive.size()) * 8 / 10);
}

TEST_CASE("[R17] an archive of another commit is an error") {
    GithubDouble github;
    const auto one = github.commit({{"services.yaml", {"one"}}});
    const auto two = github.put("services.yaml", "two");
    TestCall call;
    github.set_fault(fault_at("codeload", {.body = github.archive(one)}));
    const auto error = thrown_by([&] { repository_of(github)->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "cannot use the archive of commit " + two + ": it is of another commit, \"" + one + "\""));
}

TEST_CASE("an archive without a commit in it is taken for what was asked for") {
    GithubDouble github;
    const auto at = github.commit({{"services.yaml", {"one"}}});
    github.set_fault(fault_at("codeload", {.body = GithubDouble::gzip(github.tar(at).substr(1024))}));
    CHECK(read_one(*checkout(*repository_of(github)), "services.yaml").content == "one");
}

TEST_CASE("what is no archive is an error") {
    GithubDouble github;
    github.commit({{"services.yaml", {"one"}}});
    const auto body = GENERATE(as<std::string>{}, "", "<html>sign in</html>", GithubDouble::gzip(""),
                               GithubDouble::gzip("<html>sign in</html>"), GithubDouble::gzip(std::string(5000, 'x')));
    TestCall call;
    github.set_fault(fault_at("codeload", {.body = body}));
    const auto error = thrown_by([&] { repository_of(github)->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "cannot use the archive"));
}

// --- GitHub's answers

TEST_CASE("[R6] a token opens a private repository, and goes to the API alone") {
    GithubDouble github({.token = "ghp_secret"});
    const auto at = github.commit({{"services.yaml", {"x"}}});
    GithubDouble elsewhere;
    elsewhere.commit({{"a.service", {"a"}}});
    TestCall call;

    const auto source = repository_of(github, "token: ghp_secret\n");
    const auto now = checkout(*source);
    CHECK(now->revision().id == at);
    CHECK(read_one(*now, elsewhere.root_uri() + "a.service").content == "a");
    REQUIRE(github.codeload().request_count() == 1);
    CHECK_FALSE(github.codeload().requests().front().has_header("Authorization"));
    CHECK_FALSE(elsewhere.raw().requests().front().has_header("Authorization"));

    const auto wrong = thrown_by([&] { repository_of(github, "token: ghp_wrong\n")->checkout({}, call); });
    CHECK(wrong.kind() == ErrorKind::misconfigured);
    CHECK(says(wrong, "cannot read octo/config at HEAD: the token is not valid or has expired (set another one): GET " +
                          github.api_url() + "/repos/octo/config/commits/HEAD: answered 401, \"Bad credentials\""));
    CHECK_FALSE(says(wrong, "ghp_"));

    const auto without = thrown_by([&] { repository_of(github)->checkout({}, call); });
    CHECK(without.kind() == ErrorKind::misconfigured);
    CHECK(says(without,
               "there is no repository octo/config, or no HEAD in it, or it is private and needs a token "
               "(check repository, ref and token_file): GET "));
}

TEST_CASE("[R6] a token comes from a file as well") {
    GithubDouble github({.token = "ghp_secret"});
    const TempDir directory;
    directory.write("token", "ghp_secret\n");
    const auto at = github.commit({{"services.yaml", {"x"}}});
    const auto source = repository_of(github, "token_file: " + directory.path("token").string() + "\n");
    CHECK(checkout(*source)->revision().id == at);
}

TEST_CASE("what GitHub answers decides what becomes of a cycle") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    struct Case {
        std::string line;
        GithubFault fault;
        ErrorKind kind;
        std::string fragment;
    };
    const auto unavailable = ErrorKind::unavailable;
    const auto misconfigured = ErrorKind::misconfigured;
    const std::vector<Case> cases{
        {"api commits", {.status = 401}, misconfigured, "a token is needed (set token_file): GET "},
        {"api commits", {.status = 403}, unavailable, "answered 403, \"a fault\""},
        {"api commits", {.status = 404}, misconfigured, "there is no repository octo/config, or no HEAD in it"},
        {"api commits",
         {.status = 409, .message = "Git Repository is empty."},
         unavailable,
         "\"Git Repository is empty.\""},
        {"api commits", {.status = 422}, misconfigured, "there is no repository octo/config, or no HEAD in it"},
        {"api commits", {.status = 500}, unavailable, "answered 500"},
        {"api commits", {.status = 503}, unavailable, "503"},
        {"api commits", {.status = 304}, unavailable, "answered 304"},
        {"api commits", {.status = 200, .body = R"({"sha":"x"})"}, unavailable, R"(is no commit id: '{"sha)"},
        {"api commits", {.body = "<html>"}, unavailable, "is no commit id: \"<html>\""},
        {"api commits", {.body = ""}, unavailable, "is no commit id: \"\""},
        {"api commits", {.body = std::string(40, 'g')}, unavailable, "is no commit id"},
        {"api commits", {.body = std::string(41, 'a')}, unavailable, "is no commit id"},
        {"api commits", {.drop = true}, unavailable, "GET " + github.api_url() + "/repos/octo/config/commits/HEAD: "},
        {"api commits", {.cut_after = 20}, unavailable, "cut short"},
        {"api commits", {.cut_after = 20, .framing = HttpReply::Framing::chunked}, unavailable, "cut short"},
        {"api commits", {.framing = HttpReply::Framing::until_close}, unavailable, "whole"},
        {"api tarball", {.status = 401}, misconfigured, "a token is needed"},
        {"api tarball", {.status = 404}, unavailable, "answered 404"},
        {"api tarball", {.status = 500}, unavailable, "answered 500"},
        {"codeload", {.status = 404}, unavailable, "answered 404"},
        {"codeload", {.status = 500}, unavailable, "answered 500"},
        {"codeload", {.drop = true}, unavailable, "GET "},
        {"codeload", {.cut_after = 200}, unavailable, "cut short"},
        {"codeload", {.cut_after = 200, .framing = HttpReply::Framing::length}, unavailable, "cut short"},
    };
    for (const auto& [line, fault, kind, fragment] : cases) {
        INFO(line << " " << fragment);
        const auto source = repository_of(github);
        github.set_fault(fault_at(line, fault));
        github.forget_requests();
        // Not time enough for the pauses before many attempts.
        TestCall call(400ms);
        const auto error = thrown_by([&] { source->checkout({}, call); });
        CHECK(error.kind() == kind);
        CHECK(says(error, "cannot read octo/config at HEAD: "));
        CHECK(says(error, fragment));
        CHECK_FALSE(error.retry_after());
        github.set_fault({});
        CHECK(read_one(*checkout(*source), "services.yaml").content == "x");
    }
}

TEST_CASE("a fault that passes within the call is survived") {
    GithubDouble github;
    const auto at = github.commit({{"services.yaml", {"x"}}});
    const std::string line = GENERATE("api commits", "api tarball", "codeload");
    const GithubFault fault =
        GENERATE(GithubFault{.drop = true}, GithubFault{.status = 503}, GithubFault{.cut_after = 30});
    // There is no body to cut.
    if (line == "api tarball" && fault.cut_after) return;
    github.set_fault(fault_at(line, fault, 1));
    CHECK(checkout(*repository_of(github))->revision().id == at);
}

TEST_CASE("a repository that was renamed is followed") {
    GithubDouble github;
    const auto at = github.commit({{"services.yaml", {"x"}}});
    const auto source =
        load_source("source-github", "repository: old/name\nallow_http: true\napi_url: " + github.api_url() + "\n");
    github.set_fault([&](const GithubRequest& request) -> std::optional<GithubFault> {
        const std::string old = "api /old/name";
        if (!request.line.starts_with(old)) return std::nullopt;
        return GithubFault{
            .status = 301,
            .headers = {{"Location", github.api_url() + "/repos/octo/config" + request.line.substr(old.size())}}};
    });
    CHECK(checkout(*source)->revision().id == at);
}

TEST_CASE("a rate limit is said, and GitHub is left alone until it is over") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    const auto now = std::chrono::system_clock::now();
    const auto in = [&](std::chrono::seconds time) {
        return std::to_string(std::chrono::system_clock::to_time_t(now + time));
    };
    struct Case {
        int status;
        HttpHeaders headers;
        std::string message;
        std::chrono::seconds pause;
    };
    const std::vector<Case> cases{
        {403, {{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", in(1800s)}}, "API rate limit exceeded", 1800s},
        {403, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", in(24h)}}, "API rate limit exceeded", 2h},
        {403, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", in(-100s)}}, "API rate limit exceeded", 60s},
        {403, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "soon"}}, "API rate limit exceeded", 60s},
        {403, {{"Retry-After", "90"}, {"x-ratelimit-remaining", "7"}}, "slow down", 90s},
        {403, {}, "You have exceeded a secondary rate limit. Please wait", 60s},
        {429, {{"Retry-After", "120"}}, "too many", 120s},
        {429, {{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", in(600s)}}, "too many", 600s},
        {429, {}, "too many", 60s},
    };
    for (const auto& [status, headers, message, pause] : cases) {
        INFO(status << " " << message << " " << pause.count());
        const auto source = repository_of(github);
        const auto* const line = status == 403 ? "api tarball" : "api commits";
        github.set_fault(fault_at(line, {.status = status, .message = message, .headers = headers}));
        github.forget_requests();
        TestCall call;
        const auto error = thrown_by([&] { source->checkout({}, call); });
        CHECK(github.count(line) == 1);
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, "answered " + std::to_string(status) + ", \"" + message));
        CHECK(says(error, "nothing more is asked before 20"));
        REQUIRE(error.retry_after());
        CHECK(*error.retry_after() <= pause);
        CHECK(*error.retry_after() > pause - 10s);

        github.set_fault({});
        github.forget_requests();
        for (int again = 0; again < 2; ++again) {
            TestCall later;
            const auto same = thrown_by([&] { source->checkout({}, later); });
            CHECK(std::string_view(same.what()) == error.what());
            REQUIRE(same.retry_after());
            CHECK(*same.retry_after() <= *error.retry_after());
        }
        CHECK(github.requests().empty());
    }
}

TEST_CASE("a rate limit is counted by the server's clock, not by ours") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    // 2021-06-01T12:00:00Z there, years ago here; and the same in years to come.
    const auto [date, reset] = GENERATE(std::pair("Tue, 01 Jun 2021 12:00:00 GMT", "1622549700"),
                                        std::pair("Mon, 01 Jun 2071 12:00:00 GMT", "3200386500"));
    github.set_fault(fault_at(
        "api commits", {.status = 403,
                        .message = "API rate limit exceeded",
                        .headers = {{"Date", date}, {"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", reset}}}));
    TestCall call;
    const auto error = thrown_by([&] { repository_of(github)->checkout({}, call); });
    REQUIRE(error.retry_after());
    CHECK(*error.retry_after() == 900s);
}

TEST_CASE("a server that fails and says until when is left alone so long, too") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    const bool by_site = GENERATE(false, true);
    const auto source = by_site ? site_of(github) : repository_of(github);
    github.set_fault(fault_at("", {.status = 503, .headers = {{"Retry-After", "300"}}}));
    TestCall call;
    const auto error = thrown_by([&] { source->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "answered 503, \"a fault\": it asks for patience, so nothing more is asked before 20"));
    REQUIRE(error.retry_after());
    CHECK(*error.retry_after() > 290s);
    CHECK(thrown_by([&] { source->checkout({}, call); }).retry_after());
    CHECK(github.requests().size() == 1);
}

TEST_CASE("an answer that says for certain what there is not does so with Retry-After as well") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    github.set_fault(fault_at("", {.status = 404, .headers = {{"Retry-After", "300"}}}));
    CHECK(refuses(read_one(*checkout(*site_of(github)), "services.yaml"), ErrorKind::not_found, "answered 404"));
    TestCall call;
    CHECK(thrown_by([&] { repository_of(github)->checkout({}, call); }).kind() == ErrorKind::misconfigured);
}

TEST_CASE("after a rate limit the source goes on by itself") {
    GithubDouble github;
    const auto at = github.commit({{"services.yaml", {"x"}}});
    const auto source = repository_of(github);
    github.limit(1, std::chrono::system_clock::now() + 2s);
    TestCall call;
    // The commit is told, the archive no more.
    const auto error = thrown_by([&] { source->checkout({}, call); });
    REQUIRE(error.retry_after());
    CHECK(says(error, "API rate limit exceeded"));
    const Call& waiting = call;
    REQUIRE(waiting.wait(*error.retry_after() + 10ms));
    CHECK(checkout(*source)->revision().id == at);
}

TEST_CASE("a checkout ends at once when it is stopped", "[concurrent]") {
    GithubDouble github({.latency = 20s});
    github.commit({{"services.yaml", {"x"}}});
    const bool by_site = GENERATE(false, true);
    const auto source = by_site ? site_of(github) : repository_of(github);
    TestCall call;
    const std::jthread stopper([&] {
        (void)(by_site ? github.raw() : github.api()).wait_for_requests(1);
        call.request_stop();
    });
    CHECK(thrown_by([&] { source->checkout({}, call); }).kind() == ErrorKind::cancelled);
    CHECK(static_cast<const Call&>(call).remaining() > 15s);
}

// --- any web server

TEST_CASE("a folder of a web server is read file by file") {
    GithubDouble github;
    github.commit({{"services.yaml", {"services"}}, {"units/a.service", {"a"}}, {"b.service", {"b"}}});
    const auto source = site_of(github);
    const auto now = checkout(*source);
    CHECK(github.requests().size() == 1);
    CHECK(read_one(*now, "services.yaml").content == "services");
    CHECK(github.requests().size() == 1);
    const auto files = read(*now, {"units/a.service", "c.service", "b.service", "units/a.service"});
    CHECK(files[0].content == "a");
    CHECK(refuses(files[1], ErrorKind::not_found, "GET " + github.root_uri() + "c.service: answered 404"));
    CHECK(files[2].content == "b");
    CHECK(files[3].content == "a");
    // services.yaml, three files, and once more to see that nothing changed meanwhile.
    CHECK(github.requests().size() == 1 + 3 + 4);
    // Nothing that makes a cache fetch afresh.
    for (const auto& request : github.raw().requests()) CHECK(request.target.find('?') == std::string::npos);
    CHECK(read(*now, {}).empty());
}

TEST_CASE("an idle cycle asks a web server for each file once, conditionally") {
    const bool etags = GENERATE(true, false);
    const bool times = GENERATE(true, false);
    if (!etags && !times) return;
    GithubDouble github({.etags = etags, .last_modified = times});
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}, {"b.service", {"b"}}});
    const auto source = site_of(github);
    const auto at = read_all(*source, {"a.service", "b.service"});
    github.forget_requests();
    for (int cycle = 0; cycle < 3; ++cycle) CHECK(checkout(*source, at) == nullptr);
    const auto requests = github.requests();
    CHECK(requests.size() == 9);
    for (const auto& request : requests) {
        CHECK(request.conditional);
        CHECK(request.status == 304);
    }
    // Somebody who does not know yet gets the same, at the same price.
    github.forget_requests();
    CHECK(read_all(*source, {"a.service", "b.service"}) == at);
    CHECK(github.count("raw", 304) == 3);
    CHECK(github.requests().size() == 3);
}

TEST_CASE("without validators a web server is asked for everything, and nothing has changed all the same") {
    GithubDouble github({.etags = false});
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}});
    const auto source = site_of(github);
    const auto at = read_all(*source, {"a.service"});
    github.forget_requests();
    CHECK(checkout(*source, at) == nullptr);
    CHECK(github.count("raw", 200) == 2);
}

TEST_CASE("a time within the second that a file was changed in is no proof that it did not change again") {
    GithubDouble github({.etags = false});
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}});
    std::string modified = "Tue, 06 Jan 2026 10:00:00 GMT";
    std::string date = modified;
    github.set_fault([&](const GithubRequest&) {
        return GithubFault{.headers = {{"Last-Modified", modified}, {"Date", date}}};
    });
    const auto source = site_of(github);
    const auto at = read_all(*source, {"a.service"});
    github.forget_requests();
    CHECK(checkout(*source, at) == nullptr);
    for (const auto& request : github.requests()) CHECK_FALSE(request.conditional);
    for (const auto* next : {"Tue, 06 Jan 2026 10:00:01 GMT", "Tue, 06 Jan 2026 10:00:02 GMT"}) {
        date = next;
        github.forget_requests();
        CHECK(checkout(*source, at) == nullptr);
        for (const auto& request : github.requests()) CHECK_FALSE(request.conditional);
    }
    github.forget_requests();
    CHECK(checkout(*source, at) == nullptr);
    for (const auto& request : github.requests()) CHECK(request.conditional);
}

TEST_CASE("the revision of a folder tells what was read, and nothing else") {
    GithubDouble github;
    GithubDouble other({.etags = false, .last_modified = true});
    const GithubTree tree{{"services.yaml", {"x"}}, {"a.service", {"a"}}, {"b.service", {"b"}}, {"unread", {"u"}}};
    github.commit(tree);
    other.commit(tree);
    const Locations locations{"b.service", "a.service", "none.service"};
    const auto source = site_of(github);
    const auto first = read_all(*source, locations);
    CHECK(first.id.starts_with("sha256:"));
    CHECK(first.id.size() == 7 + 64);
    CHECK(read_all(*site_of(other), {"none.service", "a.service", "b.service", "a.service"}) == first);
    github.put("unread", "v");
    CHECK(checkout(*source, first) == nullptr);

    SECTION("another content") {
        github.put("a.service", "aa");
    }
    SECTION("another services.yaml") {
        github.put("services.yaml", "y");
    }
    SECTION("a file that is gone") {
        github.remove("a.service");
    }
    SECTION("a file that has come") {
        github.put("none.service", "");
    }
    SECTION("contents that changed places") {
        github.put("a.service", "b");
        github.put("b.service", "a");
    }
    const auto second = read_all(*source, locations, first);
    CHECK(second != first);
    CHECK(checkout(*source, second) == nullptr);
    CHECK(read_all(*site_of(github), locations) == second);

    github.commit(tree);
    CHECK(checkout(*source, first) == nullptr);
}

TEST_CASE("a change of one file brings that file alone") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}, {"b.service", {"b"}}});
    const auto source = site_of(github);
    const auto at = read_all(*source, {"a.service", "b.service"});
    github.put("a.service", "aa");
    github.forget_requests();
    const auto now = checkout(*source, at);
    REQUIRE(now);
    CHECK(read_one(*now, "services.yaml").content == "x");
    const auto files = read(*now, {"a.service", "b.service"});
    CHECK(files[0].content == "aa");
    CHECK(files[1].content == "b");
    CHECK(github.count("raw", 200) == 1);
    CHECK(github.count("raw", 304) == 5);
    CHECK(now->revision() == read_all(*site_of(github), {"a.service", "b.service"}));
}

TEST_CASE("files that are wanted no more are asked for no more") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}, {"b.service", {"b"}}});
    const auto source = site_of(github);
    auto at = read_all(*source, {"a.service", "b.service"});
    github.put("services.yaml", "y");
    at = read_all(*source, {"b.service"}, at);
    github.forget_requests();
    CHECK(checkout(*source, at) == nullptr);
    CHECK(github.count("raw") == 2);
    CHECK(github.count("raw a.service") == 0);
    github.put("services.yaml", "z");
    at = read_all(*source, {}, at);
    github.forget_requests();
    CHECK(checkout(*source, at) == nullptr);
    CHECK(lines_of(github) == Locations{"raw services.yaml 304"});
}

TEST_CASE("a services.yaml that cannot be used for a while does not cost the other files") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}});
    const auto source = site_of(github);
    const auto at = read_all(*source, {"a.service"});
    github.put("services.yaml", "not valid");
    read_one(*checkout(*source, at), "services.yaml");
    github.put("services.yaml", "x");
    github.forget_requests();
    CHECK(read_all(*source, {"a.service"}, at) == at);
    CHECK(github.count("raw a.service", 200) == 0);
    CHECK(github.count("raw services.yaml", 200) == 1);
}

TEST_CASE("[R17] a set of files that changes while it is read is read again") {
    GithubDouble github;
    const GithubTree one{{"services.yaml", {"x"}}, {"a.service", {"1"}}, {"b.service", {"1"}}, {"c.service", {"1"}}};
    auto two = one;
    for (const auto* name : {"a.service", "b.service", "c.service"}) two[name].content = "2";
    const Locations locations{"a.service", "b.service", "c.service"};
    const std::string line =
        "raw " + GENERATE(as<std::string>{}, "a.service", "b.service", "c.service", "services.yaml");
    const auto nth = GENERATE(as<std::size_t>{}, 1, 2, 3);
    const bool from_memory = GENERATE(false, true);
    github.commit(one);
    const auto source = site_of(github);
    if (from_memory) {
        auto zero = one;
        for (const auto& name : locations) zero[name].content = "0";
        github.commit(zero);
        read_all(*source, locations);
        github.commit(one);
        github.forget_requests();
    }
    github.set_fault(event_at(line, nth, [&] { github.commit(two); }));
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    const auto files = read(*now, locations);
    CHECK(files[0].content == files[1].content);
    CHECK(files[0].content == files[2].content);
    CHECK(now->revision() != Revision{});
    // Changed after all that, it shows at the next checkout.
    github.set_fault({});
    github.commit(two);
    const auto next = checkout(*source, now->revision());
    CHECK((next == nullptr) == (files[0].content == "2"));
}

TEST_CASE("[R17] a services.yaml that changes while its files are read ends the cycle, and the next one is right") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}});
    const auto source = site_of(github);
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    github.put("services.yaml", "y");
    const auto error = thrown_by([&] { read(*now, {"a.service"}); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "services.yaml changed while the files were read"));

    const auto next = checkout(*source);
    CHECK(read_one(*next, "services.yaml").content == "y");
    CHECK(read_one(*next, "a.service").content == "a");
    CHECK(checkout(*source, next->revision()) == nullptr);
}

TEST_CASE("files that never stop changing end the cycle") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"0"}}});
    const auto source = site_of(github);
    int version = 0;
    github.set_fault([&](const GithubRequest& request) {
        if (request.line == "raw a.service") github.put("a.service", std::to_string(++version));
        return std::optional<GithubFault>();
    });
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    const auto error = thrown_by([&] { read(*now, {"a.service"}); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "the files keep changing while they are read"));
    CHECK(github.count("raw a.service") == 6);
    github.set_fault({});
    CHECK(read_one(*checkout(*source), "a.service").content == std::to_string(version));
}

TEST_CASE("what a web server says of one file decides what becomes of it") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}, {"b.service", {"b"}}});
    struct Case {
        GithubFault fault;
        ErrorKind kind;
        bool ends_cycle;
        std::string fragment;
    };
    const auto unavailable = ErrorKind::unavailable;
    const auto rejected = ErrorKind::rejected;
    const std::vector<Case> cases{
        {{.status = 404}, ErrorKind::not_found, false, "a.service: answered 404, \"a fault\""},
        {{.status = 410}, ErrorKind::not_found, false, "answered 410"},
        {{.status = 401}, rejected, false, "answered 401"},
        {{.status = 403}, rejected, false, "answered 403"},
        {{.status = 400}, rejected, false, "answered 400"},
        {{.status = 451}, rejected, false, "answered 451"},
        {{.status = 302, .headers = {{"Location", "ftp://example.org/"}}}, rejected, false, "redirected to"},
        {{.status = 408}, unavailable, true, "answered 408"},
        {{.status = 500}, unavailable, true, "a.service: answered 500"},
        {{.status = 503}, unavailable, true, "503"},
        {{.status = 206}, unavailable, true, "answered 206"},
        {{.status = 304}, unavailable, true, "answered 304"},
        {{.drop = true}, unavailable, true, "GET " + github.root_uri() + "a.service: "},
        {{.cut_after = 0}, unavailable, true, "cut short"},
        {{.cut_after = 0, .framing = HttpReply::Framing::chunked}, unavailable, true, "cut short"},
        {{.framing = HttpReply::Framing::until_close}, unavailable, true, "whole"},
    };
    for (const auto& [fault, kind, ends_cycle, fragment] : cases) {
        INFO(fragment);
        github.set_fault(fault_at("raw a.service", fault));
        github.forget_requests();
        const auto source = site_of(github);
        const auto now = checkout(*source);
        read_one(*now, "services.yaml");
        TestCall call(400ms);
        std::vector<File> files;
        if (ends_cycle) {
            const auto error = thrown_by([&] { read(*now, {"a.service", "b.service"}, call); });
            CHECK(error.kind() == kind);
            CHECK(says(error, fragment));
        } else {
            files = read(*now, {"a.service", "b.service"}, call);
            CHECK(refuses(files[0], kind, fragment));
            CHECK(files[1].content == "b");
        }
        github.set_fault({});
        const auto next = checkout(*source);
        read_one(*next, "services.yaml");
        CHECK(read(*next, {"a.service", "b.service"})[0].content == "a");
    }
}

TEST_CASE("what is wrong with services.yaml is said where it is read") {
    GithubDouble github;
    github.commit({{"a.service", {"a"}}});
    const auto source = site_of(github);
    const auto now = checkout(*source);
    CHECK(refuses(read_one(*now, "services.yaml"), ErrorKind::not_found, "services.yaml: answered 404"));
    CHECK(checkout(*source, now->revision()) == nullptr);
    github.put("services.yaml", "x");
    CHECK(read_one(*checkout(*source, now->revision()), "services.yaml").content == "x");

    github.set_fault(fault_at("raw", {.status = 500}));
    TestCall call;
    CHECK(thrown_by([&] { source->checkout({}, call); }).kind() == ErrorKind::unavailable);
}

TEST_CASE("a web server that wants silence gets it") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}});
    const auto source = site_of(github);
    const auto at = read_all(*source, {"a.service"});
    github.set_fault(fault_at("raw", {.status = 429, .headers = {{"Retry-After", "90"}}}));
    TestCall call(1s);
    const auto error = thrown_by([&] { source->checkout(at, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "answered 429"));
    CHECK(says(error, "nothing more is asked before 20"));
    REQUIRE(error.retry_after());
    CHECK(*error.retry_after() > 80s);
    github.set_fault({});
    github.forget_requests();
    CHECK(thrown_by([&] { source->checkout(at, call); }).retry_after());
    CHECK(github.requests().empty());
}

TEST_CASE("a web server that answers 429 is not asked for the rest of the files") {
    GithubDouble github;
    GithubTree tree{{"services.yaml", {"x"}}};
    Locations locations;
    for (int number = 0; number < 200; ++number) {
        locations.push_back(std::to_string(number) + ".service");
        tree[locations.back()] = {"x"};
    }
    github.commit(tree);
    const auto source = site_of(github);
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    github.forget_requests();
    // Also where something else is wrong with the first one.
    const bool one_fails = GENERATE(false, true);
    github.set_fault([&](const GithubRequest& request) {
        if (one_fails && request.line == "raw 0.service") return GithubFault{.status = 500};
        return GithubFault{.status = 429};
    });
    const auto error = thrown_by([&] { read(*now, locations); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "answered 429, \"a fault\": too much was asked, so nothing more is asked before 20"));
    REQUIRE(error.retry_after());
    CHECK(*error.retry_after() == 60s);
    // As many as go side by side, and one in the place of the one that failed.
    CHECK(github.requests().size() <= (one_fails ? 17U : 16U));
    github.set_fault({});
    github.forget_requests();
    TestCall call;
    CHECK(thrown_by([&] { source->checkout({}, call); }).retry_after());
    CHECK(github.requests().empty());
}

TEST_CASE("names are percent-encoded in urls, and all files are asked for side by side") {
    GithubDouble github({.latency = 50ms});
    GithubTree tree{{"services.yaml", {"x"}}, {"units/größe @.service?x#y%20", {"odd"}}};
    Locations locations{"units/größe @.service?x#y%20"};
    for (int number = 0; number < 15; ++number) {
        locations.push_back(std::to_string(number));
        tree[locations.back()] = {"n"};
    }
    github.commit(tree);
    const auto source = site_of(github);
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    CHECK(read(*now, locations)[0].content == "odd");
    CHECK(github.raw().most_at_once() >= 8);
    const auto requests = github.raw().requests();
    CHECK(std::any_of(requests.begin(), requests.end(), [](const auto& request) {
        return request.target == "/octo/config/main/units/gr%C3%B6%C3%9Fe%20%40.service%3Fx%23y%2520";
    }));
}

TEST_CASE("a missing slash at the end of a root is added") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    auto root = github.root_uri();
    root.pop_back();
    CHECK(read_one(*checkout(*load_source("source-github", "allow_http: true\nroot_uri: " + root + "\n")),
                   "services.yaml")
              .content == "x");
}

// --- files elsewhere

TEST_CASE("absolute uris are fetched, each with its own memory") {
    GithubDouble github;
    GithubDouble elsewhere;
    github.commit({{"services.yaml", {"x"}}});
    elsewhere.commit({{"a.service", {"a"}}, {"b.service", {"b"}}});
    const auto uri = [&](const std::string& name) { return elsewhere.root_uri() + name; };
    const bool by_site = GENERATE(false, true);
    const auto source = by_site ? site_of(github) : repository_of(github);
    const Locations locations{uri("a.service"), "none", uri("none"), uri("b.service") + "?v=1", uri("a.service")};
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    const auto files = read(*now, locations);
    CHECK(files[0].content == "a");
    CHECK(files[1].error->kind() == ErrorKind::not_found);
    CHECK(refuses(files[2], ErrorKind::not_found, "GET " + uri("none") + ": answered 404"));
    CHECK(files[3].content == "b");
    CHECK(files[4].content == "a");
    CHECK(elsewhere.count("raw", 200) == 2);

    elsewhere.put("a.service", "aa");
    elsewhere.forget_requests();
    const auto next = checkout(*source);
    read_one(*next, "services.yaml");
    CHECK(read(*next, locations)[0].content == "aa");
    CHECK(elsewhere.count("raw a.service", 200) == 1);
    CHECK(elsewhere.count("raw b.service", 304) == 1);
    // A commit's name says nothing of what others serve; a folder's revision is of all that was read.
    CHECK((next->revision() == now->revision()) == !by_site);
    if (by_site) CHECK(checkout(*source, next->revision()) == nullptr);
}

TEST_CASE("what is wrong with a server elsewhere concerns its files alone") {
    GithubDouble github;
    GithubDouble elsewhere;
    github.commit({{"services.yaml", {"x"}}, {"b.service", {"b"}}});
    elsewhere.commit({{"a.service", {"a"}}});
    const auto away = elsewhere.root_uri() + "a.service";
    const bool by_site = GENERATE(false, true);
    struct Case {
        GithubFault fault;
        ErrorKind kind;
    };
    const auto [fault, kind] = GENERATE(values<Case>({{{.drop = true}, ErrorKind::unavailable},
                                                      {{.status = 500}, ErrorKind::unavailable},
                                                      {{.cut_after = 0}, ErrorKind::unavailable},
                                                      {{.status = 429}, ErrorKind::unavailable},
                                                      {{.delay = 60s}, ErrorKind::unavailable},
                                                      {{.status = 404}, ErrorKind::not_found},
                                                      {{.status = 401}, ErrorKind::unavailable},
                                                      {{.status = 403}, ErrorKind::unavailable}}));
    elsewhere.set_fault(fault_at("raw", fault));
    const auto source = by_site ? site_of(github) : repository_of(github);
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    TestCall call(3s);
    const auto files = read(*now, {away, "b.service"}, call);
    REQUIRE(files[0].error);
    CHECK(files[0].error->kind() == kind);
    CHECK(files[1].content == "b");
    // And nobody waited for long.
    CHECK(static_cast<const Call&>(call).remaining() > 1s);
    elsewhere.set_fault({});
    const auto next = checkout(*source);
    read_one(*next, "services.yaml");
    CHECK(read(*next, {away, "b.service"})[0].content == "a");
}

TEST_CASE("[R17] a service whose file elsewhere is refused is held until it is given, at the same commit") {
    GithubDouble github;
    GithubDouble elsewhere;
    elsewhere.commit({{"a.service", {"[Service]\nExecStart=/bin/a\n"}}});
    github.commit(
        {{"services.yaml", {"services:\n- name: a.service\n  uri: " + elsewhere.root_uri() + "a.service\n"}}});
    const auto source = repository_of(github);
    const auto fault = GENERATE(GithubFault{.status = 403}, GithubFault{.status = 401}, GithubFault{.status = 404},
                                GithubFault{.status = 451}, GithubFault{.body = std::string((16U << 20U) + 1, 'x')});
    elsewhere.set_fault(fault_at("raw", fault));
    TestCall call;
    const auto refused = read_wanted(*checkout(*source), call);
    REQUIRE(refused.held.size() == 1);
    CHECK(refused.held.front().passing);
    CHECK(refused.units.empty());
    elsewhere.set_fault({});
    const auto given = read_wanted(*checkout(*source), call);
    CHECK(given.held.empty());
    CHECK(given.units.size() == 1);
    CHECK(given.revision == refused.revision);
    CHECK(github.count("codeload") == 1);

    // What we would not ask for does not change.
    const auto strict = repository_of(github, "allowed_hosts: ['" + github.codeload().url("").substr(7) + "']\n");
    const auto held = read_wanted(*checkout(*strict), call).held;
    REQUIRE(held.size() == 1);
    CHECK_FALSE(held.front().passing);
}

TEST_CASE("allowed hosts limit absolute uris and redirects, but not the source itself") {
    GithubDouble github;
    GithubDouble elsewhere;
    github.commit({{"services.yaml", {"x"}}, {"here.service", {"h"}}});
    elsewhere.commit({{"a.service", {"a"}}});
    const auto host = elsewhere.root_uri().substr(7, elsewhere.root_uri().find('/', 7) - 7);
    const auto away = elsewhere.root_uri() + "a.service";
    const auto home = github.root_uri() + "here.service";

    const auto source = site_of(github, "allowed_hosts: ['" + host + "']\n");
    auto now = checkout(*source);
    CHECK(read_one(*now, "services.yaml").content == "x");
    auto files = read(*now, {"here.service", away, home});
    CHECK(files[0].content == "h");
    CHECK(files[1].content == "a");
    CHECK(refuses(files[2], ErrorKind::rejected, "not one of the allowed hosts"));

    github.set_fault(fault_at("raw here", {.status = 302, .headers = {{"Location", "http://127.0.0.2:9/x"}}}));
    now = checkout(*source);
    read_one(*now, "services.yaml");
    CHECK(refuses(read_one(*now, "here.service"), ErrorKind::rejected, "not one of the allowed hosts"));

    // Where an API sends one for its archives has to be allowed, too; of GitHub's own that is known.
    TestCall call;
    const auto error = thrown_by([&] { repository_of(github, "allowed_hosts: [example.org]\n")->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "not one of the allowed hosts"));
    const auto codeload = github.codeload().url("").substr(7);
    CHECK(checkout(*repository_of(github, "allowed_hosts: ['" + codeload + "']\n")) != nullptr);
}

TEST_CASE("without allow_http nothing is asked for by http") {
    const TlsFiles tls;
    const TempDir files;
    files.write("root/services.yaml", "x");
    GithubDouble elsewhere;
    elsewhere.commit({{"a.service", {"a"}}});
    const Nginx nginx(tls, "root " + files.path("root").string() + ";");
    const auto source =
        load_source("source-github", "root_uri: " + nginx.url() + "\nca_file: " + tls.ca().string() + "\n");
    const auto now = checkout(*source);
    CHECK(read_one(*now, "services.yaml").content == "x");
    CHECK(refuses(read_one(*now, elsewhere.root_uri() + "a.service"), ErrorKind::rejected, "http is not allowed"));
    CHECK(elsewhere.requests().empty());
}

// --- real parts

TEST_CASE("a real web server with TLS is read, directly and through a SOCKS proxy") {
    const TlsFiles tls;
    const TempDir files;
    std::map<std::string, std::string> contents{{"services.yaml", "services"}};
    Locations locations;
    for (int number = 0; number < 100; ++number) {
        locations.push_back("units/ä b@" + std::to_string(number) + ".service");
        contents[locations.back()] = std::string(static_cast<std::size_t>(number) * 100, 'x');
    }
    for (const auto& [name, content] : contents) {
        fs::last_write_time(files.write("root/" + name, content), fs::file_time_type::clock::now() - 1h);
    }
    const Nginx nginx(tls, "root " + files.path("root").string() + ";");
    const SocksProxy proxy;
    const bool by_proxy = GENERATE(false, true);
    const auto source = load_source("source-github", "root_uri: " + nginx.url() + "\nca_file: " + tls.ca().string() +
                                                         (by_proxy ? "\nsocks_proxy: " + proxy.address() : "") + "\n");
    const auto now = checkout(*source);
    CHECK(read_one(*now, "services.yaml").content == "services");
    const auto read_files = read(*now, locations);
    for (std::size_t index = 0; index < locations.size(); ++index) {
        REQUIRE_FALSE(read_files[index].error);
        REQUIRE(read_files[index].content == contents[locations[index]]);
    }
    const auto before = 1 + 2 * locations.size() + 1;
    REQUIRE(nginx.wait_until_served(before));
    CHECK(checkout(*source, now->revision()) == nullptr);
    REQUIRE(nginx.wait_until_served(before + locations.size() + 1));
    const auto served = nginx.served();
    CHECK(std::all_of(served.begin() + static_cast<std::ptrdiff_t>(before), served.end(),
                      [](const auto& one) { return one.status == "304"; }));
    CHECK(proxy.has_connected_to("localhost:" + std::to_string(nginx.port())) == by_proxy);

    files.write("root/" + locations[7], "changed");
    const auto next = checkout(*source, now->revision());
    REQUIRE(next);
    read_one(*next, "services.yaml");
    CHECK(read(*next, locations)[7].content == "changed");
}

TEST_CASE("a file of a real web server that changes twice within a second, to the same length, is seen") {
    const TlsFiles tls;
    const TempDir files;
    // A little ahead, as clocks are, so that it does not matter how fast this goes.
    const auto time = fs::file_time_type::clock::now() + 10s;
    const auto write = [&](const std::string& content) {
        fs::last_write_time(files.write("root/a.service", content), time);
    };
    files.write("root/services.yaml", "x");
    write("1");
    const Nginx nginx(tls, "root " + files.path("root").string() + ";");
    const auto source =
        load_source("source-github", "root_uri: " + nginx.url() + "\nca_file: " + tls.ca().string() + "\n");
    const auto first = read_all(*source, {"a.service"});
    CHECK(checkout(*source, first) == nullptr);
    write("2");
    const auto now = checkout(*source, first);
    REQUIRE(now);
    read_one(*now, "services.yaml");
    CHECK(read_one(*now, "a.service").content == "2");
}

TEST_CASE("an archive that git itself makes is read as its work tree is") {
    constexpr auto program = "/usr/bin/git";
    if (!fs::exists(program)) {
        WARN("skipped: there is no " << program);
        return;
    }
    const GithubTree tree{
        {"services.yaml", {"services: []\n"}},
        {"empty", {""}},
        {"units/a.service", {"a\n"}},
        {"units/" + std::string(90, 'd') + "/" + std::string(90, 'e'), {"long"}},
        {"units/" + std::string(160, 'd') + "/ü", {"too long for the format's own fields"}},
        {"ü \xff@.service", {"bytes"}},
        {"link", {"units/a.service", true}},
        {"long-link", {"units/" + std::string(160, 'd') + "/ü", true}},
    };
    const TempDir directory;
    write_tree(directory, tree);
    const auto run = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(),
                         {"-C", directory.path().string(), "-c", "user.name=a", "-c", "user.email=a@b"});
        Program git(arguments, program);
        if (git.wait() != 0) throw std::runtime_error(git.err());
        return git.out();
    };
    run({"init", "--quiet"});
    run({"add", "."});
    run({"commit", "--quiet", "--message", "x"});
    const auto id = run({"rev-parse", "HEAD"}).substr(0, 40);
    const auto archive = run({"archive", "--format=tar.gz", "--prefix=octo-config-1234567/", "HEAD"});

    GithubDouble github;
    github.set_fault([&](const GithubRequest& request) -> std::optional<GithubFault> {
        if (request.line.starts_with("api commits")) return GithubFault{.status = 200, .body = id};
        return GithubFault{.status = 200, .body = archive};
    });
    Locations locations;
    for (const auto& entry : tree) locations.push_back(entry.first);
    const auto repository = repository_of(github);
    const auto from_repository = checkout(*repository);
    CHECK(from_repository->revision().id == id);
    const auto files = directory_source(directory.path());
    CHECK(outcomes(locations, read(*from_repository, locations)) ==
          outcomes(locations, read(*checkout(*files), locations)));
}

TEST_CASE("a web server whose certificate nobody trusts is out of reach") {
    const TlsFiles tls;
    const Nginx nginx(tls, "return 200 x;");
    const auto source = load_source("source-github", "root_uri: " + nginx.url() + "\n");
    TestCall call;
    const auto error = thrown_by([&] { source->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "not trusted"));
}

TEST_CASE("production data is the same from a directory, a repository and a web server") {
    const auto root = find_shared("up-service-files");
    if (!root) return;
    GithubTree tree;
    Locations locations;
    for (const auto& entry : fs::recursive_directory_iterator(*root)) {
        const auto name = entry.path().lexically_relative(*root).string();
        if (!entry.is_regular_file() || name.starts_with('.')) continue;
        std::ifstream in(entry.path(), std::ios::binary);
        tree[name] = {std::string(std::istreambuf_iterator<char>(in), {})};
        if (name != "services.yaml") locations.push_back(name);
    }
    GithubDouble github;
    github.commit(tree);
    const auto files = directory_source(*root);
    const auto from_directory = checkout(*files);
    const auto expected = outcomes(locations, read(*from_directory, locations));
    const auto repository = repository_of(github);
    const auto site = site_of(github);
    for (const auto& source : {repository, site}) {
        github.forget_requests();
        const auto now = checkout(*source);
        CHECK(read_one(*now, "services.yaml").content == tree["services.yaml"].content);
        CHECK(outcomes(locations, read(*now, locations)) == expected);
        const auto to_read = github.requests().size();
        CHECK(to_read == (source == repository ? 3 : 2 * tree.size()));
        CHECK(checkout(*source, now->revision()) == nullptr);
        CHECK(github.requests().size() - to_read == (source == repository ? 1 : tree.size()));
    }
}

// --- settings

TEST_CASE("[R6] source-github refuses settings that it cannot use") {
    const std::string repository = "repository: octo/config\n";
    const std::string site = "root_uri: https://example.org/x/\n";
    struct Case {
        std::string yaml;
        std::string fragment;
    };
    const std::vector<Case> cases{
        {"allow_http: true\n", "test.yaml:1: needs repository (of GitHub) or root_uri (of any web server)"},
        {repository + site, "test.yaml:2: root_uri: does not go with repository"},
        {site + "ref: main\n", "test.yaml:2: ref: goes with repository, not with root_uri"},
        {site + "path: x\n", "path: goes with repository"},
        {site + "token: x\n", "token: goes with repository"},
        {site + "token_file: x\n", "token_file: goes with repository"},
        {site + "api_url: https://example.org\n", "api_url: goes with repository"},
        {"repository: https://github.com/octo/config\n",
         "repository: \"https://github.com/octo/config\" is not the owner"},
        {"repository: octo\n", "is not the owner and name"},
        {"repository: octo/config/\n", "is not the owner and name"},
        {"repository: octo/../config\n", "is not the owner and name"},
        {"repository: octo/..\n", "is not the owner and name"},
        {"repository: octo/con fig\n", "is not the owner and name"},
        {"repository: octo/con?fig\n", "is not the owner and name"},
        {"repository: ''\n", "is not the owner and name"},
        {repository + "ref: ''\n", "test.yaml:2: ref: \"\" is no branch, tag or commit"},
        {repository + "ref: ../../x\n", "is no branch, tag or commit"},
        {repository + "ref: a b\n", "is no branch, tag or commit"},
        {repository + "ref: a//b\n", "is no branch, tag or commit"},
        {repository + "ref: a/\n", "is no branch, tag or commit"},
        {repository + "ref: HEAD~1\n", "is no branch, tag or commit"},
        {repository + "ref: \"a\\nb\"\n", "is no branch, tag or commit"},
        {repository + "path: a/../b\n", "test.yaml:2: path: may not leave the repository"},
        {repository + "api_url: api.github.com\n", "api_url: has to begin with https:// or http://"},
        {repository + "api_url: http://example.org\n", "api_url: is not https: set allow_http: true"},
        {repository + "api_url: https://\n", "api_url: is not a url"},
        {repository + "api_url: https://example.org/?x\n", "api_url: may not have a query"},
        {repository + "api_url: https://user:secret@example.org/\n",
         "api_url: may not have a user or a password in it"},
        {"root_uri: http://example.org/\n", "root_uri: is not https: set allow_http: true"},
        {"root_uri: ftp://example.org/\n", "root_uri: has to begin with https:// or http://"},
        {"root_uri: https://example.org/?token=secret\n", "root_uri: may not have a query"},
        {"root_uri: https://user:secret@example.org/\n", "root_uri: may not have a user or a password in it"},
        {"root_uri: \"https://example.org/a b\"\n", "root_uri: is not a url"},
        {repository + "token: 'secret token'\n", "test.yaml:2: token: holds white space or control characters"},
        {repository + "token: ''\n", "token"},
        {repository + "token_file: /does/not/exist\n", "token_file"},
        {site + "socks_proxy: localhost\n", "socks_proxy: must be host:port"},
        {site + "socks_proxy: http://localhost:1\n", "socks_proxy: must be host:port"},
        {site + "socks_proxy: localhost:0\n", "socks_proxy: must be host:port"},
        {site + "allowed_hosts: []\n", "allowed_hosts: names no host; leave it out to allow any"},
        {site + "allowed_hosts: [https://example.org]\n", "allowed_hosts: \"https://example.org\" is neither a host"},
        {site + "allowed_hosts: ['*.example.org']\n", "is neither a host nor host:port"},
        {site + "connect_timeout: 0\n", "connect_timeout: has to be longer than 0"},
        {site + "allow_http: maybe\n", "allow_http"},
        {site + "root: x\n", "root"},
    };
    for (const auto& [yaml, fragment] : cases) {
        INFO(yaml);
        const auto error = thrown_by([&, &text = yaml] { load_source("source-github", text); });
        CHECK(error.kind() == ErrorKind::misconfigured);
        CHECK(says(error, fragment));
        CHECK_FALSE(says(error, "secret"));
    }
    const std::string all =
        "allow_http: true\nallowed_hosts: [example.org, 'example.org:8080']\nsocks_proxy: localhost:1080\n"
        "ca_file: ca.pem\nconnect_timeout: 3s\n";
    CHECK(load_source("source-github", all + site) != nullptr);
    CHECK(
        load_source("source-github", all + repository + "ref: a/b\npath: c/d\ntoken: t\napi_url: http://x/api/v3/\n"));
}
