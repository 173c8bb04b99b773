#include "host/plugin_host.hpp"
#include "support/catch.hpp"
#include "support/installation.hpp"
#include "support/loaded_plugin.hpp"
#include "support/program.hpp"
#include "support/settings_section.hpp"
#include "support/temp_dir.hpp"
#include "support/thrown_error.hpp"

#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace fs = std::filesystem;

namespace deployer {
namespace {

fs::path example_folder(const std::string& name) {
    return fs::path(DEPLOYER_SOURCE_DIR) / "examples" / name;
}

/// An example built from a copy against an installation, so that it cannot use anything of the source tree.
class InstalledExample : public Installation {
public:
    explicit InstalledExample(const std::string& name) {
        fs::copy(example_folder(name), dir().path("example"), fs::copy_options::recursive);
        build(dir().path("example"));
        install(dir().path("example"));
    }
};

void check_units(Target& target, const std::vector<Unit>& units) {
    TestCall call;
    const auto listed = target.list(call);
    REQUIRE(listed.size() == units.size());
    for (std::size_t i = 0; i < units.size(); ++i) CHECK(listed[i].unit == units[i]);
}

void check_life_of_a_unit(Target& target) {
    TestCall call;
    Unit unit{
        "foo@1.service", {{"Service", "ExecStart", "/bin/true"}, {"X-Fleet", "Global", "true"}}, DesiredState::loaded};
    check_units(target, {});
    CHECK(target.status(unit, call).readiness == Readiness::absent);
    target.apply(unit, call);
    target.apply(unit, call);
    check_units(target, {unit});
    CHECK(target.status(unit, call).readiness == Readiness::ready);
    target.set_desired_state(unit.name, DesiredState::launched, call);
    CHECK(target.status(unit, call).readiness == Readiness::waiting);
    unit.desired_state = DesiredState::launched;
    check_units(target, {unit});
    target.destroy(unit.name, call);
    target.destroy(unit.name, call);
    check_units(target, {});
}

std::vector<File> read(Checkout& checkout, const std::vector<FileRequest>& requests) {
    TestCall call;
    return checkout.read(requests, call);
}

/// Checks that the file has an error of this kind.
void check_file_error(Checkout& checkout, const std::string& location, ErrorKind kind) {
    const auto file = read(checkout, {{location}}).front();
    INFO(location);
    REQUIRE(file.error.has_value());
    CHECK(file.error->kind() == kind);
}

/// Makes a change during wait_for_change(), and checks that the change ends the wait.
template <class Change>
void check_wait_sees(Source& source, const Change& change) {
    TestCall call(std::chrono::seconds(60));
    const auto begin = std::chrono::steady_clock::now();
    std::thread waiting([&] { source.wait_for_change(call); });
    change();
    waiting.join();
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(50));
}

bool has_children() {
    return ::waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD;
}

void write_check(const TempDir& dir, const std::string& service, const std::string& script) {
    fs::permissions(dir.write("checks/" + service, "#!/bin/sh\n" + script), fs::perms(0755));
}

/// Runs the installed program to its end.
std::string run_installed(const Installation& installed, const std::vector<std::string>& arguments) {
    Program program(arguments, installed.program().string());
    const int status = program.wait();
    INFO(program.err());
    REQUIRE(status == 0);
    return program.out();
}

void check_installed_program(const Installation& installed) {
    const auto& dir = installed.dir();
    const auto listed = run_installed(installed, {"plugins"});
    INFO(listed);
    CHECK(listed.find("target-directory") != std::string::npos);
    CHECK(listed.find((installed.plugins() / "target-directory.so").string()) != std::string::npos);

    dir.write("source/services.yaml", "services:\n  - {name: foo@.service, count: 2}\n");
    dir.write("source/foo@.service", "[Service]\nExecStart=/bin/true\n");
    const auto config = dir.write("config.yaml",
                                  "source: {plugin: source-file, path: source, settle: 20ms}\n"
                                  "target: {plugin: target-directory, path: units}\n"
                                  "cache: {plugin: cache-file, path: cache}\n");
    run_installed(installed, {"once", "--config", config.string()});
    CHECK(dir.read("units/foo@1.service") == "# desired state: launched\n[Service]\nExecStart=/bin/true\n");
    CHECK(dir.exists("units/foo@2.service"));
}

}  // namespace

TEST_CASE("the example target, built against the installed SDK, loads without rebuilding the engine", "[R1][R2][R3]") {
    const InstalledExample installed("target-directory");
    const auto& dir = installed.dir();
    fs::create_directory(dir.path("units"));

    const auto plugins = installed.plugins();
    const auto by_path = (plugins / "target-directory.so").string();
    const auto settings = settings_from("path: units\n", dir.path());
    for (const auto& plugin : {std::string("target-directory"), by_path}) {
        PluginHost host({plugins});
        check_life_of_a_unit(*host.create_target(plugin, settings));
    }
    check_settings_section(example_folder("target-directory") / "README.md", settings);
    check_installed_program(installed);

    PluginHost host({plugins});
    const auto without_directory = host.create_target("target-directory", settings_from("path: gone\n", dir.path()));
    TestCall call;
    CHECK_THROWS_AS(without_directory->list(call), Error);
}

