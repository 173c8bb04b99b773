#include "cli/settings_table.hpp"
#include "support/catch.hpp"
#include "support/loaded_plugin.hpp"
#include "support/settings_section.hpp"

#include <deployer/settings.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace deployer {
namespace {

struct Shipped {
    std::string plugin;
    PluginKind kind;
    std::string settings;  ///< settings that the plugin can be created from
};

// These settings hold only the keys without a default; the other keys are described without being set.
const std::vector<Shipped> shipped = {
    {"cache-file", PluginKind::cache, "path: cache\n"},
    {"health-http", PluginKind::health, "prefix: http://localhost\n"},
    {"source-file", PluginKind::source, "path: units\n"},
    {"source-github", PluginKind::source, "repository: octocat/service-files\n"},
    {"target-exec", PluginKind::target, "command: [python3, target.py]\n"},
    {"target-fleet", PluginKind::target, "endpoint: http://localhost:49153\n"},
    {"target-mock", PluginKind::target, "state_file: cluster.json\n"},
};

void create(const Shipped& one, const Settings& settings) {
    PluginHost host({DEPLOYER_TEST_PLUGINS});
    switch (one.kind) {
        case PluginKind::source:
            (void)host.create_source(one.plugin, settings);
            break;
        case PluginKind::target:
            (void)host.create_target(one.plugin, settings);
            break;
        case PluginKind::cache:
            (void)host.create_cache(one.plugin, settings);
            break;
        case PluginKind::health:
            (void)host.create_health(one.plugin, settings);
            break;
    }
}

Settings settings_after_creation(const Shipped& one, const std::string& yaml) {
    auto settings = settings_from(yaml, "/etc/deployer");
    create(one, settings);
    return settings;
}

fs::path folder_of(const Shipped& one) {
    return fs::path(DEPLOYER_SOURCE_DIR) / "plugins" / one.plugin;
}

/// The value in a described default, if the default is a single value.
std::string value_of(const std::string& default_value) {
    const bool is_value = default_value.size() > 2 && default_value.starts_with('`') && default_value.ends_with('`');
    return is_value ? default_value.substr(1, default_value.size() - 2) : "";
}

}  // namespace

TEST_CASE("the settings tables of shipped plugins are what their code says", "[R6]") {
    for (const auto& one : shipped) {
        INFO(one.plugin);
        check_settings_section(folder_of(one) / "README.md", settings_after_creation(one, one.settings));
    }
}

TEST_CASE("the settings table of every shipped plugin is checked", "[R6]") {
    for (const auto& entry : fs::directory_iterator(DEPLOYER_TEST_PLUGINS)) {
        const auto name = entry.path().stem().string();
        INFO(name);
        CHECK(std::any_of(shipped.begin(), shipped.end(), [&](const Shipped& one) { return one.plugin == name; }));
    }
}

TEST_CASE("shipped plugins describe every key that they ask for", "[R6]") {
    for (const auto& one : shipped) {
        for (const auto& setting : settings_after_creation(one, one.settings).described()) {
            INFO(one.plugin << ": " << setting.path);
            CHECK_FALSE(setting.types.empty());
            CHECK_FALSE(setting.meaning.empty());
            CHECK((setting.meaning + setting.default_value).find('\n') == std::string::npos);
        }
    }
}

TEST_CASE("what a settings table gives as a default can be set", "[R6]") {
    for (const auto& one : shipped) {
        for (const auto& setting : settings_after_creation(one, one.settings).described()) {
            const auto value = value_of(setting.default_value);
            if (value.empty() || setting.path.find('.') != std::string::npos) continue;
            const bool is_word = value.find('{') == std::string::npos;
            INFO(one.plugin << ": " << setting.path << ": " << value);
            CHECK_NOTHROW(settings_after_creation(
                one, one.settings + setting.path + ": " + (is_word ? value : "'" + value + "'") + "\n"));
        }
    }
}

TEST_CASE("the settings table of a plugin is the same whichever way its settings take", "[R6]") {
    const auto& github = shipped[3];
    const auto by_api = settings_after_creation(github, github.settings);
    const auto by_web = settings_after_creation(github, "root_uri: https://localhost/\n");
    CHECK(settings_as_text(by_web) == settings_as_text(by_api));
    const auto& http = shipped[1];
    const auto by_prefix = settings_after_creation(http, http.settings);
    const auto by_url = settings_after_creation(http, "url: 'http://localhost/{service}'\n");
    CHECK(settings_as_text(by_url) == settings_as_text(by_prefix));
    const auto of_etcd =
        settings_after_creation(http, http.settings + "when: {etcd: 'http://localhost', key: '/{service}'}\n");
    CHECK(settings_as_text(of_etcd) == settings_as_text(by_prefix));
}

}  // namespace deployer
