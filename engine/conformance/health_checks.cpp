#include "conformance/checks.hpp"
#include "conformance/expectation.hpp"

#include <deployer/health.hpp>

#include <stop_token>
#include <utility>

namespace deployer::conformance {
namespace {

using Verdict = HealthReport::Verdict;

std::string text_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::not_checked:
            return "not_checked";
        case Verdict::healthy:
            return "healthy";
        case Verdict::unhealthy:
            return "unhealthy";
    }
    return "no verdict";
}

ServiceGroupRef group(const std::string& service) {
    return {service, {service + ".service"}};
}

HealthReport ask(Subject& subject, Health& health, const std::string& service) {
    HealthReport report;
    expect_success("check()", [&] { report = health.check(group(service), subject.call()); });
    return report;
}

void check_verdict(Subject& subject, const std::optional<std::string>& service, const std::string& key,
                   Verdict verdict) {
    if (!service) throw CheckSkipped("the settings have no services." + key);
    const auto health = subject.make<Health>();
    for (int i = 0; i < 3; ++i) {
        const auto report = ask(subject, *health, *service);
        expect(report.verdict == verdict, *service + " is " + text_of(report.verdict) + ": " + report.detail);
        expect(verdict != Verdict::unhealthy || !report.detail.empty(),
               "it does not say what is wrong with " + *service);
    }
}

/// A service of the settings that has a health check.
std::string checked_service(Subject& subject) {
    const auto& settings = subject.settings();
    if (settings.healthy) return *settings.healthy;
    if (settings.unhealthy) return *settings.unhealthy;
    throw CheckSkipped("the settings have no services that are checked");
}

void check_strange_names(Subject& subject) {
    const auto health = subject.make<Health>();
    for (const std::string service : {"conformance-unknown", "a.b_c:d", "x"}) {
        const auto report = ask(subject, *health, service);
        expect(report.verdict != Verdict::healthy, service + ", which nobody runs, is healthy");
    }
}

void check_threads(Subject& subject) {
    const auto health = subject.make<Health>();
    std::vector<std::string> services{checked_service(subject)};
    for (int i = 1; i < 8; ++i) services.push_back("conformance-" + std::to_string(i));
    side_by_side(services.size(), [&](std::size_t i) {
        for (int times = 0; times < 10; ++times) (void)ask(subject, *health, services[i]);
    });
}

void expect_ends(Subject& subject, const Call& call, ErrorKind kind, Subject::Time bound) {
    const auto health = subject.make<Health>();
    const auto service = group(checked_service(subject));
    expect_within(bound, "check()",
                  [&] { expect_success_or("check()", {kind}, [&] { (void)health->check(service, call); }); });
}

void check_stopped(Subject& subject) {
    std::stop_source stop;
    stop.request_stop();
    expect_ends(subject, subject.call(stop.get_token()), ErrorKind::cancelled, Subject::stop_bound);
}

void check_late(Subject& subject) {
    expect_ends(subject, subject.call(Subject::Time(0)), ErrorKind::unavailable, Subject::late_bound);
}

/// Expects the verdict `unhealthy`. With `not_checked`, a rollout would go on.
void expect_unhealthy(Subject& subject, Health& health, const Call& call) {
    const auto service = checked_service(subject);
    HealthReport report{Verdict::unhealthy, {}};
    expect_success_or("check()", {ErrorKind::unavailable}, [&] { report = health.check(group(service), call); });
    expect(report.verdict == Verdict::unhealthy, service + " is " + text_of(report.verdict) + ": " + report.detail);
}

void check_unreachable(Subject& subject) {
    expect_unhealthy(subject, *subject.make_unreachable<Health>(), subject.call());
}

void check_fault(Subject& subject, Fault fault) {
    const FaultPort port(fault);
    const auto health = subject.make_at<Health>(port);
    expect_within(Subject::late_bound, "check()",
                  [&] { expect_unhealthy(subject, *health, subject.call(Subject::short_time)); });
}

void check_stop_while_waiting(Subject& subject) {
    const FaultPort port(Fault::silent);
    const auto health = subject.make_at<Health>(port);
    const auto service = group(checked_service(subject));
    with_late_stop([&](const std::stop_token& stop) {
        expect_within(Subject::stop_bound, "check()", [&] {
            expect_error("check() that is stopped", {ErrorKind::cancelled},
                         [&] { (void)health->check(service, subject.call(stop)); });
        });
    });
}

}  // namespace

std::vector<Check> checks_of_health() {
    return {
        {"a healthy service is healthy, each time",
         [](Subject& subject) { check_verdict(subject, subject.settings().healthy, "healthy", Verdict::healthy); }},
        {"an unhealthy service is unhealthy, with a reason",
         [](Subject& subject) {
             check_verdict(subject, subject.settings().unhealthy, "unhealthy", Verdict::unhealthy);
         }},
        {"a service without a check is not_checked",
         [](Subject& subject) {
             check_verdict(subject, subject.settings().unchecked, "unchecked", Verdict::not_checked);
         }},
        {"a service that nobody runs is not healthy", check_strange_names},
        {"eight threads at once get their answers", check_threads},
        {"a call that was stopped before ends at once", check_stopped},
        {"a call past its deadline ends at once", check_late},
        {"out of reach, a service is unhealthy", check_unreachable},
        {"where nobody listens, a service is unhealthy",
         [](Subject& subject) { check_fault(subject, Fault::refuses); }},
        {"where nobody answers, a service is unhealthy", [](Subject& subject) { check_fault(subject, Fault::silent); }},
        {"a service whose answer makes no sense is unhealthy",
         [](Subject& subject) { check_fault(subject, Fault::nonsense); }},
        {"where nobody answers, a check ends when it is stopped", check_stop_while_waiting},
    };
}

}  // namespace deployer::conformance
