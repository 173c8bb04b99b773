#include "events/event_log.hpp"

#include "support/catch.hpp"
#include "support/recording_log.hpp"

#include <string>
#include <vector>

using namespace deployer;

namespace {

/// Publishes a cycle with a skipped destroy and a note.
void publish_cycle(EventStream& events, const std::string& why, const std::string& note) {
    const ChangeResult skipped{
        {ChangeKind::destroy_group, "old.service", "old", nullptr, nullptr, {}, "service no longer wanted", {}},
        ChangeStatus::skipped,
        why};
    events.publish(ChangeEnded{skipped});
    CycleReport report;
    report.changes.push_back(skipped);
    report.notes.push_back(note);
    report.result = conclude(report);
    events.publish(CycleEnded{report, false});
}

ChangeResult ended(const std::string& unit, ChangeStatus status, const std::string& error) {
    return {{ChangeKind::update, unit, unit, nullptr, nullptr, {}, "other command", {}}, status, error};
}

/// Publishes a cycle in which one change failed and many others were broken off for that.
void publish_outage(EventStream& events, int changes) {
    events.publish(ChangeEnded{ended("a.service", ChangeStatus::failed, "connection refused")});
    for (int i = 0; i < changes; ++i) {
        events.publish(ChangeEnded{ended("s" + std::to_string(i) + ".service", ChangeStatus::broken_off,
                                         "was still being waited for: the cycle was broken off")});
        events.publish(ChangeEnded{
            ended("t" + std::to_string(i) + ".service", ChangeStatus::skipped, "not begun: the cycle was broken off")});
    }
    events.publish(CycleEnded{failed_report(Error(ErrorKind::unavailable, "connection refused")), false});
}

}  // namespace

TEST_CASE("what stays undone cycle after cycle is said once, and again when it is something else") {
    RecordingLog log;
    EventStream events;
    log_events(events, log);
    publish_cycle(events, "not begun: new is held", "1 unit left");
    publish_cycle(events, "not begun: new is held", "1 unit left");
    CHECK(log.count("destroy old.service not begun: new is held") == 1);
    CHECK(log.count("1 unit left") == 1);
    publish_cycle(events, "not begun: new is not ready", "1 unit left");
    CHECK(log.count("destroy old.service not begun: new is not ready") == 1);
    CHECK(log.count("1 unit left") == 1);
    publish_cycle(events, "not begun: new is held", "1 unit left");
    CHECK(log.count("destroy old.service not begun: new is held") == 2);
}

TEST_CASE("what is left for one reason is named a few times and counted, and not said again in the next cycle") {
    RecordingLog log;
    EventStream events;
    log_events(events, log);
    publish_outage(events, 371);
    INFO(log.text());
    CHECK(log.lines().size() == 10);
    CHECK(log.holds("warning: update s2.service was still being waited for: the cycle was broken off"));
    CHECK_FALSE(log.holds("s3.service"));
    CHECK(log.holds("and 368 more changes for the same reason: was still being waited for"));
    CHECK(log.holds("and 368 more changes for the same reason: not begun: the cycle was broken off"));
    log.clear();
    publish_outage(events, 371);
    CHECK(log.lines() == std::vector<std::string>{"error: 1 change failed with the same error as in the cycle before",
                                                  "error: connection refused"});
}
