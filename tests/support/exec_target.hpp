#pragma once

#include "support/loaded_plugin.hpp"
#include "support/temp_dir.hpp"

#include <deployer/target.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// The text as a quoted scalar of YAML.
inline std::string in_yaml(std::string_view text) {
    std::string quoted = "'";
    for (const char character : text) quoted.append(character == '\'' ? 2 : 1, character);
    return quoted + '\'';
}

inline std::string command_of(const std::vector<std::string>& words) {
    std::string yaml = "command: [";
    for (const auto& word : words) yaml += in_yaml(word) + ", ";
    return yaml + "]\n";
}

/// target-exec with the program of tests/fixtures/odd_program.cpp. `behaviour` is the program's arguments, explained
/// there. `settings` are more lines of YAML.
inline std::shared_ptr<Target> load_odd(std::vector<std::string> behaviour, std::string_view settings = {},
                                        const std::filesystem::path& directory = {}) {
    behaviour.insert(behaviour.begin(), DEPLOYER_TEST_FIXTURES "/odd-program");
    return load_target("target-exec", settings_from(command_of(behaviour) + std::string(settings), directory));
}

}  // namespace deployer
