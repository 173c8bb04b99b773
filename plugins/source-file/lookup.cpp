#include "lookup.hpp"

#include "directory_walk.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

namespace deployer {

namespace {

constexpr int link_limit = 40;

[[noreturn]] void reject(const std::string& why) {
    throw Error(ErrorKind::rejected, why);
}

void refuse_location(std::string_view location, const std::vector<std::string>& names) {
    const auto shown = quote(presentable_uri(location));
    if (names.empty()) reject(shown + " names no file");
    if (location.find("://") != std::string_view::npos) {
        reject("source-file cannot fetch " + shown + ": it reads files below its path only");
    }
    if (location.starts_with('/')) reject(shown + " is an absolute path: write it relative to the source's path");
    if (std::find(names.begin(), names.end(), "..") != names.end()) {
        reject(shown + " may not leave the source's path: \"..\" is not allowed");
    }
}

/// Walks a snapshot as the kernel walks a file system, but never above the root.
class Walk {
public:
    Walk(const Snapshot& snapshot, const std::filesystem::path& root) : snapshot_(snapshot), root_(root) {}

    const std::string& find(const std::vector<std::string>& names) {
        ahead_.assign(names.begin(), names.end());
        while (!ahead_.empty()) {
            const auto name = ahead_.front();
            ahead_.pop_front();
            if (name == "..") {
                ascend();
                continue;
            }
            const auto path = path_to(name);
            const auto found = snapshot_.find(path);
            if (found == snapshot_.end()) miss(path, name);
            if (const auto* content = step(path, name, found->second)) return *content;
        }
        reject(describe(path_to({})) + " is a directory");
    }

private:
    /// The content at the end of the way, or null to go on.
    const std::string* step(const std::string& path, const std::string& name, const SnapshotNode& node) {
        switch (node.kind) {
            case TreeEntry::Kind::file:
                if (!ahead_.empty()) reject(describe(path) + " is a file, not a directory");
                return &node.text;
            case TreeEntry::Kind::directory:
                here_.push_back(name);
                return nullptr;
            case TreeEntry::Kind::link:
                follow(path, node.text);
                return nullptr;
            case TreeEntry::Kind::special:
                reject(describe(path) + " is not a regular file");
            case TreeEntry::Kind::unreadable:
                reject("cannot read " + describe(path) + ": " + node.text);
        }
        return nullptr;
    }

    void follow(const std::string& path, const std::string& target) {
        link_ = path;
        if (++links_ > link_limit) reject("too many symbolic links at " + describe(path));
        const auto below = target_below(root_, target);
        if (!below) leave();
        if (target.starts_with('/')) here_.clear();
        const auto names = components_of(*below);
        ahead_.insert(ahead_.begin(), names.begin(), names.end());
    }

    void ascend() {
        if (here_.empty()) leave();
        here_.pop_back();
    }

    [[noreturn]] void leave() const { reject("symbolic link " + describe(link_) + " leads out of the source's path"); }

    [[noreturn]] void miss(const std::string& path, std::string_view name) const {
        if (is_hidden(name)) reject(describe(path) + " is hidden: names that begin with a dot are not read");
        const auto through = link_.empty() ? std::string() : " (through symbolic link " + describe(link_) + ")";
        throw Error(ErrorKind::not_found, "there is no " + describe(path) + through);
    }

    [[nodiscard]] std::string path_to(std::string_view name) const { return join(join(here_), name); }

    [[nodiscard]] std::string describe(std::string_view path) const { return quote((root_ / path).native()); }

    const Snapshot& snapshot_;
    const std::filesystem::path& root_;
    std::vector<std::string> here_;
    std::deque<std::string> ahead_;
    std::string link_;
    int links_ = 0;
};

}  // namespace

File find_file(const Snapshot& snapshot, const std::filesystem::path& root, std::string_view location) {
    try {
        const auto names = components_of(location);
        refuse_location(location, names);
        return {Walk(snapshot, root).find(names), std::nullopt};
    } catch (const Error& error) {
        return {{}, error};
    }
}

}  // namespace deployer
