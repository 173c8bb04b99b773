#pragma once

#include "events/report.hpp"

#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace deployer {

/// Facts about units that a run of a rollout learned, besides the results of its changes.
struct Findings {
    std::vector<NotReady> not_ready;  ///< unchanged units that did not become ready in a wait
    std::set<std::string> unplaced;   ///< units that no machine took in a wait
    /// Services with a unit that failed while the target was out of reach at times. The outage may be the cause.
    std::set<std::string> shaken;
};

/// The findings of all groups of a run, as they come in. Any thread.
class FindingsList {
public:
    void add_not_ready(const std::vector<NotReady>& entries);
    /// To be called when these units were put back to their former version and became ready.
    void forget_not_ready(const std::vector<DeployedUnit>& units);
    void add_unplaced(const std::string& unit);
    void add_shaken(const std::string& service);

    /// Takes all findings out of the list, at the end of the run.
    Findings take();

private:
    std::mutex mutex_;
    Findings found_;
};

}  // namespace deployer
