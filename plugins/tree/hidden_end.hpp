#pragma once

#include "tree/relative_path.hpp"
#include "tree/tree.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// Follows a symbolic link through the known nodes; returns the hidden path at which the node is unknown, or nullopt.
/// Whole trees are published by switching a link such as `..data`, so a link's target counts although it is hidden.
/// `look` returns the known node at a path, or null.
template <class Look>
std::optional<std::string> hidden_end(std::string_view link, const Look& look) {
    auto here = components_of(link);
    std::deque<std::string> ahead{here.back()};
    here.pop_back();
    for (int links = 0; !ahead.empty();) {
        const auto name = ahead.front();
        ahead.pop_front();
        if (name == "..") {
            if (here.empty()) return std::nullopt;
            here.pop_back();
            continue;
        }
        here.push_back(name);
        const auto path = join(here);
        const TreeNode* const node = look(path);
        if (node == nullptr) return is_hidden(name) ? std::optional(path) : std::nullopt;
        if (node->kind != TreeNode::Kind::link) continue;
        if (++links > link_limit) return std::nullopt;
        here.pop_back();
        if (node->text.starts_with('/')) here.clear();
        const auto detour = components_of(node->text);
        ahead.insert(ahead.begin(), detour.begin(), detour.end());
    }
    return std::nullopt;
}

}  // namespace deployer
