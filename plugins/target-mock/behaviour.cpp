#include "behaviour.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <limits>

namespace deployer::mock {
namespace {

std::chrono::milliseconds read_pause(const Settings& settings, std::string_view key, std::string_view meaning) {
    settings.describe(key, "`0`", meaning);
    return settings.find_duration(key).value_or(std::chrono::milliseconds(0));
}

std::vector<std::string> read_globs(const Settings& settings, std::string_view key, std::string_view meaning) {
    settings.describe(key, "none", meaning);
    return settings.texts(key);
}

long long read_every(const Settings& settings, std::string_view key, std::string_view meaning) {
    settings.describe(key, "`0`", meaning);
    return settings.find_integer(key, 0, std::numeric_limits<int>::max()).value_or(0);
}

}  // namespace

Behaviour read_behaviour(const Settings& settings) {
    return {.delay =
                read_pause(settings, "delay", "How long a new or changed unit takes until it is in its desired state."),
            .fail = read_globs(settings, "fail", "Globs of units that fail when they are launched."),
            .never_ready =
                read_globs(settings, "never_ready", "Globs of units that never become launched: they stay `inactive`."),
            .refuse = read_globs(settings, "refuse", "Globs of units that the cluster does not accept."),
            .latency = read_pause(settings, "latency", "How long every call takes."),
            .unavailable_every = read_every(settings, "unavailable_every",
                                            "Every nth call fails as if the cluster were out of reach; 0: none."),
            .incomplete_list_every = read_every(settings, "incomplete_list_every",
                                                "Every nth listing leaves out the first unit and every fifth after it, "
                                                "and only the log says so; 0: none.")};
}

bool matches_any(const std::vector<std::string>& globs, const std::string& unit_name) {
    return std::any_of(globs.begin(), globs.end(), [&unit_name](const std::string& glob) {
        return fnmatch(glob.c_str(), unit_name.c_str(), 0) == 0;
    });
}

}  // namespace deployer::mock
