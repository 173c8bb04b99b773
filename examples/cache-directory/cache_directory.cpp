#include <deployer/plugin.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace fs = std::filesystem;

namespace {

using deployer::Call;
using deployer::Error;
using deployer::ErrorKind;

[[noreturn]] void fail(const std::string& doing) {
    const int number = errno;
    // A full disk may recover by itself; a missing path or permission needs a person.
    const bool may_pass =
        number != ENOENT && number != ENOTDIR && number != EACCES && number != EPERM && number != EROFS;
    throw Error(may_pass ? ErrorKind::unavailable : ErrorKind::misconfigured,
                doing + ": " + std::generic_category().message(number));
}

/// Owns a file descriptor and closes it.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor(Descriptor&&) = delete;
    Descriptor& operator=(Descriptor&&) = delete;

    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

/// Makes new and removed names durable: a name is part of the directory, so syncing the file alone does not save it.
void sync_directory(const fs::path& directory) {
    const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.number() < 0 || ::fsync(opened.number()) != 0) fail("cannot sync " + directory.string());
}

void write_whole(int file, std::string_view text, const fs::path& path) {
    while (!text.empty()) {
        const auto written = ::write(file, text.data(), text.size());
        if (written < 0 && errno != EINTR) fail("cannot write " + path.string());
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(file) != 0) fail("cannot sync " + path.string());
}

/// Replaces the file atomically: the text goes into a second file, which is then renamed over the first. At any moment
/// the former or the new document is there, complete.
void replace_file(const fs::path& file, std::string_view text) {
    auto fresh = (file.parent_path() / ("." + file.filename().string() + "-XXXXXX")).string();
    const Descriptor out(::mkostemp(fresh.data(), O_CLOEXEC));
    if (out.number() < 0) fail("cannot create a file in " + file.parent_path().string());
    try {
        write_whole(out.number(), text, fresh);
        if (std::rename(fresh.c_str(), file.c_str()) != 0) fail("cannot write " + file.string());
    } catch (const Error&) {
        ::unlink(fresh.c_str());
        throw;
    }
    sync_directory(file.parent_path());
}

/// FNV-1a of 64 bits: detects damage by a disk or an editor, but no forgery.
std::string checksum(std::string_view text) {
    std::uint64_t value = 0xcbf2'9ce4'8422'2325U;
    for (const char byte : text) value = (value ^ static_cast<unsigned char>(byte)) * 0x100'0000'01b3U;
    return std::to_string(value);
}

/// The first line of a document's file. The seal includes the key, so a renamed file is not taken for another key's
/// document.
std::string seal(std::string_view key, std::string_view document) {
    return "document " + std::string(key) + " " + checksum(document) + "\n";
}

std::string read_whole(std::istream& in) {
    std::string text;
    std::array<char, 4096> chunk{};
    while (in.read(chunk.data(), chunk.size()), in.gcount() > 0) {
        text.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
    }
    return text;
}

/// Keeps every document as a file in a directory.
class DirectoryCache final : public deployer::Cache {
public:
    explicit DirectoryCache(const deployer::Settings& settings) {
        settings.describe(
            "path", "",
            "The directory that holds the documents; created, with mode 0700, when the first one is stored. "
            "Only one deployer may use it.");
        directory_ = settings.written_path("path");
    }

    std::optional<std::string> load(std::string_view key, const Call& call) override {
        const auto file = directory_ / key;
        errno = 0;
        std::ifstream in(file, std::ios::binary);
        if (!in.is_open() && errno == ENOENT) return std::nullopt;
        auto text = read_whole(in);
        const auto end = text.find('\n');
        const bool is_read = in.is_open() && !in.bad() && end != std::string::npos;
        auto document = is_read ? text.substr(end + 1) : std::string();
        if (is_read && text.substr(0, end + 1) == seal(key, document)) return document;
        call.log.warning("ignoring " + file.string() + ": it is damaged or not readable");
        return std::nullopt;
    }

    void store(std::string_view key, std::string_view document, const Call& call) override {
        call.check("storing " + std::string(key));
        make_directory();
        replace_file(directory_ / key, seal(key, document) + std::string(document));
    }

    void erase(std::string_view key, const Call& call) override {
        call.check("erasing " + std::string(key));
        const auto file = directory_ / key;
        if (::unlink(file.c_str()) != 0 && errno != ENOENT) fail("cannot remove " + file.string());
        if (fs::exists(directory_)) sync_directory(directory_);
    }

private:
    void make_directory() const {
        constexpr mode_t ours_alone = 0700;
        if (::mkdir(directory_.c_str(), ours_alone) == 0) return sync_directory(directory_.parent_path());
        if (errno != EEXIST) fail("cannot make " + directory_.string());
    }

    fs::path directory_;
};

}  // namespace

DEPLOYER_PLUGIN(deployer::Cache, DirectoryCache, "cache-directory", "1.0.0");
