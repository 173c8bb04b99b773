#include "plan/planner.hpp"

#include "plan/destroy_limits.hpp"
#include "plan/differences.hpp"
#include "plan/gated_groups.hpp"
#include "plan/services.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

namespace deployer {
namespace {

/// An update counts as one of a sidekick where no node of its service is updated (R21).
void mark_sidekick_updates(std::vector<Change>& changes) {
    std::set<std::string_view> updated_nodes;
    for (const auto& change : changes) {
        if (change.kind == ChangeKind::update && !is_sidekick(change.unit)) updated_nodes.insert(change.service);
    }
    for (auto& change : changes) {
        if (change.kind == ChangeKind::update && !updated_nodes.contains(change.service)) {
            change.kind = ChangeKind::update_sidekick;
        }
    }
}

/// One comparison of a wanted with an actual state. A class because each step needs both states, the policy and the
/// orders.
class Comparison {
public:
    Comparison(const WantedState& wanted, const ActualState& actual, const PlanPolicy& policy,
               const StandingOrders& orders)
        : wanted_(wanted),
          actual_(actual),
          policy_(policy),
          orders_(orders),
          wanted_services_(services_of(wanted.units)),
          actual_services_(services_of(actual.units)) {
        for (const auto& held : wanted.held) {
            held_services_.insert(held.service);
            list_in_doubt_ |= held.list_in_doubt;
        }
        plan_.revision = wanted.revision;
        plan_.held = wanted.held;
        plan_.standing = orders.still;
    }

    Plan run() && {
        compare_units();
        mark_sidekick_updates(plan_.changes);
        add_allowed_destroys();
        std::stable_sort(plan_.changes.begin(), plan_.changes.end(), comes_before);
        plan_.gated = find_gated_groups(plan_, std::move(settled_), wanted_.rules, orders_);
        plan_.destroy_obstacle = find_destroy_obstacle(plan_, open_, actual_services_, orders_);
        return std::move(plan_);
    }

private:
    void compare_units() {
        auto wanted = wanted_.units.begin();
        auto actual = actual_.units.begin();
        while (wanted != wanted_.units.end() || actual != actual_.units.end()) {
            if (actual == actual_.units.end() ||
                (wanted != wanted_.units.end() && numeric_less(wanted->name, actual->name))) {
                add_create(*wanted++);
            } else if (wanted == wanted_.units.end() || numeric_less(actual->name, wanted->name)) {
                add_destroy(*actual++);
            } else {
                compare(*wanted++, *actual++);
            }
        }
    }

    void add(Change change) {
        if (is_protected(change.unit, policy_)) {
            ++plan_.left.protected_units;
        } else if (const auto place = find_standstill(plan_.standing, change.service)) {
            auto& still = plan_.standing[*place];
            ++still.changes;
            if (is_create(change.kind)) {
                open_.missing_service = change.service + " is " + std::string(to_string(still.outcome));
            }
        } else if (is_destroy(change.kind)) {
            unwanted_.destroys.push_back(std::move(change));
        } else if (is_in_vain(change)) {
            repeat_or_leave(std::move(change));
        } else {
            plan_.changes.push_back(std::move(change));
        }
    }

    bool is_in_vain(const Change& change) const {
        const auto made = orders_.in_vain.find(change.unit);
        return made != orders_.in_vain.end() && !is_create(change.kind) && made->second == signature_of(change);
    }

    void repeat_or_leave(Change change) {
        const bool is_start = change.kind == ChangeKind::set_state && change.desired_state == DesiredState::launched;
        if (!is_start) return leave_altered(change);
        tell_start_in_vain(change);
        plan_.changes.push_back(std::move(change));
    }

    /// The target took the content and gives it back in a form of its own. A gate has to ask for that form.
    void leave_altered(const Change& change) {
        ++plan_.left.altered;
        plan_.altered.push_back(change.unit);
        plan_.notes.push_back(change.unit +
                              " is left as it is: the target was given this content twice, and listed another one "
                              "both times: " +
                              change.reason +
                              "; the target gets the unit again once its wanted content changes. To end this, write "
                              "the unit file as the target lists it");
        settled_.push_back({change.unit, change.former, change.former_state});
    }

