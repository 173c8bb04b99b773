#include "archive.hpp"
#include "tree/relative_path.hpp"
#include "tree/tree.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace deployer::github {

namespace {

constexpr std::uint64_t unpacked_limit = std::uint64_t{512} << 20U;
constexpr std::uint64_t tree_limit = std::uint64_t{64} << 20U;
constexpr std::uint64_t file_limit = std::uint64_t{16} << 20U;
constexpr std::size_t entry_limit = 100'000;
constexpr std::size_t block = 512;

[[noreturn]] void fail(const std::string& problem) {
    throw Error(ErrorKind::unavailable, problem);
}

[[noreturn]] void refuse(const std::string& problem) {
    throw Error(ErrorKind::rejected, problem);
}

std::string in_mebibytes(std::uint64_t bytes) {
    return std::to_string(bytes >> 20U) + " MiB";
}

/// Facts about a tar file, collected by decompressing it once.
struct Unpacked {
    std::string beginning;        ///< the first bytes, enough for the first entry
    std::uint64_t size = 0;       ///< bytes
    std::uint64_t zero_from = 0;  ///< offset from which on there are only zero bytes
};

class Inflater {
public:
    explicit Inflater(std::string_view compressed) {
        // zlib takes no const, but does not write there.
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
        stream_.avail_in = static_cast<uInt>(compressed.size());
        constexpr int gzip_only = 16;
        if (::inflateInit2(&stream_, gzip_only + MAX_WBITS) != Z_OK) fail("there is no memory to unpack it");
    }
    ~Inflater() { ::inflateEnd(&stream_); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    Inflater(Inflater&&) = delete;
    Inflater& operator=(Inflater&&) = delete;

    /// The next decompressed bytes; empty at the end. Throws when the file is cut or damaged.
    std::string_view next() {
        if (ended_) return {};
        stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
        stream_.avail_out = static_cast<uInt>(buffer_.size());
        const int result = ::inflate(&stream_, Z_NO_FLUSH);
        if (result == Z_BUF_ERROR || (result == Z_OK && stream_.avail_out > 0)) fail("it is cut short");
        if (result != Z_OK && result != Z_STREAM_END) fail(std::string("it is damaged") + reason());
        ended_ = result == Z_STREAM_END;
        if (ended_ && stream_.avail_in > 0) fail("it is damaged: something comes after its end");
        return {buffer_.data(), buffer_.size() - stream_.avail_out};
    }

private:
    [[nodiscard]] std::string reason() const {
        return stream_.msg == nullptr ? std::string() : ": " + std::string(stream_.msg);
    }

    z_stream stream_{};
    std::array<char, 65536> buffer_{};
    bool ended_ = false;
};

bool is_zero(std::string_view bytes) {
    return bytes.front() == '\0' && bytes.substr(1) == bytes.substr(0, bytes.size() - 1);
}

/// Decompresses all of a gzip file and checks the checksum and the length at its end, which libarchive does not.
Unpacked look_through(std::string_view compressed, const Call& call) {
    constexpr std::size_t beginning_size = 8 * block;
    Unpacked unpacked;
    Inflater inflater(compressed);
    for (auto bytes = inflater.next(); !bytes.empty(); bytes = inflater.next()) {
        call.check("unpacking it");
        unpacked.beginning += bytes.substr(0, beginning_size - unpacked.beginning.size());
        if (!is_zero(bytes)) unpacked.zero_from = unpacked.size + bytes.find_last_not_of('\0') + 1;
        unpacked.size += bytes.size();
        if (unpacked.size > unpacked_limit) {
            refuse("it unpacks to more than " + in_mebibytes(unpacked_limit) + how_to_shrink);
        }
    }
    return unpacked;
}

/// The commit in the global header that git writes first: `52 comment=<commit>`. Nullopt when there is none.
std::optional<std::string_view> commit_in(std::string_view tar) {
    constexpr std::size_t type_offset = 156;
    constexpr std::string_view key = " comment=";
    if (tar.size() < 2 * block || tar[type_offset] != 'g') return std::nullopt;
    auto records = tar.substr(block);
    while (!records.empty()) {
        std::size_t length = 0;
        const auto [end, error] = std::from_chars(records.data(), records.data() + records.size(), length);
        const auto digits = static_cast<std::size_t>(end - records.data());
        if (error != std::errc() || length <= digits || length > records.size()) return std::nullopt;
        const auto rest = records.substr(digits, length - digits);
        if (rest.starts_with(key) && rest.ends_with('\n')) {
            return rest.substr(key.size(), rest.size() - key.size() - 1);
        }
        records.remove_prefix(length);
    }
    return std::nullopt;
}

/// Reads the entries of a tar file. The gzip file was checked before.
class TarReader {
public:
    explicit TarReader(std::string_view archive) : archive_(::archive_read_new(), &::archive_read_free) {
        auto* const reader = archive_.get();
        if (reader == nullptr) fail("there is no memory to unpack it");
        expect(::archive_read_support_filter_gzip(reader));
        expect(::archive_read_support_format_tar(reader));
        expect(::archive_read_open_memory(reader, archive.data(), archive.size()));
    }

