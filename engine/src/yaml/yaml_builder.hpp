#pragma once

#include "yaml/yaml_budget.hpp"

#include <deployer/settings.hpp>

#include <string>
#include <vector>

namespace deployer {

/// The values of a document, and which of its keys and values go on in further lines.
struct BuiltYaml {
    SettingsNode root;
    std::vector<int> long_values;  ///< the lines where they begin, in order
};

/// Parses a text that prepare_yaml_text() gave, straight to values of our own. Throws YAML::Exception where the text is
/// no YAML, and Error `rejected`, "FILE:LINE: …", for YAML that is refused: several documents, a duplicate key, a key
/// that is no plain text, `<<`, a tag outside of YAML's core schema, an alias cycle, a NUL byte, a character that is
/// not seen in a key or at the ends of a value, and for more than the budget.
BuiltYaml build_yaml(const std::string& file, const std::string& text, const YamlBudget& budget);

}  // namespace deployer
