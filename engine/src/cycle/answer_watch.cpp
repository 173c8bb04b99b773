#include "cycle/answer_watch.hpp"

#include "host/calls.hpp"

#include <deployer/error.hpp>

#include <algorithm>
#include <string_view>

namespace deployer {
namespace {

/// A log that drops everything. The reason why the target does not answer was logged already.
class Silence final : public Log {
public:
    void write(LogLevel /*level*/, std::string_view /*message*/) noexcept override {}
};

bool answers(Target& target, const Call& call, std::chrono::milliseconds within) {
    Silence silence;
    const auto latest = std::chrono::steady_clock::now() + within;
    // Any unit name will do. The unit is not created.
    const Unit unit{"deployer.service", {}, DesiredState::launched};
    try {
        (void)target.status(unit, {std::min(call.deadline, latest), call.stop, silence});
    } catch (const Error& error) {
        return is_about_unit(error);
    }
    return true;
}

}  // namespace

bool wait_for_answer(Target& target, const Call& call, std::chrono::milliseconds pace) {
    if (answers(target, call, pace)) {
        (void)call.wait(call.remaining());
        return false;
    }
    while (call.wait(pace)) {
        if (answers(target, call, pace)) return true;
    }
    return false;
}

}  // namespace deployer
