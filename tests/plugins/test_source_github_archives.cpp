#include "support/github_source.hpp"

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace deployer;
using namespace deployer::github_source;

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
    // Truncated tar files in intact gzip files, as when the program that writes the tar file dies.
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
            // A new source for each archive, because a source does not download a commit twice.
            const auto source = repository_of(github);
            const auto now = checkout(*source);
            REQUIRE(outcomes(locations, read(*now, locations)) == expected);
        } catch (const Error& error) {
            REQUIRE(error.kind() == ErrorKind::unavailable);
            ++errors;
        }
    }
    // A few bits have no effect: the time in the gzip header, and codes that are not used.
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
