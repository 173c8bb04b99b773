#pragma once

#include "events/report.hpp"

#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace deployer {

/// Facts about units that a run of a rollout came upon, besides the results of its changes.
struct Findings {
    std::vector<NotReady> not_ready;  ///< units that the run did not change and that were not ready when waited for
    std::set<std::string> unplaced;   ///< units that were waited for, and that no machine took
    /// Services of which a unit failed while the target was out of reach now and then: that may be why it failed.
    std::set<std::string> shaken;
};

/// The findings of all groups of a run, as they come in. Any thread.
class FindingsList {
public:
    void add_not_ready(NotReady entry);
    /// These units were put back to what they were, and seen ready.
    void forget_not_ready(const std::vector<DeployedUnit>& units);
    void add_unplaced(const std::string& unit);
    void add_shaken(const std::string& service);

    /// For the end of the run: leaves none.
    Findings take();

private:
    std::mutex mutex_;
    Findings found_;
};

}  // namespace deployer
