#include "cycle/surplus.hpp"

#include <deployer/unit_name.hpp>

#include <string_view>
#include <utility>

namespace deployer {
namespace {

/// Service and instance.
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
        // What is no node among others is its whole service.
        if (!instance_of(unit).empty()) lacking.insert(node_of(unit));
    }
    if (lacking.empty()) return {};
    // What has only just come up may hold what a node of the former service still does, but not yet for long.
    std::set<std::string_view> in_order;
    for (const auto& unit : before.units) in_order.insert(unit.name);
    for (const auto& entry : report.not_ready) in_order.erase(entry.unit);
    for (const auto& result : report.changes) {
        if (!is_in_order(result)) in_order.erase(result.change.unit);
    }
    std::map<std::string_view, std::ptrdiff_t> nodes_up;  // more than those that are lacking, if positive
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
