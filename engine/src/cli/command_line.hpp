#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace deployer {

/// Looks up an environment variable; nullopt when it is not set.
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
    std::filesystem::path config;  ///< empty for commands without configuration, and with config_text
    std::string config_text;       ///< the configuration made from the Go deployer's flags; empty without flags
    OutputFormat output = OutputFormat::text;
    bool detailed_exitcode = false;  ///< of `plan`
    std::string help;                ///< the text to print, of `help`
    /// For `pause` and `resume` a service, or empty for all services; for `retry` a service, or empty together with
    /// `all`; for `plugin new` the name of the new plugin; for `plugin check` and `plugin show` the plugin.
    std::string operand{};
    bool all = false;                  ///< of `retry`: all quarantined services
    std::string reason{};              ///< of `pause`
    std::filesystem::path settings{};  ///< of `plugin check` and `plugin show`

    [[nodiscard]] bool is_json() const noexcept { return output == OutputFormat::json; }
};

/// The command line is wrong. The exit status is 64 (sysexits(3) EX_USAGE).
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Reads a command line, without the program's name. Three forms are allowed: a command with its options; flags of the
/// Go deployer, alone (for `run`) or with a command; and nothing, if the environment has these flags (go_flags.hpp).
/// Throws UsageError with the problem and what to try.
Invocation parse_command_line(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace deployer
