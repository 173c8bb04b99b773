#pragma once

#include "host/plugin_host.hpp"
#include "support/catch.hpp"
#include "support/error_catalogue.hpp"
#include "support/loaded_plugin.hpp"
#include "support/temp_dir.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::plugin_host_checks {

namespace fs = std::filesystem;

inline constexpr const char* fixtures = DEPLOYER_TEST_FIXTURES;

/// The beginning of a refusal's message: the place in the configuration that names the plugin.
inline const std::string cannot_load = "test.yaml:1: plugin: cannot load plugin ";

inline fs::path fixture(const std::string& name) {
    return fs::path(fixtures) / (name + ".so");
}

/// The error with which the host refuses a plugin. Checks that docs/ERRORS.md has the message.
inline Error refusal_of(PluginHost& host, std::string_view plugin, const Settings& settings = no_settings()) {
    static const ErrorCatalogue catalogue;
    try {
        host.create_target(plugin, settings);
    } catch (const Error& error) {
        INFO(error.what());
        CHECK(catalogue.knows(error.what()));
        return error;
    }
    throw std::logic_error("the host took plugin " + std::string(plugin));
}

inline void check_refusal(std::string_view plugin, const std::string& reason,
                          ErrorKind kind = ErrorKind::misconfigured) {
    PluginHost host({fixtures});
    const auto error = refusal_of(host, plugin);
    CHECK(error.what() == cannot_load + fixture(std::string(plugin)).string() + ": " + reason);
    CHECK(error.kind() == kind);
}

inline void check_failed_create(const std::string& plugin, const std::string& reason, ErrorKind kind) {
    PluginHost host({fixtures});
    const auto error = refusal_of(host, plugin);
    CHECK(error.what() == "cannot set up plugin " + plugin + ": " + reason);
    CHECK(error.kind() == kind);
}

inline bool holds(std::string_view text, std::string_view fragment) {
    return text.find(fragment) != text.npos;
}

/// The standard output of a command.
inline std::string output_of(const std::string& command) {
    std::string output;
    FILE* const pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> chunk{};
    while (const auto count = std::fread(chunk.data(), 1, chunk.size(), pipe)) output.append(chunk.data(), count);
    REQUIRE(::pclose(pipe) == 0);
    return output;
}

/// Copies the plugin's file to another directory. The copy is a new file, as after an installation or an update.
inline fs::path install(const std::string& plugin, const fs::path& directory) {
    fs::create_directories(directory);
    auto file = directory / (plugin + ".so");
    fs::remove(file);
    fs::copy_file(fixture(plugin), file);
    return file;
}

inline std::vector<fs::path> shipped_plugins() {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(DEPLOYER_TEST_PLUGINS)) files.push_back(entry.path());
    REQUIRE(files.size() >= 3);
    return files;
}

inline bool is_root(const char* what) {
    if (::geteuid() == 0) return true;
    std::cout << "skipped: " << what << ": only root is refused this\n";
    return false;
}

}  // namespace deployer::plugin_host_checks
