#include "support/fleet/agent.hpp"

#include <deployer/unit_file.hpp>

#include <algorithm>
#include <utility>

namespace deployer::simulated {

void Agent::look(const Orders& orders, Time now) {
    now_ = now;
    looks.looked(now);
    std::set<std::string_view> names;
    for (const auto& [unit, hash] : files_) names.insert(unit);
    for (const auto& [unit, order] : orders) names.insert(unit);
    for (const auto& unit : names) {
        const auto order = orders.find(unit);
        add_tasks(unit, order == orders.end() ? nullptr : &order->second);
    }
    if (tasks_.empty()) return;
    const bool has_files = std::any_of(tasks_.begin(), tasks_.end(), [](const Task& task) {
        return task.kind == Kind::unload || task.kind == Kind::load;
    });
    if (has_files) tasks_.push_back({Kind::reload, {}});
    // An unload consists of two tasks; a stable sort with equal ranks keeps them together.
    const auto rank = [](Kind kind) { return kind == Kind::remove ? Kind::unload : kind; };
    std::stable_sort(tasks_.begin(), tasks_.end(),
                     [&](const Task& left, const Task& right) { return rank(left.kind) < rank(right.kind); });
    task_due_ = now;
}

void Agent::add_tasks(std::string_view unit, const Order* order) {
    const Unit named{std::string(unit), {}, DesiredState::inactive};
    const auto file = files_.find(unit);
    const bool is_there = file != files_.end();
    if (order == nullptr || order->unit->desired_state == DesiredState::inactive) {
        if (!is_there) return;
        tasks_.push_back({Kind::unload, named});
        tasks_.push_back({Kind::remove, named});
        return;
    }
    const auto& wanted = *order->unit;
    const bool is_launched = wanted.desired_state == DesiredState::launched;
    const bool is_other = is_there && !options_.is_old && file->second != *order->hash;
    if (is_other) {
        tasks_.push_back({Kind::unload, named});
        tasks_.push_back({Kind::remove, named});
    }
    if (!is_there || is_other) {
        tasks_.push_back({Kind::load, wanted});
        if (is_launched) tasks_.push_back({Kind::start, named});
        return;
    }
    const auto target = target_.find(unit);
    const auto state = target == target_.end() ? DesiredState::inactive : target->second;
    if (state == wanted.desired_state) return;
    if (state == DesiredState::inactive) tasks_.push_back({Kind::load, wanted});
    if (is_launched) tasks_.push_back({Kind::start, named});
    if (!is_launched && state == DesiredState::launched) tasks_.push_back({Kind::stop, named});
}

/// Carries out a task. False when it failed: the tasks after it are dropped until another look.
bool Agent::perform(const Task& task) {
    const auto& unit = task.unit.name;
    switch (task.kind) {
        case Kind::unload:
            records_->clear_beat(unit);
            target_.erase(unit);
            subscribed_.erase(unit);
            dirty_.insert(unit);
            return systemd_.stop(unit);
        case Kind::remove: {
            files_.erase(unit);
            const bool was_loaded = systemd_.reset_failed(unit);
            systemd_.erase(unit);
            return was_loaded;
        }
        case Kind::load:
            target_[unit] = DesiredState::loaded;
            subscribed_.insert(unit);
            dirty_.insert(unit);
            systemd_.write(task.unit);
            files_[unit] = unit_file_hash(task.unit.options);
            return true;
        case Kind::reload:
            systemd_.reload();
            return true;
        case Kind::stop:
            target_[unit] = DesiredState::loaded;
            records_->clear_beat(unit);
            return systemd_.stop(unit);
        case Kind::start:
            target_[unit] = DesiredState::launched;
            records_->beat(unit, options_.number);
            return systemd_.start(unit);
    }
    return true;
}

void Agent::advance(Time now) {
    now_ = now;
    systemd_.advance(now);
    if (report_due_ && *report_due_ <= now) report();
    repeat_reports();
    if (!tasks_.empty() && task_due_ <= now) {
        const auto task = std::move(tasks_.front());
        tasks_.pop_front();
        task_due_ = now + options_.pace.task;
        if (!perform(task)) {
            tasks_.clear();
            looks.owe();
        }
    }
    note_changes();
}

/// Notes units whose view changed. They are reported at the next multiple of the time between reports.
void Agent::note_changes() {
    for (const auto& unit : systemd_.take_changes()) {
        dirty_.insert(unit);
        records_->note(unit);
    }
    if (report_due_ || dirty_.empty()) return;
    const auto period = options_.pace.report;
    report_due_ = (now_ / period + 1) * period;
}

void Agent::report() {
    report_due_.reset();
    for (const auto& unit : std::exchange(dirty_, {})) {
        const auto told = told_.find(unit);
        if (!subscribed_.contains(unit)) {
            if (told == told_.end()) continue;
            told_.erase(told);
            records_->forget(unit);
            continue;
        }
        Report report{systemd_.view(unit), files_[unit]};
        if (told != told_.end() && told->second == report) continue;
        records_->tell(unit, options_.number, report);
        told_[unit] = std::move(report);
    }
}

void Agent::repeat_reports() {
    std::erase_if(to_tell_again_, [&](const auto& again) {
        if (again.second > now_) return false;
        const auto told = told_.find(again.first);
        if (told != told_.end()) records_->tell(told->first, options_.number, told->second);
        return true;
    });
}

void Agent::tell_again(const std::string& unit) {
    if (!told_.contains(unit)) return;
    to_tell_again_[unit] = now_ + options_.pace.silence;
}

std::optional<Time> Agent::next_event() const {
    std::optional<Time> next;
    const auto at = [&](std::optional<Time> time) {
        if (time && (!next || *time < *next)) next = time;
    };
    at(systemd_.next_event());
    at(report_due_);
    if (!tasks_.empty()) at(task_due_);
    for (const auto& [unit, time] : to_tell_again_) at(time);
    return next;
}

void Agent::settle_in(const Unit& unit) {
    systemd_.settle_in(unit);
    (void)systemd_.take_changes();
    files_[unit.name] = unit_file_hash(unit.options);
    target_[unit.name] = unit.desired_state;
    subscribed_.insert(unit.name);
    Report report{systemd_.view(unit.name), files_[unit.name]};
    records_->tell(unit.name, options_.number, report);
    told_[unit.name] = std::move(report);
}

void Agent::forget(std::string_view unit) {
    const std::string name(unit);
    files_.erase(name);
    target_.erase(name);
    subscribed_.erase(name);
    dirty_.erase(name);
    told_.erase(name);
    systemd_.settle_in({name, {}, DesiredState::inactive});
    systemd_.erase(name);
    systemd_.reload();
    (void)systemd_.take_changes();
}

}  // namespace deployer::simulated
