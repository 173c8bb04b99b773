#include "support/plugin_host_checks.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

using namespace deployer;
using namespace deployer::plugin_host_checks;

TEST_CASE("a plugin that calls what this program's SDK has not yet is said to be newer", "[R2]") {
    check_refusal("target-newer-sdk",
                  "cannot be loaded: undefined symbol: _ZN8deployer11added_laterEv; it was built with a newer SDK "
                  "(plugin ABI 1.7) than this program's (1.1); use a newer program, or rebuild it with the SDK of this "
                  "program");
}

TEST_CASE("a library without the plugin symbol is refused", "[R1][R2]") {
    check_refusal("target-without-symbol",
                  "exports no symbol deployer_plugin_v1: it is no plugin, or DEPLOYER_PLUGIN is missing in its source");
    check_refusal(
        "target-other-major-symbol",
        "is built for plugin ABI 2 (it exports deployer_plugin_v2), and this program has 1 (deployer_plugin_v1); "
        "rebuild it with the SDK of this program");
}

TEST_CASE("a plugin that was built with an earlier minor of the SDK is taken", "[R1][R2]") {
    PluginHost host({fixtures});
    CHECK(host.create_target("target-older-minor", no_settings())->identity() == "fixture");
}

TEST_CASE("a description that this program cannot trust is refused, naming both values", "[R1][R2]") {
    check_refusal("target-wrong-magic",
                  "has the magic number 0xfeedbeef and not 0x594c5044: what it exports is no plugin description");
    check_refusal("target-newer-major",
                  "has plugin ABI 2, and this program 1; rebuild it with the SDK of this program");
    check_refusal(
        "target-newer-minor",
        "needs plugin ABI 1.7, and this program has only 1.1; use a newer program, or rebuild it with the SDK of "
        "this program");
    check_refusal("target-wrong-size", "has a description of 24 bytes and not " +
                                           std::to_string(sizeof(PluginDescriptor)) +
                                           "; rebuild it with the SDK of this program");
    check_refusal("target-other-toolchain",
                  std::string("is built for \"libc++,abi=2\" (by ") + __VERSION__ +
                      "), and this program for \"libstdc++;cxx11=1;debug=0;ptr=8\"; rebuild it "
                      "with this program's C++ library settings");
    check_refusal("target-unknown-kind",
                  "is of kind 9, and this program knows 1 (source), 2 (target), 3 (cache) and 4 (health)");
    check_refusal(
        "target-misnamed",
        R"(calls itself "target-other", and its file "target-misnamed.so"; rename the file to target-other.so)");
    check_refusal("target-nameless", "has a description without name (null)");
    check_refusal("target-versionless", "has a description without version (null)");
    check_refusal("target-without-create", "has a description without create (null)");
    check_refusal("target-without-destroy", "has a description without destroy (null)");
}

TEST_CASE("a plugin's file is its name with .so", "[R2]") {
    const TempDir dir;
    const auto file = dir.path("target-faultless.so.1");
    fs::rename(install("target-faultless", dir.path()), file);
    PluginHost host({dir.path()});
    CHECK(refusal_of(host, file.string()).what() ==
          cannot_load + file.string() +
              ": is named \"target-faultless.so.1\", and a plugin's file is its name with .so");
}

TEST_CASE("a plugin that cannot be had is complained of where the configuration names it", "[R6]") {
    PluginHost host({fixtures});
    for (const std::string plugin : {"target-nowhere", "cache-for-a-target", "target-wrong-magic"}) {
        const auto settings = settings_from("destroyed: gone\nplugin: " + plugin + "\n");
        const std::string message = refusal_of(host, plugin, settings).what();
        INFO(message);
        CHECK(message.starts_with("test.yaml:2: plugin: cannot load plugin "));
    }
}

TEST_CASE("a plugin is only taken for its own kind", "[R2]") {
    check_refusal("cache-for-a-target", "is a cache plugin, and a target plugin is asked for");
}

