#pragma once

#include <span>
#include <string>

namespace deployer {

/// The words in one text, separated by commas: "a, b, c".
inline std::string word_list(std::span<const std::string> words) {
    std::string list;
    for (const auto& word : words) list.append(list.empty() ? "" : ", ").append(word);
    return list;
}

}  // namespace deployer
