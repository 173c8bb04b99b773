#pragma once

#include <deployer/error.hpp>
#include <deployer/export.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer {

/// One value of a configuration document, with its line (from 1). The engine fills it.
struct SettingsNode {
    enum class Kind { null, scalar, list, block };
    Kind kind = Kind::null;
    std::string text;                 ///< text of a scalar, as written: `1.10` stays "1.10"
    bool quoted = false;              ///< a quoted scalar is text, never a number or a boolean
    int line = 0;                     ///< line of the key for a value in a block, else of the value
    std::vector<std::string> keys;    ///< keys of a block, in order, one for each of `items`; unique
    std::vector<SettingsNode> items;  ///< values of a list or a block
};

/// A whole configuration file.
struct SettingsDocument {
    std::string file;                 ///< the file's name in messages
    std::filesystem::path directory;  ///< the base of the relative paths in the file
    SettingsNode root;
};

/// The type that a plugin asked for when it read a key.
struct SettingType {
    enum class Kind { text, integer, boolean, duration, path, texts, choice, secret, block, blocks, tree };
    Kind kind = Kind::text;
    long long least = 0;             ///< smallest valid integer
    long long most = 0;              ///< largest valid integer
    std::vector<std::string> words;  ///< valid words of a choice

    bool operator==(const SettingType&) const = default;
};

/// All that is known of a key: the types that the plugin asked for, and the plugin's description.
struct SettingDescription {
    std::string path;                ///< dotted, from the block that was read; in a list of blocks `hosts[].name`
    std::vector<SettingType> types;  ///< in the order of reading, mostly one; a secret implies its `_file` key
    bool required = false;           ///< the plugin read the key by a function that throws when it is absent
    std::string default_value;       ///< from describe(); Markdown, one line
    std::string meaning;             ///< from describe(); Markdown, one line

    bool operator==(const SettingDescription&) const = default;
};

/// A typed, read-only view of one block of a configuration document (R6). Every complaint is an Error `misconfigured`
/// that names file, line and dotted path: `local.yaml:7: target.delay: "soon" is not a duration (such as 500ms, 30s,
/// 5m)`.
///
/// Only keys that the plugin reads are known keys: after a plugin was created from a view, the engine calls
/// refuse_unknown_keys() on the view. So a plugin reads all its keys in its constructor, also those it may not need.
///
/// For an absent (or null) key, `find_X` returns nullopt and plain `X` throws: either "is missing", or the name of a
/// key that was not read so far and is probably a misspelling of this key. A view is cheap to copy; copies share the
/// record of the keys that were read. A view keeps its document alive.
/// Not thread-safe: a plugin reads the view in its constructor and keeps the values.
class DEPLOYER_SDK_EXPORT Settings {
public:
    explicit Settings(std::shared_ptr<const SettingsDocument> document);

    [[nodiscard]] std::string text(std::string_view key) const;
    /// `wanted` completes the error text for a list or a block: "must be `wanted`, not a list".
    [[nodiscard]] std::optional<std::string> find_text(std::string_view key, std::string_view wanted = "a text") const;

    /// A whole number within [least, most].
    [[nodiscard]] long long integer(std::string_view key, long long least, long long most) const;
    [[nodiscard]] std::optional<long long> find_integer(std::string_view key, long long least, long long most) const;

    /// true or false, also yes/no and on/off, as YAML 1.1 has them.
    [[nodiscard]] bool boolean(std::string_view key) const;
    [[nodiscard]] std::optional<bool> find_boolean(std::string_view key) const;

    /// A number with a unit, or several with the largest unit first: `500ms`, `30s`, `5m`, `2h`, `1d`, `1m30s`; `0`
    /// needs none. Never negative, at most 10,000 hours.
    [[nodiscard]] std::chrono::milliseconds duration(std::string_view key) const;
    [[nodiscard]] std::optional<std::chrono::milliseconds> find_duration(std::string_view key) const;

    /// Relative paths are relative to the directory of the configuration file. A `~` or a `$` at the beginning and a
    /// `${` anywhere are refused: only a shell would replace them. A file of such a name is `./~`.
    [[nodiscard]] std::filesystem::path path(std::string_view key) const;
    [[nodiscard]] std::optional<std::filesystem::path> find_path(std::string_view key) const;

