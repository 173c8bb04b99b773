#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

namespace deployer {

/// A directory for a test, below $TMPDIR, which the destructor removes with its contents. Names are relative to it. A
/// failure throws std::runtime_error, because a test without its files proves nothing.
class TempDir {
public:
    TempDir() : path_(create()) {}
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    TempDir(TempDir&&) = delete;
    TempDir& operator=(TempDir&&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::filesystem::path path(const std::filesystem::path& name) const { return path_ / name; }

    /// Creates the file or overwrites it in place, and creates its directories. Returns its absolute path.
    std::filesystem::path write(const std::filesystem::path& name, std::string_view text) const {
        auto file = path(name);
        std::filesystem::create_directories(file.parent_path());
        std::ofstream out(file, std::ios::binary | std::ios::trunc);
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
        out.close();
        if (!out) throw std::filesystem::filesystem_error("cannot write", file, last_error());
        return file;
    }

    [[nodiscard]] std::string read(const std::filesystem::path& name) const {
        const auto file = path(name);
        std::ifstream in(file, std::ios::binary);
        std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        if (!in.is_open() || in.bad()) throw std::filesystem::filesystem_error("cannot read", file, last_error());
        return text;
    }

    /// Also true for a symbolic link that leads nowhere.
    [[nodiscard]] bool exists(const std::filesystem::path& name) const {
        return std::filesystem::exists(std::filesystem::symlink_status(path(name)));
    }

    /// Removes the entry with its contents; an absent entry is no error.
    void remove(const std::filesystem::path& name) const { std::filesystem::remove_all(path(name)); }

private:
    static std::error_code last_error() { return {errno, std::generic_category()}; }

    static std::filesystem::path create() {
        // Canonical, so that the path equals a program's own working directory.
        auto name = (std::filesystem::canonical(std::filesystem::temp_directory_path()) / "deployer-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::filesystem::filesystem_error("cannot make a directory", name, last_error());
        }
        return name;
    }

    std::filesystem::path path_;
};

}  // namespace deployer
