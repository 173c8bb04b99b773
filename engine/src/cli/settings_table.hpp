#pragma once

#include <deployer/settings.hpp>

#include <cstddef>
#include <string>

namespace deployer {

/// The settings that a plugin was created from, as its code asks for them and describes them: a table in Markdown, for
/// its README. The key `plugin`, which is the program's own, is not in it.
[[nodiscard]] std::string settings_as_markdown(const Settings& settings);

/// The same for a terminal: a line a key with type and default, and the meaning below it, broken into lines of at most
/// `width` characters where there are spaces to break at.
[[nodiscard]] std::string settings_as_text(const Settings& settings, std::size_t width = 80);

}  // namespace deployer
