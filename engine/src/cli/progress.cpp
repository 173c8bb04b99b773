#include "cli/progress.hpp"

#include <deployer/foreign_text.hpp>

#include <cstddef>
#include <ostream>
#include <string>
#include <type_traits>

namespace deployer {
namespace {

/// Moves the cursor to the start of the line and erases the line (ECMA-48 EL).
constexpr auto wipe = "\r\033[K";

class Progress {
public:
    explicit Progress(std::ostream& terminal) : terminal_(&terminal) {}

    void operator()(const RolloutStarting& event) {
        total_ = event.plan.changes.size();
        ended_ = 0;
    }

    void operator()(const ChangeStarted& event) {
        show(std::string(action_of(event.change.kind)) + ' ' + event.change.unit);
    }

    void operator()(const WaitingForReady& event) {
        show("waiting until " + event.unit + " is ready: " + event.detail);
    }

    void operator()(const ChangeEnded& /*event*/) { ++ended_; }

    void operator()(const CycleEnded& /*event*/) { *terminal_ << wipe << std::flush; }

    template <class Other>
    void operator()(const Other& /*event*/) {}

private:
    void show(std::string text) {
        // A line that wraps could not be erased.
        constexpr std::size_t width = 64;
        text = printable(text);
        if (text.size() > width) text = text.substr(0, width - 3) + "...";
        *terminal_ << wipe << '[' << ended_ << '/' << total_ << "] " << text << std::flush;
    }

    std::ostream* terminal_;
    std::size_t total_ = 0;
    std::size_t ended_ = 0;
};

}  // namespace

void show_progress(EventStream& events, std::ostream& terminal) {
    events.subscribe([progress = Progress(terminal)](const Event& event) mutable { std::visit(progress, event); });
}

}  // namespace deployer
