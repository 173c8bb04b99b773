#pragma once

#include <string>
namespace deployer {
struct Revision {
    std::string id;
    [[nodiscard]] bool empty() const noexcept { return id.empty(); }
    bool operator==(const Revision&) const = default;
};
}  // namespace deployer
