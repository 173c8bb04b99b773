#include "conformance/target_checks.hpp"

#include <iterator>
#include <utility>

namespace deployer::conformance {

std::vector<Check> checks_of_targets() {
    std::vector<Check> all;
    for (auto* const checks :
         {checks_of_listing, checks_of_changes, checks_of_status, checks_of_sharing, checks_of_calls}) {
        auto some = checks();
        std::move(some.begin(), some.end(), std::back_inserter(all));
    }
    all.push_back(check_of_leftovers());
    return all;
}

}  // namespace deployer::conformance
