#pragma once

#include <chrono>
#include <deployer/error.hpp>
#include <deployer/export.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
namespace deployer {
struct SettingsNode {
    enum class Kind { null, scalar, list, block };
    Kind kind = Kind::null;
    std::string text;
    bool quoted = false;
    int line = 0;
    std::vector<std::string> keys;
    std::vector<SettingsNode> items;
};
struct SettingsDocument {
    std::string file;
    std::filesystem::path directory;
    SettingsNode root;
};
class DEPLOYER_SDK_EXPORT Settings {
public:
    explicit Settings(std::shared_ptr<const SettingsDocument> document);
    [[nodiscard]] std::string text(std::string_view key) const;
    [[nodiscard]] std::optional<std::string> find_text(std::string_view key, std::string_view wanted = "a text") const;
    [[nodiscard]] long long integer(std::string_view key, long long least, long long most) const;
    [[nodiscard]] std::optional<long long> find_integer(std::string_view key, long long least, long long most) const;
    [[nodiscard]] bool boolean(std::string_view key) const;
    [[nodiscard]] std::optional<bool> find_boolean(std::string_view key) const;
    [[nodiscard]] std::chrono::milliseconds duration(std::string_view key) const;
    [[nodiscard]] std::optional<std::chrono::milliseconds> find_duration(std::string_view key) const;
    [[nodiscard]] std::filesystem::path path(std::string_view key) const;
    [[nodiscard]] std::optional<std::filesystem::path> find_path(std::string_view key) const;
    [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;
    [[nodiscard]] std::optional<std::string> find_choice(std::string_view key,
                                                         const std::vector<std::string>& words) const;
    [[nodiscard]] std::optional<std::string> find_secret(std::string_view key) const;
    [[nodiscard]] std::set<std::string> secret_paths() const;
    [[nodiscard]] Settings block(std::string_view key) const;
    [[nodiscard]] std::optional<Settings> find_block(std::string_view key) const;
    [[nodiscard]] std::vector<Settings> blocks(std::string_view key) const;
    [[nodiscard]] std::vector<std::string> keys() const;
    [[nodiscard]] bool has(std::string_view key) const;
    [[nodiscard]] std::vector<std::string> unknown_keys() const;
    void refuse_unknown_keys() const;
    [[noreturn]] void fail(std::string_view key, std::string_view problem) const;
    [[nodiscard]] int line() const noexcept;
    [[nodiscard]] int line_of(std::string_view key) const noexcept;
    [[nodiscard]] std::string path_of(std::string_view key) const;

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
