#include "support/fleet/cluster.hpp"

#include <deployer/unit_file.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace deployer::simulated {

Cluster::Cluster(const Options& options, const Systemd::FateOf& fate_of,
                 std::function<bool(const Unit&)> is_schedulable)
    : options_(options), is_schedulable_(std::move(is_schedulable)), engine_looks_(options.pace.engine, Time{1'000}) {
    Records& records = *this;
    for (std::size_t number = 0; number < options_.machines; ++number) {
        agents_.emplace_back(Agent::Options{number, options_.is_old, options_.pace}, records, fate_of);
    }
}

std::optional<Time> Cluster::next_event() const {
    auto next = engine_looks_.next(now_);
    const auto at = [&](std::optional<Time> time) {
        if (time && (!next || *time < *next)) next = time;
    };
    for (const auto& agent : agents_) {
        at(agent.next_event());
        at(agent.next_look(now_));
    }
    return next;
}

void Cluster::advance(Time now) {
    for (auto next = next_event(); next && *next <= now; next = next_event()) {
        now_ = std::max(now_, *next);
        look();
        for (auto& agent : agents_) agent.advance(now_);
        note_history();
    }
    now_ = std::max(now_, now);
}

void Cluster::look() {
    const auto is_due = [&](std::optional<Time> time) { return time && *time <= now_; };
    if (is_due(engine_looks_.next(now_))) schedule_units();
    for (std::size_t number = 0; number < agents_.size(); ++number) {
        if (is_due(agents_[number].next_look(now_))) give_orders(agents_[number], number);
    }
}

void Cluster::schedule_units() {
    engine_looks_.looked(now_);
    const auto count = schedule(slots_, options_.machines, is_schedulable_);
    if (count > 0) change(Looks::Change::order);
}

void Cluster::give_orders(Agent& agent, std::size_t number) {
    Orders orders;
    for (const auto& [name, slot] : slots_) {
        if (!slot.exists) continue;
        const bool is_here = is_global(slot.unit) ? is_schedulable_(slot.unit) : slot.machine == number;
        if (is_here) orders.emplace(name, Order{&slot.unit, &slot.hash});
    }
    agent.look(orders, now_);
}

/// Tells engine and agents of a change of the registry.
void Cluster::change(Looks::Change change) {
    engine_looks_.notice(change, now_);
    engine_looks_.owe();
    for (auto& agent : agents_) {
        agent.looks.notice(change, now_);
        agent.looks.owe();
    }
}

void Cluster::put(const Unit& unit) {
    auto& slot = slots_[unit.name];
    slot.exists = true;
    slot.unit = unit;
    slot.hash = unit_file_hash(unit.options);
    change(Looks::Change::other);
    change(Looks::Change::order);
}

void Cluster::set_desired_state(std::string_view unit, DesiredState state) {
    const auto found = slots_.find(unit);
    if (found == slots_.end()) return;
    found->second.unit.desired_state = state;
    change(Looks::Change::order);
}

void Cluster::destroy(std::string_view unit) {
    const auto found = slots_.find(unit);
    if (found == slots_.end()) return;
    auto& slot = found->second;
    slot.exists = slot.is_unreadable = false;
    slot.machine.reset();
    slot.beat.reset();
    change(Looks::Change::other);
}

void Cluster::settle_in(const Unit& unit) {
    auto& slot = slots_[unit.name];
    if (slot.exists) {
        for (auto& agent : agents_) agent.forget(unit.name);
    }
    slot = Slot{.exists = true, .unit = unit, .hash = unit_file_hash(unit.options), .history = std::move(slot.history)};
    place_by_itself(slot);
    for (std::size_t number = 0; number < agents_.size(); ++number) {
        const bool is_here = is_global(unit) ? is_schedulable_(unit) : slot.machine == number;
        if (!is_here || unit.desired_state == DesiredState::inactive) continue;
        agents_[number].settle_in(unit);
        if (unit.desired_state == DesiredState::launched) slot.beat = number;
    }
    noted_.insert(unit.name);
    note_history();
}

/// Places a unit. Units without demands go to the machines in turn, which is fast enough for ten thousand units.
void Cluster::place_by_itself(Slot& slot) {
    const auto& options = slot.unit.options;
    if (std::any_of(options.begin(), options.end(), [](const auto& option) { return option.section == "X-Fleet"; })) {
        (void)schedule(slots_, options_.machines, is_schedulable_);
        return;
    }
    if (slot.unit.desired_state == DesiredState::inactive || !is_schedulable_(slot.unit)) return;
    slot.machine = ++placed_ % options_.machines;
}

void Cluster::crash(std::string_view unit) {
    for (auto& agent : agents_) {
        agent.systemd().crash(unit);
        agent.advance(now_);
    }
    note_history();
}

const Slot* Cluster::find(std::string_view unit) const {
    const auto found = slots_.find(unit);
    return found == slots_.end() ? nullptr : &found->second;
}

std::vector<UnitProcess> Cluster::processes(std::string_view unit) const {
    std::vector<UnitProcess> processes;
    for (std::size_t number = 0; number < agents_.size(); ++number) {
        const auto& systemd = agents_[number].systemd();
        if (auto process = systemd.process(unit)) {
            processes.push_back({number, *std::move(process), systemd.view(unit)});
        }
    }
    return processes;
}

const Systemd* Cluster::systemd_of(std::string_view unit) const {
    const auto* slot = find(unit);
    return slot == nullptr || !slot->machine ? nullptr : &agents_.at(*slot->machine).systemd();
}

bool Cluster::was_up(const Slot& slot, Time time) {
    const auto after = std::find_if(slot.history.begin(), slot.history.end(),
                                    [time](const auto& entry) { return entry.first > time; });
    return after != slot.history.begin() && std::prev(after)->second;
}

/// Notes since when units are up. A unit counts as up only when a machine also reports it, because fleet's clients know
/// of no other unit.
void Cluster::note_history() {
    for (const auto& unit : std::exchange(noted_, {})) {
        const auto found = slots_.find(unit);
        if (found == slots_.end()) continue;
        auto& slot = found->second;
        const bool is_up = std::any_of(slot.told.begin(), slot.told.end(),
                                       [&](const auto& told) { return agents_.at(told.first).systemd().is_up(unit); });
        if (slot.history.empty() ? is_up : slot.history.back().second != is_up) slot.history.emplace_back(now_, is_up);
    }
}

void Cluster::beat(const std::string& unit, std::size_t machine) {
    const auto found = slots_.find(unit);
    if (found == slots_.end() || !found->second.exists) return;
    found->second.beat = machine;
    notice_beat();
}

void Cluster::clear_beat(const std::string& unit) {
    const auto found = slots_.find(unit);
    if (found == slots_.end() || !std::exchange(found->second.beat, std::nullopt)) return;
    notice_beat();
}

/// Engine and agents ignore a heartbeat, but they notice no other change for a while after it.
void Cluster::notice_beat() {
    engine_looks_.notice(Looks::Change::other, now_);
    for (auto& agent : agents_) agent.looks.notice(Looks::Change::other, now_);
}

void Cluster::tell(const std::string& unit, std::size_t machine, const Report& report) {
    slots_[unit].told.insert_or_assign(machine, report);
    noted_.insert(unit);
}

void Cluster::forget(const std::string& unit) {
    slots_[unit].told.clear();
    for (auto& agent : agents_) agent.tell_again(unit);
    noted_.insert(unit);
}

void Cluster::note(const std::string& unit) {
    noted_.insert(unit);
}

std::string lie_about(const Cluster& cluster, const std::string& unit, const Slot& slot) {
    const auto processes = cluster.processes(unit);
    if (!slot.exists || slot.unit.desired_state != DesiredState::launched) {
        return processes.empty() ? "" : "is not to run, but does";
    }
    for (const auto& [machine, process, view] : processes) {
        if (process.content != slot.hash) return "runs another content than the wanted one";
        if (slot.machine && slot.machine != machine)
            return "runs on another machine than the one that it is scheduled to";
    }
    const auto* systemd = cluster.systemd_of(unit);
    if (systemd == nullptr) return is_global(slot.unit) && !processes.empty() ? "" : "is to run, but on no machine";
    const auto view = systemd->view(unit);
    if (view.active == "active") return {};
    const bool has_ended = last_value(slot.unit, "Service", "Type") == "oneshot" && view.active == "inactive" &&
                           systemd->last_content(unit) == slot.hash;
    return has_ended ? "" : "is to run, but is " + view.active + " (" + view.sub + ")";
}

}  // namespace deployer::simulated
