#include "cli/commands.hpp"

#include "cli/config_text.hpp"
#include "cli/go_flags.hpp"
#include "cli/plugin_commands.hpp"
#include "cli/progress.hpp"
#include "cli/signals.hpp"
#include "config/config.hpp"
#include "cycle/daemon.hpp"
#include "cycle/session.hpp"
#include "events/event_log.hpp"
#include "events/report.hpp"
#include "events/stream_log.hpp"
#include "host/plugin_host.hpp"
#include "memory/documents.hpp"
#include "memory/records.hpp"
#include "text/quantity.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/nearest_word.hpp>
#include <deployer/unit_name.hpp>

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <json_document.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace deployer {
namespace {

constexpr int exit_changes_found = 2;

bool wants_colour() {
    return isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
}

Config read_config_of(const Invocation& invocation) {
    if (invocation.config_text.empty()) return read_config_file(invocation.config);
    return read_config(invocation.config_text, std::string(go_flags_origin), std::filesystem::current_path());
}

/// The error in terms of the Go deployer's flags. The user has never seen the generated text whose lines it names.
Error reworded(const Error& error) {
    return {error.kind(), in_terms_of_flags(error.what())};
}

/// Prints a report. `verdict`: the word for a report that did not fail, in the table's last line.
void print(const CycleReport& report, bool json, std::string_view verdict, const std::string& summary) {
    if (report.result == Outcome::failed) verdict = to_string(Outcome::failed);
    std::cout << (json ? write_json(report)
                       : write_table(report, std::string(verdict) + ": " + summary, wants_colour()))
              << std::flush;
}

/// Starts a session and has `make` create a report with the session and its Calls.
template <class Make>
CycleReport make_report(const Invocation& invocation, const std::stop_token& stop, Make&& make) {
    auto config = read_config_of(invocation);
    StreamLog log(std::cerr, config.log_level.value_or(LogLevel::info), config.log_json);
    auto host = make_host(config.plugin_path);
    Session session(std::move(config), host, log, stop, OnStart::reuse);
    session.refresh_remote_settings(Calls{stop, log, session.config().call_timeout});
    log.change(session.log_level(), session.config().log_json);
    // At a terminal, the report says everything, so a progress line is enough. A log file needs the events with times.
    if (isatty(STDERR_FILENO) == 1) {
        show_progress(session.events(), std::cerr);
    } else {
        log_events(session.events(), log);
    }
    return make(session, Calls{stop, log, session.config().call_timeout});
}

/// The common part of `once`, `plan` and `validate`: makes a report, and prints it with `print_it`.
template <class Make, class Print>
CycleReport report(const Invocation& invocation, Make&& make, Print&& print_it) {
    // Signals are watched until everything is printed, because the reader of standard output may hang too.
    const SignalWatch signals([] {});
    try {
        auto made = make_report(invocation, signals.stop_token(), make);
        print_it(made);
        return made;
    } catch (const Error& error) {
        // A program that reads the JSON finds every failure in the report, also those of the configuration.
        if (invocation.is_json()) print(failed_report(reworded(error)), true, {}, {});
        throw;
    }
}

int once(const Invocation& invocation) {
    const auto made = report(
        invocation, [](Session& session, const Calls& calls) { return session.reconciler().run_cycle(calls); },
        [&](const CycleReport& report) {
            print(report, invocation.is_json(), to_string(report.result), summarise(report));
        });
    return exit_status(made.result);
}

int plan(const Invocation& invocation) {
    const auto made = report(
        invocation, [](Session& session, const Calls& calls) { return session.reconciler().preview(calls); },
        [&](const CycleReport& report) { print(report, invocation.is_json(), "plan", summarise(report)); });
    if (made.result == Outcome::failed) return EXIT_FAILURE;
    return invocation.detailed_exitcode && has_planned(made) ? exit_changes_found : EXIT_SUCCESS;
}

int validate(const Invocation& invocation) {
    const auto made = report(
        invocation, [](Session& session, const Calls& calls) { return session.reconciler().validate(calls); },
        [&](const CycleReport& report) {
            auto summary = quantity(report.wanted, "unit") + " wanted";
            if (!report.held.empty()) summary += ", " + summarise(report);
            print(report, invocation.is_json(), report.result == Outcome::in_sync ? "valid" : "invalid", summary);
        });
    return made.result == Outcome::in_sync ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run(const Invocation& invocation) {
    StreamLog log(std::cerr, LogLevel::info, false);
    Daemon* daemon = nullptr;
    std::mutex mutex;
    const SignalWatch signals([&] {
        const std::lock_guard lock(mutex);
        if (daemon != nullptr) daemon->request_reload();
    });
    const auto name = invocation.config_text.empty() ? invocation.config.string() : "the Go deployer's flags";
    Daemon keeper([&] { return read_config_of(invocation); }, name, log, signals.stop_token());
    const auto publish = [&](Daemon* value) {
        const std::lock_guard lock(mutex);
        daemon = value;
    };
    publish(&keeper);
    // Withdrawn however run() ends: signals are watched for longer than the daemon lives.
    const auto withdraw = [&](Daemon*) { publish(nullptr); };
    const std::unique_ptr<Daemon, decltype(withdraw)> published(&keeper, withdraw);
    return keeper.run();
}

/// Runs `work` on the documents that the cache has for the target.
template <class Work>
int with_records(const Invocation& invocation, Work&& work) {
    const SignalWatch signals([] {});
    auto config = read_config_of(invocation);
    StreamLog log(std::cerr, config.log_level.value_or(LogLevel::info), config.log_json);
    auto host = make_host(config.plugin_path);
    Session session(std::move(config), host, log, signals.stop_token(), OnStart::reuse);
    const Calls calls{signals.stop_token(), log, session.config().call_timeout};
    auto records = load_records(session.cache(), session.target(), calls);
    const auto leave = [&](const std::function<void(Orders&)>& change) {
        change_orders(change, session.cache(), session.target(), calls);
    };
    std::cout << work(records, leave) << std::flush;
    return EXIT_SUCCESS;
}

/// The service that the operand names. People often give a unit name instead, so that is accepted too.
std::string service_of(const Invocation& invocation) {
    const auto& given = invocation.operand;
    const bool is_unit = given.find('@') != std::string::npos || !unit_name_problem(given);
    return given.empty() || !is_unit ? given : std::string(service_name(given));
}

std::string name_in_sentence(const std::string& service) {
    return service.empty() ? "all services" : quote(service);
}

std::string paused_text(const std::string& service) {
    return service.empty() ? "all services are" : quote(service) + " is";
}

std::string named(const std::map<std::string, Pause, std::less<>>& paused, const std::string& introduction) {
    std::string text;
    for (const auto& [service, pause] : paused)
        text += (text.empty() ? introduction : ", ") + name_in_sentence(service);
    return text;
}

/// A warning about an unknown service. The name may be a typing error, or of a service that is yet to come.
std::string doubt_about(const std::string& service, const std::set<std::string, std::less<>>& known) {
    if (service.empty() || known.empty() || known.contains(service)) return {};
    const auto meant = nearest_word(service, std::vector(known.begin(), known.end()));
    return "the cluster had no service " + quote(service) + " when it was last listed" +
           (meant ? ", did you mean " + quote(*meant) + "?" : ".") + " All the same: ";
}

int retry(const Invocation& invocation) {
    return with_records(invocation, [&](Records& records, const auto& leave) {
        const auto retries = retries_for(records, invocation.all ? std::string() : service_of(invocation));
        leave([&](Orders& orders) {
            for (const auto& [service, quarantine] : retries) orders.retries[service] = quarantine;
        });
        std::string text;
        for (const auto& [service, quarantine] : retries) {
            const bool paused = records.orders.paused.contains(service) || records.orders.paused.contains("");
            text += quote(service) +
                    (paused ? " is tried again once it is no longer paused\n" : " is tried again in the next cycle\n");
        }
        return text;
    });
}

int pause(const Invocation& invocation) {
    return with_records(invocation, [&](Records& records, const auto& leave) {
        const auto service = service_of(invocation);
        const Pause pause{timestamp().substr(0, 19) + "Z", invocation.reason};
        leave([&](Orders& orders) { orders.paused[service] = pause; });
        return doubt_about(service, records.services) + paused_text(service) + " paused from the next cycle on\n";
    });
}

int resume(const Invocation& invocation) {
    return with_records(invocation, [&](Records& records, const auto& leave) {
        const auto service = service_of(invocation);
        auto& paused = records.orders.paused;
        if (paused.erase(service) == 0) {
            throw Error(ErrorKind::not_found,
                        (service.empty() ? "there is no pause of all services" : quote(service) + " is not paused") +
                            named(paused, "; paused: "));
        }
        leave([&](Orders& orders) { orders.paused.erase(service); });
        return paused_text(service) + " no longer paused from the next cycle on" + named(paused, "; still paused: ") +
               "\n";
    });
}

int print_config(const Invocation& invocation) {
    auto config = read_config_of(invocation);
    auto host = make_host(config.plugin_path);
    StreamLog log(std::cerr, LogLevel::warning, false);
    // Creating the plugins is how the program learns which settings are secrets: plugins ask for them as such.
    const Session session(std::move(config), host, log, {}, OnStart::reuse);
    std::cout << write_config_text(*session.config().document, session.secret_paths()) << std::flush;
    return EXIT_SUCCESS;
}

int print_version(bool as_json) {
    const auto abi = std::to_string(plugin_abi_major) + '.' + std::to_string(plugin_abi_minor);
    if (as_json) {
        auto object = json::ordered_object();
        object.set("version", std::string(DEPLOYER_VERSION));
        object.set("plugin_abi", abi);
        object.set("toolchain", std::string(plugin_toolchain));
        std::cout << json::document_text(object) << std::flush;
    } else {
        std::cout << "coco-fleet-deployer " DEPLOYER_VERSION " (plugin ABI " << abi << ", " << plugin_toolchain << ")"
                  << std::endl;
    }
    return EXIT_SUCCESS;
}

int dispatch(const Invocation& invocation) {
    switch (invocation.command) {
        case Command::run:
            return run(invocation);
        case Command::once:
            return once(invocation);
        case Command::plan:
            return plan(invocation);
        case Command::validate:
            return validate(invocation);
        case Command::status:
            return with_records(invocation, [&](const Records& records, const auto& /*leave*/) {
                return write_status(records, invocation.is_json());
            });
        case Command::history:
            return with_records(invocation, [&](const Records& records, const auto& /*leave*/) {
                return write_history(records.ledger, invocation.is_json());
            });
        case Command::retry:
            return retry(invocation);
        case Command::pause:
            return pause(invocation);
        case Command::resume:
            return resume(invocation);
        case Command::config:
            return print_config(invocation);
        case Command::plugins:
            return list_plugins(invocation);
        case Command::plugin_new:
            return begin_plugin(invocation);
        case Command::plugin_check:
            return check_plugin(invocation);
        case Command::plugin_show:
            return show_plugin(invocation);
        case Command::version:
            return print_version(invocation.is_json());
        case Command::help:
            std::cout << invocation.help << std::flush;
            return EXIT_SUCCESS;
    }
    return EXIT_FAILURE;
}

}  // namespace

int carry_out(const Invocation& invocation) try {
    const auto status = dispatch(invocation);
    // A report that could not be written whole is a failure.
    if (!std::cout.flush()) throw Error(ErrorKind::unavailable, "cannot write to standard output");
    return status;
} catch (const Error& error) {
    throw reworded(error);
}

}  // namespace deployer
