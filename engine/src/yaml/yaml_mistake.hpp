#pragma once

#include <string>
#include <string_view>

namespace deployer {

/// A mistake in the syntax of a document, for a person who looks for it.
struct YamlMistake {
    int line = 0;  ///< from 1
    std::string problem;
};

/// Finds better words, and a better line, for the place at which yaml-cpp stumbled. `message` and `line` are those of
/// its exception. Pure.
YamlMistake explain_mistake(std::string_view text, const std::string& message, int line);

}  // namespace deployer
