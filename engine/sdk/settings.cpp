#include "secret.hpp"
#include "setting_descriptions.hpp"
#include "setting_values.hpp"
#include "settings_view.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/nearest_word.hpp>
#include <deployer/word_list.hpp>

#include <algorithm>
#include <utility>

namespace deployer {

namespace {

using Kind = SettingsNode::Kind;
using TypeKind = SettingType::Kind;

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::null:
            return "nothing";
        case Kind::scalar:
            return "a single value";
        case Kind::list:
            return "a list";
        case Kind::block:
            return "a block of keys";
    }
    return "";
}

/// A key as a part of a path: in quotes only when it is not one word of a line without them.
std::string show_key(std::string_view key) {
    auto quoted = quote(key);
    const bool is_plain = !key.empty() && quoted.size() == key.size() + 2 && quoted.find(' ') == std::string::npos;
    return is_plain ? std::string(key) : quoted;
}

std::string did_you_mean(const std::string& word) {
    return "; did you mean " + quote(word) + "?";
}

}  // namespace

Settings::Settings(std::shared_ptr<const SettingsDocument> document) {
    const auto* const root = &document->root;
    const bool is_block = root->kind == Kind::block;
    const auto line = root->line;
    view_ = std::make_shared<View>(View{std::move(document), is_block ? root : nullptr, "", line});
    if (!is_block && root->kind != Kind::null) fail("", "must be a block of keys");
}

Settings::Settings(std::shared_ptr<View> view) : view_(std::move(view)) {}

const SettingsNode* Settings::find(std::string_view key) const {
    view_->asked.emplace(key);
    view_->description(key);
    const auto* const item = view_->item(key);
    return item == nullptr || item->kind == Kind::null ? nullptr : item;
}

const SettingsNode* Settings::find_scalar(std::string_view key, std::string_view wanted) const {
    const auto* const node = find(key);
    if (node != nullptr && node->kind != Kind::scalar) {
        fail(key, "must be " + std::string(wanted) + ", not " + std::string(name_of(node->kind)));
    }
    return node;
}

template <class Value>
Value Settings::required(std::string_view key, std::optional<Value> value) const {
    view_->description(key).required = true;
    if (!value) fail_as_missing(key);
    return *std::move(value);
}

void Settings::fail_as_missing(std::string_view key) const {
    auto unasked = keys();
    std::erase_if(unasked, [this](const std::string& other) { return view_->asked.contains(other); });
    const auto misspelt = view_->item(key) == nullptr ? nearest_word(key, unasked) : std::nullopt;
    if (misspelt) fail(*misspelt, "unknown key" + did_you_mean(std::string(key)));
    fail(key, "is missing");
}

std::string Settings::text(std::string_view key) const {
    return required(key, find_text(key));
}

std::optional<std::string> Settings::find_text(std::string_view key, std::string_view wanted) const {
    view_->note(key, TypeKind::text);
    const auto* const node = find_scalar(key, wanted);
    return node == nullptr ? std::nullopt : std::optional(node->text);
}

long long Settings::integer(std::string_view key, long long least, long long most) const {
    return required(key, find_integer(key, least, most));
}

std::optional<long long> Settings::find_integer(std::string_view key, long long least, long long most) const {
    view_->note(key, SettingType{TypeKind::integer, least, most, {}});
    const auto* const node = find_scalar(key, "a whole number");
    if (node == nullptr) return std::nullopt;
    if (node->quoted) fail(key, quote(node->text) + " is in quotes, which makes it text; a whole number is wanted");
    const auto value = parse_integer(node->text);
    if (!value) fail(key, quote(node->text) + " is not a whole number");
    if (*value < least || *value > most) {
        fail(key, quote(node->text) + " is not within " + std::to_string(least) + " and " + std::to_string(most));
    }
    return value;
}

bool Settings::boolean(std::string_view key) const {
    return required(key, find_boolean(key));
}

