#include "first_looks.hpp"
#include "fleet_api.hpp"
#include "known_units.hpp"
#include "placement.hpp"
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

/// When one machine unloads a global unit, fleet forgets what all of them said of it. A machine that has seen no change
/// says so again after 24 s.
constexpr milliseconds silence{26'000};

/// For what is to be done after a stop, which leaves a call 1.5 s, or after the deadline.
constexpr milliseconds last_moment{1'000};

enum class Update { automatic, replace, recreate };

Update read_update(const Settings& settings) {
    settings.describe("update", "`auto`", "How a unit gets another content, see below.");
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

std::string count_of(std::size_t count, const std::string& noun) {
    return std::to_string(count) + ' ' + noun + (count == 1 ? "" : "s");
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
    explicit FleetTarget(const Settings& settings) : FleetTarget(settings, read_endpoint(settings)) {}

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
        first_looks_.forget(unit.name);
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
        const auto entries = api_.states(unit.name, call);
        auto verdict = judge(unit, entries);
        auto status = verdict.open == Verdict::Question::none ? std::move(verdict.status)
                                                              : settle(std::move(verdict), unit, call);
        return is_global(unit) ? settle_everywhere(std::move(status), unit, entries, call) : status;
    }

private:
    FleetTarget(const Settings& settings, const Endpoint& endpoint)
        : shown_(endpoint.shown), update_(read_update(settings)), api_(endpoint) {}

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
            seen.append(seen.empty() ? "" : ", then ").append(count_of(names.size(), "unit"));
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
        bool is_taken = false;
        try {
            if (held) destroy(unit.name, call);
            wait_until_gone(unit.name, !held, call);
            is_taken = put(unit, call);
        } catch (const Error& error) {
            throw restore(held ? &held->unit : nullptr, unit, error, call);
        }
        if (!is_taken) {
            throw Error(ErrorKind::unavailable, "it was destroyed, but is there again: something else creates it");
        }
    }

    /// Whatever comes next, a unit that was there is not to be missing until somebody has the time to try again. After
    /// a stop the machines may not even have noticed that it was destroyed, and an older fleet would go on with the
    /// former version under the new one's name. So the former content is put back, and the difference stays to be seen.
    /// After a deadline they have noticed, and the new one is what leads on.
    Error restore(const Unit* former, const Unit& unit, const Error& error, const Call& call) {
        const bool is_new = error.kind() == ErrorKind::unavailable;
        if (!is_new && former == nullptr) return error;
        const Call own{std::chrono::steady_clock::now() + last_moment, {}, call.log};
        const std::string what = error.what();
        try {
            (void)api_.put(is_new ? unit : *former, own);
            known_.add(unit.name);
            return {error.kind(),
                    what + (is_new ? "; it is created all the same" : "; its former content is put back")};
        } catch (const Error& trouble) {
            return {error.kind(), what + "; it may be missing now: " + trouble.what()};
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
        if (const auto other = describe_other(held, unit)) return *other;
        if (held->current_state != to_string(DesiredState::inactive) && !is_global(unit)) {
            return {Readiness::waiting, held->current_state};
        }
        const bool is_gone = api_.states(unit.name, call).empty();
        return {is_gone ? Readiness::ready : Readiness::waiting, is_gone ? "inactive" : "inactive, but still stopping"};
    }

    /// The answer where fleet's own record of the unit is not of this version.
    static std::optional<UnitStatus> describe_other(const std::optional<FleetUnit>& held, const Unit& unit) {
        if (!held) return UnitStatus{Readiness::absent, "fleet does not have it"};
        if (same_options(held->unit, unit)) return std::nullopt;
        return UnitStatus{Readiness::waiting, "fleet has another version of it"};
    }

    /// Answers what the machines' words left open.
    UnitStatus settle(Verdict verdict, const Unit& unit, const Call& call) {
        const auto held = api_.find(unit.name, call);
        if (const auto other = describe_other(held, unit)) return *other;
        // A global unit has no current state: what its machines say is all there is.
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

    /// What has ended may be the former version in stopping, or not have begun, while this one begins. What is still so
    /// after a while is so.
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

    /// Of a global unit, there is to be word from every machine that is fit for it. What keeps it off a machine, apart
    /// from the machine's metadata, only fleet knows; so after a while those that say nothing are not waited for.
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
        return {Readiness::waiting, status.detail + ", but no word yet from " + count_of(silent.size(), "machine")};
    }

    std::vector<Machine> fit_machines(const Unit& unit, const Call& call) {
        auto machines = api_.machines(call);
        std::erase_if(machines, [&](const Machine& machine) { return !has_metadata_for(unit, machine); });
        return machines;
    }

    std::string shown_;
    Update update_;
    FleetApi api_;
    KnownUnits known_;
    FirstLooks first_looks_;
};

}  // namespace
}  // namespace deployer::fleet

DEPLOYER_PLUGIN(deployer::Target, deployer::fleet::FleetTarget, "target-fleet", "1.0.0");
