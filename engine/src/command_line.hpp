#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace deployer {

enum class Command { run, once, plan, validate, plugins, version, help };

/// What the program was asked to do.
struct Invocation {
    Command command = Command::help;
    std::filesystem::path config;    ///< empty only where the command does without
    bool json = false;               ///< `--output json`
    bool detailed_exitcode = false;  ///< of `plan`
    std::string help;                ///< the text to print, of `help`
};

/// The command line makes no sense: exit status 64 (sysexits(3) EX_USAGE).
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// `arguments` without the program's name. Throws UsageError with what is wrong and what to try.
Invocation parse_command_line(const std::vector<std::string>& arguments);

}  // namespace deployer
