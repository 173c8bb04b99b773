#include "conformance/suite_settings.hpp"

#include "config/config.hpp"
#include "yaml/yaml_document.hpp"

#include <algorithm>
#include <utility>

namespace deployer::conformance {
namespace {

constexpr std::size_t no_place = static_cast<std::size_t>(-1);

std::size_t place_of(const SettingsNode& block, std::string_view key) {
    const auto found = std::find(block.keys.begin(), block.keys.end(), key);
    return found == block.keys.end() ? no_place : static_cast<std::size_t>(found - block.keys.begin());
}

/// The block without any check of its contents, which the plugin checks.
std::optional<SettingsNode> find_node(const SettingsNode& root, const Settings& settings, std::string_view key) {
    if (!settings.find_block(key)) return std::nullopt;
    return root.items[place_of(root, key)];
}

}  // namespace

SettingsNode changed(SettingsNode base, const SettingsNode& changes) {
    for (std::size_t i = 0; i < changes.keys.size(); ++i) {
        const auto place = place_of(base, changes.keys[i]);
        if (place == no_place) {
            base.keys.push_back(changes.keys[i]);
            base.items.push_back(changes.items[i]);
        } else {
            base.items[place] = changes.items[i];
        }
    }
    return base;
}

SettingsNode replaced(SettingsNode node, const std::string& token, const std::string& value) {
    for (auto at = node.text.find(token); at != std::string::npos; at = node.text.find(token, at + value.size())) {
        node.text.replace(at, token.size(), value);
    }
    for (auto& item : node.items) item = replaced(std::move(item), token, value);
    return node;
}

Settings settings_of(const SuiteSettings& suite, SettingsNode block) {
    auto document = std::make_shared<SettingsDocument>(*suite.document);
    document->root = std::move(block);
    return Settings(std::move(document));
}

SuiteSettings read_suite_settings(const std::filesystem::path& file, const std::filesystem::path& tmp) {
    SuiteSettings suite;
    const auto given = read_settings_file(file, "settings");
    auto document = std::make_shared<SettingsDocument>(*given);
    document->root = replaced(given->root, "{tmp}", tmp.string());
    suite.document = document;

    const Settings root(document);
    // Unknown keys are refused first. A misspelt block would otherwise be reported as missing.
    for (const auto* key : {"settings", "unreachable", "network", "another_cluster", "refused", "prepare", "change",
                            "timeout", "call_timeout", "files", "services"})
        (void)root.has(key);
    for (const auto& unknown : root.unknown_keys()) throw Error(ErrorKind::misconfigured, unknown);
    const auto block = [&](std::string_view key) { return find_node(document->root, root, key); };
    auto settings = block("settings");
    if (!settings) root.fail("settings", "is missing");
    suite.settings = std::move(*settings);
    suite.unreachable = block("unreachable");
    suite.network = block("network");
    suite.other = block("another_cluster");
    if (const auto refused = root.blocks("refused"); !refused.empty()) {
        suite.refused = document->root.items[place_of(document->root, "refused")].items;
    }
    suite.prepare = root.find_text("prepare");
    suite.change = root.find_text("change");
    suite.timeout = root.find_duration("timeout").value_or(suite.timeout);
    suite.call_timeout = root.find_duration("call_timeout").value_or(suite.call_timeout);
    suite.files = root.texts("files");
    if (suite.files.empty()) suite.files = {"services.yaml"};
    const auto services = root.block("services");
    suite.healthy = services.find_text("healthy");
    suite.unhealthy = services.find_text("unhealthy");
    suite.unchecked = services.find_text("unchecked");
    for (const auto& unknown : services.unknown_keys()) throw Error(ErrorKind::misconfigured, unknown);
    return suite;
}

}  // namespace deployer::conformance