    /// The target is told in every cycle to launch the unit: nobody would start the unit otherwise.
    void tell_start_in_vain(const Change& change) {
        ++plan_.left.altered;
        if (open_.started_in_vain.empty()) open_.started_in_vain = change.unit;
        plan_.notes.push_back(change.unit + " is launched again, as in the cycles before: the target lists it as " +
                              std::string(to_string(change.former_state)) + " each time");
    }

    void add_create(const WantedUnit& unit) {
        const auto service = service_name(unit.name);
        const bool known = actual_services_.count(service) > 0;
        add({known ? ChangeKind::add_node : ChangeKind::create_group,
             unit.name,
             std::string(service),
             unit.content,
             nullptr,
             unit.desired_state,
             known ? "new unit of a running service" : "new service",
             {},
             unit.desired_state});
    }

    void add_destroy(const DeployedUnit& unit) {
        const auto service = service_name(unit.name);
        if (held_services_.count(service) > 0) return;
        // A text of services.yaml that could not be read for certain may declare this unit.
        if (list_in_doubt_) {
            unwanted_.doubted.push_back(unit.name);
            return;
        }
        // The version that the service went back to may need this unit.
        if (orders_.restoring.contains(service)) {
            ++unwanted_.kept[std::string(service)];
            return;
        }
        const bool stays = wanted_services_.count(service) > 0;
        add({stays ? ChangeKind::remove_node : ChangeKind::destroy_group,
             unit.name,
             std::string(service),
             nullptr,
             unit.content,
             unit.desired_state,
             stays ? "unit no longer wanted" : "service no longer wanted",
             {},
             unit.desired_state});
    }

    void compare(const WantedUnit& wanted, const DeployedUnit& actual) {
        const bool same_content = wanted.content->digest == actual.content->digest;
        if (same_content && wanted.desired_state == actual.desired_state) {
            // A gate asks for the content that the target has: white space may differ from the wanted content, and a
            // target may compare each byte.
            if (!is_protected(actual.name, policy_)) {
                settled_.push_back({actual.name, actual.content, actual.desired_state});
            }
            return;
        }
        Change change{same_content ? ChangeKind::set_state : ChangeKind::update,
                      wanted.name,
                      std::string(service_name(wanted.name)),
                      same_content ? actual.content : wanted.content,
                      actual.content,
                      wanted.desired_state,
                      {},
                      {},
                      actual.desired_state};
        if (same_content) {
            change.reason = "desired state " + std::string(to_string(actual.desired_state)) + " -> " +
                            std::string(to_string(wanted.desired_state));
        } else {
            change.differences = differences_between(actual.content->options, wanted.content->options);
            for (auto& difference : change.differences) hide_secrets(difference, policy_.redaction);
            change.reason = describe_update(change);
        }
        if (orders_.restoring.contains(change.service)) change.reason = "back to what it was: " + change.reason;
        add(std::move(change));
    }

    void add_allowed_destroys() {
        auto limited = limit_destroys(std::move(unwanted_), policy_, actual_.units.size());
        plan_.left.destroy_disabled = limited.destroy_disabled;
        plan_.left.max_destroy = limited.max_destroy;
        std::move(limited.notes.begin(), limited.notes.end(), std::back_inserter(plan_.notes));
        std::move(limited.allowed.begin(), limited.allowed.end(), std::back_inserter(plan_.changes));
    }

    const WantedState& wanted_;
    const ActualState& actual_;
    const PlanPolicy& policy_;
    const StandingOrders& orders_;
    ServiceSet wanted_services_;
    ServiceSet actual_services_;
    ServiceSet held_services_;
    bool list_in_doubt_ = false;
    std::vector<DeployedUnit> settled_;  ///< units that need no change, or get none
    UnwantedUnits unwanted_;
    OpenDifferences open_;
    Plan plan_;
};

}  // namespace

Plan make_plan(const WantedState& wanted, const ActualState& actual, const PlanPolicy& policy,
               const StandingOrders& orders) {
    return Comparison(wanted, actual, policy, orders).run();
}

}  // namespace deployer