std::optional<bool> Settings::find_boolean(std::string_view key) const {
    view_->note(key, TypeKind::boolean);
    const auto* const node = find_scalar(key, "true or false");
    if (node == nullptr) return std::nullopt;
    if (node->quoted) fail(key, quote(node->text) + " is in quotes, which makes it text; true or false is wanted");
    const auto value = parse_boolean(node->text);
    if (!value) fail(key, quote(node->text) + " is neither true nor false");
    return value;
}

std::chrono::milliseconds Settings::duration(std::string_view key) const {
    return required(key, find_duration(key));
}

std::optional<std::chrono::milliseconds> Settings::find_duration(std::string_view key) const {
    view_->note(key, TypeKind::duration);
    const auto* const node = find_scalar(key, "a duration");
    if (node == nullptr) return std::nullopt;
    try {
        return parse_duration(node->text);
    } catch (const Error& error) {
        fail(key, error.what());
    }
}

std::filesystem::path Settings::path(std::string_view key) const {
    return required(key, find_path(key));
}

std::optional<std::filesystem::path> Settings::find_path(std::string_view key) const {
    view_->note(key, TypeKind::path);
    const auto* const node = find_scalar(key, "a path");
    if (node == nullptr) return std::nullopt;
    return as_path(key, node->text);
}

std::filesystem::path Settings::as_path(std::string_view key, std::string_view text) const {
    if (const auto problem = find_path_problem(text); !problem.empty()) fail(key, problem);
    return (view_->document->directory / text).lexically_normal();
}

std::filesystem::path Settings::written_path(std::string_view key) const {
    auto written = path(key);
    view_->written.insert(std::string(key));
    return written;
}

std::map<std::string, std::filesystem::path> Settings::written_paths() const {
    std::map<std::string, std::filesystem::path> written;
    for (const auto& key : view_->written) written.emplace(path_of(key), path(key));
    for (const auto& [name, view] : view_->opened) written.merge(Settings(view).written_paths());
    return written;
}

const std::filesystem::path& Settings::directory() const noexcept {
    return view_->document->directory;
}

std::vector<std::string> Settings::texts(std::string_view key) const {
    view_->note(key, TypeKind::texts);
    const auto* const node = find(key);
    if (node == nullptr) return {};
    if (node->kind != Kind::list) fail(key, "must be a list of texts, not " + std::string(name_of(node->kind)));
    std::vector<std::string> texts;
    for (const auto& item : node->items) {
        if (item.kind != Kind::scalar) {
            view_->fail_at(item.line, path_of(key) + "[" + std::to_string(texts.size()) + "]",
                           "must be a text, not " + std::string(name_of(item.kind)));
        }
        texts.push_back(item.text);
    }
    return texts;
}

std::optional<SettingsNode> Settings::find_tree(std::string_view key) const {
    view_->note(key, TypeKind::tree);
    const auto* const node = find(key);
    return node == nullptr ? std::nullopt : std::optional(*node);
}

std::optional<std::string> Settings::find_choice(std::string_view key, const std::vector<std::string>& words) const {
    view_->note(key, SettingType{TypeKind::choice, 0, 0, words});
    const auto* const node = find_scalar(key, "one of " + word_list(words));
    if (node == nullptr) return std::nullopt;
    if (std::find(words.begin(), words.end(), node->text) == words.end()) {
        const auto meant = nearest_word(node->text, words);
        fail(key, quote(node->text) + " is none of " + word_list(words) + (meant ? did_you_mean(*meant) : ""));
    }
    return node->text;
}

std::optional<std::string> Settings::find_secret(std::string_view key) const {
    view_->note(key, TypeKind::secret);
    view_->secrets.insert(std::string(key));
    const auto file_key = std::string(key) + "_file";
    const auto* const node = find_scalar(key, "a text");
    const auto file = find_path(file_key);
    if (node != nullptr && file) fail(file_key, "cannot stand beside " + show_key(key) + "; keep one of them");
    if (node == nullptr && !file) return std::nullopt;
    try {
        return file ? read_secret_file(*file) : secret_of(node->text);
    } catch (const Error& error) {
        fail(file ? file_key : key, error.what());
    }
}

