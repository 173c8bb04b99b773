#pragma once

#include "cli/settings_table.hpp"
#include "support/catch.hpp"

#include <deployer/settings.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace deployer {

/// Checks that the settings table between the two markers of a README is the table that is made from `settings` after a
/// plugin was created from them. With DEPLOYER_REWRITE in the environment, the table is written into the README
/// instead.
inline void check_settings_section(const std::filesystem::path& readme, const Settings& settings) {
    constexpr std::string_view begin_marker = "<!-- made from the code: settings -->\n";
    constexpr std::string_view end_marker = "<!-- end of settings -->";
    std::ifstream in(readme, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto marker = text.find(begin_marker);
    const auto end = text.find(end_marker);
    if (marker == std::string::npos || end == std::string::npos || end < marker) {
        throw std::runtime_error(readme.string() + " has no section for settings");
    }
    const auto begin = marker + begin_marker.size();
    const auto table = settings_as_markdown(settings);
    if (std::getenv("DEPLOYER_REWRITE") != nullptr) {
        text.replace(begin, end - begin, table);
        std::ofstream(readme, std::ios::binary | std::ios::trunc) << text;
        return;
    }
    INFO(readme.string() << ": run DEPLOYER_REWRITE=1 ./dev test -R 'settings table|example'");
    CHECK(text.substr(begin, end - begin) == table);
}

}  // namespace deployer
