#include "replacement.hpp"

#include "agent.hpp"
#include "stop_wait.hpp"

#include <deployer/unit_file.hpp>

#include <algorithm>
#include <utility>

namespace deployer::fleet {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// The first and the longest pause between two looks at a unit that is being destroyed.
constexpr milliseconds first_pause{100};
constexpr milliseconds longest_pause{500};

bool same_options(const Unit& held, const Unit& wanted) {
    return unit_file_hash(held.options) == unit_file_hash(wanted.options);
}

}  // namespace

void Replacement::apply(const Unit& unit, const Call& call) {
    if (update_ != Update::replace) listing_.ensure(call);
    const bool may_run = update_ != Update::replace && known_.may_run_otherwise(unit);
    const auto along = may_run ? known_.stopped_along_with(unit.name) : std::vector<std::string>{};
    auto concerned = along;
    concerned.insert(concerned.begin(), unit.name);
    const auto turn = turns_.take(std::move(concerned), call);
    if (may_run && !(along.empty() && known_.restarts_at_once(unit.name))) {
        exchange_stopped(unit, along, call);
    } else {
        exchange(unit, false, call);
    }
    known_.add(unit);
}

void Replacement::set_desired_state(std::string_view unit, DesiredState state, const Call& call) {
    const auto turn = turns_.take({std::string(unit)}, call);
    if (api_.set_desired_state(unit, state, call)) {
        known_.set_desired_state(unit, state);
        return;
    }
    known_.remove(unit);
    throw Error(ErrorKind::not_found, std::string(unit) + " is not in the cluster");
}

void Replacement::destroy(std::string_view unit, const Call& call) {
    const auto turn = turns_.take({std::string(unit)}, call);
    api_.destroy(unit, call);
    known_.remove(unit);
}

void Replacement::exchange(const Unit& unit, bool was_stopped, const Call& call) {
    if (update_ == Update::recreate) return recreate(unit, call);
    if (put(unit, call)) return;
    if (update_ == Update::replace) {
        throw Error(ErrorKind::rejected,
                    "fleet keeps the old options of a unit that is there, as versions before 0.13 do; with "
                    "\"update: auto\" or \"update: recreate\" it is destroyed and created anew");
    }
    call.log.info("fleet keeps the old options of " + unit.name +
                  ", as versions before 0.13 do: destroys it and creates it anew");
    if (was_stopped) {
        // put() has just told the unit to run, with its old options.
        if (!api_.set_desired_state(unit.name, DesiredState::loaded, call)) throw gone();
        wait_until_stopped(api_, look_every_, unit, {}, call);
    }
    recreate(unit, call);
}

void Replacement::exchange_stopped(const Unit& unit, std::vector<std::string> along, const Call& call) {
    const auto bound = along;
    // When this unit should not run, the units that are bound to it cannot run either.
    if (unit.desired_state != DesiredState::launched) along.clear();
    Stopped stopped;
    try {
        std::erase_if(along, [&](const auto& other) { return comes_along(unit, other, call); });
        for (const auto& other : along) stop(other, stopped, call);
        stop(unit.name, stopped, call);
        wait_until_stopped(api_, look_every_, unit, bound, call);
        exchange(unit, true, call);
        std::erase(stopped, unit.name);
        if (unit.desired_state == DesiredState::launched) hurry(unit.name, stopped, call);
    } catch (const Error& error) {
        throw start_again(std::move(stopped), error, call);
    }
}

bool Replacement::comes_along(const Unit& unit, const std::string& other, const Call& call) const {
    if (!known_.is_started_by(unit, other)) return false;
    // The other unit must be active in its known version: otherwise its agent may be about to start it, and systemd
    // would start this unit along with it, while this unit should stop.
    const auto hash = known_.hash_of(other);
    const auto entries = api_.states(other, call);
    return !entries.empty() && std::all_of(entries.begin(), entries.end(), [&](const StateEntry& entry) {
        return entry.hash == hash && entry.active == "active";
    });
}

void Replacement::stop(const std::string& unit, Stopped& stopped, const Call& call) const {
    // Noted before the request, because the request may take effect although its answer is lost.
    if (known_.is_to_run(unit)) stopped.push_back(unit);
    if (!api_.set_desired_state(unit, DesiredState::loaded, call)) std::erase(stopped, unit);
}