TEST_CASE("the example source, built against the installed SDK, gives a directory's files of one revision",
          "[R1][R2][R3]") {
    const InstalledExample installed("source-directory");
    const auto& dir = installed.dir();
    dir.write("units/services.yaml", "services: []\n");
    dir.write("units/deep/foo.service", "[Service]\n");
    dir.write("secret", "not below the directory\n");
    fs::create_symlink(dir.path("secret"), dir.path("units/link"));
    fs::create_directory_symlink(dir.path(), dir.path("units/out"));

    const auto settings = settings_from("path: units\n", dir.path());
    PluginHost host({installed.plugins()});
    const auto source = host.create_source("source-directory", settings);
    check_settings_section(example_folder("source-directory") / "README.md", settings);

    TestCall call;
    const auto checkout = source->checkout({}, call);
    REQUIRE(checkout != nullptr);
    const auto files = read(*checkout, {{"deep/foo.service"}, {"./services.yaml"}});
    REQUIRE(files.size() == 2);
    CHECK(files[0].content == "[Service]\n");
    CHECK(files[1].content == "services: []\n");
    check_file_error(*checkout, "absent.service", ErrorKind::not_found);
    const std::vector<std::string> elsewhere = {"../secret", dir.path("secret").string(), "link", "out/secret",
                                                "https://example.com/foo.service"};
    for (const auto& location : elsewhere) {
        check_file_error(*checkout, location, ErrorKind::rejected);
    }

    const auto revision = checkout->revision();
    CHECK(source->checkout(revision, call) == nullptr);
    check_wait_sees(*source, [&] { dir.write("units/services.yaml", "services: [ ]\n"); });
    const auto next = source->checkout(revision, call);
    REQUIRE(next != nullptr);
    CHECK(next->revision() != revision);
    CHECK(read(*checkout, {{"services.yaml"}}).front().content == "services: []\n");

    const auto without_directory = host.create_source("source-directory", settings_from("path: gone\n", dir.path()));
    CHECK(thrown_by([&] { without_directory->checkout({}, call); }).kind() == ErrorKind::unavailable);
}

TEST_CASE("the example cache, built against the installed SDK, gives back what it is sure of", "[R1][R2][R3]") {
    const InstalledExample installed("cache-directory");
    const auto& dir = installed.dir();
    const auto settings = settings_from("path: documents\n", dir.path());
    PluginHost host({installed.plugins()});
    const auto cache = host.create_cache("cache-directory", settings);
    check_settings_section(example_folder("cache-directory") / "README.md", settings);

    TestCall call;
    const std::string document("several\nlines\0and bytes \xff", 25);
    CHECK(cache->load("ledger", call) == std::nullopt);
    cache->erase("ledger", call);
    cache->store("ledger", "the former one", call);
    cache->store("ledger", document, call);
    cache->store("empty", "", call);
    CHECK(host.create_cache("cache-directory", settings)->load("ledger", call) == document);
    CHECK(cache->load("empty", call) == "");
    CHECK(std::distance(fs::directory_iterator(dir.path("documents")), {}) == 2);

    fs::copy_file(dir.path("documents/ledger"), dir.path("documents/other"));
    CHECK(cache->load("other", call) == std::nullopt);
    const auto whole = dir.read("documents/ledger");
    for (const auto& damaged : {std::string(), whole.substr(0, whole.size() - 1), whole + "x", "X" + whole.substr(1)}) {
        dir.write("documents/ledger", damaged);
        CHECK(cache->load("ledger", call) == std::nullopt);
    }
    CHECK(call.log().holds("documents/ledger"));
    cache->erase("ledger", call);
    CHECK_FALSE(dir.exists("documents/ledger"));

    const auto nowhere = host.create_cache("cache-directory", settings_from("path: gone/documents\n", dir.path()));
    CHECK(nowhere->load("ledger", call) == std::nullopt);
    CHECK(thrown_by([&] { nowhere->store("ledger", "", call); }).kind() == ErrorKind::misconfigured);
}

TEST_CASE("the example health plugin, built against the installed SDK, asks a program and leaves none behind",
          "[R1][R2][R3]") {
    const InstalledExample installed("health-command");
    const auto& dir = installed.dir();
    write_check(dir, "good", "test \"$*\" = 'good@1.service good@2.service'\n");
    write_check(dir, "bad", "exit 3\n");
    write_check(dir, "dead", "kill -TERM $$\n");
    write_check(dir, "slow", "sleep 1000 & wait\n");
    dir.write("checks/odd", "no program\n");
    const auto settings = settings_from("path: checks\ntimeout: 30s\n", dir.path());
    PluginHost host({installed.plugins()});
    const auto health = host.create_health("health-command", settings);
    check_settings_section(example_folder("health-command") / "README.md", settings);

    TestCall call;
    using Verdict = HealthReport::Verdict;
    CHECK(health->check({"good", {"good@1.service", "good@2.service"}}, call).verdict == Verdict::healthy);
    CHECK(health->check({"bad", {}}, call).detail == dir.path("checks/bad").string() + " ended with status 3");
    CHECK(health->check({"dead", {}}, call).verdict == Verdict::unhealthy);
    CHECK(health->check({"other", {}}, call).verdict == Verdict::not_checked);
    CHECK(thrown_by([&] { health->check({"odd", {}}, call); }).kind() == ErrorKind::misconfigured);

    const TestCall soon(std::chrono::milliseconds(100));
    CHECK(health->check({"slow", {}}, soon).verdict == Verdict::unhealthy);
    const auto hasty = host.create_health("health-command", settings_from("path: checks\ntimeout: 50ms\n", dir.path()));
    CHECK(hasty->check({"slow", {}}, call).verdict == Verdict::unhealthy);
    TestCall stopped;
    stopped.request_stop();
    CHECK(thrown_by([&] { health->check({"slow", {}}, stopped); }).kind() == ErrorKind::cancelled);
    CHECK_FALSE(has_children());

    const auto blind = host.create_health("health-command", settings_from("path: gone\n", dir.path()));
    CHECK(thrown_by([&] { blind->check({"good", {}}, call); }).kind() == ErrorKind::unavailable);
}

}  // namespace deployer
