#include "whole_listing.hpp"

#include <deployer/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace deployer::fleet {
namespace {

using std::chrono::milliseconds;

/// The most listings that are read until one can be believed.
constexpr int most_listings = 5;

/// The first pause between two listings.
constexpr milliseconds first_pause{200};

std::vector<std::string> sorted_names(const std::vector<FleetUnit>& listing) {
    std::vector<std::string> names;
    names.reserve(listing.size());
    for (const auto& held : listing) names.push_back(held.unit.name);
    std::sort(names.begin(), names.end());
    return names;
}

/// A listing with the same name twice is not complete: fleet pages by number, so a unit that is created between two
/// requests shifts another unit into the next page.
bool has_no_name_twice(const std::vector<std::string>& sorted) {
    return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

std::string count_of_units(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " unit" : " units");
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

}  // namespace

std::vector<FleetUnit> WholeListing::read(const Call& call) {
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
            if (!missing.empty())
                call.log.info("no longer in fleet, though not destroyed by this deployer: " + enumerate(missing));
            known_.replace_with(listing);
            return listing;
        }
        seen.append(seen.empty() ? "" : ", then ").append(count_of_units(names.size()));
        // Two listings without a pause between them often lack the same units.
        if (former || known_.were_listed()) pause = pause.count() == 0 ? first_pause : pause * 2;
        former = std::move(names);
    }
    throw Error(ErrorKind::unavailable, "the listing is not complete: " + seen);
}

void WholeListing::ensure(const Call& call) {
    if (known_.were_listed()) return;
    const std::scoped_lock lock(first_);
    if (!known_.were_listed()) (void)read(call);
}

}  // namespace deployer::fleet
