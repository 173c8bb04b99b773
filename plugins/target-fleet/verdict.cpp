#include "verdict.hpp"

#include "placement.hpp"

#include <deployer/unit_file.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace deployer::fleet {
namespace {

using Question = Verdict::Question;

/// The value of an option; the last one of that name counts.
std::optional<std::string_view> find_option(const Unit& unit, std::string_view section, std::string_view name) {
    const auto found = std::find_if(unit.options.rbegin(), unit.options.rend(), [&](const UnitOption& option) {
        return option.section == section && option.name == name;
    });
    return found == unit.options.rend() ? std::nullopt : std::optional<std::string_view>(found->value);
}

bool ends_by_itself(const Unit& unit) {
    return find_option(unit, "Service", "Type") == "oneshot";
}

std::string short_form(std::string_view hash) {
    constexpr std::size_t length = 8;
    return std::string(hash.substr(0, length));
}

/// The state for people: "activating (auto-restart)".
std::string describe(const StateEntry& entry) {
    return entry.sub.empty() ? entry.active : entry.active + " (" + entry.sub + ")";
}

bool is_unloadable(const StateEntry& entry) {
    constexpr std::array<std::string_view, 4> states{"not-found", "error", "bad-setting", "masked"};
    return std::find(states.begin(), states.end(), entry.load) != states.end();
}

Verdict judge_loaded(const StateEntry& entry) {
    const bool is_at_rest = entry.load == "loaded" && (entry.active == "inactive" || entry.active == "failed");
    return {{is_at_rest ? Readiness::ready : Readiness::waiting, describe(entry)}};
}

Verdict judge_launched(const Unit& unit, const StateEntry& entry) {
    if (entry.active == "active") return {{Readiness::ready, describe(entry)}};
    if (entry.active == "failed") return {{Readiness::failed, describe(entry)}, Question::did_it_begin};
    const bool may_have_ended = entry.active == "inactive" && ends_by_itself(unit);
    return {{Readiness::waiting, describe(entry)}, may_have_ended ? Question::has_it_run : Question::none};
}

Verdict judge_entry(const Unit& unit, const StateEntry& entry) {
    if (is_unloadable(entry)) return {{Readiness::failed, "load state " + entry.load}, Question::did_it_begin};
    return unit.desired_state == DesiredState::launched ? judge_launched(unit, entry) : judge_loaded(entry);
}

Verdict judge_old_version(const StateEntry& entry) {
    const bool runs = entry.active != "inactive" && entry.active != "failed";
    return {{Readiness::pending, "the old version " + std::string(runs ? "still runs" : "is still there") + " (" +
                                     describe(entry) + ", hash " + short_form(entry.hash) + ")"}};
}

/// The priority of an entry among several. For a global unit, a failed entry decides. Any other unit has several
/// entries only while it moves; a failed entry is then left over from its former machine.
int weight(const Verdict& verdict, bool is_global) {
    if (verdict.status.readiness == Readiness::failed) return is_global ? 4 : 0;
    if (verdict.status.readiness == Readiness::ready) return 1;
    return verdict.open == Question::none ? 3 : 2;
}

}  // namespace

Verdict judge(const Unit& unit, std::span<const StateEntry> entries) {
    const auto hash = unit_file_hash(unit.options);
    const auto old =
        std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.hash != hash; });
    if (old != entries.end()) return judge_old_version(*old);
    if (entries.empty()) return {{Readiness::pending, "no machine has loaded it yet"}, Question::where_is_it};
    const bool global = is_global(unit);
    Verdict decisive;
    const StateEntry* of = nullptr;
    for (const auto& entry : entries) {
        auto verdict = judge_entry(unit, entry);
        if (of != nullptr && weight(verdict, global) <= weight(decisive, global)) continue;
        decisive = std::move(verdict);
        of = &entry;
    }
    if (entries.size() > 1) decisive.status.detail += " on machine " + short_form(of->machine);
    return decisive;
}

}  // namespace deployer::fleet
