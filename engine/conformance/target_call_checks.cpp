#include "conformance/expectation.hpp"
#include "conformance/target_checks.hpp"
#include "conformance/target_stage.hpp"

#include <functional>
#include <stop_token>

namespace deployer::conformance {
namespace {

struct NamedCall {
    std::string name;
    std::function<void(const Call&)> make;
};

/// Each of the calls once, about a unit that may be there or not.
std::vector<NamedCall> every_call(Target& target, const Unit& unit) {
    return {{"list()", [&](const Call& call) { target.list(call); }},
            {"apply()", [&](const Call& call) { target.apply(unit, call); }},
            {"status()", [&](const Call& call) { (void)target.status(unit, call); }},
            {"set_desired_state()",
             [&](const Call& call) { target.set_desired_state(unit.name, DesiredState::loaded, call); }},
            {"destroy()", [&](const Call& call) { target.destroy(unit.name, call); }}};
}

void check_stopped(TargetStage& stage) {
    const auto unit = stage.unit();
    std::stop_source stop;
    stop.request_stop();
    for (const auto& call : every_call(stage.target(), unit)) {
        // The call may succeed: a plugin that has done its work before it looks at the token says so.
        expect_within(Subject::stop_bound, call.name, [&] {
            expect_success_or(call.name + " that was stopped", {ErrorKind::cancelled, ErrorKind::not_found},
                              [&] { call.make(stage.subject().call(stop.get_token())); });
        });
    }
}

void check_late(TargetStage& stage) {
    const auto unit = stage.unit();
    for (const auto& call : every_call(stage.target(), unit)) {
        expect_within(Subject::late_bound, call.name, [&] {
            expect_success_or(call.name + " past its deadline", {ErrorKind::unavailable, ErrorKind::not_found},
                              [&] { call.make(stage.subject().call(Subject::Time(0))); });
        });
    }
}

Unit some_unit() {
    return {std::string(unit_prefix) + "unreachable.service", TargetStage::options("one"), DesiredState::launched};
}

void check_unreachable(Subject& subject) {
    const auto target = subject.make_unreachable<Target>();
    const auto unit = some_unit();
    for (const auto& call : every_call(*target, unit)) {
        expect_error(call.name, {ErrorKind::unavailable, ErrorKind::misconfigured}, [&] { call.make(subject.call()); });
    }
}

/// The call gets little time, for a plugin may try again until its deadline.
void expect_unavailable(Subject& subject, const NamedCall& call) {
    expect_within(Subject::late_bound, call.name, [&] {
        expect_error(call.name, {ErrorKind::unavailable}, [&] { call.make(subject.call(Subject::short_time)); });
    });
}

void check_fault(Subject& subject, Fault fault) {
    const FaultPort port(fault);
    const auto target = subject.make_at<Target>(port);
    const auto unit = some_unit();
    for (const auto& call : every_call(*target, unit)) expect_unavailable(subject, call);
}

/// Of the calls, only a listing. The beginning of the answer to another call may tell all that there is to know.
void check_cut_listing(Subject& subject) {
    const FaultPort port(Fault::cut);
    const auto target = subject.make_at<Target>(port);
    const auto unit = some_unit();
    expect_unavailable(subject, every_call(*target, unit).front());
}

void check_stop_while_waiting(Subject& subject) {
    const FaultPort port(Fault::silent);
    const auto target = subject.make_at<Target>(port);
    const auto unit = some_unit();
    for (const auto& call : every_call(*target, unit)) {
        with_late_stop([&](const std::stop_token& stop) {
            expect_within(Subject::stop_bound, call.name, [&] {
                expect_error(call.name + " that is stopped", {ErrorKind::cancelled},
                             [&] { call.make(subject.call(stop)); });
            });
        });
    }
}

}  // namespace

std::vector<Check> checks_of_calls() {
    return {
        {"a call that was stopped before ends at once", on_stage(check_stopped)},
        {"a call past its deadline ends at once", on_stage(check_late)},
        {"out of reach, every call is an error", check_unreachable},
        {"where nobody listens, every call is unavailable",
         [](Subject& subject) { check_fault(subject, Fault::refuses); }},
        {"where nobody answers, every call ends at its deadline",
         [](Subject& subject) { check_fault(subject, Fault::silent); }},
        {"where nobody answers, every call ends when it is stopped", check_stop_while_waiting},
        {"an answer that makes no sense is unavailable",
         [](Subject& subject) { check_fault(subject, Fault::nonsense); }},
        {"a listing that is cut short is unavailable", check_cut_listing},
    };
}

}  // namespace deployer::conformance
