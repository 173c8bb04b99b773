#pragma once

#include "yaml/yaml_budget.hpp"

#include <string>
#include <string_view>

namespace deployer {

/// Judges the text of a document before a parser reads it, for yaml-cpp does not notice these mistakes or stumbles over
/// them elsewhere. Throws Error `rejected`, "FILE:LINE: …", for text that is not UTF-8, for a control character, for a
/// character that is not seen where a line or an item begins, and for more commas and brackets than the budget has
/// values. A byte order mark has to be gone by then.
void check_yaml_text(const std::string& file, std::string_view text, const YamlBudget& budget);

/// The text as yaml-cpp gets it: with plain newlines, and with an end that it takes seriously. Lines keep their
/// numbers.
std::string prepare_yaml_text(std::string_view text);

}  // namespace deployer
