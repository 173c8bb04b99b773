#include "cycle/newer_revision.hpp"

#include <deployer/error.hpp>

#include <algorithm>

namespace deployer {
namespace {

/// The shortest pause between two checkouts, for a source that reports changes all the time.
constexpr std::chrono::milliseconds least_pause{100};

bool are_same_units(const WantedState& left, const WantedState& right) {
    return std::equal(left.units.begin(), left.units.end(), right.units.begin(), right.units.end(),
                      [](const auto& one, const auto& other) {
                          return one.name == other.name && one.content->digest == other.content->digest &&
                                 one.desired_state == other.desired_state;
                      });
}

bool wants_the_same(const WantedState& left, const WantedState& right) {
    return are_same_units(left, right) && left.rules == right.rules && left.held == right.held;
}

/// Whether the plan has changes or gates of the service; an empty name stands for all services.
bool concerns(const Plan& plan, const std::string& service) {
    const auto is_of_it = [&](const auto& part) { return part.service == service; };
    return service.empty() || std::any_of(plan.changes.begin(), plan.changes.end(), is_of_it) ||
           std::any_of(plan.gated.begin(), plan.gated.end(), is_of_it);
}

/// Whether a person has paused a service of the plan since the rollout was planned.
bool pauses_more(const Orders& now, const WatchedRollout& rollout) {
    return std::any_of(now.paused.begin(), now.paused.end(), [&](const auto& entry) {
        return !rollout.orders.paused.contains(entry.first) && concerns(rollout.plan, entry.first);
    });
}

/// The newest revision, if it is newer than `known` and wants another state than the rollout; else empty. Sets `known`
/// to the newest revision in any case.
Revision newer_than(Revision& known, const WantedState& wanted, Source& source, const Calls& calls) {
    const auto checkout = source.checkout(known, calls.make());
    if (!checkout) return {};
    const auto newer = read_wanted(*checkout, calls.make());
    known = newer.revision;
    return wants_the_same(newer, wanted) ? Revision{} : newer.revision;
}

}  // namespace

std::optional<std::string> watch_for_newer(const WatchedRollout& rollout, const WatchTools& tools,
                                           const std::stop_token& finished) {
    const auto& [source, read_orders, interval, calls] = tools;
    std::stop_source either;
    const std::stop_callback on_finished(finished, [&] { either.request_stop(); });
    const std::stop_callback on_stop(calls.stop, [&] { either.request_stop(); });
    const Calls waiting{either.get_token(), calls.log, interval};
    const Calls asking{either.get_token(), calls.log, calls.timeout};
    auto known = rollout.wanted.revision;
    while (waiting.make().wait(std::min(least_pause, interval / 2))) {
        try {
            source.wait_for_change(waiting.make());
            if (either.stop_requested()) return std::nullopt;
            if (pauses_more(read_orders(), rollout)) return "superseded by a pause";
            const auto newer = newer_than(known, rollout.wanted, source, asking);
            if (!newer.empty()) return "superseded by revision " + newer.id;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) return std::nullopt;
            // The rollout goes on, and the watch asks again. If the source stays out of reach, the next cycle reports
            // that.
            calls.log.debug("cannot look for a newer revision: " + std::string(error.what()));
            if (!waiting.make().wait(interval / 2)) return std::nullopt;
        }
    }
    return std::nullopt;
}

}  // namespace deployer