TEST_CASE("a refused plugin stays refused, with the same words", "[R2]") {
    PluginHost host({fixtures});
    const std::string first = refusal_of(host, "target-newer-major").what();
    CHECK(refusal_of(host, "target-newer-major").what() == first);
}

TEST_CASE("one plugin may have many instances", "[R2]") {
    PluginHost host({fixtures});
    const auto first = host.create_target("target-faultless", no_settings());
    const auto second = host.create_target("target-faultless", no_settings());
    CHECK(first != second);
}

TEST_CASE("two files of one plugin are not loaded both", "[R2]") {
    const TempDir dir;
    const auto first = install("target-faultless", dir.path("first"));
    const auto second = install("target-faultless", dir.path("second"));
    PluginHost host({dir.path("first")});
    host.create_target("target-faultless", no_settings());
    CHECK(refusal_of(host, second.string()).what() ==
          cannot_load + second.string() +
              ": is a second file of plugin target-faultless, which is already loaded from " + first.string() +
              "; remove one of them");
}

TEST_CASE("a file that was replaced since it was loaded asks for a restart", "[R2]") {
    const auto plugin = GENERATE(as<std::string>{}, "target-faultless", "target-newer-minor");
    const TempDir dir;
    const auto file = install(plugin, dir.path());
    PluginHost host({dir.path()});
    try {
        host.create_target(plugin, no_settings());
    } catch (const Error&) {
        REQUIRE(plugin == "target-newer-minor");
    }
    // Keeping the former file prevents the new file from getting its inode number.
    fs::rename(file, dir.path("former"));
    install(plugin, dir.path());
    CHECK(refusal_of(host, plugin).what() ==
          cannot_load + file.string() +
              ": has changed on disk since it was loaded; restart this program to use the new one");
}

TEST_CASE("whatever create throws becomes an error that names the plugin", "[R5]") {
    check_failed_create("target-create-throws-misconfigured", "the endpoint is no url", ErrorKind::misconfigured);
    check_failed_create("target-create-throws-error", "nobody is at home (unavailable)", ErrorKind::internal);
    check_failed_create("target-create-throws-exception",
                        "a defect of target-create-throws-exception, it threw unexpectedly: index 7 of 3",
                        ErrorKind::internal);
    check_failed_create("target-create-throws-int",
                        "a defect of target-create-throws-int, it threw unexpectedly: something that is no exception",
                        ErrorKind::internal);
    check_failed_create("target-create-null", "its create function gave null", ErrorKind::internal);
}

TEST_CASE("a setting that the plugin never asked for destroys the new instance again", "[R6]") {
    const TempDir dir;
    PluginHost host({fixtures});
    const auto error =
        refusal_of(host, "target-faultless", settings_from("destroyed: gone\ndestroyd: gone\n", dir.path()));
    CHECK(error.kind() == ErrorKind::misconfigured);
    CHECK(std::string(error.what()).starts_with("cannot set up plugin target-faultless: test.yaml:2: destroyd: "));
    CHECK(dir.exists("gone"));
}

TEST_CASE("an instance lives as long as somebody holds it, with or without the host", "[R3]") {
    const TempDir dir;
    std::shared_ptr<Target> target;
    {
        PluginHost host({fixtures});
        target = host.create_target("target-faultless", settings_from("destroyed: gone\n", dir.path()));
    }
    CHECK(target->identity() == "fixture");
    CHECK_FALSE(dir.exists("gone"));
    target.reset();
    CHECK(dir.exists("gone"));
}

TEST_CASE("a library that was loaded stays, for exceptions and threads of it may be about", "[R3]") {
    const TempDir dir;
    const auto file = install("target-create-throws-exception", dir.path());
    {
        PluginHost host({dir.path()});
        refusal_of(host, "target-create-throws-exception");
    }
    CHECK(holds(output_of("cat /proc/" + std::to_string(::getpid()) + "/maps"), file.string()));
}

