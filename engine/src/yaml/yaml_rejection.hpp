#pragma once

#include "yaml/invisible_text.hpp"

#include <deployer/error.hpp>

#include <string>

namespace deployer {

/// Throws Error `rejected`, "FILE: problem".
[[noreturn]] inline void reject_yaml(const std::string& file, const std::string& problem) {
    throw Error(ErrorKind::rejected, file + ": " + problem);
}

/// Throws Error `rejected`, "FILE:LINE: problem".
[[noreturn]] inline void reject_yaml(const std::string& file, int line, const std::string& problem) {
    reject_yaml(file + ":" + std::to_string(line), problem);
}

/// The problem with a character that is not seen, where structure is.
inline std::string problem_of(const InvisibleCharacter& character) {
    return character.name + " stands here, which is not seen; take it out or make it a plain space";
}

}  // namespace deployer
