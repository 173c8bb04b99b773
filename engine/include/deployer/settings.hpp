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

/// One value of a configuration document, with the line it stands on (from 1). Filled by the engine.
struct SettingsNode {
    enum class Kind { null, scalar, list, block };
    Kind kind = Kind::null;
    std::string text;                 ///< of a scalar, as written: `1.10` stays "1.10"
    bool quoted = false;              ///< a quoted scalar is text, never a number or a boolean
    int line = 0;                     ///< of the key for a value in a block, else of the value
    std::vector<std::string> keys;    ///< of a block, in order, one for each of `items`; unique
    std::vector<SettingsNode> items;  ///< of a list or a block
};

/// A whole configuration file.
struct SettingsDocument {
    std::string file;                 ///< as messages name it
    std::filesystem::path directory;  ///< what relative paths in it are relative to
    SettingsNode root;
};

/// How a key was asked for.
struct SettingType {
    enum class Kind { text, integer, boolean, duration, path, texts, choice, secret, block, blocks, tree };
    Kind kind = Kind::text;
    long long least = 0;             ///< of an integer
    long long most = 0;              ///< of an integer
    std::vector<std::string> words;  ///< of a choice

    bool operator==(const SettingType&) const = default;
};

/// All that is known of a key: how the plugin asked for it, and how the plugin describes it.
struct SettingDescription {
    std::string path;                ///< dotted, from the block that was asked; in a list of blocks `hosts[].name`
    std::vector<SettingType> types;  ///< in the order asked, mostly one; of a secret, `_file` goes without saying
    bool required = false;           ///< asked for in a way that takes no absence
    std::string default_value;       ///< as described; Markdown, one line
    std::string meaning;             ///< as described; Markdown, one line

    bool operator==(const SettingDescription&) const = default;
};

/// A typed, read-only view of one block of a configuration document (R6). Every complaint is an Error `misconfigured`
/// that names file, line and dotted path: `local.yaml:7: target.delay: "soon" is not a duration (such as 500ms, 30s,
/// 5m)`.
///
/// Keys that are asked for are the keys that exist: after a plugin was created from a view, the engine calls
/// refuse_unknown_keys() on it. So a plugin asks for all its keys in its constructor, also for those it may not need.
///
/// `find_X` gives nullopt for an absent (or null) key, plain `X` throws "is missing", or names the key not asked for so
/// far that was probably meant to be it. Cheap to copy; copies share what was asked. A view keeps its document alive.
/// Not thread-safe: read it in the constructor, keep the values.
class DEPLOYER_SDK_EXPORT Settings {
public:
    explicit Settings(std::shared_ptr<const SettingsDocument> document);

    [[nodiscard]] std::string text(std::string_view key) const;
    /// `wanted` is what a complaint says that it must be.
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

    /// The path that path() would give for this text. For paths that are parts of other values. Since 1.1.
    [[nodiscard]] std::filesystem::path as_path(std::string_view key, std::string_view text) const;

    /// As path(), of a file or directory that the plugin writes, or has written. The engine refuses it below a
    /// directory that the source reads, where each cycle would start the next one. Since 1.1.
    [[nodiscard]] std::filesystem::path written_path(std::string_view key) const;

    /// All paths that were asked for by written_path(), in this block and in all blocks that were opened from it, by
    /// dotted paths of the keys. Since 1.1.
    [[nodiscard]] std::map<std::string, std::filesystem::path> written_paths() const;

    /// The directory that relative paths start from; empty: the working directory. Since 1.1.
    [[nodiscard]] const std::filesystem::path& directory() const noexcept;

    /// A list of texts; absent counts as empty.
    [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;

    /// The value as it stands there, of any kind, for a plugin that passes it on. Counts as asking for all that is in
    /// it. Since 1.1.
    [[nodiscard]] std::optional<SettingsNode> find_tree(std::string_view key) const;

    /// One of the given words.
    [[nodiscard]] std::optional<std::string> find_choice(std::string_view key,
                                                         const std::vector<std::string>& words) const;

    /// A secret: the text of `key`, where `${NAME}` as the whole value stands for an environment variable, or what the
    /// file named by `key`_file holds, without its last newline (at most 64 KiB, a regular file). Both keys, a variable
    /// or a file that is missing or empty, and a `${` within other text are errors. No message ever holds a secret.
    [[nodiscard]] std::optional<std::string> find_secret(std::string_view key) const;

    /// Dotted paths of what was asked for by find_secret(), in this block and in all blocks that were opened from it.
    [[nodiscard]] std::set<std::string> secret_paths() const;

    /// A block within this one. block() of an absent key is an empty view with the right path.
    [[nodiscard]] Settings block(std::string_view key) const;
    [[nodiscard]] std::optional<Settings> find_block(std::string_view key) const;

    /// A list of blocks; absent counts as empty.
    [[nodiscard]] std::vector<Settings> blocks(std::string_view key) const;

    /// Says of a key what its absence stands for (empty: nothing, or it is required) and what it means, for people. It
    /// stands next to where the key is asked for, so that documentation is made from it. Does not count as asking.
    /// Texts are one line of Markdown; values are in backticks: describe("timeout", "`10s`", "For one request."). Since
    /// 1.1.
    void describe(std::string_view key, std::string_view default_value, std::string_view meaning) const;

    /// The keys that were asked for, in this block and in all blocks that were opened from it, in the order in which
    /// each was first asked for or described. A key by which a secret names its file is not among them. Since 1.1.
    [[nodiscard]] std::vector<SettingDescription> described() const;

    /// The keys of this block, in the order of the file. Asks for none of them.
    [[nodiscard]] std::vector<std::string> keys() const;
    [[nodiscard]] bool has(std::string_view key) const;  ///< present and not null; counts as asking

    /// Keys of this block that were never asked for, each as a finished message with line and "did you mean".
    [[nodiscard]] std::vector<std::string> unknown_keys() const;
    /// Throws for the first of unknown_keys(), in this block and in all blocks that were opened from it.
    void refuse_unknown_keys() const;

    /// Throws `misconfigured`: "file:line: path.key: problem". An empty key means the block itself.
    [[noreturn]] void fail(std::string_view key, std::string_view problem) const;

    [[nodiscard]] int line() const noexcept;                         ///< of the block
    [[nodiscard]] int line_of(std::string_view key) const noexcept;  ///< of the key, or of the block when absent
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
