#include "behaviour.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <limits>

namespace deployer::mock {
namespace {

long long read_every(const Settings& settings, std::string_view key) {
    return settings.find_integer(key, 0, std::numeric_limits<int>::max()).value_or(0);
}

}  // namespace

Behaviour read_behaviour(const Settings& settings) {
    const std::chrono::milliseconds none(0);
    return {.delay = settings.find_duration("delay").value_or(none),
            .fail = settings.texts("fail"),
            .never_ready = settings.texts("never_ready"),
            .refuse = settings.texts("refuse"),
            .latency = settings.find_duration("latency").value_or(none),
            .unavailable_every = read_every(settings, "unavailable_every"),
            .incomplete_list_every = read_every(settings, "incomplete_list_every")};
}

bool matches_any(const std::vector<std::string>& globs, const std::string& unit_name) {
    return std::any_of(globs.begin(), globs.end(), [&unit_name](const std::string& glob) {
        return fnmatch(glob.c_str(), unit_name.c_str(), 0) == 0;
    });
}

}  // namespace deployer::mock
