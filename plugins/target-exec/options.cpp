#include "options.hpp"

#include "protocol.hpp"

#include <deployer/foreign_text.hpp>

#include <Poco/DigestEngine.h>
#include <Poco/SHA1Engine.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

namespace deployer::exec {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

void refuse_nul(const Settings& settings, std::string_view key, std::string_view text) {
    if (text.find('\0') != std::string_view::npos) settings.fail(key, "cannot hold a NUL byte");
}

std::vector<std::string> read_command(const Settings& settings) {
    settings.describe(
        "command", "",
        "The program and its arguments. A first word with a slash in it is a path, relative to the directory "
        "of the configuration file; one without is looked up in the program's own `PATH`.");
    auto words = settings.texts("command");
    if (words.empty()) {
        settings.fail("command", settings.has("command") ? "is empty" : "is missing");
    }
    for (const auto& word : words) refuse_nul(settings, "command", word);
    auto& program = words.front();
    if (program.empty()) settings.fail("command", "has no program in it");
    if (program.find('/') != std::string::npos) {
        program = std::filesystem::absolute(settings.as_path("command", program)).native();
    }
    return words;
}

/// Variables that programs need for finding files and for the language. None of them is a secret.
Variables harmless_variables() {
    constexpr auto names =
        std::to_array<std::string_view>({"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "LANGUAGE"});
    Variables variables;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto name = text.substr(0, text.find('='));
        const bool is_harmless = std::find(names.begin(), names.end(), name) != names.end();
        if (name.size() == text.size() || (!is_harmless && !name.starts_with("LC_"))) continue;
        variables.emplace(name, text.substr(name.size() + 1));
    }
    return variables;
}

bool is_variable_name(std::string_view name) {
    const auto is_of_name = [](unsigned char byte) { return std::isalnum(byte) != 0 || byte == '_'; };
    return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
           std::all_of(name.begin(), name.end(), is_of_name);
}

/// Reads the variables of the setting `environment`. Each value may be a secret.
std::vector<std::string> read_environment(const Settings& settings) {
    constexpr std::string_view of_file = "_file";
    settings.describe(
        "environment", "none",
        "Variables for the program. A value may be a secret: `${NAME}` stands for a variable of the deployer, "
        "and `NAME_file` names a file that holds the value of `NAME`.");
    auto variables = harmless_variables();
    const auto block = settings.block("environment");
    for (const auto& key : block.keys()) {
        const auto name = key.ends_with(of_file) ? key.substr(0, key.size() - of_file.size()) : key;
        if (!is_variable_name(name)) block.fail(key, "is no name of an environment variable");
        if (auto value = block.find_secret(name)) {
            refuse_nul(block, key, *value);
            variables.insert_or_assign(name, *std::move(value));
        }
    }
    std::vector<std::string> environment;
    environment.reserve(variables.size());
    for (const auto& [name, value] : variables) environment.emplace_back(name).append(1, '=').append(value);
    return environment;
}

std::filesystem::path read_directory(const Settings& settings) {
    settings.describe("directory", "that of the configuration file", "The program's working directory.");
    const auto directory = settings.find_path("directory").value_or(settings.directory());
    return directory.empty() ? directory : std::filesystem::absolute(directory).lexically_normal();
}

/// Arguments and settings may select the cluster, so a change of them gives another identity. They may also hold
/// secrets, so only their digest is shown. Nothing else goes into the identity, so that it stays the same with later
/// versions of the deployer.
std::string derive_identity(const Launch& launch, std::string_view settings) {
    constexpr std::size_t digits = 16;
    Poco::SHA1Engine engine;
    for (const auto& word : launch.command) engine.update(word.c_str(), word.size() + 1);
    engine.update(launch.directory.c_str(), launch.directory.native().size() + 1);
    engine.update(settings.data(), settings.size());
    return "exec:" + printable(launch.command.front()) + '#' +
           Poco::DigestEngine::digestToHex(engine.digest()).substr(0, digits);
}

std::optional<std::string> read_identity(const Settings& settings) {
    settings.describe("identity", "see below", "The name of the cluster.");
    auto identity = settings.find_text("identity");
    if (identity && identity->empty()) settings.fail("identity", "is empty");
    if (identity && printable(*identity) != *identity) settings.fail("identity", "has to be one line of text");
    return identity;
}

std::optional<SettingsNode> read_program_settings(const Settings& settings) {
    settings.describe(
        "settings", "none",
        "A block for the program, which gets it as JSON: blocks and lists as such, each single value as text, "
        "as it is written.");
    auto tree = settings.find_tree("settings");
    if (tree && tree->kind != SettingsNode::Kind::block) settings.fail("settings", "must be a block of keys");
    return tree;
}

std::chrono::milliseconds read_start_timeout(const Settings& settings) {
    settings.describe("start_timeout", "`10s`", "How long the program may take until it says hello.");
    const auto timeout = settings.find_duration("start_timeout").value_or(std::chrono::seconds(10));
    if (timeout.count() == 0) settings.fail("start_timeout", "has to be longer than 0");
    return timeout;
}

std::chrono::milliseconds read_restart_pause(const Settings& settings) {
    settings.describe("restart_pause", "`1s`",
                      "The pause before a program that has ended early twice is started again.");
    return settings.find_duration("restart_pause").value_or(std::chrono::seconds(1));
}

}  // namespace

Options read_options(const Settings& settings) {
    Launch launch{read_command(settings), read_environment(settings), read_directory(settings)};
    const auto for_program = write_settings(read_program_settings(settings));
    const auto expected = read_identity(settings);
    auto identity = expected.value_or(derive_identity(launch, for_program));
    return {std::move(launch), write_hello(for_program),     std::move(identity),
            expected,          read_start_timeout(settings), read_restart_pause(settings)};
}

}  // namespace deployer::exec
