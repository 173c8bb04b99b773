#include "cycle/surplus.hpp"

#include <deployer/unit_name.hpp>

#include <string_view>
#include <utility>

namespace deployer {
namespace {

/// A node, as service and instance.
using Node = std::pair<std::string_view, std::string_view>;

Node node_of(std::string_view unit) {
    return {service_name(unit), instance_of(unit)};
}

bool is_in_order(const ChangeResult& result) {
    return result.status == ChangeStatus::done && !is_destroy(result.change.kind);
}

}  // namespace

std::set<std::string> find_surplus(const std::set<std::string>& unplaced, const ActualState& before,
                                   const CycleReport& report) {
    std::set<Node> lacking;
    for (const auto& unit : unplaced) {
        // A unit without instance is its whole service, so it cannot be a node more than there are machines.
        if (!instance_of(unit).empty()) lacking.insert(node_of(unit));
    }
    if (lacking.empty()) return {};
    // The service is up only if its other nodes are known to be in order. Units created in this cycle do not count,
    // since they have come up only just now.
    std::set<std::string_view> in_order;
    for (const auto& unit : before.units) in_order.insert(unit.name);
    for (const auto& entry : report.not_ready) in_order.erase(entry.unit);
    for (const auto& result : report.changes) {
        if (!is_in_order(result)) in_order.erase(result.change.unit);
    }
    std::map<std::string_view, std::ptrdiff_t> nodes_up;  // by service: nodes in order, less the lacking ones
    for (const auto unit : in_order) {
        if (!is_sidekick(unit) && !lacking.contains(node_of(unit))) ++nodes_up[service_name(unit)];
    }
    for (const auto& [service, instance] : lacking) --nodes_up[service];
    std::set<std::string> surplus;
    const auto add = [&](const std::string& unit) {
        if (lacking.contains(node_of(unit)) && nodes_up[service_name(unit)] >= 0) surplus.insert(unit);
    };
    for (const auto& entry : report.not_ready) add(entry.unit);
    for (const auto& result : report.changes) {
        if (!is_destroy(result.change.kind) && result.status != ChangeStatus::done) add(result.change.unit);
    }
    return surplus;
}

}  // namespace deployer
