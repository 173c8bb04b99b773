#include "support/plugin_host_checks.hpp"

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <string>

using namespace deployer;
using namespace deployer::plugin_host_checks;

TEST_CASE("a plugin is found by its name and by its absolute path", "[R2]") {
    PluginHost host({"/nowhere/at/all", fixtures});
    CHECK(host.create_target("target-faultless", no_settings())->identity() == "fixture");
    CHECK(host.create_target(fixture("target-faultless").string(), no_settings())->identity() == "fixture");
}

TEST_CASE("directories are searched in order", "[R2]") {
    const TempDir dir;
    install("target-faultless", dir.path("second"));
    dir.write("first/target-faultless.so", "#!/bin/sh\n");
    PluginHost host({dir.path("first"), dir.path("second")});
    CHECK(holds(refusal_of(host, "target-faultless").what(), dir.path("first/target-faultless.so").string()));
}

TEST_CASE("a host that is told to search elsewhere keeps in mind what it has loaded", "[R2]") {
    const TempDir dir;
    install("target-faultless", dir.path("first"));
    const auto second = install("target-faultless", dir.path("second"));
    PluginHost host({dir.path("first")});
    host.create_target("target-faultless", no_settings());
    host.search({dir.path("second")});
    CHECK(holds(refusal_of(host, "target-faultless").what(), second.string() + ": is a second file of plugin"));
}

TEST_CASE("an unknown name is answered with the directories searched and the name that was probably meant", "[R2]") {
    const TempDir dir;
    install("target-faultless", dir.path("plugins"));
    PluginHost host({dir.path("none"), dir.path("plugins")});
    const auto start =
        ": not found in " + dir.path("none").string() + " (No such file or directory), " + dir.path("plugins").string();
    const std::string meant = "; did you mean \"target-faultless\"?";
    CHECK(refusal_of(host, "target-fautless").what() == cannot_load + "target-fautless" + start + meant);
    CHECK(refusal_of(host, "target-faultless.so").what() == cannot_load + "target-faultless.so" + start + meant);
    CHECK(refusal_of(host, "cache-file").what() ==
          cannot_load + "cache-file" + start + "; found there: target-faultless");

    PluginHost without_directories({});
    CHECK(refusal_of(without_directories, "cache-file").what() ==
          cannot_load + "cache-file: there is no directory to search");
}

TEST_CASE("what is neither a name nor an absolute path is refused", "[R2]") {
    PluginHost host({fixtures});
    for (const std::string plugin : {"", "./target-faultless.so", "fixtures/target-faultless"}) {
        CHECK(refusal_of(host, plugin).what() ==
              cannot_load + plugin + ": it is neither a plugin's name nor an absolute path");
    }
}

TEST_CASE("a plugin has to be a file that exists", "[R2]") {
    const TempDir dir;
    fs::create_directory(dir.path("target-directory.so"));
    REQUIRE(::mkfifo(dir.path("target-pipe.so").c_str(), 0600) == 0);
    fs::create_symlink("gone.so", dir.path("target-dangling.so"));
    PluginHost host({dir.path()});
    const auto start = cannot_load + dir.path().string();
    CHECK(refusal_of(host, "target-directory").what() ==
          start + "/target-directory.so: is a directory, not a regular file");
    CHECK(refusal_of(host, "target-pipe").what() == start + "/target-pipe.so: is a pipe, not a regular file");
    CHECK(refusal_of(host, "target-dangling").what() ==
          start + "/target-dangling.so: is a symbolic link to gone.so, which does not exist");
    CHECK(refusal_of(host, dir.path("absent.so").string()).what() == start + "/absent.so: there is no such file");
}

TEST_CASE("a symbolic link to a plugin bears the plugin's name", "[R2]") {
    const TempDir dir;
    fs::rename(install("target-faultless", dir.path("versions")), dir.path("versions/target-faultless-1.2.so"));
    fs::create_symlink("versions/target-faultless-1.2.so", dir.path("target-faultless.so"));
    PluginHost host({dir.path()});
    CHECK(host.create_target("target-faultless", no_settings()) != nullptr);
}

TEST_CASE("root loads no plugin that anyone can write to", "[R2]") {
    if (!is_root("root loads no plugin that anyone can write to")) return;
    const TempDir dir;
    const auto file = install("target-faultless", dir.path());
    fs::permissions(file, fs::perms(0666));
    PluginHost host({dir.path()});
    CHECK(refusal_of(host, "target-faultless").what() ==
          cannot_load + file.string() + ": anyone may write to it (mode 0666), and this program runs as root; " +
              "run chmod o-w " + file.string());
    fs::permissions(file, fs::perms(0644));
    CHECK_NOTHROW(host.create_target("target-faultless", no_settings()));
}