TEST_CASE("a survey lists every plugin file by name, good or refused", "[R2]") {
    const TempDir dir;
    const auto good = install("target-faultless", dir.path("first"));
    const auto second = install("target-faultless", dir.path("second"));
    const auto cache = install("cache-for-a-target", dir.path("second"));
    const auto script = dir.write("second/target-a-script.so", "#!/bin/sh\n");
    dir.write("second/README.md", "not listed");
    PluginHost host({dir.path("none"), dir.path("first"), dir.path("second")});
    const auto found = host.survey();

    REQUIRE(found.size() == 4);
    CHECK(found[0].name == "cache-for-a-target");
    CHECK(found[0].file == cache);
    CHECK(found[0].kind == PluginKind::cache);
    CHECK(found[0].refusal.empty());
    CHECK(found[1].name == "target-a-script");
    CHECK(found[1].file == script);
    CHECK(found[1].kind == std::nullopt);
    CHECK(found[1].refusal == "is not a shared library: it begins with 23 21 2f 62 and not with 7f 45 4c 46 (ELF)");
    CHECK(found[2].name == "target-faultless");
    CHECK(found[2].file == good);
    CHECK(found[2].kind == PluginKind::target);
    CHECK(found[2].version == "1.2.3");
    CHECK(found[2].built_with == __VERSION__);
    CHECK(found[2].refusal.empty());
    CHECK(found[3].file == second);
    CHECK(found[3].refusal == "is a second file of plugin target-faultless, which is already loaded from " +
                                  good.string() + "; remove one of them");
    CHECK(host.survey().size() == 4);
}

TEST_CASE("the shipped plugins are found beside the program and pass every check", "[R2]") {
    CHECK(fs::equivalent(default_plugin_directory(), DEPLOYER_TEST_PLUGINS));
    PluginHost host({default_plugin_directory()});
    const auto found = host.survey();
    CHECK(found.size() >= 3);
    for (const auto& plugin : found) {
        INFO(plugin.file << ": " << plugin.refusal);
        CHECK(plugin.refusal.empty());
        REQUIRE(plugin.kind.has_value());
        CHECK(plugin.name.starts_with(std::string(to_string(*plugin.kind)) + "-"));
    }
}

TEST_CASE("a shipped plugin exports its description and nothing else", "[R1][R3]") {
    for (const auto& file : shipped_plugins()) {
        INFO(file);
        const auto symbols = output_of("nm -D --defined-only --format=posix '" + file.string() + "'");
        CHECK(symbols.starts_with("deployer_plugin_v1 "));
        CHECK(std::count(symbols.begin(), symbols.end(), '\n') == 1);
    }
}

TEST_CASE("no shipped file looks for libraries in the current directory", "[R3]") {
    auto files = shipped_plugins();
    files.emplace_back(DEPLOYER_TEST_PROGRAM);
    for (const auto& file : files) {
        const auto dynamic = output_of("readelf -dW '" + file.string() + "'");
        INFO(file << "\n" << dynamic);
        const auto begin = dynamic.find("runpath: [");
        REQUIRE(begin != std::string::npos);
        const auto end = dynamic.find(']', begin);
        const auto paths = ":" + dynamic.substr(begin + 10, end - begin - 10) + ":";
        // An empty element stands for the current directory.
        CHECK_FALSE(holds(paths, "::"));
        CHECK(holds(paths, ":$ORIGIN/.."));
    }
}

TEST_CASE("a shipped plugin holds nothing of Boost.DLL", "[R3]") {
    for (const auto& file : shipped_plugins()) {
        INFO(file);
        CHECK_FALSE(holds(output_of("nm --demangle '" + file.string() + "'"), "boost::dll"));
    }
    // The program does contain Boost.DLL, which shows that the search finds it.
    CHECK(holds(output_of("nm --demangle /proc/" + std::to_string(::getpid()) + "/exe"), "boost::dll"));
}
