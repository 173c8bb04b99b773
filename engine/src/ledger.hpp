#pragma once

#include "plan.hpp"
#include "report.hpp"

#include <deployer/cache.hpp>
#include <deployer/revision.hpp>

#include <cstddef>
#include <optional>
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
    LeftAlone left;                ///< by the cycle that applied
    std::vector<Outcome> history;  ///< oldest first, at most history_limit

    void add(Outcome outcome);
    bool operator==(const Ledger&) const = default;
};

std::string write_ledger(const Ledger& ledger);

/// Nullopt for anything but a whole ledger; without one, everything is owed.
std::optional<Ledger> read_ledger(std::string_view document);

}  // namespace deployer
