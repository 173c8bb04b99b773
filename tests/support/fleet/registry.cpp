#include "support/fleet/registry.hpp"

#include <fnmatch.h>

#include <algorithm>

namespace deployer::simulated {
namespace {

struct Demands {
    std::string machine;
    Names peers;
    Names conflicts;
};

Demands demands_of(const Unit& unit) {
    return {.machine = last_value(unit, "X-Fleet", "MachineID"),
            .peers = words_of(unit, "X-Fleet", "MachineOf"),
            .conflicts = words_of(unit, "X-Fleet", "Conflicts")};
}

bool matches_any(const Names& globs, const std::string& name) {
    return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
        return ::fnmatch(glob.c_str(), name.c_str(), FNM_PATHNAME) == 0;
    });
}

/// The units that are scheduled to each machine, with their demands.
class Schedule {
public:
    Schedule(Slots& slots, std::size_t machines) : slots_(slots), machines_(machines), choosy_(machines) {
        for (auto& [name, slot] : slots_) {
            if (!slot.exists || is_global(slot.unit)) continue;
            demands_[name] = demands_of(slot.unit);
            if (slot.machine) put(name, *slot.machine);
        }
    }

    void unschedule_what_does_not_fit() {
        for (bool has_changed = true; has_changed;) {
            has_changed = false;
            for (const auto& [name, demands] : demands_) {
                auto& slot = slots_.at(name);
                if (!slot.machine) continue;
                if (slot.unit.desired_state != DesiredState::inactive && is_fit(name, *slot.machine)) continue;
                machines_.at(*slot.machine).erase(name);
                choosy_.at(*slot.machine).erase(name);
                slot.machine.reset();
                ++changes_;
                has_changed = true;
            }
        }
    }

    void place_others(const std::function<bool(const Unit&)>& is_schedulable) {
        for (bool has_changed = true; has_changed;) {
            has_changed = false;
            for (const auto& [name, demands] : demands_) {
                auto& slot = slots_.at(name);
                if (slot.machine || slot.unit.desired_state == DesiredState::inactive) continue;
                if (!is_schedulable(slot.unit)) continue;
                slot.machine = find_machine(name);
                if (!slot.machine) continue;
                put(name, *slot.machine);
                ++changes_;
                has_changed = true;
            }
        }
    }

    [[nodiscard]] std::size_t changes() const { return changes_; }

private:
    void put(const std::string& name, std::size_t number) {
        machines_.at(number).insert(name);
        if (!demands_.at(name).conflicts.empty()) choosy_.at(number).insert(name);
    }

    [[nodiscard]] bool is_fit(const std::string& name, std::size_t number) const {
        const auto& wanted = demands_.at(name);
        const auto& there = machines_.at(number);
        if (!wanted.machine.empty() && wanted.machine != machine_id(number)) return false;
        if (!std::all_of(wanted.peers.begin(), wanted.peers.end(),
                         [&](const std::string& peer) { return there.contains(peer); })) {
            return false;
        }
        const auto& concerned = wanted.conflicts.empty() ? choosy_.at(number) : there;
        return std::none_of(concerned.begin(), concerned.end(), [&](const std::string& other) {
            if (other == name) return false;
            return matches_any(wanted.conflicts, other) || matches_any(demands_.at(other).conflicts, name);
        });
    }

    [[nodiscard]] std::optional<std::size_t> find_machine(const std::string& name) const {
        std::optional<std::size_t> best;
        for (std::size_t number = 0; number < machines_.size(); ++number) {
            if (best && machines_[number].size() >= machines_[*best].size()) continue;
            if (is_fit(name, number)) best = number;
        }
        return best;
    }

    Slots& slots_;
    std::vector<std::set<std::string>> machines_;
    std::vector<std::set<std::string>> choosy_;  ///< for each machine, the units with Conflicts
    std::map<std::string, Demands> demands_;
    std::size_t changes_ = 0;
};

}  // namespace

bool is_global(const Unit& unit) {
    const auto word = last_value(unit, "X-Fleet", "Global");
    return word == "true" || word == "True" || word == "TRUE";
}

std::string machine_id(std::size_t number) {
    constexpr std::size_t length = 32;
    std::string id(length, "0123456789abcdef"[(number + 10) % 16]);
    return id;
}

std::string current_state(const Slot& slot) {
    if (slot.shown_states) return slot.shown_current_state;
    if (!slot.machine || !slot.told.contains(*slot.machine)) return "inactive";
    return slot.beat == slot.machine ? "launched" : "loaded";
}

std::vector<FleetState> states_of(const Slot& slot) {
    auto states = slot.shown_states.value_or(std::vector<FleetState>());
    if (!slot.shown_states) {
        for (const auto& [machine, report] : slot.told) {
            states.push_back({report.view.load, report.view.active, report.view.sub, report.hash, machine_id(machine)});
        }
    }
    for (auto& state : states) {
        if (state.hash.empty()) state.hash = slot.hash;
        if (state.machine.empty()) state.machine = machine_id(slot.machine.value_or(0));
    }
    return states;
}

std::size_t schedule(Slots& slots, std::size_t machines, const std::function<bool(const Unit&)>& is_schedulable) {
    Schedule schedule(slots, machines);
    schedule.unschedule_what_does_not_fit();
    schedule.place_others(is_schedulable);
    return schedule.changes();
}

}  // namespace deployer::simulated