    /// The path that path() would give if `text` were the value of `key`. For a path that is a part of another value.
    /// Since 1.1.
    [[nodiscard]] std::filesystem::path as_path(std::string_view key, std::string_view text) const;

    /// As path(), for a file or directory that the plugin, or a program that the plugin starts, writes. The engine
    /// refuses such a path below a directory that the source reads, because there each cycle would start the next one.
    /// Since 1.1.
    [[nodiscard]] std::filesystem::path written_path(std::string_view key) const;

    /// All paths that were read by written_path(), in this block and in all blocks that were opened from it, each under
    /// the dotted path of its key. Since 1.1.
    [[nodiscard]] std::map<std::string, std::filesystem::path> written_paths() const;

    /// The base of relative paths; empty: the working directory. Since 1.1.
    [[nodiscard]] const std::filesystem::path& directory() const noexcept;

    /// A list of texts; absent counts as empty.
    [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;

    /// The value of `key` as the file has it, of any kind, for a plugin that passes the value on. All keys in the value
    /// count as read. Since 1.1.
    [[nodiscard]] std::optional<SettingsNode> find_tree(std::string_view key) const;

    /// One of the given words.
    [[nodiscard]] std::optional<std::string> find_choice(std::string_view key,
                                                         const std::vector<std::string>& words) const;

    /// A secret: the text of `key`, where `${NAME}` as the whole value stands for an environment variable; or the
    /// content of the file that `key`_file names, without its last newline (at most 64 KiB, a regular file). These are
    /// errors: both keys at once, a variable or file that is missing or empty, and a `${` within other text. No message
    /// ever holds a secret.
    [[nodiscard]] std::optional<std::string> find_secret(std::string_view key) const;

    /// Dotted paths of the keys read by find_secret(), in this block and in all blocks that were opened from it.
    [[nodiscard]] std::set<std::string> secret_paths() const;

    /// A block within this one. block() of an absent key is an empty view with the right path.
    [[nodiscard]] Settings block(std::string_view key) const;
    [[nodiscard]] std::optional<Settings> find_block(std::string_view key) const;

    /// A list of blocks; absent counts as empty.
    [[nodiscard]] std::vector<Settings> blocks(std::string_view key) const;

    /// Describes a key for people: its default value (empty: none, or the key is required) and its meaning. A plugin
    /// calls this next to where it reads the key; documentation is made from both. Describing a key does not count as
    /// reading it. Texts are one line of Markdown; values are in backticks:
    /// describe("timeout", "`10s`", "For one request."). Since 1.1.
    void describe(std::string_view key, std::string_view default_value, std::string_view meaning) const;

    /// The keys that were read, in this block and in all blocks that were opened from it, in the order in which each
    /// was first read or described. The `_file` key of a secret is not among them. Since 1.1.
    [[nodiscard]] std::vector<SettingDescription> described() const;

    /// The keys of this block, in the order of the file. None of them counts as read.
    [[nodiscard]] std::vector<std::string> keys() const;
    [[nodiscard]] bool has(std::string_view key) const;  ///< present and not null; counts as reading

    /// A finished message for each key of this block that was never read, with line and "did you mean".
    [[nodiscard]] std::vector<std::string> unknown_keys() const;
    /// Throws `misconfigured` with the first of unknown_keys(), of this block and of all blocks that were opened from
    /// it.
    void refuse_unknown_keys() const;

    /// Throws `misconfigured`: "file:line: path.key: problem". An empty key means the block itself.
    [[noreturn]] void fail(std::string_view key, std::string_view problem) const;

    [[nodiscard]] int line() const noexcept;                         ///< line of the block
    [[nodiscard]] int line_of(std::string_view key) const noexcept;  ///< line of the key, or of the block when absent
    [[nodiscard]] std::string path_of(std::string_view key) const;   ///< dotted, e.g. "reconcile.rollout.poll"

private:
    struct View;
    explicit Settings(std::shared_ptr<View> view);
    [[nodiscard]] const SettingsNode* find(std::string_view key) const;
    [[nodiscard]] const SettingsNode* find_scalar(std::string_view key, std::string_view wanted) const;
    template <class Value>
    [[nodiscard]] Value required(std::string_view key, std::optional<Value> value) const;
    [[noreturn]] void fail_as_missing(std::string_view key) const;

    std::shared_ptr<View> view_;
};

}  // namespace deployer
