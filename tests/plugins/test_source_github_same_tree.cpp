#include "support/github_source.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace deployer;
using namespace deployer::github_source;

namespace {

/// Files and links of every kind that a tree may hold.
GithubTree odd_tree() {
    using std::string_literals::operator""s;
    return {
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
}

/// Locations of files, locations that lead nowhere, and locations that must not be read.
Locations odd_locations() {
    return {"",
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
}

/// The locations that a web server answers as a directory does, although it knows neither links nor directories.
Locations plain_locations(const Locations& locations, const GithubTree& tree) {
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
    return plain;
}

}  // namespace

TEST_CASE("the same tree gives the same from a directory and from a repository") {
    const auto tree = odd_tree();
    auto locations = odd_locations();
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

    const auto plain = plain_locations(locations, tree);
    GithubDouble site;
    site.commit(tree);
    const auto site_source = site_of(site);
    const auto from_site = checkout(*site_source);
    CHECK(outcomes(plain, read(*from_site, plain)) == outcomes(plain, read(*from_directory, plain)));
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
