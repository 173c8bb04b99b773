#include "cli/command_line.hpp"

#include "cli/command_syntax.hpp"
#include "cli/go_flags.hpp"

#include <deployer/nearest_word.hpp>
#include <deployer/word_list.hpp>

#include <Poco/Util/Option.h>
#include <Poco/Util/OptionException.h>
#include <Poco/Util/OptionProcessor.h>
#include <Poco/Util/OptionSet.h>

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace deployer {
namespace {

using Poco::Util::Option;
using Poco::Util::OptionSet;

std::string try_help(std::string_view command) {
    return "; try '" + std::string(program) + ' ' + (command.empty() ? "" : std::string(command) + ' ') + "--help'";
}

std::string try_flags_help() {
    return "; try '" + std::string(program) + " -help'";
}

const CommandSyntax& require_command(const std::string& name) {
    if (const auto* syntax = find_command(name)) return *syntax;
    std::vector<std::string> names;
    names.reserve(all_commands().size());
    for (const auto& syntax : all_commands()) names.emplace_back(syntax.name);
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

OutputFormat read_output(const std::string& name, const CommandSyntax& syntax) {
    for (const auto& format : syntax.output) {
        if (format.name == name) return format.format;
    }
    throw UsageError("--output is " + in_words(syntax.output, "text") + ", not '" + name + "'" + try_help(syntax.name));
}

Invocation invocation_of(Command command) {
    Invocation invocation;
    invocation.command = command;
    return invocation;
}

Invocation help_of(std::string text) {
    auto invocation = invocation_of(Command::help);
    invocation.help = std::move(text);
    return invocation;
}

/// The typed name of an option or a flag, without its value.
std::string typed_name(const std::string& argument) {
    return argument.substr(0, argument.find_first_of("=:"));
}

std::vector<std::string> long_names(const OptionSet& options) {
    std::vector<std::string> names;
    for (const auto& option : options) names.push_back("--" + option.fullName());
    return names;
}

/// Whether the argument is the option's short form: `-c`, or `-cFILE` for an option with a value.
bool is_short(const std::string& argument, const Option& option) {
    const auto name = '-' + option.shortName();
    return name.size() > 1 && (argument == name || (option.takesArgument() && argument.rfind(name, 0) == 0));
}

/// Throws UsageError for an unknown word. `help`: what to try when no flag of the Go deployer is similar.
[[noreturn]] void refuse_unknown(const std::string& what, const std::string& name, std::vector<std::string> known,
                                 const std::string& help) {
    const auto flags = go_flag_names();
    known.insert(known.end(), flags.begin(), flags.end());
    const auto meant = nearest_word(name, known);
    throw UsageError("unknown " + what + " '" + name + "'" + (meant ? ", did you mean '" + *meant + "'?" : "") +
                     (meant && holds(flags, *meant) ? try_flags_help() : help));
}

/// Refuses option names that Poco would guess. Poco takes any beginning of a name for the option, so `--d` could mean
/// another option in a later version, and takes `-config=FILE` for `-c` with a strange value. Also, Poco's message for
/// an unknown option does not show the word as typed.
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
            syntax.command == Command::plugin_new ? "a name, such as target-foo" : "a plugin: a file, or a name");
    if (syntax.command == Command::retry) {
        require(invocation.all || !invocation.operand.empty(),
                "the name of a service, or --all; '" + std::string(program) + " status' names those quarantined");
        if (invocation.all && !invocation.operand.empty()) {
            throw UsageError("either '" + invocation.operand + "' or --all, not both" + try_help(syntax.name));
        }
    }
    require(syntax.command != Command::pause || !invocation.reason.empty(),
            "--reason TEXT, which reports and status show");
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
        if (name == "output") invocation.output = read_output(value, syntax);
        if (name == "reason") invocation.reason = value;
        if (name == "detailed-exitcode") invocation.detailed_exitcode = true;
        if (name == "all") invocation.all = true;
        if (name == "help") invocation = help_of(help_for(syntax));
        if (invocation.command == Command::help) return;
    }
    if (value_follows) throw UsageError("'" + arguments.back() + "' needs a value" + try_help(syntax.name));
}

/// Throws UsageError for a first word that is neither a command nor a flag of the Go deployer.
[[noreturn]] void refuse_first(const std::string& first) {
    for (const auto& syntax : all_commands()) {
        const auto options = options_of(syntax);
        const bool is_option =
            holds(long_names(options), typed_name(first)) ||
            std::any_of(options.begin(), options.end(), [&](const auto& option) { return is_short(first, option); });
        if (is_option) throw UsageError("the command comes first, before '" + first + "'" + try_help(""));
    }
    refuse_unknown("flag", typed_name(first), {}, try_flags_help());
}

/// The words, with a command of two words joined to one.
std::vector<std::string> joined(std::vector<std::string> words) {
    const bool begins_one = std::any_of(all_commands().begin(), all_commands().end(), [&](const auto& syntax) {
        return syntax.name.starts_with(words.front() + ' ');
    });
    if (!begins_one) return words;
    if (words.size() < 2 || words[1].starts_with('-')) {
        std::vector<std::string> seconds;
        for (const auto& syntax : all_commands()) {
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
    return help_of(arguments.size() < 2 ? overview() : help_for(require_command(arguments[1])));
}

}  // namespace

Invocation parse_command_line(const std::vector<std::string>& arguments, const Environment& environment) {
    auto [flags, wants_flags_help, words] = split_go_flags(arguments);
    if (wants_flags_help) return help_of(go_flags_help());
    if (words.empty()) {
        if (flags.empty() && !asks_for_go_flags(environment)) throw UsageError("no command" + try_help(""));
        words.emplace_back("run");
    }
    const auto& first = words.front();
    if (first == "--help" || first == "-h" || first == "help") return read_help(words);
    if (first == "--version") {
        refuse_more_than(1, words);
        return invocation_of(Command::version);
    }
    if (first.rfind('-', 0) == 0) refuse_first(first);

    words = joined(std::move(words));
    const auto& syntax = require_command(words.front());
    auto invocation = invocation_of(syntax.command);
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
    // The environment is read only when nothing else gives a configuration. Until here, an unusable variable is no
    // reason to refuse the command line.
    invocation.config_text =
        write_config(read_go_flags(flags, environment), default_state_directory(environment, ::geteuid() == 0));
    return invocation;
}

}  // namespace deployer
