#include "event_log.hpp"

#include "support/catch.hpp"
#include "support/recording_log.hpp"

#include <string>

using namespace deployer;

namespace {

/// One cycle that left a destroy undone and has a note.
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
