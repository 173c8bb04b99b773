#include "rollout.hpp"

#include "quantity.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace deployer {
namespace {

using std::chrono::milliseconds;

/// The plan's changes by service, in order of first appearance.
template <class Predicate>
std::vector<std::pair<std::string, std::vector<std::size_t>>> group_by_service(const Plan& plan, Predicate wanted) {
    std::vector<std::pair<std::string, std::vector<std::size_t>>> groups;
    std::map<std::string_view, std::size_t> position;
    for (std::size_t i = 0; i < plan.changes.size(); ++i) {
        const auto& change = plan.changes[i];
        if (!wanted(change.kind)) continue;
        const auto [entry, fresh] = position.try_emplace(change.service, groups.size());
        if (fresh) groups.emplace_back(change.service, std::vector<std::size_t>{});
        groups[entry->second].second.push_back(i);
    }
    return groups;
}

/// One step for each node, in order of first appearance: creates come first in a plan, so new nodes do too.
std::vector<RolloutStep> split_by_node(const Plan& plan, const std::vector<std::size_t>& changes, bool gated) {
    std::vector<RolloutStep> steps;
    std::map<std::string_view, std::size_t> position;
    for (const auto index : changes) {
        const auto [entry, fresh] = position.try_emplace(instance_of(plan.changes[index].unit), steps.size());
        if (fresh) steps.push_back({{}, gated});
        steps[entry->second].changes.push_back(index);
    }
    return steps;
}

Unit unit_of(const std::string& name, const SharedContent& content, DesiredState state) {
    return {name, content->options, state};
}

}  // namespace

std::vector<RolloutChain> make_rollout_chains(const Plan& plan, OnTimeout on_timeout) {
    std::vector<RolloutChain> chains;
    // What replaces something has to be up before that goes (R25), so it is waited for even in a plain group.
    const bool destroys =
        plan.destroy_obstacle.empty() && std::any_of(plan.changes.begin(), plan.changes.end(),
                                                     [](const auto& change) { return is_destroy(change.kind); });
    for (const auto& [service, changes] : group_by_service(plan, [](ChangeKind kind) { return !is_destroy(kind); })) {
        const auto sequential = std::find_if(plan.sequential.begin(), plan.sequential.end(),
                                             [&name = service](const auto& group) { return group.service == name; });
        if (sequential != plan.sequential.end()) {
            chains.push_back(
                {sequential->settled, split_by_node(plan, changes, true), true, on_timeout == OnTimeout::halt});
            continue;
        }
        for (auto& step : split_by_node(plan, changes, destroys)) chains.push_back({{}, {std::move(step)}, true, true});
    }
    // Workers take chains in order, so the order of the plan is the order in which they begin (R21).
    std::stable_sort(chains.begin(), chains.end(), [](const auto& left, const auto& right) {
        return left.steps.front().changes.front() < right.steps.front().changes.front();
    });
    return chains;
}

std::vector<RolloutChain> make_destroy_chains(const Plan& plan, ChangeKind kind) {
    std::vector<RolloutChain> chains;
    for (const auto& [service, changes] : group_by_service(plan, [kind](ChangeKind each) { return each == kind; })) {
        RolloutChain chain{{}, {}, false, false};
        for (const auto index : changes) chain.steps.push_back({{index}, false});
        chains.push_back(std::move(chain));
    }
    return chains;
}

/// One call of Rollout::run: what its threads share.
class Rollout::Run {
public:
    Run(Rollout& rollout, const std::vector<RolloutChain>& chains)
        : rollout_(rollout), chains_(chains), on_stop_(rollout.calls_.stop, [this] { ended_.request_stop(); }) {}

    std::optional<Error> operator()() {
        const auto side_by_side =
            rollout_.target_.serial() ? 1 : std::max<std::size_t>(1, rollout_.policy_.parallelism);
        {
            std::vector<std::jthread> workers;
            for (std::size_t i = 0; i < std::min(side_by_side, chains_.size()); ++i) {
                workers.emplace_back([this] { work(); });
            }
        }
        return interruption_;
    }

private:
    void work() {
        for (std::size_t i = next_++; i < chains_.size(); i = next_++) {
            try {
                carry_out(chains_[i]);
            } catch (const std::exception& exception) {
                // Not a failed change, those are results: an event's subscriber, or memory.
                interrupt(Error(ErrorKind::internal, exception.what()));
            }
        }
    }

    void carry_out(const RolloutChain& chain) {
        std::string obstacle = chain.halts_on_timeout ? wait_for_settled(chain.settled) : std::string();
        for (const auto& step : chain.steps) {
            if (!obstacle.empty()) {
                for (const auto index : step.changes) skip(rollout_.results_[index], obstacle);
                tell_ends(step);
                continue;
            }
            auto failure = carry_out(step);
            if (!failure.empty()) {
                if (chain.halts_on_failure) obstacle = std::move(failure);
            } else if (step.gated) {
                failure = pass_gate(step);
                if (chain.halts_on_timeout) obstacle = std::move(failure);
            }
        }
    }

    /// Why the rest of a group must not be touched; empty when nothing stands in the way.
    std::string wait_for_settled(const std::vector<SettledUnit>& settled) {
        const auto gate = make_gate();
        for (const auto& unit : settled) {
            try {
                wait_until_ready(unit_of(unit.name, unit.content, unit.desired_state), gate);
            } catch (const Error& error) {
                interrupt_if_hopeless(error);
                return unit.name + ", which has this version already, " + error.what();
            }
        }
        return {};
    }

