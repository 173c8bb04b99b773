#include "first_looks.hpp"
#include "fleet_api.hpp"
#include "known_units.hpp"
#include "placement.hpp"
#include "replacement.hpp"
#include "unit_check.hpp"
#include "verdict.hpp"
#include "whole_listing.hpp"

#include <deployer/plugin.hpp>
#include <deployer/unit_file.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer::fleet {
namespace {

using std::chrono::milliseconds;

/// A machine reports its changes to fleet every second, so after this time its report is of its present version.
constexpr milliseconds second_look{1'500};

/// When one machine unloads a global unit, fleet drops the reports of all machines about the unit. A machine without a
/// change repeats its report after 24 s.
constexpr milliseconds silence{26'000};

/// The time for reading all machines' reports. They only add to the listing, so they must not use up its time.
constexpr milliseconds longest_words{10'000};

Update read_update(const Settings& settings) {
    settings.describe("update", "`auto`", "How the content of a unit is replaced, see below.");
    const auto word = settings.find_choice("update", {"auto", "replace", "recreate"}).value_or("auto");
    if (word == "replace") return Update::replace;
    return word == "recreate" ? Update::recreate : Update::automatic;
}

/// The pause between looks at a stopping unit. It is long enough that a unit that stops at once needs one look.
milliseconds read_stop_poll(const Settings& settings) {
    constexpr milliseconds usual{2'000};
    settings.describe("stop_poll", "`2s`",
                      "The pause between two looks at a unit that has to stop before it is replaced, see below.");
    return settings.find_duration("stop_poll").value_or(usual);
}

/// Whether fleet's record of a unit has other options than the wanted unit.
bool has_other_options(const FleetUnit& held, const Unit& wanted) {
    return unit_file_hash(held.unit.options) != unit_file_hash(wanted.options);
}

std::string count_of(std::size_t count, const std::string& noun) {
    return std::to_string(count) + ' ' + noun + (count == 1 ? "" : "s");
}

class FleetTarget final : public Target {
public:
    explicit FleetTarget(const Settings& settings) : FleetTarget(settings, read_endpoint(settings)) {}

    [[nodiscard]] std::string identity() const override { return "fleet " + shown_; }

    std::vector<ActualUnit> list(const Call& call) override {
        auto listing = listing_.read(call);
        const auto words = read_words(call);
        std::vector<ActualUnit> units;
        units.reserve(listing.size());
        for (auto& held : listing) {
            auto word = word_of(held, words);
            units.push_back({std::move(held.unit), std::move(word)});
        }
        return units;
    }

    void apply(const Unit& unit, const Call& call) override {
        if (const auto problem = find_problem(unit)) throw Error(ErrorKind::rejected, *problem);
        first_looks_.forget(unit.name);
        replacement_.apply(unit, call);
    }

    void set_desired_state(std::string_view unit, DesiredState state, const Call& call) override {
        replacement_.set_desired_state(unit, state, call);
    }

    void destroy(std::string_view unit, const Call& call) override { replacement_.destroy(unit, call); }

    UnitStatus status(const Unit& unit, const Call& call) override {
        if (unit.desired_state == DesiredState::inactive) return status_at_rest(unit, call);
        const auto entries = api_.states(unit.name, call);
        auto verdict = judge(unit, entries);
        auto status = verdict.open == Verdict::Question::none ? std::move(verdict.status)
                                                              : settle(std::move(verdict), unit, call);
        return is_global(unit) ? settle_everywhere(std::move(status), unit, entries, call) : status;
    }

private:
    FleetTarget(const Settings& settings, const Endpoint& endpoint)
        : shown_(endpoint.shown),
          api_(endpoint),
          listing_(api_, known_),
          replacement_(api_, known_, listing_, read_update(settings), read_stop_poll(settings)) {}

    /// The machines' reports on each unit.
    using Words = std::map<std::string, std::vector<StateEntry>, std::less<>>;

    /// The machines' reports; empty when they cannot be read, because the listing is useful without them.
    Words read_words(const Call& call) const {
        Words words;
        const Call brief{std::min(call.deadline, std::chrono::steady_clock::now() + longest_words), call.stop,
                         call.log};
        try {
            for (auto& entry : api_.all_states(brief)) words[entry.unit].push_back(std::move(entry));
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) throw;
            call.log.info("the listing does not tell which units do not run: " + std::string(error.what()));
            words.clear();
        }
        return words;
    }

    /// The word for a unit's current state. fleet's own word is `launched` also for a unit that systemd refused to
    /// start or that has ended since, so the machines' reports go first.
    static std::string word_of(const FleetUnit& held, const Words& words) {
        const auto entries = words.find(held.unit.name);
        if (entries == words.end() || held.unit.desired_state == DesiredState::inactive) return held.current_state;
        const auto verdict = judge(held.unit, entries->second);
        const bool is_in_order =
            verdict.status.readiness == Readiness::ready || verdict.open == Verdict::Question::has_it_run;
        return is_in_order ? held.current_state : verdict.status.detail;
    }

    UnitStatus status_at_rest(const Unit& unit, const Call& call) {
        const auto held = api_.find(unit.name, call);
        if (const auto other = describe_other(held, unit)) return *other;
        if (held->current_state != to_string(DesiredState::inactive) && !is_global(unit)) {
            return {Readiness::pending, held->current_state};
        }
        const bool is_gone = api_.states(unit.name, call).empty();
        return {is_gone ? Readiness::ready : Readiness::waiting, is_gone ? "inactive" : "inactive, but still stopping"};
    }

    /// The status when fleet's own record has no unit of this version; nullopt when it has.
    static std::optional<UnitStatus> describe_other(const std::optional<FleetUnit>& held, const Unit& unit) {
        if (!held) return UnitStatus{Readiness::absent, "fleet does not have it"};
        if (!has_other_options(*held, unit)) return std::nullopt;
        return UnitStatus{Readiness::waiting, "fleet has another version of it"};
    }

    /// Answers the question that the machines' reports left open.
    UnitStatus settle(Verdict verdict, const Unit& unit, const Call& call) {
        const auto held = api_.find(unit.name, call);
        if (const auto other = describe_other(held, unit)) return *other;
        // fleet has no current state for a global unit, so only its machines' reports count.
        const bool has_begun = is_global(unit) || held->current_state == to_string(unit.desired_state);
        auto& status = verdict.status;
        if (verdict.open == Verdict::Question::where_is_it) {
            if (is_global(unit) && !fit_machines(unit, call).empty()) return status;
            if (is_global(unit)) return {Readiness::unplaced, "no machine has the metadata that it asks for"};
            if (held->machine.empty()) return {Readiness::unplaced, "not scheduled to a machine"};
            return {Readiness::pending, "not loaded yet"};
        }
        if (!has_begun) return {Readiness::pending, status.detail + ", not started yet"};
        return look_again(std::move(verdict), unit, call);
    }

    /// The report of an ended unit may be of the former version's stop, or from before the new version's start. If a
    /// second look after a while says the same, the new version has ended.
    UnitStatus look_again(Verdict verdict, const Unit& unit, const Call& call) {
        if (call.remaining() > 2 * second_look) {
            if (!call.wait(second_look)) call.check("looking a second time at a unit that has ended");
            auto again = judge(unit, api_.states(unit.name, call));
            if (again.open == Verdict::Question::none) return again.status;
            if (again.open != verdict.open) return {Readiness::waiting, again.status.detail};
            verdict = std::move(again);
        }
        if (verdict.open == Verdict::Question::has_it_run) verdict.status.readiness = Readiness::ready;
        return verdict.status;
    }

    /// A global unit is ready only with a report from every machine that is fit for it. Only fleet knows what else than
    /// metadata keeps the unit off a machine; so after a while, machines without a report are not waited for.
    UnitStatus settle_everywhere(UnitStatus status, const Unit& unit, const std::vector<StateEntry>& entries,
                                 const Call& call) {
        if (status.readiness != Readiness::ready) {
            first_looks_.forget(unit.name);
            return status;
        }
        auto silent = fit_machines(unit, call);
        std::erase_if(silent, [&](const Machine& machine) {
            return std::any_of(entries.begin(), entries.end(),
                               [&](const StateEntry& entry) { return entry.machine == machine.id; });
        });
        if (silent.empty()) return status;
        if (first_looks_.time_since(unit.name, unit_file_hash(unit.options)) >= silence) return status;
        return {Readiness::waiting, status.detail + ", but no report yet from " + count_of(silent.size(), "machine")};
    }

    std::vector<Machine> fit_machines(const Unit& unit, const Call& call) {
        auto machines = api_.machines(call);
        std::erase_if(machines, [&](const Machine& machine) { return !has_metadata_for(unit, machine); });
        return machines;
    }

    std::string shown_;
    FleetApi api_;
    KnownUnits known_;
    WholeListing listing_;
    Replacement replacement_;
    FirstLooks first_looks_;
};

}  // namespace
}  // namespace deployer::fleet

DEPLOYER_PLUGIN(deployer::Target, deployer::fleet::FleetTarget, "target-fleet", "1.0.0");