/// An agent that sees a change of a desired state reconciles its units a second later. It sees no change of a content,
/// and no change at all within that second; such changes wait up to 5 s for its next round. A unit that has stopped
/// needs two rounds: in the first one the agent removes the former unit file, and fails.
void Replacement::hurry(const std::string& unit, Stopped& stopped, const Call& call) const {
    const auto pause = std::min(between_looks, look_every_);
    const auto has_paused = [&] { return call.remaining() > pause + last_moment && call.wait(pause); };
    const bool has_time = has_paused();
    if (stopped.empty() && has_time) remind(unit, call);
    for (; !stopped.empty(); stopped.pop_back()) launch(stopped.back(), call);
    if (has_time && has_paused()) remind(unit, call);
}

/// Writes the desired state again, so that the agent reconciles sooner. Only debug log for a failure: without this
/// request everything happens all the same, only later.
void Replacement::remind(const std::string& unit, const Call& call) const {
    try {
        launch(unit, call);
    } catch (const Error& error) {
        call.log.debug(error.what());
    }
}

void Replacement::launch(const std::string& unit, const Call& call) const {
    (void)api_.set_desired_state(unit, DesiredState::launched, call);
}

bool Replacement::put(const Unit& unit, const Call& call) const {
    if (api_.put(unit, call) == FleetApi::Put::taken) return true;
    // The unit as fleet has it tells whether its options are the new ones, also where the first answer was lost.
    const auto held = api_.find(unit.name, call);
    if (!held) throw gone();
    return same_options(held->unit, unit);
}

void Replacement::recreate(const Unit& unit, const Call& call) {
    const auto held = api_.find(unit.name, call);
    if (held && same_options(held->unit, unit)) {
        if (held->unit.desired_state == unit.desired_state) return;
        if (!api_.set_desired_state(unit.name, unit.desired_state, call)) throw gone();
        return;
    }
    bool is_taken = false;
    try {
        if (held) {
            api_.destroy(unit.name, call);
            known_.remove(unit.name);
        }
        wait_until_gone(unit.name, !held, call);
        is_taken = put(unit, call);
    } catch (const Error& error) {
        throw restore(held ? &held->unit : nullptr, unit, error, call);
    }
    if (!is_taken) {
        throw Error(ErrorKind::rejected, "it was destroyed, but is there again: something else creates it");
    }
}

/// A unit that is created while the former unit of its name still stops may keep the former content.
void Replacement::wait_until_gone(const std::string& unit, bool is_absent, const Call& call) const {
    for (auto pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
        is_absent = is_absent || !api_.find(unit, call);
        if (is_absent && api_.states(unit, call).empty()) return;
        if (!call.wait(pause)) call.check("waiting for the former " + unit + " to stop");
    }
}

/// Launches the units that ran before, because a failed change of one unit must not leave others stopped.
Error Replacement::start_again(Stopped stopped, const Error& error, const Call& call) const {
    const auto least = steady_clock::now() + last_moment;
    const Call own{call.stop.stop_requested() ? least : std::max(call.deadline, least), {}, call.log};
    std::string started;
    std::string lost;
    for (; !stopped.empty(); stopped.pop_back()) {
        const auto& unit = stopped.back();
        try {
            if (!api_.set_desired_state(unit, DesiredState::launched, own)) continue;
            started.append(started.empty() ? "; told to run again as before: " : ", ").append(unit);
        } catch (const Error& trouble) {
            lost.append("; ").append(unit).append(" may be left stopped: ").append(trouble.what());
        }
    }
    return {error.kind(), error.what() + started + lost};
}

/// Creates a destroyed unit again, so that it is not missing until the next cycle. After a stop request the machines
/// may not have noticed that the unit was destroyed, and an older fleet would go on with the former process under the
/// new content. So the former content is put back, and the next cycle sees the difference. After a deadline the
/// machines have noticed, so the new content is created.
Error Replacement::restore(const Unit* former, const Unit& unit, const Error& error, const Call& call) {
    const bool is_new = error.kind() == ErrorKind::unavailable;
    if (!is_new && former == nullptr) return error;
    const Call own{steady_clock::now() + last_moment, {}, call.log};
    const std::string what = error.what();
    try {
        (void)api_.put(is_new ? unit : *former, own);
        known_.add(is_new ? unit : *former);
        return {error.kind(), what + (is_new ? "; it is created all the same" : "; its former content is put back")};
    } catch (const Error& trouble) {
        return {error.kind(), what + "; it may be missing now: " + trouble.what()};
    }
}

}  // namespace deployer::fleet
