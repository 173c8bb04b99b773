#include "cli/command_line.hpp"

#include "cli/go_flags.hpp"

#include <deployer/nearest_word.hpp>
#include <deployer/word_list.hpp>

#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/Option.h>
#include <Poco/Util/OptionException.h>
#include <Poco/Util/OptionProcessor.h>
#include <Poco/Util/OptionSet.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <sstream>
#include <string_view>
#include <utility>

namespace deployer {
namespace {

using Poco::Util::Option;
using Poco::Util::OptionSet;

constexpr std::string_view program = "coco-fleet-deployer";

enum class ConfigUse { required, optional, none };

/// A word of the command line without a dash before it.
struct Operand {
    std::string_view name;  ///< as usages have it; empty: there is none
    bool required = true;
};
constexpr Operand no_operand{};
constexpr Operand any_service{"SERVICE", false};
constexpr Operand service_or_all{"SERVICE|--all", false};
constexpr Operand plugin_name{"NAME", true};
constexpr Operand plugin_file{"PLUGIN", true};

/// A command as its users see it.
struct CommandSyntax {
    Command command;
    std::string_view name;
    std::string_view summary;      ///< a line of the overview
    std::string_view description;  ///< what its own help says
    ConfigUse config;
    bool output;
    Operand operand = no_operand;
};

constexpr std::array commands{
    CommandSyntax{Command::run, "run", "Keep the cluster at the wanted state until stopped",
                  "Keeps the cluster at the state that the source declares: a cycle at every change of the source and "
                  "at every reconcile.interval. SIGTERM ends it within 2 seconds, with no unit half done. SIGHUP reads "
                  "the configuration again; one that is not usable is refused and the former stays.\n"
                  "Exit status: 0 stopped as asked, 1 failed.",
                  ConfigUse::required, false},
    CommandSyntax{
        Command::once, "once", "Make one cycle and report what it did",
        "Makes one cycle: reads the wanted state, compares it with the actual state, and creates, updates, "
        "scales or destroys units. Prints what became of each.\n"
        "Exit status: 0 in sync or all done, 1 failed, 3 degraded, 4 halted, 5 rolled back, 6 quarantined, 7 held, "
        "8 superseded, 9 paused.",
        ConfigUse::required, true},
    CommandSyntax{Command::plan, "plan", "Show what a cycle would do, and change nothing",
                  "Shows what the next cycle would do and why. Changes nothing, neither in the cluster nor in the "
                  "cache, and may run beside the daemon.\n"
                  "Exit status: 0 done, 1 failed; with --detailed-exitcode 2 when there are changes to make.",
                  ConfigUse::required, true},
    CommandSyntax{Command::validate, "validate", "Check the configuration and the wanted state",
                  "Checks the configuration, the plugins and their settings, and everything that the source declares, "
                  "without asking the cluster.\n"
                  "Exit status: 0 all well, 1 something is wrong or would be held.",
                  ConfigUse::required, true},
    CommandSyntax{
        Command::status, "status", "Show what is applied, quarantined, paused or not ready",
        "Shows what the deployer has written down: the revision that is applied, services that are quarantined "
        "or paused and why, and units that were changed and not seen ready since. Asks neither source nor "
        "cluster, and may run beside the daemon.\n"
        "Exit status: 0 done, 1 failed.",
        ConfigUse::required, true},
    CommandSyntax{Command::history, "history", "Show how the last cycles ended",
                  "Shows how the last cycles ended that did something, the latest first. May run beside the daemon.\n"
                  "Exit status: 0 done, 1 failed.",
                  ConfigUse::required, true},
    CommandSyntax{
        Command::retry, "retry", "Try a quarantined service again",
        "Ends the quarantine of a service whose last rollout did not become ready, or with --all of every such "
        "service, and lists them: the next cycle tries the same content again. May run beside the daemon.\n"
        "Exit status: 0 done, 1 failed, or nothing of what was asked for is quarantined.",
        ConfigUse::required, false, service_or_all},
    CommandSyntax{Command::pause, "pause", "Leave a service, or all, as it is",
                  "Leaves a service as it is from the next cycle on, or all services where none is named, until "
                  "'resume'. What is paused shows in every plan and report, with the reason. May run beside the "
                  "daemon.\n"
                  "Exit status: 0 done, 1 failed.",
                  ConfigUse::required, false, any_service},
    CommandSyntax{Command::resume, "resume", "End a pause",
                  "Ends the pause of a service, or of all services as a whole where none is named: services that were "
                  "paused by name stay paused. May run beside the daemon.\n"
                  "Exit status: 0 done, 1 failed, or there is no such pause.",
                  ConfigUse::required, false, any_service},
    CommandSyntax{
        Command::config, "config", "Print the configuration",
        "With --print, prints the configuration as it is understood, or that the flags of the Go deployer amount "
        "to. What is printed can be used as a configuration file, once the secrets, which are left out, are put in "
        "again.\n"
        "Exit status: 0 done, 1 the configuration or a plugin's settings are not usable.",
        ConfigUse::required, false},
    CommandSyntax{Command::plugins, "plugins", "List the plugins found, and why any is refused",
                  "Lists the plugins in the plugin directories, with kind, version and file, and for one that is "
                  "refused the reason. With --config also in the directories of its plugins.path.\n"
                  "Exit status: 0 done, 1 at least one is refused.",
                  ConfigUse::optional, true},
    CommandSyntax{Command::plugin_new, "plugin new", "Begin a plugin of your own",
                  "Writes a project of that name into a directory of that name: a plugin that builds, with a test. The "
                  "name is the kind and a word, such as target-foo; kinds are source, target, cache and health.\n"
                  "Exit status: 0 done, 1 failed.",
                  ConfigUse::none, false, plugin_name},
    CommandSyntax{
        Command::plugin_check, "plugin check", "Check that a plugin keeps the contract",
        "Makes a plugin with the settings of a file and checks what the SDK asks of its kind: a line for each "
        "check. PLUGIN is a file, or the name of one that is installed. The checks of a target make units "
        "named conformance-... and destroy them. A plugin that crashes or hangs fails that check.\n"
        "Exit status: 0 none failed, 1 some did.",
        ConfigUse::none, false, plugin_file},
    CommandSyntax{Command::plugin_show, "plugin show", "Show the settings of a plugin",
                  "Makes a plugin with the settings of a file, as 'plugin check' does, and shows which settings it has "
                  "and what they mean. PLUGIN is a file, or the name of one that is installed.\n"
                  "Exit status: 0 done, 1 failed.",
                  ConfigUse::none, false, plugin_file},
    CommandSyntax{Command::version, "version", "Print the version",
                  "Prints the version of the program and of its plugin ABI.", ConfigUse::none, true},
};

const CommandSyntax* find_command(std::string_view name) {
    const auto* const found =
        std::find_if(commands.begin(), commands.end(), [&](const auto& syntax) { return syntax.name == name; });
    return found == commands.end() ? nullptr : found;
}

bool needs_settings(const CommandSyntax& syntax) {
    return syntax.command == Command::plugin_check || syntax.command == Command::plugin_show;
}

OptionSet options_of(const CommandSyntax& syntax) {
    OptionSet options;
    if (syntax.config != ConfigUse::none) {
        options.addOption(Option("config", "c", "the configuration file", false, "FILE", true));
    }
    if (syntax.output) options.addOption(Option("output", "o", "text (the default) or json", false, "FORMAT", true));
    if (syntax.command == Command::plan) {
        options.addOption(Option("detailed-exitcode", "", "exit with 2 when there are changes to make"));
    }
    if (syntax.command == Command::retry) {
        options.addOption(Option("all", "", "all services that are quarantined"));
    }
    if (syntax.command == Command::pause) {
        options.addOption(Option("reason", "r", "why, for whoever wonders", false, "TEXT", true));
    }
    if (needs_settings(syntax)) {
        options.addOption(Option("settings", "s", "what to make the plugin with", false, "FILE", true));
    }
    if (syntax.command == Command::plugin_check) {
        options.addOption(Option("output", "o", "text (the default), tap or junit", false, "FORMAT", true));
    }
    if (syntax.command == Command::plugin_show) {
        options.addOption(Option("output", "o", "text (the default) or markdown", false, "FORMAT", true));
    }
    if (syntax.command == Command::config) options.addOption(Option("print", "", "print it"));
    options.addOption(Option("help", "h", "show this help"));
    return options;
}

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

std::string try_help(std::string_view command) {
    return "; try '" + std::string(program) + ' ' + (command.empty() ? "" : std::string(command) + ' ') + "--help'";
}

std::string try_flags_help() {
    return "; try '" + std::string(program) + " -help'";
}

const CommandSyntax& require_command(const std::string& name) {
    if (const auto* syntax = find_command(name)) return *syntax;
    std::vector<std::string> names;
    names.reserve(commands.size());
    for (const auto& syntax : commands) names.emplace_back(syntax.name);
    const auto meant = nearest_word(name, names);
    throw UsageError("unknown command '" + name + "'" + (meant ? ", did you mean '" + *meant + "'?" : "") +
                     try_help(""));
}

void refuse_more_than(std::size_t most, const std::vector<std::string>& arguments) {
    if (arguments.size() > most) throw UsageError("unexpected '" + arguments[most] + "'" + try_help(""));
}

bool holds(const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool read_output(const std::string& format, const CommandSyntax& syntax) {
    if (format != "text" && format != "json") {
        throw UsageError("--output is text or json, not '" + format + "'" + try_help(syntax.name));
    }
    return format == "json";
}

std::string read_format(const std::string& format, const CommandSyntax& syntax) {
    const bool checks = syntax.command == Command::plugin_check;
    const std::vector<std::string> formats =
        checks ? std::vector<std::string>{"text", "tap", "junit"} : std::vector<std::string>{"text", "markdown"};
    if (holds(formats, format)) return format;
    throw UsageError("--output is " + std::string(checks ? "text, tap or junit" : "text or markdown") + ", not '" +
                     format + "'" + try_help(syntax.name));
}

/// An option or a flag as it was typed, without its value.
std::string typed_name(const std::string& argument) {
    return argument.substr(0, argument.find_first_of("=:"));
}

std::vector<std::string> long_names(const OptionSet& options) {
    std::vector<std::string> names;
    for (const auto& option : options) names.push_back("--" + option.fullName());
    return names;
}

/// Whether it is `-c`, or `-cFILE` of an option that has a value.
bool is_short(const std::string& argument, const Option& option) {
    const auto name = '-' + option.shortName();
    return name.size() > 1 && (argument == name || (option.takesArgument() && argument.rfind(name, 0) == 0));
}

/// `help` is what to try when nothing similar is found among the flags of the Go deployer.
[[noreturn]] void refuse_unknown(const std::string& what, const std::string& name, std::vector<std::string> known,
                                 const std::string& help) {
    const auto flags = go_flag_names();
    known.insert(known.end(), flags.begin(), flags.end());
    const auto meant = nearest_word(name, known);
    throw UsageError("unknown " + what + " '" + name + "'" + (meant ? ", did you mean '" + *meant + "'?" : "") +
                     (meant && holds(flags, *meant) ? try_flags_help() : help));
}

/// Poco would take any beginning of an option's name for it, today's `--d` for another option than tomorrow's, and
/// `-config=FILE` for `-c` with a strange value. What it calls an option that it does not know is not what was typed.
void require_known_name(const std::string& argument, const OptionSet& options, const CommandSyntax& syntax) {
    if (argument.size() < 2 || argument.front() != '-') return;
    const auto name = typed_name(argument);
    const auto names = long_names(options);
    if (holds(names, name)) return;
    const bool is_meant_long = argument[1] == '-' || holds(names, '-' + name);
    if (!is_meant_long &&
        std::any_of(options.begin(), options.end(), [&](const auto& option) { return is_short(argument, option); })) {
        return;
    }
    refuse_unknown("option", name, names, try_help(syntax.name));
}

bool takes_operand(const std::string& argument, const CommandSyntax& syntax, const Invocation& invocation) {
    return !syntax.operand.name.empty() && invocation.operand.empty() && !argument.empty() && argument.front() != '-';
}

void require_whole(const CommandSyntax& syntax, const Invocation& invocation) {
    const auto require = [&](bool given, const std::string& what) {
        if (!given) throw UsageError(std::string(syntax.name) + " needs " + what + try_help(syntax.name));
    };
    const auto& operand = syntax.operand;
    require(operand.name.empty() || !operand.required || !invocation.operand.empty(),
            operand.name == plugin_name.name ? "a name, such as target-foo" : "a plugin: a file, or a name");
    if (syntax.command == Command::retry) {
        require(invocation.all || !invocation.operand.empty(),
                "the name of a service, or --all; '" + std::string(program) + " status' names those quarantined");
        if (invocation.all && !invocation.operand.empty()) {
            throw UsageError("either '" + invocation.operand + "' or --all, not both" + try_help(syntax.name));
        }
    }
    require(syntax.command != Command::pause || !invocation.reason.empty(), "--reason, for whoever wonders");
    require(!needs_settings(syntax) || !invocation.settings.empty(), "--settings FILE");
}

void read_options(const CommandSyntax& syntax, const std::vector<std::string>& arguments, Invocation& invocation) {
    const auto options = options_of(syntax);
    Poco::Util::OptionProcessor processor(options);
    processor.setUnixStyle(true);
    bool value_follows = false;
    for (const auto& argument : arguments) {
        if (!value_follows && takes_operand(argument, syntax, invocation)) {
            invocation.operand = argument;
            continue;
        }
        if (!value_follows) require_known_name(argument, options, syntax);
        std::string name;
        std::string value;
        if (!processor.process(argument, name, value))
            throw UsageError("unexpected '" + argument + "'" + try_help(syntax.name));
        value_follows = name.empty();
        if (name == "config" && value.empty()) {
            throw UsageError("'" + argument + "' names no file" + try_help(syntax.name));
        }
        if (name == "config") invocation.config = value;
        if (name == "settings") invocation.settings = value;
        if (name == "output" && needs_settings(syntax)) invocation.format = read_format(value, syntax);
        if (name == "output" && syntax.output) invocation.json = read_output(value, syntax);
        if (name == "reason") invocation.reason = value;
        if (name == "detailed-exitcode") invocation.detailed_exitcode = true;
        if (name == "all") invocation.all = true;
        if (name == "help") invocation = {Command::help, {}, {}, false, false, help_for(syntax)};
        if (invocation.command == Command::help) return;
    }
    if (value_follows) throw UsageError("'" + arguments.back() + "' needs a value" + try_help(syntax.name));
}

/// A command line that begins with something that is neither a command nor a flag of the Go deployer.
[[noreturn]] void refuse_first(const std::string& first) {
    for (const auto& syntax : commands) {
        const auto options = options_of(syntax);
        const bool is_option =
            holds(long_names(options), typed_name(first)) ||
            std::any_of(options.begin(), options.end(), [&](const auto& option) { return is_short(first, option); });
        if (is_option) throw UsageError("the command comes first, before '" + first + "'" + try_help(""));
    }
    refuse_unknown("flag", typed_name(first), {}, try_flags_help());
}

/// A command of two words as one.
std::vector<std::string> joined(std::vector<std::string> words) {
    const bool begins_one = std::any_of(commands.begin(), commands.end(), [&](const auto& syntax) {
        return syntax.name.starts_with(words.front() + ' ');
    });
    if (!begins_one) return words;
    if (words.size() < 2 || words[1].starts_with('-')) {
        std::vector<std::string> seconds;
        for (const auto& syntax : commands) {
            if (syntax.name.starts_with(words.front() + ' '))
                seconds.emplace_back(syntax.name.substr(words.front().size() + 1));
        }
        throw UsageError(words.front() + " needs one of " + word_list(seconds) + try_help(""));
    }
    words.front() += ' ' + words[1];
    words.erase(words.begin() + 1);
    return words;
}

/// `help`, `help COMMAND`
Invocation read_help(std::vector<std::string> arguments) {
    if (arguments.size() > 2) {
        const auto words = joined({arguments.begin() + 1, arguments.end()});
        arguments.resize(1);
        arguments.insert(arguments.end(), words.begin(), words.end());
    }
    refuse_more_than(2, arguments);
    auto text = arguments.size() < 2 ? overview() : help_for(require_command(arguments[1]));
    return {Command::help, {}, {}, false, false, std::move(text)};
}

}  // namespace

Invocation parse_command_line(const std::vector<std::string>& arguments, const Environment& environment) {
    auto [flags, wants_flags_help, words] = split_go_flags(arguments);
    if (wants_flags_help) return {Command::help, {}, {}, false, false, go_flags_help()};
    if (words.empty()) {
        if (flags.empty() && !asks_for_go_flags(environment)) throw UsageError("no command" + try_help(""));
        words.emplace_back("run");
    }
    const auto& first = words.front();
    if (first == "--help" || first == "-h" || first == "help") return read_help(words);
    if (first == "--version") {
        refuse_more_than(1, words);
        return {Command::version, {}, {}, false, false, {}};
    }
    if (first.rfind('-', 0) == 0) refuse_first(first);

    words = joined(std::move(words));
    const auto& syntax = require_command(words.front());
    Invocation invocation{syntax.command, {}, {}, false, false, {}};
    try {
        read_options(syntax, {words.begin() + 1, words.end()}, invocation);
    } catch (const Poco::Util::OptionException& exception) {
        throw UsageError(exception.displayText() + try_help(syntax.name));
    }
    if (invocation.command == Command::help) return invocation;
    require_whole(syntax, invocation);
    if (syntax.config != ConfigUse::required) return invocation;
    const bool has_file = !invocation.config.empty();
    if (has_file && !flags.empty()) {
        throw UsageError("either --config or the Go deployer's flags, not both" + try_help(syntax.name));
    }
    if (has_file) return invocation;
    if (flags.empty() && !asks_for_go_flags(environment)) {
        throw UsageError("no configuration: " + std::string(syntax.name) + " needs --config FILE" +
                         try_help(syntax.name));
    }
    // Only here, where there is nothing else: a strange variable is no reason to refuse anything before.
    invocation.config_text =
        write_config(read_go_flags(flags, environment), default_state_directory(environment, ::geteuid() == 0));
    return invocation;
}

}  // namespace deployer
