#include "setting_descriptions.hpp"

#include <algorithm>
#include <utility>

namespace deployer {
namespace {

/// Adds to a description of a key another one of the same key.
void merge(SettingDescription& known, SettingDescription more) {
    for (auto& type : more.types) {
        if (std::find(known.types.begin(), known.types.end(), type) == known.types.end()) known.types.push_back(type);
    }
    known.required = known.required || more.required;
    if (known.default_value.empty()) known.default_value = std::move(more.default_value);
    if (known.meaning.empty()) known.meaning = std::move(more.meaning);
}

}  // namespace

void add_description(std::vector<SettingDescription>& all, std::size_t first, SettingDescription more) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    const auto known =
        std::find_if(begin, all.end(), [&more](const SettingDescription& one) { return one.path == more.path; });
    if (known != all.end()) {
        merge(*known, std::move(more));
    } else {
        all.push_back(std::move(more));
    }
}

}  // namespace deployer
