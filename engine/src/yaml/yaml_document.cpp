#include "yaml/yaml_document.hpp"

#include "yaml/yaml_builder.hpp"
#include "yaml/yaml_mistake.hpp"
#include "yaml/yaml_rejection.hpp"
#include "yaml/yaml_text.hpp"

#include <yaml-cpp/exceptions.h>

#include <utility>

namespace deployer {
namespace {

BuiltYaml parse(std::string_view text, const std::string& file, const YamlBudget& budget) {
    try {
        return build_yaml(file, prepare_yaml_text(text), budget);
    } catch (const YAML::Exception& error) {
        const auto mistake = explain_mistake(text, error.msg, error.mark.line + 1);
        reject_yaml(file, mistake.line, mistake.problem);
    }
}

}  // namespace

CloseReading read_yaml_closely(std::string_view text, std::string file, std::filesystem::path directory,
                               const YamlBudget& budget) {
    if (text.size() > budget.bytes) reject_yaml(file, "larger than " + std::to_string(budget.bytes) + " bytes");
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    check_yaml_text(file, text, budget);
    auto [root, long_values] = parse(text, file, budget);
    if (root.kind == SettingsNode::Kind::null) reject_yaml(file, "there is nothing in it");
    if (root.kind != SettingsNode::Kind::block) {
        reject_yaml(file, root.line, "keys with values (\"key: value\") are expected here");
    }
    SettingsDocument document{std::move(file), std::move(directory), std::move(root)};
    return {std::make_shared<const SettingsDocument>(std::move(document)), std::move(long_values)};
}

std::shared_ptr<const SettingsDocument> read_yaml(std::string_view text, std::string file,
                                                  std::filesystem::path directory, const YamlBudget& budget) {
    return read_yaml_closely(text, std::move(file), std::move(directory), budget).document;
}

}  // namespace deployer
