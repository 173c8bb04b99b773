#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace deployer::conformance {

/// A directory of a run's own, below $TMPDIR; removed with all it holds at the end, after what was started in it has
/// ended.
class Workplace {
public:
    Workplace();
    ~Workplace();
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;
    Workplace(Workplace&&) = delete;
    Workplace& operator=(Workplace&&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    /// A word that no other run has.
    [[nodiscard]] std::string word() const;

    /// Runs commands of a shell in it, with the output on standard error; `key` is the setting that they come from.
    /// Throws Error `misconfigured` when they fail, `cancelled` once `is_stopped`. What they leave running is ended
    /// with the object.
    void run(const std::string& key, const std::string& commands, const std::function<bool()>& is_stopped) const;

private:
    std::filesystem::path path_;
    mutable std::vector<pid_t> groups_{};  ///< of processes that were started
};

}  // namespace deployer::conformance
