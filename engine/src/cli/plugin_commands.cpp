#include "cli/plugin_commands.hpp"

#include "cli/new_plugin.hpp"
#include "cli/settings_table.hpp"
#include "cli/signals.hpp"
#include "config/config.hpp"
#include "conformance/check_report.hpp"
#include "conformance/isolated_run.hpp"
#include "conformance/subject.hpp"
#include "conformance/workplace.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <json_document.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

namespace deployer {
namespace {

std::string write_plugins_json(const std::vector<FoundPlugin>& found) {
    Poco::JSON::Array array;
    for (const auto& plugin : found) {
        auto object = json::ordered_object();
        object.set("name", printable(plugin.name));
        object.set("file", printable(plugin.file.string()));
        object.set("usable", plugin.refusal.empty());
        if (plugin.kind) object.set("kind", std::string(to_string(*plugin.kind)));
        if (!plugin.version.empty()) object.set("version", printable(plugin.version));
        if (!plugin.built_with.empty()) object.set("built_with", printable(plugin.built_with));
        if (!plugin.refusal.empty()) object.set("refused", printable(plugin.refusal));
        array.add(object);
    }
    return json::document_text(array);
}

std::string write_plugins_table(const std::vector<FoundPlugin>& found) {
    std::size_t width = 0;
    for (const auto& plugin : found) width = std::max(width, printable(plugin.name).size());
    std::string text;
    for (const auto& plugin : found) {
        const auto name = printable(plugin.name);
        text += name + std::string(width + 2 - name.size(), ' ');
        text += printable(plugin.refusal.empty() ? std::string(to_string(*plugin.kind)) + "  " + plugin.version + "  " +
                                                       plugin.file.string()
                                                 : "refused  " + plugin.file.string() + ": " + plugin.refusal);
        text += '\n';
    }
    return text.empty() ? "no plugins found\n" : text;
}

/// The file of a plugin that is given as a file or as the name of an installed plugin.
std::filesystem::path plugin_file(const std::string& plugin) {
    std::filesystem::path file(plugin);
    if (plugin.find('/') != std::string::npos || file.extension() == ".so") return file;
    return default_plugin_directory() / (plugin + ".so");
}

}  // namespace

PluginHost make_host(std::vector<std::filesystem::path> directories) {
    directories.push_back(default_plugin_directory());
    return PluginHost(std::move(directories));
}

int list_plugins(const Invocation& invocation) {
    auto directories = invocation.config.empty() ? std::vector<std::filesystem::path>{}
                                                 : read_config_file(invocation.config).plugin_path;
    const auto found = make_host(std::move(directories)).survey();
    std::cout << (invocation.is_json() ? write_plugins_json(found) : write_plugins_table(found)) << std::flush;
    const bool any_refused =
        std::any_of(found.begin(), found.end(), [](const auto& plugin) { return !plugin.refusal.empty(); });
    return any_refused ? EXIT_FAILURE : EXIT_SUCCESS;
}

int begin_plugin(const Invocation& invocation) {
    const auto& name = invocation.operand;
    const auto directory = std::filesystem::current_path() / name;
    write_new_plugin(name, default_template_directory(), directory);
    // This program may be installed below another prefix than cmake's default, so the prefix is named in both commands.
    const auto prefix = (default_plugin_directory() / "../../..").lexically_normal().parent_path().string();
    std::cout << "written to " << printable(directory.string()) << "; next:\n\n    cd " << name
              << "\n    cmake -S . -B build -DCMAKE_PREFIX_PATH=" << prefix
              << "\n    cmake --build build\n    ctest --test-dir build --output-on-failure\n    cmake --install build "
                 "--prefix "
              << prefix << "\n\nREADME.md in that directory says how to go on.\n"
              << std::flush;
    return EXIT_SUCCESS;
}

int check_plugin(const Invocation& invocation) {
    const SignalWatch signals([] {});
    const bool is_text = invocation.output == OutputFormat::text;
    const auto file = plugin_file(invocation.operand);
    std::vector<CheckResult> results;
    const auto report = [&] {
        if (is_text) std::cout << conformance::write_summary(results);
        if (invocation.output == OutputFormat::tap) std::cout << conformance::write_tap(results);
        if (invocation.output == OutputFormat::junit)
            std::cout << conformance::write_junit(results, file.stem().string());
        std::cout << std::flush;
    };
    const auto on_result = [&](const CheckResult& result) {
        results.push_back(result);
        if (is_text) std::cout << conformance::write_line(result) << std::flush;
    };
    try {
        conformance::run_isolated({file, invocation.settings, std::nullopt, on_result,
                                   [&] { return signals.stop_token().stop_requested(); }});
    } catch (const Error&) {
        if (!results.empty()) report();
        throw;
    }
    report();
    return conformance::all_passed(results) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int show_plugin(const Invocation& invocation) {
    // Created in a directory of its own, as by `plugin check`. The plugin's server need not be reachable.
    const conformance::Workplace workplace;
    const auto suite = conformance::read_suite_settings(invocation.settings, workplace.path());
    conformance::Subject subject(std::filesystem::absolute(plugin_file(invocation.operand)), suite, workplace);
    const auto found = subject.judge();
    if (!found.refusal.empty()) throw Error(ErrorKind::misconfigured, found.file.string() + ": " + found.refusal);
    const auto settings = conformance::settings_of(suite, suite.settings);
    (void)subject.make_any(*found.kind, settings);
    if (invocation.output == OutputFormat::markdown) {
        std::cout << settings_as_markdown(settings) << std::flush;
        return EXIT_SUCCESS;
    }
    std::cout << printable(found.name + "  " + std::string(to_string(*found.kind)) + "  " + found.version) << "\n\n"
              << settings_as_text(settings) << std::flush;
    return EXIT_SUCCESS;
}

}  // namespace deployer
