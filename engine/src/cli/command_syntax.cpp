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
    CommandSyntax{
        Command::run, "run", "Keep the cluster at the wanted state until stopped",
        "Keeps the cluster at the state that the source declares: a cycle at every change of the source and "
        "at every reconcile.interval. SIGTERM ends it within 2 seconds and leaves no unit half changed. SIGHUP "
        "reads the configuration again; an unusable one is refused, and the former one stays in use.\n"
        "Exit status: 0 stopped as asked, 1 failed.",
        ConfigUse::required, no_output},
    CommandSyntax{
        Command::once, "once", "Make one cycle and report what it did",
        "Makes one cycle: reads the wanted state, compares it with the actual state, and creates, updates, "
        "scales or destroys units. Prints how each change ended.\n"
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
        "Shows what the deployer has recorded in its cache: the applied revision, services that are quarantined or "
        "paused and why, units that were changed and not seen ready since, and units that do not run. Asks neither "
        "source nor cluster, and may run beside the daemon.\n"
        "Exit status: 0 done, 1 failed.",
        ConfigUse::required, text_or_json},
    CommandSyntax{
        Command::history, "history", "Show how the last cycles ended",
        "Shows how the last cycles that had something to do ended, the latest first. May run beside the daemon.\n"
        "Exit status: 0 done, 1 failed.",
        ConfigUse::required, text_or_json},
    CommandSyntax{
        Command::retry, "retry", "Try a quarantined service again",
        "Ends the quarantine of a service whose last rollout did not become ready, or with --all of every such "
        "service, and lists them: the next cycle tries the same content again. May run beside the daemon.\n"
        "Exit status: 0 done, 1 failed, or no such service is quarantined.",
        ConfigUse::required, no_output, service_or_all},
    CommandSyntax{Command::pause, "pause", "Leave a service, or all, as it is",
                  "Leaves a service as it is from the next cycle on, or all services where none is named, until "
                  "'resume'. Every plan and report names what is paused, with the reason. May run beside the "
                  "daemon.\n"
                  "Exit status: 0 done, 1 failed.",
                  ConfigUse::required, no_output, any_service},
    CommandSyntax{Command::resume, "resume", "End a pause",
                  "Ends the pause of a service. Without SERVICE, ends the pause of all services; services that were "
                  "paused by name stay paused. May run beside the daemon.\n"
                  "Exit status: 0 done, 1 failed, or there is no such pause.",
                  ConfigUse::required, no_output, any_service},
    CommandSyntax{
        Command::config, "config", "Print the configuration",
        "With --print, prints the configuration as the deployer reads it, or the one that the flags of the Go "
        "deployer stand for. Secrets are left out; once they are put in again, the output can be used as a "
        "configuration file.\n"
        "Exit status: 0 done, 1 the configuration or a plugin's settings are not usable.",
        ConfigUse::required, no_output},
    CommandSyntax{Command::plugins, "plugins", "List the plugins found, and why any is refused",
                  "Lists the plugins in the plugin directories, with kind, version and file, or the reason why a "
                  "plugin is refused. With --config, also searches the directories in its plugins.path.\n"
                  "Exit status: 0 done, 1 at least one is refused.",
                  ConfigUse::optional, text_or_json},
    CommandSyntax{
        Command::plugin_new, "plugin new", "Begin a plugin of your own",
        "Writes a project for a new plugin into the directory NAME: a plugin that builds, with a test. NAME is "
        "the kind, a dash and a word, such as target-foo; kinds are source, target, cache and health.\n"
        "Exit status: 0 done, 1 failed.",
        ConfigUse::none, no_output, plugin_name},
    CommandSyntax{
        Command::plugin_check, "plugin check", "Check that a plugin keeps the contract",
        "Creates a plugin with the settings of a file, checks that it keeps the SDK's contract for its kind, and "
        "prints a line for each check. PLUGIN is a file, or the name of an installed plugin. The checks of a target "
        "create units named conformance-... and destroy them. If the plugin crashes or hangs, the check fails.\n"
        "Exit status: 0 no check failed, 1 a check failed.",
        ConfigUse::none, text_tap_or_junit, plugin_file},
    CommandSyntax{
        Command::plugin_show, "plugin show", "Show the settings of a plugin",
        "Creates a plugin with the settings of a file, as 'plugin check' does, and shows which settings it has "
        "and what they mean. PLUGIN is a file, or the name of an installed plugin.\n"
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
        options.addOption(Option("settings", "s", "the settings to create the plugin with", false, "FILE", true));
    }
    if (!syntax.output.empty()) {
        const auto description = in_words(syntax.output, "text (the default)");
        options.addOption(Option("output", "o", description, false, "FORMAT", true));
    }
    if (syntax.command == Command::plan) {
        options.addOption(Option("detailed-exitcode", "", "exit with 2 when there are changes to make"));
    }
    if (syntax.command == Command::retry) {
        options.addOption(Option("all", "", "all quarantined services"));
    }
    if (syntax.command == Command::pause) {
        options.addOption(Option("reason", "r", "the reason, which reports and status show", false, "TEXT", true));
    }
    if (syntax.command == Command::config) options.addOption(Option("print", "", "print the configuration"));
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
        formatter.setFooter("\n'" + std::string(program) + " -help' shows the flags to use instead of --config FILE.");
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
    out << "\n'" << program << " COMMAND --help' explains a command, '-help' the flags.\n";
    return std::move(out).str();
}

}  // namespace deployer