    /// The next entry; null at the end. Valid until the next call.
    ::archive_entry* next() {
        ::archive_entry* entry = nullptr;
        const int result = ::archive_read_next_header(archive_.get(), &entry);
        if (result == ARCHIVE_EOF) return nullptr;
        // libarchive warns of a name that is not text in the locale's encoding, but gives its bytes all the same.
        if (result != ARCHIVE_WARN) expect(result);
        return entry;
    }

    /// The content of the current entry.
    std::string content(std::uint64_t size) {
        std::string text(size, '\0');
        std::size_t filled = 0;
        while (filled < text.size()) {
            const auto got = ::archive_read_data(archive_.get(), text.data() + filled, text.size() - filled);
            if (got < 0) fail(std::string("it is damaged") + reason());
            if (got == 0) fail("it is cut short");
            filled += static_cast<std::size_t>(got);
        }
        return text;
    }

    /// The offset of the current entry; at the end, the offset where another entry would begin.
    [[nodiscard]] std::uint64_t position() const {
        return static_cast<std::uint64_t>(::archive_read_header_position(archive_.get()));
    }

private:
    void expect(int result) const {
        if (result != ARCHIVE_OK) fail(std::string("it is damaged") + reason());
    }

    [[nodiscard]] std::string reason() const {
        const char* const text = ::archive_error_string(archive_.get());
        return text == nullptr ? std::string() : ": " + quote(text);
    }

    std::unique_ptr<::archive, decltype(&::archive_read_free)> archive_;
};

/// The path below the archive's single top folder; empty for that folder. git makes no other paths.
std::string path_of(::archive_entry* entry) {
    const char* const text = ::archive_entry_pathname(entry);
    const std::string_view path = text == nullptr ? std::string_view() : text;
    auto names = components_of(path);
    if (path.starts_with('/') || names.empty() || std::find(names.begin(), names.end(), "..") != names.end()) {
        fail("it is damaged: no commit has a file " + quote(path));
    }
    std::string below;
    for (auto name = names.begin() + 1; name != names.end(); ++name) below = join(below, *name);
    return below;
}

TreeNode::Kind kind_of(::archive_entry* entry) {
    if (::archive_entry_hardlink(entry) != nullptr) return TreeNode::Kind::special;
    switch (::archive_entry_filetype(entry)) {
        case AE_IFREG:
            return TreeNode::Kind::file;
        case AE_IFDIR:
            return TreeNode::Kind::directory;
        case AE_IFLNK:
            return TreeNode::Kind::link;
        default:
            return TreeNode::Kind::special;
    }
}

/// The path relative to a folder (the whole path for the folder ""); nullopt when the path is not below the folder.
std::optional<std::string_view> below(std::string_view path, std::string_view folder) {
    if (folder.empty()) return path;
    if (path.size() <= folder.size() || !path.starts_with(folder) || path[folder.size()] != '/') return std::nullopt;
    return path.substr(folder.size() + 1);
}

/// The link's target in the form of a Tree: an absolute target leads out of the repository.
std::string link_target(::archive_entry* entry) {
    const char* const text = ::archive_entry_symlink(entry);
    const std::string target = text == nullptr ? "" : text;
    return target.starts_with('/') ? "/.." + target : target;
}

/// The contents of an archive, seen from one folder of it.
struct Contents {
    Tree tree;  ///< below the folder
    Tree ways;  ///< directories and links everywhere
};

/// Collects the contents from the entries and enforces the limits.
class Collector {
public:
    Collector(TarReader& tar, std::string_view folder) : tar_(tar), folder_(folder) {}

