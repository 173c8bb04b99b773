#include <deployer/plugin.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace fs = std::filesystem;

namespace {

using deployer::Call;
using deployer::Checkout;
using deployer::Error;
using deployer::ErrorKind;
using deployer::File;
using deployer::FileRequest;
using deployer::Revision;

/// Files by their location below the directory. A file that this source refuses is an entry, too, with the error.
using Files = std::map<std::string, File>;

constexpr std::chrono::milliseconds look_every{1'000};
constexpr std::chrono::milliseconds between_two_looks{20};

/// A File with an error instead of content.
File refusal(ErrorKind kind, const std::string& why) {
    return {{}, Error(kind, why)};
}

File read_file(const fs::path& file) {
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    std::string content;
    std::array<char, 4096> chunk{};
    while (in.read(chunk.data(), chunk.size()), in.gcount() > 0) {
        content.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (in.is_open() && !in.bad()) return {content, std::nullopt};
    return refusal(ErrorKind::rejected, "cannot read it: " + std::generic_category().message(errno));
}

/// Reads a directory entry. Symbolic links are not followed, because they could lead out of the directory.
File read_entry(const fs::directory_entry& entry) {
    std::error_code error;
    const auto status = entry.symlink_status(error);
    return fs::is_regular_file(status) ? read_file(entry.path())
                                       : refusal(ErrorKind::rejected, "it is no regular file");
}

bool is_hidden(const fs::path& path) {
    return path.filename().string().starts_with('.');
}

/// Reads all files, one after the other. Names that begin with a dot are skipped.
Files read_files(const fs::path& directory, const Call& call) {
    Files files;
    std::error_code error;
    fs::recursive_directory_iterator entry(directory, error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        call.check("reading " + directory.string());
        std::error_code unknown;
        const bool is_directory = fs::is_directory(entry->symlink_status(unknown));
        if (is_hidden(entry->path())) {
            if (is_directory) entry.disable_recursion_pending();
        } else if (!is_directory) {
            files.insert_or_assign(entry->path().lexically_relative(directory).generic_string(), read_entry(*entry));
        }
    }
    if (error) throw Error(ErrorKind::unavailable, "cannot read " + directory.string() + ": " + error.message());
    return files;
}

/// FNV-1a of 64 bits: tells versions apart, but an attacker could make two versions with the same hash.
class Hash {
public:
    void add(std::string_view text) {
        for (const char byte : text) add_byte(static_cast<unsigned char>(byte));
        add_byte(0xff);  // Separates the texts: "ab", "c" must not hash as "a", "bc".
    }
    [[nodiscard]] std::string text() const { return std::to_string(value_); }

private:
    void add_byte(unsigned char byte) { value_ = (value_ ^ byte) * 0x100'0000'01b3U; }

    std::uint64_t value_ = 0xcbf2'9ce4'8422'2325U;
};

Revision revision_of(const Files& files) {
    Hash hash;
    for (const auto& [location, file] : files) {
        hash.add(location);
        hash.add(file.error ? file.error->what() : file.content);
    }
    return {"content-" + hash.text()};
}

class FilesCheckout final : public Checkout {
public:
    FilesCheckout(Files files, Revision revision) : files_(std::move(files)), revision_(std::move(revision)) {}

    [[nodiscard]] const Revision& revision() const override { return revision_; }

    std::vector<File> read(std::span<const FileRequest> requests, const Call& /*call*/) override {
        std::vector<File> answers;
        answers.reserve(requests.size());
        for (const auto& request : requests) answers.push_back(find(request.location));
        return answers;
    }

private:
    [[nodiscard]] File find(const std::string& location) const {
        if (location.find("://") != std::string::npos) {
            return refusal(ErrorKind::rejected, "this source reads files below its directory only");
        }
        const auto path = fs::path(location).lexically_normal();
        if (path.is_absolute() || path.string().starts_with("..")) {
            return refusal(ErrorKind::rejected, "it is not below the source's directory");
        }
        // A location behind a symbolic link fails with the error of the link, which is the entry that was read.
        for (auto part = path; !part.empty(); part = part.parent_path()) {
            const auto found = files_.find(part.generic_string());
            if (found != files_.end() && (part == path || found->second.error)) return found->second;
        }
        return refusal(ErrorKind::not_found, "there is no such file");
    }

    Files files_;
    Revision revision_;
};

/// Takes the files of a directory as the wanted state. The directory does not report changes, so the source reads the
/// files at intervals.
class DirectorySource final : public deployer::Source {
public:
    explicit DirectorySource(const deployer::Settings& settings) {
        settings.describe("path", "", "The directory that holds `services.yaml` and the files that it names.");
        directory_ = settings.path("path");
    }

    std::unique_ptr<Checkout> checkout(const Revision& known, const Call& call) override {
        auto files = read_files(directory_, call);
        seen_ = revision_of(files);
        if (seen_ == known) return nullptr;
        // Read until two readings in a row are the same: then no file changed in between, and the files are of one
        // version.
        for (auto before = Revision(); before != seen_;) {
            before = seen_;
            (void)call.wait(between_two_looks);
            files = read_files(directory_, call);
            seen_ = revision_of(files);
        }
        return std::make_unique<FilesCheckout>(std::move(files), seen_);
    }

    void wait_for_change(const Call& call) override {
        while (call.wait(look_every)) {
            try {
                if (revision_of(read_files(directory_, call)) != seen_) return;
            } catch (const Error&) {
                return;  // The next checkout reports the error.
            }
        }
    }

private:
    fs::path directory_;
    Revision seen_;
};

}  // namespace

DEPLOYER_PLUGIN(deployer::Source, DirectorySource, "source-directory", "1.0.0");
