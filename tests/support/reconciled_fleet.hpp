#pragma once

#include "memory/documents.hpp"
#include "memory/orders.hpp"
#include "memory/records.hpp"
#include "support/catch.hpp"
#include "support/fake_health.hpp"
#include "support/holds.hpp"
#include "support/world.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace deployer {

using namespace std::chrono_literals;

inline bool is_command(const Unit& unit, const std::string& command) {
    return unit.options.at(0).value == "/bin/" + command;
}

/// A World with foo, whose three nodes change node by node, and bar. All units run with the command "good".
struct Fleet : World {
    explicit Fleet(const std::string& more = "") {
        policy.rollout.timeout = 50ms;
        policy.interval = 20ms;
        restart();
        declare("services:\n- {name: foo@.service, count: 3, sequentialDeployment: true" + more +
                "}\n- name: bar.service\n");
        release("good");
        settle();
    }

    void release(const std::string& command) { source->put("foo@.service", unit_file(command)); }
    /// From now on the command fails on this node; other nodes become ready with it.
    void break_command(const std::string& command, const std::string& node, Readiness as = Readiness::failed) {
        target->judge = [=](const Unit& unit, const UnitStatus& status) {
            return unit.name == node && is_command(unit, command) ? UnitStatus{as, "exit code 1"} : status;
        };
    }
    [[nodiscard]] std::vector<std::string> commands() const {
        std::vector<std::string> commands;
        for (const auto& [name, unit] : target->units()) {
            if (name.rfind("foo", 0) == 0) commands.push_back(unit.options.at(0).value.substr(5));
        }
        return commands;
    }
    void order(const Orders& orders) {
        cache->documents[document_key(orders_document, target->identity())] = write_orders(orders);
    }
    /// Orders a retry, as the command `retry` does.
    void retry(const std::string& service) {
        auto records = load_records(*cache, *target, calls());
        for (const auto& [name, quarantine] : retries_for(records, service)) records.orders.retries[name] = quarantine;
        order(records.orders);
    }
    /// Changes the time at which all quarantines in the ledger began.
    void quarantined_at(const std::string& time) {
        auto& document = cache->documents[document_key(ledger_document, target->identity())];
        auto ledger = read_ledger(document).value();
        for (auto& record : ledger.rollouts) record.quarantine.value().since = time;
        document = write_ledger(ledger);
        restart();
    }
};

using Commands = std::vector<std::string>;

inline const GroupOutcome& group_of(const CycleReport& report, const std::string& service) {
    const auto found = std::find_if(report.groups.begin(), report.groups.end(),
                                    [&](const auto& group) { return group.service == service; });
    REQUIRE(found != report.groups.end());
    return *found;
}

inline const std::string three_nodes = "services:\n- {name: foo@.service, count: 3, sequentialDeployment: true";

/// Whether the unit has this command and is in the cluster.
inline bool runs(const Unit& unit, const UnitStatus& status, const std::string& command) {
    return is_command(unit, command) && status.readiness != Readiness::absent;
}

}  // namespace deployer