    /// What failed; empty when all went well.
    std::string carry_out(const RolloutStep& step) {
        std::string failed;
        for (const auto index : step.changes) {
            auto& result = rollout_.results_[index];
            if (!failed.empty()) {
                skip(result, failed);
            } else if (interrupted()) {
                skip(result, why_interrupted());
            } else {
                rollout_.events_.publish(ChangeStarted{result.change});
                attempt(result, [&] { make(result.change); });
                if (result.status == ChangeStatus::failed) failed = result.change.unit + " failed";
            }
        }
        // What waits at a gate ends there.
        if (!step.gated || !failed.empty()) tell_ends(step);
        return failed;
    }

    void tell_ends(const RolloutStep& step) {
        for (const auto index : step.changes) rollout_.events_.publish(ChangeEnded{rollout_.results_[index]});
    }

    /// One deadline for all units of a node (R42). What is not ready; empty when all are.
    std::string pass_gate(const RolloutStep& step) {
        const auto gate = make_gate();
        std::string failed;
        for (const auto index : step.changes) {
            auto& result = rollout_.results_[index];
            if (result.status != ChangeStatus::done) continue;
            attempt(result, [&] {
                wait_until_ready(unit_of(result.change.unit, result.change.content, result.change.desired_state), gate);
            });
            if (result.status == ChangeStatus::failed) failed = result.change.unit + " failed";
        }
        tell_ends(step);
        return failed;
    }

    [[nodiscard]] Call make_gate() const {
        return {std::chrono::steady_clock::now() + rollout_.policy_.timeout, ended_.get_token(), rollout_.calls_.log};
    }

    template <class Function>
    void attempt(ChangeResult& result, Function&& function) {
        try {
            function();
            result.status = ChangeStatus::done;
        } catch (const Error& error) {
            result.status = ChangeStatus::failed;
            result.error = error.what();
            interrupt_if_hopeless(error);
        }
    }

    void make(const Change& change) {
        const auto call = rollout_.calls_.make();
        switch (change.kind) {
            case ChangeKind::create_group:
            case ChangeKind::add_node:
            case ChangeKind::update:
            case ChangeKind::update_sidekick:
                rollout_.target_.apply(unit_of(change.unit, change.content, change.desired_state), call);
                return;
            case ChangeKind::set_state:
                rollout_.target_.set_desired_state(change.unit, change.desired_state, call);
                return;
            case ChangeKind::remove_node:
            case ChangeKind::destroy_group:
                rollout_.target_.destroy(change.unit, call);
                return;
        }
    }

    /// Throws Error `rejected` when the unit is not ready at the gate's deadline or will never be.
    void wait_until_ready(const Unit& unit, const Call& gate) {
        std::string seen;
        std::optional<Error> trouble;
        for (bool in_time = gate.remaining() > milliseconds(0);;) {
            if (interrupted()) throw Error(ErrorKind::cancelled, "was still being waited for: " + why_interrupted());
            const auto detail = look_at(unit, gate, trouble);
            if (!detail) return;
            if (*detail != seen) rollout_.events_.publish(WaitingForReady{unit.name, *detail});
            seen = *detail;
            if (!in_time) break;
            in_time = gate.wait(rollout_.policy_.poll);
        }
        if (trouble) throw Error(*trouble);
        throw Error(ErrorKind::rejected, "was not ready after " + duration_text(rollout_.policy_.timeout) + ": " +
                                             (seen.empty() ? "the target does not say why" : seen));
    }

    /// One look: nullopt when the unit is ready, else what there is to see. A target that cannot answer now may answer
    /// at the next look, so that is `trouble` only if it lasts.
    std::optional<std::string> look_at(const Unit& unit, const Call& gate, std::optional<Error>& trouble) {
        // A last look has a moment too, and no look takes longer than the wait.
        const auto within = std::min(rollout_.calls_.timeout, std::max(gate.remaining(), milliseconds(1'000)));
        try {
            const auto status = rollout_.target_.status(unit, rollout_.calls_.make(within));
            trouble.reset();
            if (status.readiness == Readiness::ready) return std::nullopt;
            if (status.readiness == Readiness::failed) {
                throw Error(ErrorKind::rejected, "will not become ready: " + status.detail);
            }
            return status.detail;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::unavailable) throw;
            trouble = error;
            return error.what();
        }
    }

    static void skip(ChangeResult& result, const std::string& why) {
        result.status = ChangeStatus::skipped;
        result.error = "not begun: " + why;
    }

    /// With the target out of reach, or with a configuration that it does not accept, every call would fail alike.
    void interrupt_if_hopeless(const Error& error) {
        if (error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::misconfigured) interrupt(error);
    }

    void interrupt(const Error& error) {
        {
            const std::lock_guard lock(mutex_);
            if (!interruption_) interruption_ = error;
        }
        ended_.request_stop();
    }

    [[nodiscard]] bool interrupted() const { return ended_.stop_requested(); }

    [[nodiscard]] std::string why_interrupted() {
        const std::lock_guard lock(mutex_);
        return interruption_ ? interruption_->what() : "the deployer was asked to stop";
    }

    Rollout& rollout_;
    const std::vector<RolloutChain>& chains_;
    std::atomic<std::size_t> next_ = 0;
    std::mutex mutex_;
    std::optional<Error> interruption_;
    /// Ends the waits of all workers: after an interruption, or when the deployer is asked to stop.
    std::stop_source ended_;
    std::stop_callback<std::function<void()>> on_stop_;
};

Rollout::Rollout(Target& target, const RolloutPolicy& policy, const Calls& calls, EventStream& events,
                 std::vector<ChangeResult>& results)
    : target_(target), policy_(policy), calls_(calls), events_(events), results_(results) {}

std::optional<Error> Rollout::run(const std::vector<RolloutChain>& chains) {
    return Run(*this, chains)();
}

}  // namespace deployer
