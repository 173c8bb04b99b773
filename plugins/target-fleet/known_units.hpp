#pragma once

#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::fleet {

/// The names of the units that exist as far as this process knows: from what it listed, applied and destroyed. Any
/// thread may call anything at any time.
class KnownUnits {
public:
    void add(const std::string& name);
    void remove(std::string_view name);
    void replace_with(std::span<const std::string> names);

    /// Whether there was a listing at all: before, a name that nobody knows could be missing in it.
    [[nodiscard]] bool were_listed() const;
    /// Those that are not among `names`, which are sorted.
    [[nodiscard]] std::vector<std::string> missing_in(std::span<const std::string> names) const;

private:
    mutable std::mutex mutex_;
    std::set<std::string, std::less<>> names_;
    bool were_listed_ = false;
};

}  // namespace deployer::fleet
