#include "plan/gated_groups.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace deployer {
namespace {

using Rules = std::map<std::string, RolloutRules, std::less<>>;

/// The groups by service, and the changes that decide about the units of a group. Refers to the names in the changes.
class Gating {
public:
    Gating(const Rules& rules, const StandingOrders& orders) : rules_(rules), orders_(orders) {}

    void add_changed(const Change& change) {
        if (is_destroy(change.kind)) return;
        changing_nodes_.emplace(change.service, instance_of(change.unit));
        if (!is_create(change.kind)) updated_.insert(change.service);
        auto* const group = add_group(change.service);
        if (group == nullptr) return;
        if (orders_.unproven.contains(change.unit)) group->unproven.push_back(change.unit);
        const bool begins = change.kind == ChangeKind::create_group && !is_under_way(change.service);
        const bool goes_on = is_create(change.kind) && orders_.fresh.contains(change.service);
        changed_.insert(change.service);
        if (!begins && !goes_on) was_there_.insert(change.service);
    }

    /// A service with a unit that an earlier cycle changed and did not see ready is waited for without any change.
    void add_unproven(const DeployedUnit& settled, const std::vector<Standstill>& standing) {
        const auto service = service_name(settled.name);
        const bool is_left = orders_.unproven.contains(settled.name) && !orders_.restoring.contains(service);
        if (is_left && !find_standstill(standing, service)) add_group(service);
    }

    /// Comes after all groups were added.
    void place(DeployedUnit settled) {
        const auto service = service_name(settled.name);
        const auto group = groups_.find(service);
        if (group == groups_.end()) return;
        if (changing_nodes_.contains({service, instance_of(settled.name)})) {
            group->second.companions.push_back(std::move(settled));
            return;
        }
        const bool is_unproven = orders_.unproven.contains(settled.name);
        // A new node takes no other away. So where nodes are only created, just the unproven ones have to be ready.
        if (!updated_.contains(service) && !is_unproven) return;
        if (is_unproven) group->second.unproven.push_back(settled.name);
        group->second.settled.push_back(std::move(settled));
    }

    std::vector<GatedGroup> take() && {
        std::vector<GatedGroup> all;
        for (auto& [service, group] : groups_) {
            group.fresh = changed_.contains(service) && !was_there_.contains(service);
            for (const auto& [name, former] : orders_.former) {
                if (service_name(name) == service) group.former.push_back(former);
            }
            all.push_back(std::move(group));
        }
        return all;
    }

private:
    /// Null for a service without rollout rules: nothing of such a service is waited for.
    GatedGroup* add_group(std::string_view service) {
        const auto rules = rules_.find(service);
        if (rules == rules_.end() || !rules->second.gated()) return nullptr;
        GatedGroup group{std::string(service), rules->second, {}, {}, {}, {}, false, false, false};
        group.restarts = orders_.retried.contains(service);
        group.restoring = orders_.restoring.contains(service);
        return &groups_.try_emplace(rules->first, std::move(group)).first->second;
    }

    /// Whether a rollout of the service that has not ended found units of it: a target may lose a unit between
    /// destroying and creating it.
    [[nodiscard]] bool is_under_way(const std::string& service) const {
        const auto is_of_service = [&](const auto& unit) { return service_name(unit) == service; };
        return std::any_of(orders_.unproven.begin(), orders_.unproven.end(), is_of_service) ||
               std::any_of(orders_.former.begin(), orders_.former.end(),
                           [&](const auto& former) { return is_of_service(former.first); });
    }

    const Rules& rules_;
    const StandingOrders& orders_;
    std::map<std::string_view, GatedGroup> groups_;
    std::set<std::string_view> updated_;    ///< services of which a unit that is there is changed
    std::set<std::string_view> changed_;    ///< gated services of which a unit is changed
    std::set<std::string_view> was_there_;  ///< services of `changed_` that were there when their rollout began
    std::set<std::pair<std::string_view, std::string_view>> changing_nodes_;  ///< by service and instance
};

}  // namespace

std::vector<GatedGroup> find_gated_groups(const Plan& plan, std::vector<DeployedUnit> settled, const Rules& rules,
                                          const StandingOrders& orders) {
    Gating gating(rules, orders);
    for (const auto& change : plan.changes) gating.add_changed(change);
    for (const auto& unit : settled) gating.add_unproven(unit, plan.standing);
    for (auto& unit : settled) gating.place(std::move(unit));
    return std::move(gating).take();
}

}  // namespace deployer
