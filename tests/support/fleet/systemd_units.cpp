#include "support/fleet/systemd.hpp"

#include <deployer/unit_file.hpp>

#include <fnmatch.h>

#include <algorithm>

namespace deployer::simulated {
namespace {

bool is_service(std::string_view unit) {
    return unit.ends_with(".service");
}

/// systemd's word for the state of a unit of that type when it is up.
std::string up_word(std::string_view unit) {
    if (unit.ends_with(".timer") || unit.ends_with(".path")) return "waiting";
    if (unit.ends_with(".socket")) return "listening";
    if (unit.ends_with(".mount")) return "mounted";
    if (unit.ends_with(".target") || unit.ends_with(".slice")) return "active";
    return "running";
}

bool is_oneshot(const Unit& unit) {
    return last_value(unit, "Service", "Type") == "oneshot";
}

bool stays_up(const Unit& unit) {
    const auto word = last_value(unit, "Service", "RemainAfterExit");
    return word == "yes" || word == "true" || word == "on" || word == "1";
}

}  // namespace

Systemd::Systemd(FateOf fate_of, Pace pace) : fate_of_(std::move(fate_of)), pace_(pace) {}

void Systemd::write(const Unit& unit) {
    files_.insert_or_assign(unit.name, unit);
    touched_.insert(unit.name);
}

void Systemd::erase(std::string_view unit) {
    const auto found = files_.find(unit);
    if (found != files_.end()) files_.erase(found);
    touched_.emplace(unit);
}

void Systemd::reload() {
    for (const auto& unit : std::exchange(touched_, {})) read(unit, entry_of(unit));
    run_jobs();
}

void Systemd::read(const std::string& unit, Entry& entry) {
    const auto forget = [&](const Names& names) {
        for (const auto& name : names) named_by_[name].erase(unit);
    };
    const auto note = [&](const Names& names) {
        for (const auto& name : names) named_by_[name].insert(unit);
    };
    const auto each = [&](const auto& action) {
        const auto& own = entry.relations;
        for (const auto* names : {&own.binds_to, &own.requirements, &own.requisite, &own.part_of, &own.wants,
                                  &own.conflicts, &own.after, &own.before}) {
            action(*names);
        }
    };
    const auto file = files_.find(unit);
    each(forget);
    entry.config = file == files_.end() ? std::nullopt : std::optional(file->second);
    entry.hash = entry.config ? unit_file_hash(entry.config->options) : std::string();
    entry.relations = entry.config ? relations_of(*entry.config) : Relations();
    each(note);
    entry.is_masked = entry.config && fate_of(*entry.config) == Fate::masked;
    changes_.insert(unit);
}

Systemd::Entry& Systemd::entry_of(std::string_view unit) {
    const auto found = entries_.find(unit);
    return found != entries_.end() ? found->second : entries_[std::string(unit)];
}

const Systemd::Entry* Systemd::find(std::string_view unit) const {
    const auto found = entries_.find(unit);
    return found == entries_.end() ? nullptr : &found->second;
}

Names Systemd::naming(std::string_view unit, Names Relations::*relation) const {
    Names names;
    const auto found = named_by_.find(unit);
    if (found == named_by_.end()) return names;
    for (const auto& name : found->second) {
        const auto& own = find(name)->relations.*relation;
        if (std::find(own.begin(), own.end(), unit) != own.end()) names.push_back(name);
    }
    return names;
}

bool Systemd::is_provided(std::string_view unit) const {
    const auto* entry = find(unit);
    if (entry != nullptr && entry->config) return false;
    if (files_.contains(unit)) return false;
    return std::any_of(provided_.begin(), provided_.end(), [&](const std::string& glob) {
        return ::fnmatch(glob.c_str(), std::string(unit).c_str(), 0) == 0;
    });
}

bool Systemd::is_active(std::string_view unit) const {
    const auto* entry = find(unit);
    return (entry != nullptr && is_active(entry->state)) || is_provided(unit);
}

bool Systemd::is_kept(const Entry& entry) const {
    return entry.state != State::dead || entry.job.has_value();
}

bool Systemd::is_loaded(std::string_view unit) const {
    const auto* entry = find(unit);
    if (entry != nullptr && is_kept(*entry)) return true;
    const auto found = named_by_.find(unit);
    if (found == named_by_.end()) return false;
    return std::any_of(found->second.begin(), found->second.end(),
                       [&](const std::string& name) { return is_kept(*find(name)); });
}

bool Systemd::reset_failed(std::string_view unit) {
    if (!is_loaded(unit)) return false;
    auto& entry = entry_of(unit);
    if (entry.state == State::failed) set_state(std::string(unit), entry, State::dead);
    return true;
}

Systemd::View Systemd::view(std::string_view unit) const {
    const auto* entry = find(unit);
    if (entry == nullptr) return {.load = files_.contains(unit) ? "loaded" : "not-found"};
    View view;
    if (entry->config) view.load = entry->is_masked ? "masked" : "loaded";
    switch (entry->state) {
        case State::dead:
            break;
        case State::failed:
            view.active = view.sub = "failed";
            break;
        case State::start:
            view.active = "activating";
            view.sub = "start";
            break;
        case State::auto_restart:
            view.active = "activating";
            view.sub = "auto-restart";
            break;
        case State::running:
            view.active = "active";
            view.sub = up_word(unit);
            break;
        case State::exited:
            view.active = "active";
            view.sub = "exited";
            break;
        case State::stop:
            view.active = "deactivating";
            view.sub = "stop";
            break;
        case State::stop_sigterm:
            view.active = "deactivating";
            view.sub = "stop-sigterm";
            break;
    }
    return view;
}

std::optional<Process> Systemd::process(std::string_view unit) const {
    const auto* entry = find(unit);
    return entry == nullptr ? std::nullopt : entry->process;
}

std::string Systemd::last_content(std::string_view unit) const {
    const auto* entry = find(unit);
    return entry == nullptr ? std::string() : entry->last_content;
}

bool Systemd::is_up(std::string_view unit) const {
    const auto* entry = find(unit);
    if (entry == nullptr) return false;
    return is_active(entry->state) || (entry->state == State::start && entry->fate == Fate::run);
}

void Systemd::spawn(const std::string& unit, Entry& entry) {
    entry.fate = fate_of(*entry.config);
    entry.process = Process{entry.hash, ++invocations_, now_};
    entry.last_content = entry.hash;
    switch (entry.fate) {
        case Fate::fail:
            return set_state(unit, entry, State::failed);
        case Fate::restart:
            // The unit is up for a moment, which counts as a successful start.
            set_state(unit, entry, State::running);
            return set_state(unit, entry, State::auto_restart);
        case Fate::hang:
            return set_state(unit, entry, State::start);
        default:
            break;
    }
    if (!is_oneshot(*entry.config)) return set_state(unit, entry, State::running);
    set_due(unit, entry, now_ + pace_.oneshot);
    set_state(unit, entry, State::start);
}

/// Begins to stop a unit. A unit that is up runs ExecStop= first; a unit that is not up yet gets SIGTERM at once.
void Systemd::begin_stop(const std::string& unit, Entry& entry) {
    if (entry.state == State::auto_restart || !is_service(unit)) {
        set_due(unit, entry, std::nullopt);
        return set_state(unit, entry, State::dead);
    }
    const auto commands = entry.config && is_active(entry.state) ? exec_stop_time(*entry.config) : Time{0};
    set_due(unit, entry, now_ + (commands > Time{0} ? commands : pace_.stop));
    set_state(unit, entry, commands > Time{0} ? State::stop : State::stop_sigterm);
}

void Systemd::time_out(const std::string& unit, Entry& entry) {
    set_due(unit, entry, std::nullopt);
    switch (entry.state) {
        case State::start:
            return set_state(unit, entry, entry.config && stays_up(*entry.config) ? State::exited : State::dead);
        case State::stop:
            set_due(unit, entry, now_ + pace_.stop);
            return set_state(unit, entry, State::stop_sigterm);
        case State::stop_sigterm:
            return set_state(unit, entry, State::dead);
        case State::auto_restart:
            set_state(unit, entry, State::dead);
            if (!entry.job) (void)start(unit);
            return;
        default:
            return;
    }
}

void Systemd::set_due(const std::string& unit, Entry& entry, std::optional<Time> due) {
    if (entry.due) timers_.erase({*entry.due, unit});
    entry.due = due;
    if (due) timers_.emplace(*due, unit);
}

void Systemd::set_state(const std::string& unit, Entry& entry, State state) {
    const auto former = std::exchange(entry.state, state);
    if (is_at_rest(state) || state == State::auto_restart) entry.process.reset();
    changes_.insert(unit);
    const bool was_up = is_active(former) || is_activating(former);
    const bool is_expected = entry.job && process_job(unit, entry);
    if (was_up && (is_at_rest(state) || is_deactivating(state) || state == State::auto_restart) && !is_expected) {
        stop_bound(unit);
    }
    run_jobs();
}

/// Ends the unit's job if the new state decides it. False when the job did not lead to this state.
bool Systemd::process_job(const std::string& unit, Entry& entry) {
    const auto job = *entry.job;
    if (job.kind == JobKind::stop) {
        if (is_at_rest(entry.state)) finish_job(unit, entry, Result::done);
        return true;
    }
    if (is_active(entry.state)) {
        finish_job(unit, entry, Result::done);
        return true;
    }
    if (!job.is_running || is_activating(entry.state)) return true;
    finish_job(unit, entry, entry.state == State::dead ? Result::done : Result::failed);
    return false;
}

/// Stops the units that are bound (BindsTo=) to a unit that is no longer up.
void Systemd::stop_bound(const std::string& unit) {
    for (const auto& name : naming(unit, &Relations::binds_to)) {
        const auto& other = entries_.at(name);
        if (!is_at_rest(other.state) && !is_deactivating(other.state)) enqueue_stop(name);
    }
}

void Systemd::crash(std::string_view unit) {
    const std::string name(unit);
    auto& entry = entry_of(unit);
    if (!entry.process) return;
    const auto word = entry.config ? last_value(*entry.config, "Service", "Restart") : std::string();
    set_due(name, entry, std::nullopt);
    set_state(name, entry, State::failed);
    if (word != "always" && word != "on-failure") return;
    set_due(name, entry, now_ + pace_.again);
    set_state(name, entry, State::auto_restart);
}

void Systemd::settle_in(const Unit& unit) {
    write(unit);
    touched_.erase(unit.name);
    auto& entry = entry_of(unit.name);
    read(unit.name, entry);
    set_due(unit.name, entry, std::nullopt);
    entry.job.reset();
    with_job_.erase(unit.name);
    entry.process.reset();
    changes_.insert(unit.name);
    entry.state = State::dead;
    if (unit.desired_state != DesiredState::launched || entry.is_masked) return;
    entry.fate = fate_of(unit);
    entry.last_content = entry.hash;
    const bool ends = entry.fate == Fate::run && is_oneshot(unit);
    if (entry.fate == Fate::run && !ends) entry.state = State::running;
    if (ends && stays_up(unit)) entry.state = State::exited;
    if (entry.fate == Fate::fail) entry.state = State::failed;
    if (entry.fate == Fate::restart) entry.state = State::auto_restart;
    if (entry.fate == Fate::hang) entry.state = State::start;
    if (is_active(entry.state) || entry.state == State::start) {
        entry.process = Process{entry.hash, ++invocations_, now_};
    }
}

void Systemd::advance(Time now) {
    while (!timers_.empty() && timers_.begin()->first <= now) {
        const auto [due, unit] = *timers_.begin();
        now_ = due;
        time_out(unit, entries_.at(unit));
    }
    now_ = std::max(now_, now);
}

std::optional<Time> Systemd::next_event() const {
    return timers_.empty() ? std::nullopt : std::optional(timers_.begin()->first);
}

}  // namespace deployer::simulated
