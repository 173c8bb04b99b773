#include "cli/command_syntax.hpp"

#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/Option.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <sstream>
#include <utility>

namespace deployer {
namespace {

using Poco::Util::Option;
using Poco::Util::OptionSet;

constexpr Operand any_service{"SERVICE", false};
constexpr Operand service_or_all{"SERVICE|--all", false};
constexpr Operand plugin_name{"NAME", true};
constexpr Operand plugin_file{"PLUGIN", true};

constexpr Format as_text{OutputFormat::text, "text"};
constexpr std::array text_or_json{as_text, Format{OutputFormat::json, "json"}};
constexpr std::array text_tap_or_junit{as_text, Format{OutputFormat::tap, "tap"}, Format{OutputFormat::junit, "junit"}};
constexpr std::array text_or_markdown{as_text, Format{OutputFormat::markdown, "markdown"}};
constexpr Formats no_output{};

constexpr std::array commands{
    CommandSyntax{Command::run, "run", "Keep the cluster at the wanted state until stopped",
                  "Keeps the cluster at the state that the source declares: a cycle at every change of the source and "
                  "at every reconcile.interval. SIGTERM ends it within 2 seconds, with no unit half done. SIGHUP reads "
                  "the configuration again; one that is not usable is refused and the former stays.\n"
                  "Exit status: 0 stopped as asked, 1 failed.",
                  ConfigUse::required, no_output},
    CommandSyntax{
        Command::once, "once", "Make one cycle and report what it did",
        "Makes one cycle: reads the wanted state, compares it with the actual state, and creates, updates, "
        "scales or destroys units. Prints what became of each.\n"
        "Exit status: 0 in sync or all done, 1 failed, 3 degraded, 4 halted, 5 rolled back, 6 quarantined, 7 held, "
        "8 superseded, 9 paused.",
        ConfigUse::required, text_or_json},
    CommandSyntax{Command::plan, "plan", "Show what a cycle would do, and change nothing",
                  "Shows what the next cycle would do and why. Changes nothing, neither in the cluster nor in the "
                  "cache, and may run beside the daemon.\n"
                  "Exit status: 0 done, 1 failed; with --detailed-exitcode 2 when there are changes to make.",
                  ConfigUse::required, text_or_json},
    CommandSyntax{Command::validate, "validate", "Check the configuration and the wanted state",
                  "Checks the configuration, the plugins and their settings, and everything that the source declares, "
                  "without asking the cluster.\n"
                  "Exit status: 0 all well, 1 something is wrong or would be held.",
                  ConfigUse::required, text_or_json},
    CommandSyntax{
        Command::status, "status", "Show what is applied, quarantined, paused or not ready",
        "Shows what the deployer has written down: the revision that is applied, services that are quarantined "
        "or paused and why, and units that were changed and not seen ready since. Asks neither source nor "
        "cluster, and may run beside the daemon.\n"
        "Exit status: 0 done, 1 failed.",
        ConfigUse::required, text_or_json},
    CommandSyntax{Command::history, "history", "Show how the last cycles ended",
                  "Shows how the last cycles ended that did something, the latest first. May run beside the daemon.\n"
                  "Exit status: 0 done, 1 failed.",
                  ConfigUse::required, text_or_json},
    CommandSyntax{
        Command::retry, "retry", "Try a quarantined service again",
        "Ends the quarantine of a service whose last rollout did not become ready, or with --all of every such "
        "service, and lists them: the next cycle tries the same content again. May run beside the daemon.\n"
        "Exit status: 0 done, 1 failed, or nothing of what was asked for is quarantined.",
        ConfigUse::required, no_output, service_or_all},
    CommandSyntax{Command::pause, "pause", "Leave a service, or all, as it is",
                  "Leaves a service as it is from the next cycle on, or all services where none is named, until "
                  "'resume'. What is paused shows in every plan and report, with the reason. May run beside the "
                  "daemon.\n"
                  "Exit status: 0 done, 1 failed.",
                  ConfigUse::required, no_output, any_service},
    CommandSyntax{Command::resume, "resume", "End a pause",
                  "Ends the pause of a service, or of all services as a whole where none is named: services that were "
                  "paused by name stay paused. May run beside the daemon.\n"
                  "Exit status: 0 done, 1 failed, or there is no such pause.",
                  ConfigUse::required, no_output, any_service},
    CommandSyntax{
        Command::config, "config", "Print the configuration",
        "With --print, prints the configuration as it is understood, or that the flags of the Go deployer amount "
        "to. What is printed can be used as a configuration file, once the secrets, which are left out, are put in "
        "again.\n"
        "Exit status: 0 done, 1 the configuration or a plugin's settings are not usable.",
        ConfigUse::required, no_output},
    CommandSyntax{Command::plugins, "plugins", "List the plugins found, and why any is refused",
                  "Lists the plugins in the plugin directories, with kind, version and file, and for one that is "
                  "refused the reason. With --config also in the directories of its plugins.path.\n"
                  "Exit status: 0 done, 1 at least one is refused.",
                  ConfigUse::optional, text_or_json},
    CommandSyntax{Command::plugin_new, "plugin new", "Begin a plugin of your own",
                  "Writes a project of that name into a directory of that name: a plugin that builds, with a test. The "
                  "name is the kind and a word, such as target-foo; kinds are source, target, cache and health.\n"
                  "Exit status: 0 done, 1 failed.",
                  ConfigUse::none, no_output, plugin_name},
    CommandSyntax{
        Command::plugin_check, "plugin check", "Check that a plugin keeps the contract",
        "Makes a plugin with the settings of a file and checks what the SDK asks of its kind: a line for each "
        "check. PLUGIN is a file, or the name of one that is installed. The checks of a target make units "
        "named conformance-... and destroy them. A plugin that crashes or hangs fails that check.\n"
        "Exit status: 0 none failed, 1 some did.",
        ConfigUse::none, text_tap_or_junit, plugin_file},
    CommandSyntax{Command::plugin_show, "plugin show", "Show the settings of a plugin",
                  "Makes a plugin with the settings of a file, as 'plugin check' does, and shows which settings it has "
                  "and what they mean. PLUGIN is a file, or the name of one that is installed.\n"
                  "Exit status: 0 done, 1 failed.",
                  ConfigUse::none, text_or_markdown, plugin_file},
    CommandSyntax{Command::version, "version", "Print the version",
                  "Prints the version of the program and of its plugin ABI.", ConfigUse::none, text_or_json},
};

std::string usage_of(const CommandSyntax& syntax) {
    std::string usage;
    if (!syntax.operand.name.empty()) {
        const std::string name(syntax.operand.name);
        const bool stands_alone = syntax.operand.required || syntax.command == Command::retry;
        usage = (stands_alone ? name : '[' + name + ']') + ' ';
    }
    if (syntax.config == ConfigUse::required) usage += "--config FILE ";
    if (syntax.command == Command::pause) usage += "--reason TEXT ";
    if (needs_settings(syntax)) usage += "--settings FILE ";
    return usage + "[OPTION...]";
}

}  // namespace

std::span<const CommandSyntax> all_commands() {
    return commands;
}

const CommandSyntax* find_command(std::string_view name) {
    const auto* const found =
        std::find_if(commands.begin(), commands.end(), [&](const auto& syntax) { return syntax.name == name; });
    return found == commands.end() ? nullptr : found;
}

bool needs_settings(const CommandSyntax& syntax) {
    return syntax.command == Command::plugin_check || syntax.command == Command::plugin_show;
}

std::string in_words(Formats formats, std::string sentence) {
    for (std::size_t i = 1; i < formats.size(); ++i) {
        sentence.append(i + 1 == formats.size() ? " or " : ", ").append(formats[i].name);
    }
    return sentence;
}

OptionSet options_of(const CommandSyntax& syntax) {
    OptionSet options;
    if (syntax.config != ConfigUse::none) {
        options.addOption(Option("config", "c", "the configuration file", false, "FILE", true));
    }
    if (needs_settings(syntax)) {
        options.addOption(Option("settings", "s", "what to make the plugin with", false, "FILE", true));
    }
    if (!syntax.output.empty()) {
        const auto description = in_words(syntax.output, "text (the default)");
        options.addOption(Option("output", "o", description, false, "FORMAT", true));
    }
    if (syntax.command == Command::plan) {
        options.addOption(Option("detailed-exitcode", "", "exit with 2 when there are changes to make"));
    }
    if (syntax.command == Command::retry) {
        options.addOption(Option("all", "", "all services that are quarantined"));
    }
    if (syntax.command == Command::pause) {
        options.addOption(Option("reason", "r", "why, for whoever wonders", false, "TEXT", true));
    }
    if (syntax.command == Command::config) options.addOption(Option("print", "", "print it"));
    options.addOption(Option("help", "h", "show this help"));
    return options;
}

std::string help_for(const CommandSyntax& syntax) {
    const auto options = options_of(syntax);
    Poco::Util::HelpFormatter formatter(options);
    formatter.setUnixStyle(true);
    formatter.setAutoIndent();
    formatter.setWidth(80);
    formatter.setCommand(std::string(program) + ' ' + std::string(syntax.name));
    formatter.setUsage(usage_of(syntax));
    formatter.setHeader('\n' + std::string(syntax.description) + '\n');
    if (syntax.config == ConfigUse::required) {
        formatter.setFooter("\n'" + std::string(program) + " -help' shows the flags that do instead of --config FILE.");
    }
    std::ostringstream out;
    formatter.format(out);
    return std::move(out).str();
}

std::string overview() {
    std::ostringstream out;
    out << "usage: " << program << " COMMAND --config FILE [OPTION...]\n"
        << "       " << program << " -fleetEndpoint=URL -rootURI=URL [FLAG...]\n\n"
        << "Keeps a cluster at the state that a repository declares.\n\n";
    for (const auto& syntax : commands) {
        out << "  " << syntax.name << std::string(14 - syntax.name.size(), ' ') << syntax.summary << '\n';
    }
    out << "\n'" << program << " COMMAND --help' tells more about a command, '-help' about the flags.\n";
    return std::move(out).str();
}

}  // namespace deployer
