#include "snapshot.hpp"

#include "directory_walk.hpp"
#include "posix/errno_text.hpp"
#include "posix/whole_file.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <Poco/DigestEngine.h>
#include <Poco/SHA2Engine.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

namespace deployer {

namespace {

constexpr off_t file_limit = off_t{16} << 20;
constexpr off_t tree_limit = off_t{64} << 20;

std::string in_mebibytes(off_t bytes) {
    return std::to_string(bytes >> 20) + " MiB";
}

void refuse_large_tree(const TreeListing& listing) {
    off_t total = 0;
    for (const auto& entry : listing.entries) {
        if (entry.node.kind == TreeNode::Kind::file && entry.stamp.size <= file_limit) total += entry.stamp.size;
        if (total <= tree_limit) continue;
        throw Error(ErrorKind::unavailable,
                    "its files add up to more than " + in_mebibytes(tree_limit) + " (counted up to " +
                        quote(entry.path) +
                        "): the source's path has to be the directory of services.yaml and its service files");
    }
}

[[noreturn]] void fail(const std::string& path, int error) {
    throw std::system_error(error, std::generic_category(), "cannot read " + quote(path));
}

bool is_still(int file, const FileStamp& stamp) {
    struct stat status {};
    return ::fstat(file, &status) == 0 && stamp_of(status) == stamp;
}

/// Up to `size` bytes, or fewer when the file ends before.
std::string read_bytes(int file, std::size_t size, const std::string& path) {
    try {
        return read_whole(file, size);
    } catch (const std::system_error& error) {
        fail(path, error.code().value());
    }
}

std::optional<TreeNode> read_file(int root, const TreeEntry& entry) {
    using Kind = TreeNode::Kind;
    if (entry.stamp.size > file_limit) {
        return TreeNode{Kind::unreadable,
                        "its " + std::to_string(entry.stamp.size) + " bytes are more than " + in_mebibytes(file_limit)};
    }
    const auto file = open_beneath(root, entry.path, O_RDONLY);
    const auto error = errno;
    if (!file && (error == EACCES || error == EPERM)) return TreeNode{Kind::unreadable, errno_text(error)};
    if (!file && (error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENXIO)) return std::nullopt;
    if (!file) fail(entry.path, error);
    if (!is_still(file.get(), entry.stamp)) return std::nullopt;
    const auto size = static_cast<std::size_t>(entry.stamp.size);
    // One byte more than the known size, to notice that the file has grown.
    auto text = read_bytes(file.get(), size + 1, entry.path);
    if (text.size() != size || !is_still(file.get(), entry.stamp)) return std::nullopt;
    return TreeNode{Kind::file, std::move(text)};
}

}  // namespace

std::optional<Tree> read_snapshot(int root, const TreeListing& listing, const Call& call) {
    refuse_large_tree(listing);
    Tree snapshot;
    for (const auto& entry : listing.entries) {
        call.check("reading the directory");
        auto node = entry.node.kind == TreeNode::Kind::file ? read_file(root, entry) : entry.node;
        if (!node) return std::nullopt;
        snapshot.emplace_hint(snapshot.end(), entry.path, *std::move(node));
    }
    return snapshot;
}

Revision revision_of(const Tree& snapshot) {
    Poco::SHA2Engine engine(Poco::SHA2Engine::SHA_256);
    // The length goes before each text, so that two different trees never give the same bytes.
    const auto add = [&](const std::string& text) {
        const auto length = std::to_string(text.size()) + ":";
        engine.update(length.data(), length.size());
        engine.update(text.data(), text.size());
    };
    for (const auto& [path, node] : snapshot) {
        // As in git, a directory counts only by its files.
        if (node.kind == TreeNode::Kind::directory) continue;
        add(path);
        add(std::to_string(static_cast<int>(node.kind)));
        add(node.text);
    }
    return {"sha256:" + Poco::DigestEngine::digestToHex(engine.digest())};
}

}  // namespace deployer
