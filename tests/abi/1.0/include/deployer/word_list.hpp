#pragma once

#include <span>
#include <string>
namespace deployer {
inline std::string word_list(std::span<const std::string> words) {
    std::string list;
    for (const auto& word : words) list.append(list.empty() ? "" : ", ").append(word);
    return list;
}
}  // namespace deployer
