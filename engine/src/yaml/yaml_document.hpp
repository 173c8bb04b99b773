#pragma once

#include "yaml/yaml_budget.hpp"

#include <deployer/settings.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// Reads exactly one YAML document whose root is a block. Throws Error `rejected`, "FILE:LINE: …" (or "FILE: …" where
/// no line is to blame), for anything else: not YAML, nothing in it, several documents, a duplicate key (both lines), a
/// key that is no plain text, `<<`, a tag outside of YAML's core schema, a cycle, NUL bytes and other control
/// characters, text that is not UTF-8, or more than the budget.
///
/// A value is null when it is empty, `~` or `null`, unless it is quoted or tagged `!!str`; a value in quotes or with
/// that tag is `quoted`. CRLF is fine, and so is a byte order mark that the text begins with. Any other character that
/// is not seen is refused by its name where structure is: where a line or an item begins, in a key, at the ends of a
/// value.
std::shared_ptr<const SettingsDocument> read_yaml(std::string_view text, std::string file,
                                                  std::filesystem::path directory = {}, const YamlBudget& budget = {});

/// A document, and which of its keys and values go on in further lines.
struct CloseReading {
    std::shared_ptr<const SettingsDocument> document;
    std::vector<int> long_values;  ///< the lines where they begin, in order
};

/// read_yaml() for a text in which a value that swallows its neighbours does harm.
CloseReading read_yaml_closely(std::string_view text, std::string file, std::filesystem::path directory = {},
                               const YamlBudget& budget = {});

}  // namespace deployer
