#include "tree/tree.hpp"

#include "tree/hidden_end.hpp"
#include "tree/relative_path.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace deployer {

namespace {

[[noreturn]] void reject(const std::string& why) {
    throw Error(ErrorKind::rejected, why);
}

/// Resolves a path in a tree as the kernel does in a file system, but never above the root.
class Walk {
public:
    Walk(const Tree& tree, std::string_view root) : tree_(tree), root_(root) {}

    /// The node at the end of the path; null for a directory.
    const TreeNode* go(const std::vector<std::string>& names) {
        ahead_.assign(names.begin(), names.end());
        const TreeNode* end = nullptr;
        while (!ahead_.empty()) {
            if (end != nullptr) reject(describe(path()) + " is a file, not a directory");
            const auto name = ahead_.front();
            ahead_.pop_front();
            if (name == "..") {
                ascend();
            } else {
                end = step(name);
            }
        }
        return end;
    }

    [[nodiscard]] std::string path() const { return join(here_); }

    [[nodiscard]] std::string describe(std::string_view path) const { return quote(join(root_, path)); }

private:
    const TreeNode* step(const std::string& name) {
        here_.push_back(name);
        const auto found = tree_.find(path());
        if (found == tree_.end()) miss(name);
        const auto& node = found->second;
        if (node.kind == TreeNode::Kind::unreadable) reject("cannot read " + describe(path()) + ": " + node.text);
        if (node.kind == TreeNode::Kind::link) follow(node.text);
        return node.kind == TreeNode::Kind::link || node.kind == TreeNode::Kind::directory ? nullptr : &node;
    }

    void follow(const std::string& target) {
        link_ = path();
        if (++links_ > link_limit) reject("too many symbolic links at " + describe(link_));
        here_.pop_back();
        if (target.starts_with('/')) here_.clear();
        const auto names = components_of(target);
        ahead_.insert(ahead_.begin(), names.begin(), names.end());
    }

    void ascend() {
        if (here_.empty()) leave();
        here_.pop_back();
    }

    [[noreturn]] void leave() const { reject("symbolic link " + describe(link_) + " leads out of the source's root"); }

    [[noreturn]] void miss(std::string_view name) const {
        if (is_hidden(name)) reject(describe(path()) + " is hidden: names that begin with a dot are not read");
        const auto through = link_.empty() ? std::string() : " (through symbolic link " + describe(link_) + ")";
        throw Error(ErrorKind::not_found, "there is no " + describe(path()) + through);
    }

    const Tree& tree_;
    std::string_view root_;
    std::vector<std::string> here_;
    std::deque<std::string> ahead_;
    std::string link_;
    int links_ = 0;
};

using Paths = std::set<std::string, std::less<>>;

/// Whether each hidden name in the path was admitted.
bool is_visible(std::string_view path, const Paths& admitted) {
    for (std::size_t start = 0; start < path.size();) {
        const auto end = std::min(path.find('/', start), path.size());
        if (is_hidden(path.substr(start)) && !admitted.contains(path.substr(0, end))) return false;
        start = end + 1;
    }
    return true;
}

/// The hidden paths, not admitted yet, that visible links lead to.
Paths find_hidden(const Tree& tree, const Paths& admitted) {
    const auto look = [&](const std::string& path) -> const TreeNode* {
        const auto node = tree.find(path);
        return node == tree.end() || !is_visible(path, admitted) ? nullptr : &node->second;
    };
    Paths found;
    for (const auto& [path, node] : tree) {
        if (node.kind != TreeNode::Kind::link || !is_visible(path, admitted)) continue;
        auto hidden = hidden_end(path, look);
        if (hidden && !admitted.contains(*hidden)) found.insert(*std::move(hidden));
    }
    return found;
}

[[noreturn]] void reject(std::string_view location, const std::string& why) {
    reject(quote(presentable_uri(location)) + why);
}

}  // namespace

std::vector<std::string> names_below_root(std::string_view location) {
    auto names = components_of(location);
    if (names.empty()) reject(location, " names no file");
    if (location.find("://") != std::string_view::npos) {
        reject(location, " cannot be fetched: it is neither https:// nor http://");
    }
    if (location.starts_with('/')) reject(location, " is an absolute path: write it relative to the source's root");
    if (std::find(names.begin(), names.end(), "..") != names.end()) {
        reject(location, " may not leave the source's root: \"..\" is not allowed");
    }
    return names;
}

void drop_hidden(Tree& tree) {
    Paths admitted;
    // An admitted entry may contain, or be, a link to another hidden one.
    for (int rounds = 0; rounds < link_limit; ++rounds) {
        const auto found = find_hidden(tree, admitted);
        if (found.empty()) break;
        admitted.insert(found.begin(), found.end());
    }
    std::erase_if(tree, [&](const auto& entry) { return !is_visible(entry.first, admitted); });
}

File find_file(const Tree& tree, std::string_view root, std::string_view location) {
    try {
        Walk walk(tree, root);
        const auto* node = walk.go(names_below_root(location));
        const auto name = walk.describe(walk.path());
        if (node == nullptr) reject(name + " is a directory");
        if (node->kind != TreeNode::Kind::file) reject(name + " is not a regular file");
        return {node->text, std::nullopt};
    } catch (const Error& error) {
        return {{}, error};
    }
}

std::string resolve_folder(const Tree& tree, std::string_view folder) {
    try {
        Walk walk(tree, {});
        if (walk.go(components_of(folder)) == nullptr) return walk.path();
    } catch (const Error&) {
        // There is no such folder; reading a file below it gives the error.
    }
    return std::string(folder);
}

}  // namespace deployer
