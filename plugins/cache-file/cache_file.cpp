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
/// The suffix, after the process id, of a file that leave() is writing without the directory's lock.
constexpr std::string_view left_suffix = ".left";

/// The advice to an operator for an errno value, as the end of a message.
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

/// Without a slash at the end, parent_path() gives the directory's parent.
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

/// Keeps each document in a file of its own, sealed with a checksum. Only writing takes the directory's lock, so that
/// `plan` can read the cache of a running daemon.
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
            // Not an Error: an unreadable document counts as vanished, which any document may do at any time.
            return ignore(error.what());
        }
    }

    void store(std::string_view key, std::string_view document, const Call& call) override {
        put(key, document, "store", unfinished_suffix, [&] { lock(call); });
    }

    void leave(std::string_view key, std::string_view document, const Call& /*call*/) override {
        // No lock here: the running deployer holds it. The write is safe without, because the rename is atomic and no
        // other process writes under this unfinished name.
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
            // A person may free or remount the disk while the daemon waits; a path that is a file will stay a file.
            throw Error(number == ENOTDIR || number == ELOOP ? ErrorKind::misconfigured : ErrorKind::unavailable,
                        doing + ": " + error.what() + remedy_for(number));
        } catch (const Error& error) {
            throw error.while_doing(doing);
        }
    }

    /// Whether the file is unfinished and its writer was killed. This process holds the lock, so only leave() of
    /// another process may be writing at this time, and that takes far less than a minute.
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
            // A deployer leaves only regular files behind; anything else is not the cache's to remove.
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
