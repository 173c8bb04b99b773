#pragma once

#include "plan.hpp"
#include "report.hpp"

#include <deployer/cache.hpp>
#include <deployer/revision.hpp>

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// How one cycle that did something ended.
struct Outcome {
    std::string time;  ///< UTC, ISO 8601
    Revision revision;
    std::string result;
    std::string summary;

    bool operator==(const Outcome&) const = default;
};

/// What is remembered of the cycles so far (R31). A revision that was attempted and not applied is still owed.
struct Ledger {
    static constexpr std::size_t history_limit = 50;

    Revision attempted;
    Revision applied;
    /// Of the configuration that `applied` was judged by: another one may want other changes of the same revision.
    std::string fingerprint;
    LeftAlone left;                  ///< by the cycle that applied
    std::vector<std::string> notes;  ///< what it said of them
    /// Units that were to be waited for when they were changed, and were not seen ready since; sorted. While there is
    /// one that is still wanted so, its revision is not applied and nothing is destroyed (R25, R31).
    std::vector<std::string> unproven;
    std::vector<Outcome> history;  ///< oldest first, at most history_limit

    void add_unproven(const std::string& unit);
    [[nodiscard]] bool is_unproven(const std::string& unit) const;
    /// Forgets those that are not among `units`.
    void keep_unproven(const std::set<std::string>& units);

    /// An outcome that tells nothing new is not added.
    void add(Outcome outcome);
    bool operator==(const Ledger&) const = default;
};

std::string write_ledger(const Ledger& ledger);

/// Nullopt for anything but a whole ledger; without one, everything is owed.
std::optional<Ledger> read_ledger(std::string_view document);

}  // namespace deployer
