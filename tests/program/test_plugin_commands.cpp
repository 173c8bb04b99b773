#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/installation.hpp"
#include "support/program.hpp"
#include "support/temp_dir.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace fs = std::filesystem;
using namespace deployer;

namespace {

bool has_other_compiler() {
    return std::system("command -v clang++ >/dev/null 2>&1") == 0;
}

struct Ended {
    int status;
    std::string out;
    std::string err;
};

/// Runs the program with `directory` as its working directory.
Ended run_in(const fs::path& directory, const fs::path& program, const std::vector<std::string>& arguments) {
    std::vector<std::string> words{"-c", R"(cd "$0" && exec "$@")", directory.string(), program.string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    Program ended(words, "/bin/sh");
    const int status = ended.wait();
    return {status, ended.out(), ended.err()};
}

Ended run(const std::vector<std::string>& arguments) {
    Program program(arguments);
    const int status = program.wait();
    return {status, program.out(), program.err()};
}

/// Whether any file below the directory contains the text.
bool mention(const fs::path& directory, const std::string& text) {
    return std::system(("grep -rqF '" + text + "' '" + directory.string() + "'").c_str()) == 0;
}

/// Makes a new plugin without the source tree, and checks that the installed program loads it.
void check_new_plugin(const Installation& installed, const std::string& name, const std::string& compiler) {
    const auto& dir = installed.dir();
    const auto written = run_in(dir.path(), installed.program(), {"plugin", "new", name});
    INFO(name << written.err);
    REQUIRE(written.status == 0);
    CHECK(holds(written.out, "cmake -S . -B build -DCMAKE_PREFIX_PATH=" + installed.prefix().string() + "\n"));
    const auto project = dir.path(name);
    CHECK(holds(dir.read(name + "/README.md"), "# " + name));
    installed.build(project, compiler);
    const auto checked = run_in_shell("ctest --test-dir " + in_quotes(project / "build") + " --output-on-failure");
    CHECK(holds(checked, "100% tests passed, 0 tests failed out of 1"));
    installed.install(project);
    const auto listed = run_in(dir.path(), installed.program(), {"plugins"});
    CHECK(listed.status == 0);
    CHECK(holds(listed.out, (installed.plugins() / (name + ".so")).string()));
    CHECK_FALSE(mention(project, DEPLOYER_SOURCE_DIR));
    CHECK_FALSE(mention(project, "irectory-"));
    const auto shown = run_in(project, installed.program(), {"plugin", "show", name, "--settings", "conformance.yaml"});
    CHECK(holds(shown.out, "path"));
    const auto table = run_in(project, installed.program(),
                              {"plugin", "show", name, "--settings", "conformance.yaml", "--output", "markdown"});
    CHECK(holds(dir.read(name + "/README.md"), table.out));
}

fs::path write_mock_settings(const TempDir& dir, const std::string& more = "") {
    return dir.write("suite.yaml", "settings: {state_file: \"{tmp}/cluster.json\"" + more + "}\n");
}

}  // namespace

TEST_CASE("plugin new begins a target that builds, passes the suite and loads, with another compiler as well",
          "[R1][R2][R3][builds]") {
    const Installation installed;
    check_new_plugin(installed, "target-foo", DEPLOYER_TEST_COMPILER);
    if (!has_other_compiler()) {
        WARN("skipped: there is no clang++, so no plugin was built with another compiler");
        return;
    }
    check_new_plugin(installed, "target-foo-2-bar", "clang++");
    CHECK(holds(installed.dir().read("target-foo-2-bar/target_foo_2_bar.cpp"), "class Foo2BarTarget"));
}

TEST_CASE("plugin new begins a source, a cache and a health plugin that build, pass the suite and load",
          "[R1][R2][R3][builds]") {
    const Installation installed;
    for (const std::string kind : {"source", "cache", "health"}) {
        check_new_plugin(installed, kind + "-foo", DEPLOYER_TEST_COMPILER);
    }
}

TEST_CASE("a test of Catch2 runs the suite from the installed library") {
    const Installation installed;
    const auto& dir = installed.dir();
    REQUIRE(run_in(dir.path(), installed.program(), {"plugin", "new", "target-foo"}).status == 0);
    dir.write("target-foo/CMakeLists.txt",
              dir.read("target-foo/CMakeLists.txt") +
                  "find_package(Catch2 REQUIRED)\n"
                  "add_executable(foo_test test.cpp)\n"
                  "target_link_libraries(foo_test CocoDeployer::conformance Catch2::Catch2)\n"
                  "target_compile_definitions(foo_test PRIVATE "
                  "FOO=\"$<TARGET_FILE:target-foo>\" "
                  "SETTINGS=\"${CMAKE_SOURCE_DIR}/conformance.yaml\")\n"
                  "target_link_options(foo_test PRIVATE " DEPLOYER_TEST_LINK_OPTION ")\n");
    dir.write("target-foo/test.cpp",
              "#if __has_include(<catch2/catch_test_macros.hpp>)\n#include <catch2/catch_session.hpp>\n"
              "#else\n#define CATCH_CONFIG_RUNNER\n#endif\n"
              "#include <deployer/conformance_catch2.hpp>\n"
              "TEST_CASE(\"it keeps the contract\") { deployer::require_conformance(FOO, SETTINGS); }\n"
              "int main(int argc, char* argv[]) { return Catch::Session().run(argc, argv); }\n");
    installed.build(dir.path("target-foo"));
    const auto said = run_in_shell(in_quotes(dir.path("target-foo/build/foo_test")));
    INFO(said);
    CHECK(holds(said, "All tests passed ("));
}

TEST_CASE("plugin new refuses names that are none, and what is there already") {
    const TempDir dir;
    const auto refusal = [&](const std::string& name) {
        const auto ended = run_in(dir.path(), DEPLOYER_TEST_PROGRAM, {"plugin", "new", name});
        CHECK(ended.status == 1);
        return ended.err;
    };
    for (const std::string name :
         {"foo", "targets-foo", "target-", "target-Foo", "target-1", "target-a--b", "../target-x"}) {
        CHECK(holds(refusal(name), "is no plugin name: a name is source, target, cache or health, a dash, and a word"));
    }
    CHECK(holds(refusal("target-mock"), "there is a plugin target-mock already"));
    dir.write("target-foo/README.md", "mine");
    CHECK(holds(refusal("target-foo"), "target-foo exists already"));
    CHECK(dir.read("target-foo/README.md") == "mine");
}

TEST_CASE("plugin check prints a line a check, as text, TAP or JUnit's XML, and fails where one does") {
    const TempDir dir;
    const auto settings = write_mock_settings(dir).string();
    const auto text = run({"plugin", "check", "target-mock", "--settings", settings});
    INFO(text.out << text.err);
    CHECK(text.status == 0);
    CHECK(holds(text.out, "ok       a launched unit becomes ready\n"));
    CHECK(holds(text.out, " 0 failed, "));
    const auto tap = run({"plugin", "check", "target-mock", "--settings", settings, "--output", "tap"});
    CHECK(tap.status == 0);
    CHECK(tap.out.starts_with("TAP version 13\n1.."));
    CHECK(holds(tap.out, "\nok 1 - it is a plugin that this program loads\n"));
    const auto junit = run({"plugin", "check", "target-mock", "--settings", settings, "--output", "junit"});
    CHECK(junit.status == 0);
    CHECK(holds(junit.out, "<testsuite name=\"target-mock\""));
    const auto bad = write_mock_settings(dir, ", refuse: [\"*\"]").string();
    const auto failing = run({"plugin", "check", "target-mock", "--settings", bad});
    CHECK(failing.status == 1);
    CHECK(holds(failing.out, "FAILED   a launched unit becomes ready: "));
}

TEST_CASE("plugin check leaves nothing behind when it is stopped") {
    const TempDir dir;
    const auto settings = dir.write("suite.yaml",
                                    "settings: {state_file: \"{tmp}/cluster.json\", latency: 10s}\n"
                                    "prepare: pwd >" +
                                        dir.path("where").string() + "\n");
    Program program({"plugin", "check", "target-mock", "--settings", settings.string()});
    REQUIRE(eventually([&] { return holds(program.out(), "a hundred instances"); }));
    program.send(SIGTERM);
    CHECK(program.wait() == 1);
    CHECK(holds(program.err(), "stopped before all checks were made; of a target, units named conformance-"));
    CHECK(holds(program.out(), " passed, 0 failed, "));
    auto workplace = dir.read("where");
    workplace.pop_back();
    CHECK_FALSE(fs::exists(workplace));
}

TEST_CASE("commands of prepare end with the run, also those that were left running") {
    const TempDir dir;
    const auto commands = "sleep 1000 & echo $! >" + dir.path("left").string() + "\n";
    const auto ended =
        run({"plugin", "check", "target-mock", "--settings",
             dir.write("suite.yaml", "settings: {state_file: \"{tmp}/cluster.json\"}\nprepare: " + commands).string()});
    CHECK(ended.status == 0);
    const auto left = std::stoi(dir.read("left"));
    CHECK(eventually([&] { return ::kill(left, 0) != 0; }));
    Program stopped(
        {"plugin", "check", "target-mock", "--settings",
         dir.write("suite.yaml", "settings: {}\nprepare: echo >" + dir.path("begun").string() + "; sleep 1000\n")
             .string()});
    REQUIRE(eventually([&] { return dir.exists("begun"); }));
    stopped.send(SIGTERM);
    CHECK(stopped.wait() == 1);
    CHECK(holds(stopped.err(), "stopped before the commands of prepare had ended"));
}

TEST_CASE("the commands for plugins say what is missing") {
    const auto said = [](const std::vector<std::string>& arguments) {
        const auto ended = run(arguments);
        CHECK(ended.status == 64);
        return ended.err;
    };
    CHECK(holds(said({"plugin"}), "plugin needs one of new, check, show"));
    CHECK(holds(said({"plugin", "chek"}), "did you mean 'plugin check'?"));
    CHECK(holds(said({"plugin", "new"}), "plugin new needs a name, such as target-foo"));
    CHECK(holds(said({"plugin", "check", "--settings", "x"}), "plugin check needs a plugin: a file, or a name"));
    CHECK(holds(said({"plugin", "check", "target-mock"}), "plugin check needs --settings FILE"));
    CHECK(
        holds(said({"plugin", "check", "x", "--settings", "y", "--output", "json"}), "text, tap or junit, not 'json'"));
    const TempDir dir;
    const auto gone = run({"plugin", "check", "target-gone", "--settings", write_mock_settings(dir).string()});
    CHECK(gone.status == 1);
    CHECK(holds(gone.out, "FAILED   it is a plugin that this program loads: "));
    CHECK(holds(gone.out, "there is no such file"));
    const auto no_file = run({"plugin", "show", "target-mock", "--settings", dir.path("gone.yaml").string()});
    CHECK(no_file.status == 1);
    CHECK(holds(no_file.err,
                "cannot read the settings " + dir.path("gone.yaml").string() + ": No such file or directory"));
}