Settings Settings::block(std::string_view key) const {
    view_->note(key, TypeKind::block);
    const auto* const node = find(key);
    if (node != nullptr && node->kind != Kind::block) {
        fail(key, "must be a block of keys, not " + std::string(name_of(node->kind)));
    }
    return Settings(view_->open(std::string(key), path_of(key), node));
}

std::optional<Settings> Settings::find_block(std::string_view key) const {
    view_->note(key, TypeKind::block);
    if (find(key) == nullptr) return std::nullopt;
    return block(key);
}

std::vector<Settings> Settings::blocks(std::string_view key) const {
    view_->note(key, TypeKind::blocks);
    const auto* const node = find(key);
    if (node == nullptr) return {};
    if (node->kind != Kind::list) fail(key, "must be a list of blocks, not " + std::string(name_of(node->kind)));
    std::vector<Settings> blocks;
    for (const auto& item : node->items) {
        const auto index = "[" + std::to_string(blocks.size()) + "]";
        if (item.kind != Kind::block) {
            view_->fail_at(item.line, path_of(key) + index,
                           "must be a block of keys, not " + std::string(name_of(item.kind)));
        }
        blocks.push_back(Settings(view_->open(std::string(key) + '\0' + index, path_of(key) + index, &item)));
    }
    return blocks;
}

void Settings::describe(std::string_view key, std::string_view default_value, std::string_view meaning) const {
    auto& description = view_->description(key);
    description.default_value = default_value;
    description.meaning = meaning;
}

std::vector<SettingDescription> Settings::described() const {
    std::vector<SettingDescription> all;
    for (const auto& one : view_->described) {
        const auto& key = one.path;
        if (!view_->asked.contains(key) || view_->is_file_of_secret(key)) continue;
        all.push_back(one);
        all.back().path = show_key(key);
        const auto first = all.size();
        for (const auto& [name, view] : view_->opened) {
            if (!View::is_of(name, key)) continue;
            const auto start = show_key(key) + (name == key ? "." : "[].");
            for (auto& inner : Settings(view).described()) {
                inner.path.insert(0, start);
                add_description(all, first, std::move(inner));
            }
        }
    }
    return all;
}

std::vector<std::string> Settings::keys() const {
    return view_->node == nullptr ? std::vector<std::string>() : view_->node->keys;
}

bool Settings::has(std::string_view key) const {
    return find(key) != nullptr;
}

std::vector<std::string> Settings::unknown_keys() const {
    std::vector<std::string> messages;
    const std::vector<std::string> known(view_->asked.begin(), view_->asked.end());
    for (const auto& key : keys()) {
        if (view_->asked.contains(key)) continue;
        std::string problem = "unknown key";
        if (const auto meant = nearest_word(key, known)) {
            problem += did_you_mean(*meant);
        } else if (!known.empty()) {
            problem += "; known here: " + word_list(known);
        }
        messages.push_back(view_->message(line_of(key), path_of(key), problem));
    }
    return messages;
}

void Settings::refuse_unknown_keys() const {
    const auto unknown = unknown_keys();
    if (!unknown.empty()) throw Error(ErrorKind::misconfigured, unknown.front());
    for (const auto& [name, view] : view_->opened) Settings(view).refuse_unknown_keys();
}

std::set<std::string> Settings::secret_paths() const {
    std::set<std::string> paths;
    for (const auto& key : view_->secrets) paths.insert(path_of(key));
    for (const auto& [name, view] : view_->opened) paths.merge(Settings(view).secret_paths());
    return paths;
}

void Settings::fail(std::string_view key, std::string_view problem) const {
    view_->fail_at(line_of(key), path_of(key), problem);
}

int Settings::line() const noexcept {
    return view_->line;
}

int Settings::line_of(std::string_view key) const noexcept {
    const auto* const item = view_->item(key);
    return item == nullptr ? view_->line : item->line;
}

std::string Settings::path_of(std::string_view key) const {
    if (key.empty()) return view_->path;
    return view_->path.empty() ? show_key(key) : view_->path + "." + show_key(key);
}

}  // namespace deployer
