#include <deployer/settings.hpp>

#include <deployer/foreign_text.hpp>
#include <deployer/nearest_word.hpp>
#include <deployer/word_list.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <system_error>

namespace deployer {

namespace {

using Kind = SettingsNode::Kind;
using TypeKind = SettingType::Kind;
using Words = std::set<std::string, std::less<>>;

constexpr std::size_t longest_secret = 64U << 10U;
constexpr std::chrono::hours longest_duration{10'000};

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

/// A key as a part of a path: in quotes only when it would not be one word of a line otherwise.
std::string show_key(std::string_view key) {
    auto quoted = quote(key);
    const bool is_plain = !key.empty() && quoted.size() == key.size() + 2 && quoted.find(' ') == std::string::npos;
    return is_plain ? std::string(key) : quoted;
}

std::string did_you_mean(const std::string& word) {
    return "; did you mean " + quote(word) + "?";
}

std::optional<long long> parse_integer(std::string_view text) {
    const auto digits = text.starts_with('-') ? text.substr(1) : text;
    // A leading zero would make it octal to other readers of YAML.
    if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
    if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    long long value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec == std::errc::result_out_of_range) {
        return text.starts_with('-') ? std::numeric_limits<long long>::min() : std::numeric_limits<long long>::max();
    }
    return value;
}

std::optional<bool> parse_boolean(std::string_view text) {
    constexpr auto yes =
        std::to_array<std::string_view>({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"});
    constexpr auto no =
        std::to_array<std::string_view>({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"});
    if (std::find(yes.begin(), yes.end(), text) != yes.end()) return true;
    if (std::find(no.begin(), no.end(), text) != no.end()) return false;
    return std::nullopt;
}

/// Milliseconds of a unit of time; 0 for what is none.
long long milliseconds_of(std::string_view unit) {
    if (unit == "ms") return 1;
    if (unit == "s") return 1'000;
    if (unit == "m") return 60'000;
    if (unit == "h") return 3'600'000;
    if (unit == "d") return 86'400'000;
    return 0;
}

/// The first word of a duration, such as `30s`.
struct DurationWord {
    std::string_view number;
    std::string_view unit;
};

DurationWord first_word(std::string_view text) {
    constexpr std::string_view digits = "0123456789";
    const auto number_end = std::min(text.find_first_not_of(digits), text.size());
    const auto unit_end = std::min(text.find_first_of(digits, number_end), text.size());
    return {text.substr(0, number_end), text.substr(number_end, unit_end - number_end)};
}

/// Throws what is wrong as text, for the caller to say of which key.
std::chrono::milliseconds parse_duration(std::string_view text) {
    constexpr auto most = std::chrono::milliseconds(longest_duration).count();
    const auto problem = [text](const std::string& what) {
        return Error(ErrorKind::misconfigured, quote(text) + ' ' + what);
    };
    long long sum = 0;
    long long last_unit = 0;
    auto rest = text;
    do {
        const auto word = first_word(rest);
        const auto unit = milliseconds_of(word.unit);
        if (!word.number.empty() && word.unit.empty()) throw problem("lacks a unit (such as 500ms, 30s, 5m)");
        // As people write it, the largest first. Otherwise one may be a slip for another.
        const bool is_in_order = last_unit == 0 || unit < last_unit;
        if (word.number.empty() || unit == 0 || !is_in_order) {
            throw problem("is not a duration (such as 500ms, 30s, 5m)");
        }
        long long count = 0;
        const auto result = std::from_chars(word.number.data(), word.number.data() + word.number.size(), count);
        if (result.ec != std::errc() || count > (most - sum) / unit) {
            throw problem("is longer than " + std::to_string(longest_duration.count()) + "h");
        }
        sum += count * unit;
        last_unit = unit;
        rest.remove_prefix(word.number.size() + word.unit.size());
    } while (!rest.empty());
    return std::chrono::milliseconds(sum);
}

/// The reason why a text is no path; empty: it is one. `~` and variables are refused: only a shell replaces them, and
/// the deployer would make a directory named "~".
std::string find_path_problem(std::string_view text) {
    constexpr std::string_view whole = "; write the whole path, or one relative to this file";
    if (text.empty()) return "is empty, but must be a path";
    if (text.find('\0') != std::string_view::npos) return "a path cannot hold a NUL byte";
    if (text.front() == '~') return quote(text) + R"( begins with "~", which only a shell replaces)" + whole.data();
    if (text.front() == '$' || text.find("${") != std::string_view::npos) {
        return quote(text) + " names a variable, which only a shell replaces" + whole.data();
    }
    return {};
}

/// The name in `${NAME}`, if that is the whole text.
std::optional<std::string> variable_name(std::string_view text) {
    if (!text.starts_with("${") || !text.ends_with('}')) return std::nullopt;
    const auto name = text.substr(2, text.size() - 3);
    const bool is_name = !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
                         std::all_of(name.begin(), name.end(),
                                     [](unsigned char byte) { return std::isalnum(byte) != 0 || byte == '_'; });
    return is_name ? std::optional<std::string>(name) : std::nullopt;
}

/// Throws what was wrong as text, for the caller to say of which key.
std::string read_secret_file(const std::filesystem::path& file) {
    std::error_code failure;
    const auto status = std::filesystem::status(file, failure);
    // Opening a FIFO or a device could wait for ever.
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        throw Error(ErrorKind::misconfigured, file.string() + " is not a regular file");
    }
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    std::string secret(longest_secret + 1, '\0');
    stream.read(secret.data(), static_cast<std::streamsize>(secret.size()));
    if (!stream.is_open() || stream.bad()) {
        const auto reason = std::error_code(errno == 0 ? EIO : errno, std::generic_category());
        throw Error(ErrorKind::misconfigured, "cannot read " + file.string() + ": " + reason.message());
    }
    secret.resize(static_cast<std::size_t>(stream.gcount()));
    if (secret.size() > longest_secret) {
        throw Error(ErrorKind::misconfigured, file.string() + " is larger than " + std::to_string(longest_secret) +
                                                  " bytes, too large for a secret");
    }
    if (secret.ends_with('\n')) secret.pop_back();
    if (secret.ends_with('\r')) secret.pop_back();
    if (secret.empty()) throw Error(ErrorKind::misconfigured, file.string() + " is empty");
    return secret;
}

/// One description of a key to another that is known of the same.
void add(SettingDescription& known, SettingDescription more) {
    for (auto& type : more.types) {
        if (std::find(known.types.begin(), known.types.end(), type) == known.types.end()) known.types.push_back(type);
    }
    known.required = known.required || more.required;
    if (known.default_value.empty()) known.default_value = std::move(more.default_value);
    if (known.meaning.empty()) known.meaning = std::move(more.meaning);
}

/// To those that begin at `first`.
void add(std::vector<SettingDescription>& all, std::size_t first, SettingDescription more) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    const auto known =
        std::find_if(begin, all.end(), [&more](const SettingDescription& one) { return one.path == more.path; });
    if (known != all.end()) {
        add(*known, std::move(more));
    } else {
        all.push_back(std::move(more));
    }
}

}  // namespace

/// The state that all copies of a Settings share. One for each block that was opened, so that opening it twice asks one
/// view.
struct Settings::View {
    std::shared_ptr<const SettingsDocument> document;
    const SettingsNode* node = nullptr;  ///< of kind block; null when the block is absent
    std::string path;
    int line = 0;
    Words asked{};
    Words secrets{};
    Words written{};
    std::map<std::string, std::shared_ptr<View>, std::less<>> opened{};
    std::vector<SettingDescription> described{};  ///< each with its key for a path; also such as were not asked for

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

    /// Good until the next one is made.
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

    void note(std::string_view key, TypeKind kind) { note(key, SettingType{kind, 0, 0, {}}); }

    [[nodiscard]] bool is_file_of_secret(std::string_view key) const {
        constexpr std::string_view ending = "_file";
        return key.ends_with(ending) && secrets.contains(key.substr(0, key.size() - ending.size()));
    }

    /// Whether a view in `opened` is the block of this key, or one of its list.
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
    if (node->text == "0") return std::chrono::milliseconds(0);
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
    if (file) {
        try {
            return read_secret_file(*file);
        } catch (const Error& error) {
            fail(file_key, error.what());
        }
    }
    if (node == nullptr) return std::nullopt;
    if (node->text.find("${") == std::string::npos) return node->text;
    const auto variable = variable_name(node->text);
    if (!variable) fail(key, "an environment variable must be the whole value: ${NAME}");
    const char* const value = std::getenv(variable->c_str());
    if (value == nullptr || *value == '\0') {
        fail(key, "the environment variable " + *variable + (value == nullptr ? " is not set" : " is empty"));
    }
    return value;
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
                add(all, first, std::move(inner));
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
