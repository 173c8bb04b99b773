#include "conformance/checks.hpp"
#include "conformance/expectation.hpp"
#include "host/elf_file.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/word_list.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

namespace deployer::conformance {
namespace {

constexpr int lives = 100;

std::size_t entries_of(const std::filesystem::path& directory) {
    const std::filesystem::directory_iterator entries(directory);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

SettingsNode scalar(std::string text, int line) {
    return {SettingsNode::Kind::scalar, std::move(text), false, line, {}, {}};
}

void check_symbols(Subject& subject) {
    const auto symbols = exported_symbols(subject.file());
    std::vector<std::string> others;
    for (const auto& symbol : symbols) {
        if (symbol.name != "deployer_plugin_v1") others.push_back(symbol.name);
    }
    if (others.size() > 5) others.resize(5);
    expect(others.empty(), "it exports " + std::to_string(symbols.size() - 1) + " more, such as " + word_list(others) +
                               ": build it with coco_deployer_add_plugin()");
}

void check_working_settings(Subject& subject, PluginKind kind) {
    expect_success("creating it with the settings", [&] { subject.make_any(kind, subject.settings().settings); });
}

void expect_refused(Subject& subject, PluginKind kind, const std::string& what, const SettingsNode& block) {
    expect_error("creating it with " + what, {ErrorKind::misconfigured}, [&] { subject.make_any(kind, block); });
}

void check_unknown_key(Subject& subject, PluginKind kind) {
    auto block = subject.settings().settings;
    const std::string key = "not-a-key-of-any-plugin";
    block.keys.push_back(key);
    block.items.push_back(scalar("1", block.line));
    expect_refused(subject, kind, "the unknown key " + key, block);
}

/// The keys whose values may be of any type.
std::set<std::string> keys_of_trees(Subject& subject, PluginKind kind) {
    const auto settings = settings_of(subject.settings(), subject.settings().settings);
    (void)subject.make_any(kind, settings);
    std::set<std::string> keys;
    for (const auto& setting : settings.described()) {
        for (const auto& type : setting.types) {
            if (type.kind == SettingType::Kind::tree) keys.insert(setting.path);
        }
    }
    return keys;
}

/// Gives the plugin a block in place of each text, and a text in place of each block or list.
void check_wrong_types(Subject& subject, PluginKind kind) {
    const auto& good = subject.settings().settings;
    if (good.keys.empty()) throw CheckSkipped("the settings are empty");
    const auto trees = keys_of_trees(subject, kind);
    for (std::size_t i = 0; i < good.keys.size(); ++i) {
        auto block = good;
        auto& item = block.items[i];
        if (item.kind == SettingsNode::Kind::null || trees.contains(good.keys[i])) continue;
        if (item.kind == SettingsNode::Kind::scalar) {
            item = {SettingsNode::Kind::block, {}, false, item.line, {"text"}, {item}};
        } else {
            item = scalar("text", item.line);
        }
        expect_refused(subject, kind, good.keys[i] + " of a wrong type", block);
    }
}

/// Leaves out each setting in turn. The plugin has to be created, or fail with a message that names the setting.
void check_missing_settings(Subject& subject, PluginKind kind) {
    const auto check = [&](const std::string& what, const SettingsNode& block) {
        expect_success_or("creating it " + what, {ErrorKind::misconfigured}, [&] { subject.make_any(kind, block); });
    };
    auto nothing = subject.settings().settings;
    nothing.keys.clear();
    nothing.items.clear();
    check("without settings", nothing);
    const auto& good = subject.settings().settings;
    for (std::size_t i = 0; i < good.keys.size(); ++i) {
        auto block = good;
        block.keys.erase(block.keys.begin() + static_cast<std::ptrdiff_t>(i));
        block.items.erase(block.items.begin() + static_cast<std::ptrdiff_t>(i));
        check("without " + good.keys[i], block);
    }
}

void check_refused_settings(Subject& subject, PluginKind kind) {
    const auto& refused = subject.settings().refused;
    if (refused.empty()) throw CheckSkipped("the settings have no refused");
    for (std::size_t i = 0; i < refused.size(); ++i) {
        expect_refused(subject, kind, "block " + std::to_string(i + 1) + " of refused",
                       changed(subject.settings().settings, refused[i]));
    }
}

void check_unreachable_creation(Subject& subject, PluginKind kind) {
    const auto& unreachable = subject.settings().unreachable;
    if (!unreachable) throw CheckSkipped("the settings have no unreachable");
    const std::string doing = "creating it with the other side out of reach";
    expect_within(Subject::late_bound, doing, [&] {
        expect_success(doing, [&] { subject.make_any(kind, changed(subject.settings().settings, *unreachable)); });
    });
}

void check_lives(Subject& subject, PluginKind kind) {
    const auto live = [&] {
        expect_success("creating it", [&] { subject.make_any(kind, subject.settings().settings); });
    };
    // Resources that a plugin creates once per process are no leak. So a few instances live before the count begins.
    for (int i = 0; i < 3; ++i) live();
    const auto files = entries_of("/proc/self/fd");
    const auto threads = entries_of("/proc/self/task");
    for (int i = 0; i < lives; ++i) live();
    // A joined thread may still be listed for a moment.
    const bool ended = eventually(Subject::late_bound, [&] { return entries_of("/proc/self/task") <= threads; });
    expect(entries_of("/proc/self/fd") <= files, std::to_string(lives) + " instances left " +
                                                     std::to_string(entries_of("/proc/self/fd") - files) +
                                                     " more open files than there were");
    expect(ended, std::to_string(lives) + " instances left more threads than there were");
}

void check_two_lives(Subject& subject, PluginKind kind) {
    std::shared_ptr<void> first;
    std::shared_ptr<void> second;
    expect_success("creating it", [&] { first = subject.make_any(kind, subject.settings().settings); });
    expect_success("creating it a second time", [&] { second = subject.make_any(kind, subject.settings().settings); });
    expect(first != second, "both are the same instance");
}

}  // namespace

Check check_of_loading() {
    return {"it is a plugin that this program loads",
            [](Subject& subject) {
                const auto found = subject.judge();
                expect(found.refusal.empty(), found.file.string() + ": " + found.refusal);
            },
            false};
}

std::vector<Check> checks_of_plugins(PluginKind kind) {
    const auto with_kind = [kind](void (*check)(Subject&, PluginKind)) {
        return [kind, check](Subject& subject) { check(subject, kind); };
    };
    return {{"it exports its description and nothing else", check_symbols, false},
            {"the settings are accepted", with_kind(check_working_settings), false},
            {"an unknown key is refused", with_kind(check_unknown_key)},
            {"a value of a wrong type is refused", with_kind(check_wrong_types)},
            {"settings that are missing are told as such", with_kind(check_missing_settings)},
            {"settings that make no sense are refused", with_kind(check_refused_settings)},
            {"creating it asks nobody", with_kind(check_unreachable_creation)},
            {"instances can live side by side", with_kind(check_two_lives)},
            {"a hundred instances leave nothing behind", with_kind(check_lives)}};
}

}  // namespace deployer::conformance
