#include "fleet_api.hpp"
#include "known_units.hpp"
#include "unit_check.hpp"
#include "verdict.hpp"

#include <deployer/plugin.hpp>
#include <deployer/unit_file.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer::fleet {
namespace {

using std::chrono::milliseconds;

/// How often a listing that cannot be believed is read again.
constexpr int most_listings = 5;

/// Between two looks at a unit that is to go, at first and at most.
constexpr milliseconds first_pause{100};
constexpr milliseconds longest_pause{500};

/// A machine tells fleet every second what changed on it. So after this time it tells of the version that it has now.
constexpr milliseconds second_look{1'500};

enum class Update { automatic, replace, recreate };

Update read_update(const Settings& settings) {
    const auto word = settings.find_choice("update", {"auto", "replace", "recreate"}).value_or("auto");
    if (word == "replace") return Update::replace;
    return word == "recreate" ? Update::recreate : Update::automatic;
}

bool same_options(const Unit& held, const Unit& wanted) {
    return unit_file_hash(held.options) == unit_file_hash(wanted.options);
}

std::vector<std::string> sorted_names(const std::vector<FleetUnit>& listing) {
    std::vector<std::string> names;
    names.reserve(listing.size());
    for (const auto& held : listing) names.push_back(held.unit.name);
    std::sort(names.begin(), names.end());
    return names;
}

std::string count_of(std::size_t units) {
    return std::to_string(units) + (units == 1 ? " unit" : " units");
}

/// "a.service, b.service and 3 more"
std::string enumerate(const std::vector<std::string>& names) {
    constexpr std::size_t most = 3;
    std::string text;
    for (std::size_t index = 0; index < std::min(names.size(), most); ++index) {
        text.append(index == 0 ? "" : ", ").append(names[index]);
    }
    return names.size() > most ? text + " and " + std::to_string(names.size() - most) + " more" : text;
}

class FleetTarget final : public Target {
public:
    explicit FleetTarget(const Settings& settings) : FleetTarget(read_endpoint(settings), read_update(settings)) {}

    [[nodiscard]] std::string identity() const override { return "fleet " + shown_; }

    std::vector<ActualUnit> list(const Call& call) override {
        auto listing = list_whole(call);
        std::vector<ActualUnit> units;
        units.reserve(listing.size());
        for (auto& held : listing) units.push_back({std::move(held.unit), std::move(held.current_state)});
        return units;
    }

    void apply(const Unit& unit, const Call& call) override {
        if (const auto problem = find_problem(unit)) throw Error(ErrorKind::rejected, *problem);
        if (update_ == Update::recreate) {
            recreate(unit, call);
        } else if (!put(unit, call)) {
            if (update_ == Update::replace) {
                throw Error(ErrorKind::rejected,
                            "fleet keeps the old options of a unit that is there, as versions before 0.13 do; with "
                            "\"update: auto\" or \"update: recreate\" it is destroyed and created anew");
            }
            call.log.info("fleet keeps the old options of " + unit.name +
                          ", as versions before 0.13 do: destroys it and creates it anew");
            recreate(unit, call);
        }
        known_.add(unit.name);
    }

    void set_desired_state(std::string_view unit, DesiredState state, const Call& call) override {
        if (api_.set_desired_state(unit, state, call)) return;
        known_.remove(unit);
        throw Error(ErrorKind::not_found, std::string(unit) + " is not in the cluster");
    }

    void destroy(std::string_view unit, const Call& call) override {
        api_.destroy(unit, call);
        known_.remove(unit);
    }

    UnitStatus status(const Unit& unit, const Call& call) override {
        if (unit.desired_state == DesiredState::inactive) return status_at_rest(unit, call);
        auto verdict = judge(unit, api_.states(unit.name, call));
        if (verdict.open == Verdict::Question::none) return verdict.status;
        const auto held = api_.find(unit.name, call);
        if (!held) return {Readiness::waiting, "fleet does not have it"};
        if (!same_options(held->unit, unit)) return {Readiness::waiting, "fleet has another version of it"};
        return settle(std::move(verdict), unit, *held, call);
    }

private:
    FleetTarget(const Endpoint& endpoint, Update update) : shown_(endpoint.shown), update_(update), api_(endpoint) {}

    /// Under load fleet leaves units out without a word. So a listing counts when it has every unit that is known, or
    /// when the next one has just the same; and the first one, of which nobody knows what it lacks, needs that too.
    std::vector<FleetUnit> list_whole(const Call& call) {
        std::optional<std::vector<std::string>> former;
        std::string seen;
        milliseconds pause{0};
        for (int count = 0; count < most_listings; ++count) {
            if (pause.count() > 0 && !call.wait(pause)) call.check("listing the units until two listings agree");
            auto listing = api_.list(call);
            auto names = sorted_names(listing);
            const auto missing = known_.missing_in(names);
            const bool is_whole = known_.were_listed() && missing.empty();
            if (has_no_name_twice(names) && (is_whole || former == names)) {
                accept(names, missing, call);
                return listing;
            }
            seen.append(seen.empty() ? "" : ", then ").append(count_of(names.size()));
            // Two listings without a pause between them may well lack the same.
            if (former || known_.were_listed()) pause = pause.count() == 0 ? first_pause * 2 : pause * 2;
            former = std::move(names);
        }
        throw Error(ErrorKind::unavailable, "the listing is not complete: " + seen);
    }

    /// Pages are counted off afresh for each request: a unit that came meanwhile shifts another one into the next page.
    static bool has_no_name_twice(const std::vector<std::string>& sorted) {
        return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
    }

    void accept(const std::vector<std::string>& names, const std::vector<std::string>& missing, const Call& call) {
        if (!missing.empty()) call.log.info("no longer in fleet, by another hand than ours: " + enumerate(missing));
        known_.replace_with(names);
    }

    /// False: fleet has the unit, but with other options, and keeps them.
    bool put(const Unit& unit, const Call& call) {
        if (api_.put(unit, call) == FleetApi::Put::taken) return true;
        // Also what became of a request whose first answer was lost.
        const auto held = api_.find(unit.name, call);
        if (!held) throw Error(ErrorKind::unavailable, "it was there and is gone: something else destroys it");
        return same_options(held->unit, unit);
    }

    void recreate(const Unit& unit, const Call& call) {
        const auto held = api_.find(unit.name, call);
        if (held && same_options(held->unit, unit)) {
            if (held->unit.desired_state != unit.desired_state) set_desired_state(unit.name, unit.desired_state, call);
            return;
        }
        if (held) destroy(unit.name, call);
        wait_until_gone(unit.name, !held, call);
        if (!put(unit, call)) {
            throw Error(ErrorKind::unavailable, "it was destroyed, but is there again: something else creates it");
        }
    }

    /// A unit that is created while the former one of its name still stops can stay what the former one was.
    void wait_until_gone(const std::string& unit, bool is_absent, const Call& call) {
        for (auto pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
            is_absent = is_absent || !api_.find(unit, call);
            if (is_absent && api_.states(unit, call).empty()) return;
            if (!call.wait(pause)) call.check("waiting for the former " + unit + " to stop");
        }
    }

    UnitStatus status_at_rest(const Unit& unit, const Call& call) {
        const auto held = api_.find(unit.name, call);
        if (!held) return {Readiness::waiting, "fleet does not have it"};
        if (!same_options(held->unit, unit)) return {Readiness::waiting, "fleet has another version of it"};
        if (held->current_state != to_string(DesiredState::inactive) && !is_global(unit)) {
            return {Readiness::waiting, held->current_state};
        }
        const bool is_gone = api_.states(unit.name, call).empty();
        return {is_gone ? Readiness::ready : Readiness::waiting, is_gone ? "inactive" : "inactive, but still stopping"};
    }

    /// Answers what the machines' words left open.
    UnitStatus settle(Verdict verdict, const Unit& unit, const FleetUnit& held, const Call& call) {
        using Question = Verdict::Question;
        // A global unit has no current state: what its machines say is all there is.
        const bool has_begun = is_global(unit) || held.current_state == to_string(unit.desired_state);
        auto& status = verdict.status;
        if (verdict.open == Question::where_is_it) {
            if (!is_global(unit))
                status.detail = held.machine.empty() ? "not scheduled to a machine" : "not loaded yet";
        } else if (!has_begun) {
            status = {Readiness::waiting, status.detail + ", not started yet"};
        } else if (verdict.open == Question::has_it_run) {
            status.readiness = Readiness::ready;
        } else if (call.remaining() > 2 * second_look) {
            // The former version may have failed in stopping, and this one has begun since.
            if (!call.wait(second_look)) call.check("looking a second time at a unit that failed");
            const auto again = judge(unit, api_.states(unit.name, call));
            if (again.open == Question::none || again.open == Question::did_it_begin) return again.status;
            return {Readiness::waiting, again.status.detail};
        }
        return status;
    }

    std::string shown_;
    Update update_;
    FleetApi api_;
    KnownUnits known_;
};

}  // namespace
}  // namespace deployer::fleet

DEPLOYER_PLUGIN(deployer::Target, deployer::fleet::FleetTarget, "target-fleet", "1.0.0");
