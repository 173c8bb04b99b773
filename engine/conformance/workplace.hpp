#pragma once

#include <filesystem>
#include <string>

namespace deployer::conformance {

/// A directory of a run's own, below $TMPDIR; removed with all it holds at the end.
class Workplace {
public:
    Workplace();
    ~Workplace();
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;
    Workplace(Workplace&&) = delete;
    Workplace& operator=(Workplace&&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    /// Runs commands of a shell in it, with the output on standard error; `key` is the setting that they come from.
    /// Throws Error `misconfigured` when they fail.
    void run(const std::string& key, const std::string& commands) const;

private:
    std::filesystem::path path_;
};

}  // namespace deployer::conformance
