#include "yaml/yaml_budget.hpp"

#include <algorithm>

namespace deployer {

YamlSize measure(const SettingsNode& node) {
    YamlSize size{1, node.text.size(), 0};
    for (const auto& key : node.keys) size.bytes += key.size();
    for (const auto& item : node.items) {
        const auto part = measure(item);
        size.nodes += part.nodes;
        size.bytes += part.bytes;
        size.height = std::max(size.height, part.height);
    }
    if (node.kind == SettingsNode::Kind::list || node.kind == SettingsNode::Kind::block) ++size.height;
    return size;
}

std::optional<std::string> YamlSpending::add(const YamlSize& size) {
    nodes_ += size.nodes;
    bytes_ += size.bytes;
    if (nodes_ > budget_.nodes) {
        return "more than " + std::to_string(budget_.nodes) + " values, with aliases written out";
    }
    if (bytes_ > budget_.bytes) {
        return "more than " + std::to_string(budget_.bytes) + " bytes, with aliases written out";
    }
    return std::nullopt;
}

std::optional<std::string> YamlSpending::check_depth(int depth) const {
    if (depth <= budget_.depth) return std::nullopt;
    return "nested more than " + std::to_string(budget_.depth) + " levels deep";
}

}  // namespace deployer
