#include "plan/planner.hpp"

#include "text/quantity.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/unit_file.hpp>
#include <deployer/unit_name.hpp>
#include <deployer/word_list.hpp>

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <utility>

namespace deployer {
namespace {

std::string describe(const OptionDifference& difference) {
    const auto option = "[" + difference.section + "] " + difference.name;
    if (!difference.from) return option + " added";
    if (!difference.to) return option + " removed";
    const auto hidden = difference.hidden.empty() ? std::string() : word_list(difference.hidden) + " changed";
    if (difference.from == difference.to) return option + (hidden.empty() ? " differs" : ": " + hidden);
    const auto besides = hidden.empty() ? std::string() : ", " + hidden;
    // The first characters of two long commands are mostly alike: showing them would show no difference.
    constexpr std::size_t short_enough = 60;
    if (difference.from->size() > short_enough || difference.to->size() > short_enough) {
        return option + " differs" + besides;
    }
    return option + ' ' + quote(*difference.from) + " -> " + quote(*difference.to) + besides;
}

void hide_secrets(OptionDifference& difference, const Redaction& redaction) {
    const auto from = difference.from.value_or("");
    const auto to = difference.to.value_or("");
    if (difference.from && difference.to) difference.hidden = redaction.changed_names(difference.name, from, to);
    if (difference.from) difference.from = redaction.shown(difference.name, from);
    if (difference.to) difference.to = redaction.shown(difference.name, to);
}

std::string describe_update(const Change& change, DesiredState actual_state) {
    constexpr std::size_t shown = 3;
    std::string reason;
    const auto& differences = change.differences;
    for (std::size_t i = 0; i < std::min(shown, differences.size()); ++i) {
        reason += (i > 0 ? ", " : "") + describe(differences[i]);
    }
    if (differences.size() > shown) reason += " and " + quantity(differences.size() - shown, "more option");
    if (differences.empty()) reason = "the order of options differs";
    if (change.desired_state != actual_state) {
        reason += ", desired state " + std::string(to_string(actual_state)) + " -> " +
                  std::string(to_string(change.desired_state));
    }
    return reason;
}

/// Compares one wanted with one actual state; a class only to keep what all its steps need within reach.
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
        tell_sidekick_updates();
        limit_destroys();
        sort_changes();
        find_gated_groups();
        find_destroy_obstacle();
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
        } else if (auto* const still = find_standstill(change.service)) {
            ++still->changes;
            if (is_create(change.kind)) missing_ = change.service + " is " + std::string(to_string(still->outcome));
        } else if (is_destroy(change.kind)) {
            destroys_.push_back(std::move(change));
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

    /// The target has taken it, and gives it back in its own way. What it gives back is what can be waited for.
    void leave_altered(const Change& change) {
        ++plan_.left.altered;
        plan_.altered.push_back(change.unit);
        plan_.notes.push_back(change.unit +
                              " is left as it is: it was given to the target twice, and the target gave it back "
                              "otherwise both times: " +
                              change.reason +
                              "; it is given again once it changes. To end this, write it as the target gives it back");
        settled_.push_back({change.unit, change.former, change.former_state});
    }

    /// A unit that is to run is told so in every cycle: nobody would start it otherwise.
    void tell_start_in_vain(const Change& change) {
        ++plan_.left.altered;
        if (started_in_vain_.empty()) started_in_vain_ = change.unit;
        plan_.notes.push_back(change.unit +
                              " is launched again, as in the cycles before: the target gives it back as " +
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
        // Text of services.yaml that was not read for certain could declare this unit.
        if (list_in_doubt_) {
            doubted_.push_back(unit.name);
            return;
        }
        // Nor what belongs to the version that a service went back to.
        if (orders_.restoring.contains(service)) {
            ++kept_[std::string(service)];
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
            // As it is, not as it is wanted: white space may differ, and a target may judge by each byte.
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
            change.reason = describe_update(change, actual.desired_state);
        }
        if (orders_.restoring.contains(change.service)) change.reason = "back to what it was: " + change.reason;
        add(std::move(change));
    }

    void tell_sidekick_updates() {
        std::set<std::string_view> updated_nodes;
        for (const auto& change : plan_.changes) {
            if (change.kind == ChangeKind::update && !is_sidekick(change.unit)) updated_nodes.insert(change.service);
        }
        for (auto& change : plan_.changes) {
            if (change.kind == ChangeKind::update && updated_nodes.count(change.service) == 0) {
                change.kind = ChangeKind::update_sidekick;
            }
        }
    }

    void limit_destroys() {
        for (const auto& [service, count] : kept_) {
            plan_.notes.push_back(
                quantity(count, "unit") + " of " + service +
                " no longer wanted, left running: it was rolled back, and its former version may need " +
                (count == 1 ? "it" : "them"));
        }
        if (!doubted_.empty()) {
            plan_.notes.push_back(quantity(doubted_.size(), "unit") +
                                  " not listed, left running: nothing is destroyed while services.yaml is in doubt (" +
                                  name_some(doubted_) + ")");
        }
        if (destroys_.empty()) return;
        if (!policy_.destroy) {
            plan_.left.destroy_disabled = destroys_.size();
            plan_.notes.push_back(quantity(destroys_.size(), "unit") +
                                  " no longer wanted, left running: reconcile.destroy is false (" + name_some() + ")");
        } else if (const auto [most, why] = destroy_limit(); destroys_.size() > most) {
            plan_.left.max_destroy = destroys_.size();
            plan_.notes.push_back("stopped all " + quantity(destroys_.size(), "destroy") +
                                  " of this cycle, more than " + why + " (" + name_some() +
                                  "): to allow them, set reconcile.max_destroy to " + std::to_string(destroys_.size()) +
                                  " or more");
        } else {
            std::move(destroys_.begin(), destroys_.end(), std::back_inserter(plan_.changes));
        }
    }

    /// How many destroys a cycle may do, and what sets that limit.
    std::pair<std::size_t, std::string> destroy_limit() const {
        const auto& limit = policy_.max_destroy;
        const auto written = "reconcile.max_destroy: " + std::to_string(limit.amount);
        if (!limit.percentage) return {limit.amount, written};
        const auto share = limit.amount * actual_.units.size() / 100;
        // The least number keeps a small cluster from being stuck; none at all is none on a small one, too.
        if (limit.amount > 0 && share < limit.least) {
            return {limit.least, "reconcile.max_destroy_least: " + std::to_string(limit.least)};
        }
        return {share, "the " + std::to_string(share) + " that " + written + "% of " +
                           quantity(actual_.units.size(), "unit") + " allows"};
    }

    std::string name_some() const {
        std::vector<std::string> units;
        for (const auto& change : destroys_) units.push_back(change.unit);
        return name_some(units);
    }

    static std::string name_some(const std::vector<std::string>& units) {
        constexpr std::size_t shown = 5;
        std::string names;
        for (std::size_t i = 0; i < std::min(shown, units.size()); ++i) {
            names += (i > 0 ? ", " : "") + units[i];
        }
        if (units.size() > shown) names += " and " + std::to_string(units.size() - shown) + " more";
        return names;
    }

    void sort_changes() { std::stable_sort(plan_.changes.begin(), plan_.changes.end(), comes_before); }

    /// Within one kind: by service, then node by node, a new node before its sidekick, else the sidekick first (R40,
    /// R41).
    static bool comes_before(const Change& left, const Change& right) {
        if (left.kind != right.kind) return left.kind < right.kind;
        if (left.service != right.service) return numeric_less(left.service, right.service);
        const auto left_node = instance_of(left.unit);
        const auto right_node = instance_of(right.unit);
        if (left_node != right_node) {
            return left.kind == ChangeKind::remove_node ? numeric_less(right_node, left_node)
                                                        : numeric_less(left_node, right_node);
        }
        if (is_sidekick(left.unit) != is_sidekick(right.unit)) return is_sidekick(left.unit) != is_create(left.kind);
        return numeric_less(left.unit, right.unit);
    }

    void find_gated_groups() {
        std::map<std::string_view, GatedGroup> groups;
        std::set<std::string_view> updated;
        std::set<std::string_view> changed;
        std::set<std::string_view> was_there;
        std::set<std::pair<std::string_view, std::string_view>> changing_nodes;
        for (const auto& change : plan_.changes) {
            if (is_destroy(change.kind)) continue;
            changing_nodes.emplace(change.service, instance_of(change.unit));
            if (!is_create(change.kind)) updated.insert(change.service);
            if (auto* const group = add_gated_group(groups, change.service)) {
                if (orders_.unproven.contains(change.unit)) group->unproven.push_back(change.unit);
                const bool begins = change.kind == ChangeKind::create_group && !is_under_way(change.service);
                const bool goes_on = is_create(change.kind) && orders_.fresh.contains(change.service);
                changed.insert(change.service);
                if (!begins && !goes_on) was_there.insert(change.service);
            }
        }
        for (const auto& unit : settled_) {
            const auto service = service_name(unit.name);
            const bool is_left = orders_.unproven.contains(unit.name) && !orders_.restoring.contains(service);
            if (is_left && find_standstill(service) == nullptr) {
                add_gated_group(groups, service);
            }
        }
        for (auto& unit : settled_) {
            const auto service = service_name(unit.name);
            const auto group = groups.find(service);
            if (group == groups.end()) continue;
            if (changing_nodes.count({service, instance_of(unit.name)}) > 0) {
                group->second.companions.push_back(std::move(unit));
            } else if (updated.count(service) > 0 || orders_.unproven.contains(unit.name)) {
                // A new node takes none away, so for one alone nothing has to be ready but what is not known to be.
                if (orders_.unproven.contains(unit.name)) group->second.unproven.push_back(unit.name);
                group->second.settled.push_back(std::move(unit));
            }
        }
        for (auto& [service, group] : groups) {
            group.fresh = changed.count(service) > 0 && was_there.count(service) == 0;
            add_former(group);
            plan_.gated.push_back(std::move(group));
        }
    }

    /// The units of the group as they were before the rollout that this plan goes on with.
    void add_former(GatedGroup& group) const {
        for (const auto& [name, former] : orders_.former) {
            if (service_name(name) == group.service) group.former.push_back(former);
        }
    }

    /// Whether it was there when a rollout of it began: a target may lose a unit between destroying and creating it.
    [[nodiscard]] bool is_under_way(const std::string& service) const {
        const auto is_of_it = [&](const auto& unit) { return service_name(unit) == service; };
        return std::any_of(orders_.unproven.begin(), orders_.unproven.end(), is_of_it) ||
               std::any_of(orders_.former.begin(), orders_.former.end(),
                           [&](const auto& former) { return is_of_it(former.first); });
    }

    /// Null for a service in which nothing is waited for.
    GatedGroup* add_gated_group(std::map<std::string_view, GatedGroup>& groups, std::string_view service) const {
        const auto rules = wanted_.rules.find(service);
        if (rules == wanted_.rules.end() || !rules->second.gated()) return nullptr;
        GatedGroup group{std::string(service), rules->second, {}, {}, {}, {}, false, false, false};
        group.restarts = orders_.retried.contains(service);
        group.restoring = orders_.restoring.contains(service);
        return &groups.try_emplace(rules->first, std::move(group)).first->second;
    }

    /// The pause or quarantine that keeps that service as it is; null when there is none.
    Standstill* find_standstill(std::string_view service) {
        const auto find = [&](std::string_view name) {
            const auto found = std::find_if(plan_.standing.begin(), plan_.standing.end(),
                                            [&](const auto& still) { return still.service == name; });
            return found == plan_.standing.end() ? nullptr : &*found;
        };
        auto* const own = find(service);
        return own != nullptr ? own : find("");
    }

    /// A service that is left alone and does not run may be the new name of one that is to be destroyed. Then the old
    /// one has to stay.
    void find_destroy_obstacle() {
        for (const auto& held : wanted_.held) {
            if (held.service.empty() || actual_services_.count(held.service) > 0) continue;
            plan_.destroy_obstacle = held.service + " is held and not running yet";
            return;
        }
        if (!missing_.empty()) {
            plan_.destroy_obstacle = missing_ + " and not all of it is running yet";
            return;
        }
        if (!plan_.altered.empty() || !started_in_vain_.empty()) {
            const auto& unit = plan_.altered.empty() ? started_in_vain_ : plan_.altered.front();
            plan_.destroy_obstacle = unit + " is not known to be as it is to be";
        }
        // A revision replaces the units that it no longer wants. Until its quarantined service is through, those may be
        // needed.
        for (const auto& still : plan_.standing) {
            if (still.outcome == Outcome::quarantined && still.changes > 0) {
                plan_.destroy_obstacle = still.service + " is quarantined and not all of it is as it is to be";
            }
        }
        if (!orders_.restoring.empty()) {
            plan_.destroy_obstacle = *orders_.restoring.begin() + " was rolled back and is not what it is to be";
        }
    }

    const WantedState& wanted_;
    const ActualState& actual_;
    const PlanPolicy& policy_;
    const StandingOrders& orders_;
    ServiceSet wanted_services_;
    ServiceSet actual_services_;
    ServiceSet held_services_;
    bool list_in_doubt_ = false;
    std::vector<std::string> doubted_;  ///< units that are not wanted, as far as can be told
    std::vector<Change> destroys_;
    std::vector<DeployedUnit> settled_;
    std::string started_in_vain_;              ///< a unit that is to run, and that the target does not launch
    std::map<std::string, std::size_t> kept_;  ///< unwanted units of services that were rolled back
    std::string missing_;                      ///< of what stands still; empty when all of it is there
    Plan plan_;
};

}  // namespace

std::string_view action_of(ChangeKind kind) noexcept {
    switch (kind) {
        case ChangeKind::create_group:
        case ChangeKind::add_node:
            return "create";
        case ChangeKind::update:
        case ChangeKind::update_sidekick:
            return "update";
        case ChangeKind::set_state:
            return "set_state";
        case ChangeKind::remove_node:
        case ChangeKind::destroy_group:
            return "destroy";
    }
    return "update";
}

std::string signature_of(const Change& change) {
    const auto side = [](const SharedContent& content, DesiredState state) {
        return (content ? content->digest : std::string()) + ' ' + std::string(to_string(state));
    };
    return side(change.former, change.former_state) + " -> " + side(change.content, change.desired_state);
}

bool is_protected(const std::string& unit, const PlanPolicy& policy) {
    if (unit == "deployer.service" || unit == "deployer.timer") return true;
    return std::any_of(policy.protected_globs.begin(), policy.protected_globs.end(),
                       [&](const auto& glob) { return fnmatch(glob.c_str(), unit.c_str(), 0) == 0; });
}

std::vector<OptionDifference> differences_between(const std::vector<UnitOption>& from,
                                                  const std::vector<UnitOption>& to) {
    using Key = std::pair<std::string, std::string>;
    std::vector<Key> order;
    std::map<Key, std::pair<std::vector<const UnitOption*>, std::vector<const UnitOption*>>> sides;
    const auto collect = [&](const std::vector<UnitOption>& options, auto side) {
        for (const auto& option : options) {
            const Key key{option.section, option.name};
            const auto [entry, fresh] = sides.try_emplace(key);
            if (fresh) order.push_back(key);
            (entry->second.*side).push_back(&option);
        }
    };
    collect(from, &decltype(sides)::mapped_type::first);
    collect(to, &decltype(sides)::mapped_type::second);

    std::vector<OptionDifference> differences;
    for (const auto& key : order) {
        const auto& [before, after] = sides.at(key);
        for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
            const auto* old_option = i < before.size() ? before[i] : nullptr;
            const auto* new_option = i < after.size() ? after[i] : nullptr;
            if (old_option != nullptr && new_option != nullptr &&
                content_digest(std::span(old_option, 1)) == content_digest(std::span(new_option, 1))) {
                continue;
            }
            OptionDifference difference{key.first, key.second, {}, {}};
            if (old_option != nullptr) difference.from = old_option->value;
            if (new_option != nullptr) difference.to = new_option->value;
            differences.push_back(std::move(difference));
        }
    }
    return differences;
}

Plan make_plan(const WantedState& wanted, const ActualState& actual, const PlanPolicy& policy,
               const StandingOrders& orders) {
    return Comparison(wanted, actual, policy, orders).run();
}

}  // namespace deployer
