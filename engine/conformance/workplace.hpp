#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace deployer::conformance {

/// A new directory below $TMPDIR for one run. The destructor ends processes that were started in it, and removes it.
class Workplace {
public:
    Workplace();
    ~Workplace();
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;
    Workplace(Workplace&&) = delete;
    Workplace& operator=(Workplace&&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    /// A word that is unique to this run.
    [[nodiscard]] std::string word() const;

    /// Runs shell commands in the directory, with their output on standard error. `key`: the setting that they come
    /// from, for messages. Throws Error `misconfigured` when they fail, `cancelled` when `is_stopped` returns true.
    /// Processes that the commands leave running are ended by the destructor.
    void run(const std::string& key, const std::string& commands, const std::function<bool()>& is_stopped) const;

private:
    std::filesystem::path path_;
    mutable std::vector<pid_t> groups_{};  ///< process groups of the shells
};

}  // namespace deployer::conformance