    void take(::archive_entry* entry) {
        const auto path = path_of(entry);
        if (path.empty()) return;
        const auto kind = kind_of(entry);
        if (kind == TreeNode::Kind::link || kind == TreeNode::Kind::directory) {
            contents_.ways.emplace(path, TreeNode{kind, link_target(entry)});
        }
        const auto inside = below(path, folder_);
        if (!inside) return;
        auto& tree = contents_.tree;
        if (tree.size() == entry_limit) refuse_much("it holds more than " + std::to_string(entry_limit) + " files");
        if (!tree.emplace(*inside, read(kind, entry)).second) fail("it is damaged: it holds " + quote(path) + " twice");
    }

    Contents contents() && { return std::move(contents_); }

private:
    TreeNode read(TreeNode::Kind kind, ::archive_entry* entry) {
        if (kind == TreeNode::Kind::link) return {kind, link_target(entry)};
        if (kind != TreeNode::Kind::file) return {kind, {}};
        const auto size = static_cast<std::uint64_t>(std::max<std::int64_t>(0, ::archive_entry_size(entry)));
        if (size > file_limit) {
            return {TreeNode::Kind::unreadable,
                    "its " + std::to_string(size) + " bytes are more than " + in_mebibytes(file_limit)};
        }
        total_ += size;
        if (total_ > tree_limit) refuse_much("its files add up to more than " + in_mebibytes(tree_limit));
        return {kind, tar_.content(size)};
    }

    [[noreturn]] void refuse_much(const std::string& problem) const {
        refuse(problem + (folder_.empty() ? std::string() : " below " + quote(folder_)) +
               ": the source's path has to be the folder of services.yaml and its service files");
    }

    TarReader& tar_;
    std::string_view folder_;
    Contents contents_;
    std::uint64_t total_ = 0;
};

Contents collect(std::string_view archive, const Unpacked& unpacked, std::string_view folder, const Call& call) {
    TarReader tar(archive);
    Collector collector(tar, folder);
    while (auto* const entry = tar.next()) {
        call.check("unpacking it");
        collector.take(entry);
    }
    // A server that is killed while it writes the tar file may stop between two entries; only the end mark is missing
    // then.
    if (unpacked.size < tar.position() + 2 * block || unpacked.zero_from > tar.position()) fail("it is cut short");
    return std::move(collector).contents();
}

}  // namespace

Tree read_archive(std::string_view archive, std::string_view commit, std::string_view folder, const Call& call) {
    const auto unpacked = look_through(archive, call);
    if (const auto other = commit_in(unpacked.beginning); other && *other != commit) {
        fail("it is of another commit, " + quote(*other));
    }
    auto contents = collect(archive, unpacked, folder, call);
    // The folder's path may lead through symbolic links; collect again from the real path then.
    if (const auto real = resolve_folder(contents.ways, folder); real != folder) {
        contents = collect(archive, unpacked, real, call);
    }
    drop_hidden(contents.tree);
    return std::move(contents.tree);
}

}  // namespace deployer::github
