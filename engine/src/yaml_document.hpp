#pragma once

#include <deployer/settings.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace deployer {

/// How much of a YAML document is believed. Aliases count what they stand for, so that an alias bomb ends here.
struct YamlBudget {
    std::size_t bytes = 16U << 20U;
    std::size_t nodes = 500'000;
    int depth = 32;
};

/// Reads exactly one YAML document whose root is a block. Throws Error `rejected`, "FILE:LINE: …" (or "FILE: …" where
/// no line is to blame), for anything else: not YAML, nothing in it, several documents, a duplicate key (both lines), a
/// key that is no plain text, `<<`, a tag outside of YAML's core schema, a cycle, NUL bytes and other control
/// characters, text that is not UTF-8, or more than the budget.
///
/// Null is what is empty, `~` or `null`, unless it is quoted or tagged `!!str`; a value in quotes or with that tag is
/// `quoted`. CRLF and a byte order mark are fine.
std::shared_ptr<const SettingsDocument> read_yaml(std::string_view text, std::string file,
                                                  std::filesystem::path directory = {}, const YamlBudget& budget = {});

}  // namespace deployer
