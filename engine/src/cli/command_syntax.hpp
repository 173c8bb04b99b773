#pragma once

#include "cli/command_line.hpp"

#include <Poco/Util/OptionSet.h>

#include <span>
#include <string>
#include <string_view>

namespace deployer {

/// The name of the program in usages and messages.
inline constexpr std::string_view program = "coco-fleet-deployer";

enum class ConfigUse { required, optional, none };

/// A word of the command line without a dash before it.
struct Operand {
    std::string_view name;  ///< for usages; empty: the command has no operand
    bool required = true;
};

/// An output format of a command.
struct Format {
    OutputFormat format;
    std::string_view name;
};
/// The formats of one command. The first format is the default, and it is text. A command without formats has no
/// `--output`.
using Formats = std::span<const Format>;

/// A command with its options and help texts.
struct CommandSyntax {
    Command command;
    std::string_view name;
    std::string_view summary;      ///< the command's line in the overview
    std::string_view description;  ///< the text of `COMMAND --help`
    ConfigUse config;
    Formats output;
    Operand operand{};
};

/// All commands, in the order of the overview.
[[nodiscard]] std::span<const CommandSyntax> all_commands();
/// Nullptr when there is no command of that name.
[[nodiscard]] const CommandSyntax* find_command(std::string_view name);
/// Whether the command creates a plugin with settings from a file (`--settings`).
[[nodiscard]] bool needs_settings(const CommandSyntax& syntax);
[[nodiscard]] Poco::Util::OptionSet options_of(const CommandSyntax& syntax);
/// Adds the names of the other formats to a sentence that begins with the first one: "text, tap or junit".
[[nodiscard]] std::string in_words(Formats formats, std::string sentence);

/// The help of one command.
[[nodiscard]] std::string help_for(const CommandSyntax& syntax);
/// The help of the program: a line for each command.
[[nodiscard]] std::string overview();

}  // namespace deployer