TEST_CASE("root loads no plugin that anyone can replace", "[R2]") {
    if (!is_root("root loads no plugin that anyone can replace")) return;
    const TempDir dir;
    const auto plugins = dir.path("plugins");
    const auto file = install("target-faultless", plugins);
    PluginHost host({plugins});
    const auto expected = [&](const fs::path& found, const fs::path& writable) {
        return cannot_load + found.string() + ": anyone may replace it, since " + writable.string() +
               " is writable by all (mode 0777), and this program runs as root; run chmod o-w " + writable.string();
    };

    SECTION("in a directory that all may write to") {
        fs::permissions(plugins, fs::perms(0777));
        CHECK(refusal_of(host, "target-faultless").what() == expected(file, plugins));
    }
    SECTION("nor in one further up") {
        const auto below = install("target-faultless", dir.path("plugins/1.0/lib"));
        fs::permissions(plugins, fs::perms(0777));
        CHECK(refusal_of(host, below.string()).what() == expected(below, plugins));
    }
    SECTION("nor through a link from elsewhere") {
        const auto link = dir.path("target-faultless.so");
        fs::create_symlink(file, link);
        fs::permissions(plugins, fs::perms(0777));
        CHECK(refusal_of(host, link.string()).what() == expected(link, plugins));
    }
    SECTION("nor through a link that anyone can turn elsewhere") {
        const auto link = dir.path("links/target-faultless.so");
        fs::create_directory(dir.path("links"));
        fs::create_symlink(file, link);
        fs::permissions(dir.path("links"), fs::perms(0777));
        CHECK(refusal_of(host, link.string()).what() == expected(link, dir.path("links")));
    }
}

TEST_CASE("a sticky directory leaves a plugin to its owner, whom root has to be", "[R2]") {
    if (!is_root("a sticky directory leaves a plugin to its owner, whom root has to be")) return;
    const TempDir dir;
    const auto shared = dir.path("shared");
    const auto own = dir.path("shared/own");
    const auto file = install("target-faultless", own);
    fs::permissions(shared, fs::perms(01777));
    PluginHost host({own});
    CHECK_NOTHROW(host.create_target("target-faultless", no_settings()));

    REQUIRE(::chown(own.c_str(), 12345, 0) == 0);
    CHECK(refusal_of(host, "target-faultless").what() ==
          cannot_load + file.string() + ": user 12345 may replace it, since " + own.string() +
              " is theirs, in a directory that is writable by all (mode 01777), and this program runs as root (user "
              "0); run chown -h root " +
              own.string());
}

TEST_CASE("a file that is no shared library is refused by its first bytes", "[R2]") {
    const TempDir dir;
    dir.write("target-script.so", "#!/bin/sh\n");
    dir.write("target-empty.so", "");
    PluginHost host({dir.path()});
    const auto start = cannot_load + dir.path().string();
    CHECK(refusal_of(host, "target-script").what() ==
          start +
              "/target-script.so: is not a shared library: it begins with 23 21 2f 62 and not with 7f 45 4c 46 (ELF)");
    CHECK(refusal_of(host, "target-empty").what() == start + "/target-empty.so: is empty, not a shared library");
}

TEST_CASE("a library that is cut short is refused before the loader would crash on it", "[R2]") {
    const TempDir dir;
    const auto file = install("target-faultless", dir.path());
    const auto size = GENERATE(as<std::uintmax_t>{}, 4, 63, 64, 200, 4096, 9000);
    fs::resize_file(file, size);
    PluginHost host({dir.path()});
    const std::string message = refusal_of(host, "target-faultless").what();
    CHECK(message.starts_with(cannot_load + file.string() + ": is cut short: it has " + std::to_string(size) +
                              " bytes of at least "));
}

TEST_CASE("a copy that broke off and is filled up with zeros is refused before the loader would crash on it", "[R2]") {
    const TempDir dir;
    const auto file = install("target-faultless", dir.path());
    const auto content = dir.read("target-faultless.so");
    const auto whole = GENERATE(as<std::size_t>{}, 4096, 8192, 12288);
    dir.write("target-faultless.so", content.substr(0, whole) + std::string(content.size() - whole, '\0'));
    PluginHost host({dir.path()});
    CHECK(refusal_of(host, "target-faultless").what() ==
          cannot_load + file.string() + ": is damaged: its dynamic section names no symbols; copy it again");
}

TEST_CASE("what the dynamic loader says is passed on without its wrapping", "[R2][R3]") {
    check_refusal("target-unresolved-symbol",
                  "cannot be loaded: undefined symbol: _Z19nobody_defines_thisv; built with coco_deployer_add_plugin() "
                  "this shows at link time");
    check_refusal(
        "target-missing-library",
        "cannot be loaded: libdeployer-fixture-gone.so: cannot open shared object file: No such file or directory");
}
