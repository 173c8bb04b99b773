#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace deployer {

/// Looks a variable of the environment up; nullopt when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

enum class Command {
    run,
    once,
    plan,
    validate,
    status,
    history,
    retry,
    pause,
    resume,
    config,
    plugins,
    plugin_new,
    plugin_check,
    plugin_show,
    version,
    help,
};

/// `--output`
enum class OutputFormat {
    text,      ///< for people
    json,      ///< for programs
    tap,       ///< Test Anything Protocol, of `plugin check`
    junit,     ///< XML, of `plugin check`
    markdown,  ///< of `plugin show`
};

/// The command that the program is to carry out, with its options.
struct Invocation {
    Command command = Command::help;
    std::filesystem::path config;  ///< empty only where the command does without, or there is config_text
    std::string config_text;       ///< what the Go deployer's flags amount to; empty: there are none
    OutputFormat output = OutputFormat::text;
    bool detailed_exitcode = false;  ///< of `plan`
    std::string help;                ///< the text to print, of `help`
    /// A service, of `retry`, `pause` and `resume`, empty: all, but of `retry` only with `all`; the name of `plugin
    /// new`; the plugin of the others.
    std::string operand{};
    bool all = false;                  ///< of `retry`: all services that are quarantined
    std::string reason{};              ///< of `pause`
    std::filesystem::path settings{};  ///< of `plugin check` and `plugin show`

    [[nodiscard]] bool is_json() const noexcept { return output == OutputFormat::json; }
};

/// The command line makes no sense: exit status 64 (sysexits(3) EX_USAGE).
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// `arguments` without the program's name. They are a command with its options, or the Go deployer's flags, alone (that
/// is `run`) or with a command, or nothing at all where the environment has these flags (go_flags.hpp). Throws
/// UsageError with what is wrong and what to try.
Invocation parse_command_line(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace deployer
