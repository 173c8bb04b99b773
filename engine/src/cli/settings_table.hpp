#pragma once

#include <deployer/settings.hpp>

#include <cstddef>
#include <string>

namespace deployer {

/// The settings of a plugin as a table in Markdown, for its README. The settings are those that the plugin's code asked
/// for when it was created, with its descriptions. The key `plugin` belongs to the program, so it is left out.
[[nodiscard]] std::string settings_as_markdown(const Settings& settings);

/// The same settings for a terminal: for each key a line with type and default, and the meaning below it, wrapped at
/// spaces to at most `width` characters a line.
[[nodiscard]] std::string settings_as_text(const Settings& settings, std::size_t width = 80);

}  // namespace deployer
