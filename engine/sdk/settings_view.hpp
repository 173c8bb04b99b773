#pragma once

#include <deployer/error.hpp>
#include <deployer/settings.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer {

/// The state that all copies of a Settings share: a block, and the keys of it that were asked for. Each block that was
/// opened has one view, so that a block opened twice shares what was asked.
struct Settings::View {
    using Keys = std::set<std::string, std::less<>>;

    std::shared_ptr<const SettingsDocument> document;
    const SettingsNode* node = nullptr;  ///< of kind block; null when the block is absent
    std::string path;
    int line = 0;
    Keys asked{};
    Keys secrets{};
    Keys written{};
    std::map<std::string, std::shared_ptr<View>, std::less<>> opened{};
    std::vector<SettingDescription> described{};  ///< `path` is the key; also of keys that were only described

    [[nodiscard]] const SettingsNode* item(std::string_view key) const {
        if (node == nullptr) return nullptr;
        const auto found = std::find(node->keys.begin(), node->keys.end(), key);
        return found == node->keys.end() ? nullptr : &node->items[static_cast<std::size_t>(found - node->keys.begin())];
    }

    [[nodiscard]] std::string message(int where, std::string_view whose, std::string_view problem) const {
        auto text = document->file;
        if (where > 0) text.append(":").append(std::to_string(where));
        text += ": ";
        if (!whose.empty()) text.append(whose).append(": ");
        return text.append(problem);
    }

    [[noreturn]] void fail_at(int where, std::string_view whose, std::string_view problem) const {
        throw Error(ErrorKind::misconfigured, message(where, whose, problem));
    }

    /// The reference is good until the next description is made.
    SettingDescription& description(std::string_view key) {
        const auto known = std::find_if(described.begin(), described.end(),
                                        [key](const SettingDescription& one) { return one.path == key; });
        if (known != described.end()) return *known;
        return described.emplace_back(SettingDescription{std::string(key), {}, false, {}, {}});
    }

    void note(std::string_view key, const SettingType& type) {
        auto& types = description(key).types;
        if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
    }

    void note(std::string_view key, SettingType::Kind kind) { note(key, SettingType{kind, 0, 0, {}}); }

    [[nodiscard]] bool is_file_of_secret(std::string_view key) const {
        constexpr std::string_view ending = "_file";
        return key.ends_with(ending) && secrets.contains(key.substr(0, key.size() - ending.size()));
    }

    /// Whether a name in `opened` is that of the block of this key, or of a block in the list of this key.
    static bool is_of(std::string_view name, std::string_view key) { return name.substr(0, name.find('\0')) == key; }

    /// `name` is the key, or the key, a NUL and an index.
    const std::shared_ptr<View>& open(const std::string& name, const std::string& its_path,
                                      const SettingsNode* its_node) {
        auto& view = opened[name];
        if (!view)
            view =
                std::make_shared<View>(View{document, its_node, its_path, its_node != nullptr ? its_node->line : line});
        return view;
    }
};

}  // namespace deployer
