#pragma once

#include <deployer/unit.hpp>

#include <memory>
#include <string>
#include <vector>

namespace deployer {

/// The content of a unit with its digest (R16). Immutable and shared: the nodes of a service have one content.
struct Content {
    std::vector<UnitOption> options;
    std::string digest;
};
using SharedContent = std::shared_ptr<const Content>;

SharedContent make_content(std::vector<UnitOption> options);

}  // namespace deployer
