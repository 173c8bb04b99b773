#pragma once

#include <string>

namespace deployer {

/// A source's name for one version of the wanted state: a commit, a content hash. Opaque to the engine, which only
/// compares, stores and shows it. One line of printable text; empty means "none known".
struct Revision {
    std::string id;

    [[nodiscard]] bool empty() const noexcept { return id.empty(); }
    bool operator==(const Revision&) const = default;
};

}  // namespace deployer
