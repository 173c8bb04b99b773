#pragma once

#include "cycle/reconciler.hpp"
#include "memory/documents.hpp"
#include "memory/orders.hpp"
#include "support/catch.hpp"
#include "support/world.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace deployer {

inline const std::vector<std::string> all_names{"bar.service", "foo@1.service", "foo@2.service"};

inline const ChangeResult& result_of(const CycleReport& report, const std::string& unit) {
    const auto found = std::find_if(report.changes.begin(), report.changes.end(),
                                    [&](const auto& result) { return result.change.unit == unit; });
    REQUIRE(found != report.changes.end());
    return *found;
}

}  // namespace deployer
