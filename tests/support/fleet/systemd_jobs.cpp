#include "support/fleet/systemd.hpp"

#include <algorithm>
#include <array>

namespace deployer::simulated {

bool Systemd::start(std::string_view unit) {
    Transaction transaction{std::string(unit)};
    if (!add_start(transaction, transaction.anchor, {})) return false;
    drop_redundant(transaction);
    install(transaction);
    run_jobs();
    return true;
}

bool Systemd::stop(std::string_view unit) {
    if (!files_.contains(unit) && !is_loaded(unit)) return false;
    enqueue_stop(std::string(unit));
    run_jobs();
    return true;
}

void Systemd::enqueue_stop(const std::string& unit) {
    Transaction transaction{unit};
    add_stop(transaction, unit, {});
    drop_redundant(transaction);
    install(transaction);
}

/// Adds the start of a unit and of the units that it names: Requires= and BindsTo= must start, too; Wants= start if
/// they can. False when the unit cannot be started.
bool Systemd::add_start(Transaction& transaction, const std::string& unit, const std::string& by) {
    transaction.pulled.emplace(by, unit);
    const auto [job, is_new] = transaction.jobs.emplace(unit, JobKind::start);
    if (!is_new) return job->second == JobKind::start;
    auto& entry = entry_of(unit);
    if (!is_kept(entry)) read(unit, entry);
    if (!entry.config || entry.is_masked) return false;
    for (const auto* names : {&entry.relations.requirements, &entry.relations.binds_to}) {
        for (const auto& name : *names) {
            if (!is_provided(name) && !add_start(transaction, name, unit)) return false;
        }
    }
    for (const auto& name : entry.relations.wants) {
        if (is_provided(name)) continue;
        auto with_it = transaction;
        if (add_start(with_it, name, unit)) transaction = std::move(with_it);
    }
    for (const auto& name : entry.relations.conflicts) {
        if (find(name) != nullptr) add_stop(transaction, name, unit);
    }
    return true;
}

/// Adds the stop of a unit, and of the units that name it in Requires=, Requisite=, BindsTo= and PartOf=.
void Systemd::add_stop(Transaction& transaction, const std::string& unit, const std::string& by) {
    transaction.pulled.emplace(by, unit);
    if (!transaction.jobs.emplace(unit, JobKind::stop).second) return;
    for (const auto relation :
         {&Relations::requirements, &Relations::requisite, &Relations::binds_to, &Relations::part_of}) {
        for (const auto& name : naming(unit, relation)) add_stop(transaction, name, unit);
    }
}

/// Drops jobs that are not needed: a job whose result the unit has already, if no other job of the unit contradicts;
/// and jobs that only dropped jobs pulled in.
void Systemd::drop_redundant(Transaction& transaction) const {
    const auto is_redundant = [&](const std::string& unit, JobKind kind) {
        const auto* entry = find(unit);
        if (entry != nullptr && entry->job && entry->job->kind != kind) return false;
        if (kind == JobKind::start) return entry != nullptr && is_active(entry->state);
        return entry == nullptr || is_at_rest(entry->state);
    };
    std::erase_if(transaction.jobs, [&](const auto& job) {
        return job.first != transaction.anchor && is_redundant(job.first, job.second);
    });
    const auto is_needed = [&](const std::string& unit) {
        return std::any_of(transaction.pulled.begin(), transaction.pulled.end(), [&](const auto& pull) {
            return pull.second == unit && (pull.first.empty() || transaction.jobs.contains(pull.first));
        });
    };
    while (std::erase_if(transaction.jobs, [&](const auto& job) { return !is_needed(job.first); }) > 0) {
    }
}

/// Adds the jobs by mode "replace": a job replaces the unit's contradicting job, even if that runs already. A unit with
/// a job of the same kind keeps its job.
void Systemd::install(const Transaction& transaction) {
    for (const auto& [unit, kind] : transaction.jobs) {
        auto& entry = entry_of(unit);
        if (entry.job && entry.job->kind == kind) continue;
        entry.job = Job{kind};
        with_job_.insert(unit);
    }
}

void Systemd::run_jobs() {
    if (is_running_jobs_) return;
    is_running_jobs_ = true;
    for (bool has_progress = true; has_progress;) {
        has_progress = false;
        // Iterate over a copy, because a job that runs may end others.
        for (const auto& unit : std::vector<std::string>(with_job_.begin(), with_job_.end())) {
            auto& entry = entries_.at(unit);
            if (!entry.job || entry.job->is_running || !is_runnable(unit, entry)) continue;
            has_progress = run_job(unit, entry) || has_progress;
        }
    }
    is_running_jobs_ = false;
}

/// Whether no other job must run first. Among ordered units a stop goes before a start, and of two stops that of the
/// later unit goes first. So a start waits for any job of the units that its unit comes after, and any job waits for
/// the stops of the units that come after its unit.
bool Systemd::is_runnable(const std::string& unit, const Entry& entry) const {
    const auto has_job = [&](const std::string& name) {
        const auto* other = find(name);
        return name != unit && other != nullptr && other->job.has_value();
    };
    const auto stops = [&](const std::string& name) { return has_job(name) && find(name)->job->kind == JobKind::stop; };
    const auto& earlier = entry.relations.after;
    const auto& later = entry.relations.before;
    if (std::any_of(later.begin(), later.end(), stops)) return false;
    const auto after_it = naming(unit, &Relations::after);
    if (std::any_of(after_it.begin(), after_it.end(), stops)) return false;
    if (entry.job->kind == JobKind::stop) return true;
    if (std::any_of(earlier.begin(), earlier.end(), has_job)) return false;
    const auto before_it = naming(unit, &Relations::before);
    return std::none_of(before_it.begin(), before_it.end(), has_job);
}

/// Runs a job. False when the job has to wait until its unit changes its state.
bool Systemd::run_job(const std::string& unit, Entry& entry) {
    return entry.job->kind == JobKind::start ? run_start(unit, entry) : run_stop(unit, entry);
}

bool Systemd::run_start(const std::string& unit, Entry& entry) {
    if (is_active(entry.state)) {
        finish_job(unit, entry, Result::done);
        return true;
    }
    const auto is_down = [&](const std::string& name) { return !is_active(name); };
    const auto& relations = entry.relations;
    const bool lacks_bound = std::any_of(relations.binds_to.begin(), relations.binds_to.end(), [&](const auto& name) {
        const auto& after = relations.after;
        return is_down(name) && std::find(after.begin(), after.end(), name) != after.end();
    });
    if (lacks_bound || std::any_of(relations.requisite.begin(), relations.requisite.end(), is_down)) {
        finish_job(unit, entry, Result::dependency);
        return true;
    }
    // A unit must be at rest before its start, and an automatic restart keeps its pause.
    if (is_deactivating(entry.state) || entry.state == State::auto_restart) return false;
    entry.job->is_running = true;
    if (!is_activating(entry.state)) spawn(unit, entry);
    return true;
}

bool Systemd::run_stop(const std::string& unit, Entry& entry) {
    if (is_at_rest(entry.state)) {
        finish_job(unit, entry, Result::done);
        return true;
    }
    entry.job->is_running = true;
    if (!is_deactivating(entry.state)) begin_stop(unit, entry);
    return true;
}

/// Ends a job. After a failed start, the units that need this unit are not started either.
void Systemd::finish_job(const std::string& unit, Entry& entry, Result result) {
    const auto kind = entry.job->kind;
    entry.job.reset();
    with_job_.erase(unit);
    if (kind != JobKind::start || result == Result::done) return;
    for (const auto relation : {&Relations::requirements, &Relations::requisite, &Relations::binds_to}) {
        for (const auto& name : naming(unit, relation)) {
            auto& other = entries_.at(name);
            if (other.job && other.job->kind == JobKind::start) finish_job(name, other, Result::dependency);
        }
    }
}

std::string Systemd::job(std::string_view unit) const {
    const auto* entry = find(unit);
    if (entry == nullptr || !entry->job) return {};
    return std::string(entry->job->kind == JobKind::start ? "start " : "stop ") +
           (entry->job->is_running ? "running" : "waiting");
}

}  // namespace deployer::simulated
