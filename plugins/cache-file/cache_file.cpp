#include "directory_lock.hpp"
#include "durable_file.hpp"
#include "sealed_document.hpp"
#include "strangers.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/plugin.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace deployer {
namespace {

constexpr std::string_view document_suffix = ".document";
/// After the process id, of what is written beside the deployer that has the lock.
constexpr std::string_view left_suffix = ".left";

/// The advice to an operator for an error number, as the end of a message.
std::string remedy_for(int error) {
    switch (error) {
        case ENOSPC:
        case EDQUOT:
            return ": free some space there, or set the cache's path to another disk";
        case EROFS:
            return ": make it writable, or set the cache's path to another directory";
        case EACCES:
        case EPERM:
            return ": give the deployer's user write access to it, or set the cache's path to another directory";
        case ENOTDIR:
            return ": the cache's path has to be a directory";
        case ENOENT:
        case ELOOP:
            return ": create what it leads to, or correct the cache's path";
        default:
            return "";
    }
}

/// So that the directory's parent is what parent_path() says.
std::filesystem::path without_last_slash(const std::filesystem::path& path) {
    const auto normal = path.lexically_normal();
    return normal.has_filename() ? normal : normal.parent_path();
}

bool is_key(std::string_view key) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !key.empty() && key.size() <= 64 && std::all_of(key.begin(), key.end(), allowed);
}

std::filesystem::path read_directory(const Settings& settings) {
    settings.describe("path", "",
                      "The directory that holds the documents. Created, mode 0700, if it is missing, but not behind a "
                      "symbolic link that leads nowhere.");
    return without_last_slash(settings.written_path("path"));
}

/// Documents in a directory, one file each, sealed with a checksum. Only writing takes the directory's lock, so that
/// `plan` can look into the cache of a running daemon.
class CacheFile final : public Cache {
public:
    explicit CacheFile(const Settings& settings) : directory_(read_directory(settings)) {}

    std::optional<std::string> load(std::string_view key, const Call& call) override {
        const auto file = file_of(key);
        refuse_strangers(directory_);
        const auto ignore = [&](const std::string& problem) {
            call.log.warning("ignoring cached document " + printable(file.native()) + ": " + problem);
            return std::nullopt;
        };
        try {
            auto sealed = read_file(file, document_limit + header_limit);
            if (!sealed) return std::nullopt;
            auto unsealed = unseal(key, *std::move(sealed));
            if (!unsealed.problem.empty()) return ignore(unsealed.problem);
            return std::move(unsealed.document);
        } catch (const std::system_error& error) {
            // Not an Error: a document may vanish at any time, and one that cannot be read has.
            return ignore(error.what());
        }
    }

    void store(std::string_view key, std::string_view document, const Call& call) override {
        put(key, document, "store", unfinished_suffix, [&] { lock(call); });
    }

    void leave(std::string_view key, std::string_view document, const Call& /*call*/) override {
        // The lock is the running deployer's. The rename makes it whole, and nobody else writes under this name.
        put(key, document, "leave", "." + std::to_string(::getpid()) + std::string(left_suffix), [] {});
    }

    void erase(std::string_view key, const Call& call) override {
        const auto file = file_of(key);
        change(file, "erase", [&] {
            lock(call);
            remove_file(file);
        });
    }

private:
    template <class Prepare>
    void put(std::string_view key, std::string_view document, std::string_view verb, std::string_view suffix,
             const Prepare& prepare) {
        const auto file = file_of(key);
        if (document.size() > document_limit) {
            throw Error(ErrorKind::rejected, "cannot store " + printable(file.native()) + ": " +
                                                 std::to_string(document.size()) + " bytes are more than the cache's " +
                                                 std::to_string(document_limit));
        }
        change(file, verb, [&] {
            prepare();
            const auto header = header_of(key, document);
            replace_file(file, std::array<std::string_view, 2>{header, document}, suffix);
        });
    }

    [[nodiscard]] std::filesystem::path file_of(std::string_view key) const {
        if (!is_key(key)) {
            throw Error(ErrorKind::internal, "a cache key has to be 1 to 64 of [a-z0-9-]: " + quote(key));
        }
        return directory_ / (std::string(key) + std::string(document_suffix));
    }

    void lock(const Call& call) {
        if (lock_.acquire(directory_, call)) remove_unfinished(call.log);
    }

    template <class Action>
    void change(const std::filesystem::path& file, std::string_view verb, const Action& action) {
        const auto doing = "cannot " + std::string(verb) + " " + printable(file.native());
        try {
            refuse_strangers(directory_);
            make_directory(directory_);
            action();
        } catch (const std::system_error& error) {
            const auto number = error.code().value();
            // A full or read-only disk may be put right while the daemon waits; a path that is a file will stay one.
            throw Error(number == ENOTDIR || number == ELOOP ? ErrorKind::misconfigured : ErrorKind::unavailable,
                        doing + ": " + error.what() + remedy_for(number));
        } catch (const Error& error) {
            throw error.while_doing(doing);
        }
    }

    /// Whether a killed process left it. With the lock held nobody writes but who leaves documents, for a moment.
    static bool is_left_over(const std::filesystem::directory_entry& entry) {
        const auto& path = entry.path().native();
        if (path.ends_with(std::string(document_suffix) + std::string(unfinished_suffix))) return true;
        if (!path.ends_with(left_suffix)) return false;
        std::error_code error;
        const auto written = entry.last_write_time(error);
        return !error && std::filesystem::file_time_type::clock::now() - written > std::chrono::minutes(1);
    }

    void remove_unfinished(Log& log) const {
        for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
            if (!is_left_over(entry)) continue;
            // A deployer leaves files only.
            if (entry.symlink_status().type() != std::filesystem::file_type::regular) continue;
            log.debug("removing " + printable(entry.path().native()) + ", which a killed deployer left unfinished");
            std::filesystem::remove(entry.path());
        }
    }

    std::filesystem::path directory_;
    DirectoryLock lock_;
};

}  // namespace
}  // namespace deployer

DEPLOYER_PLUGIN(deployer::Cache, deployer::CacheFile, "cache-file", "1.0.0");
