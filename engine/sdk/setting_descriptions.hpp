#pragma once

#include <deployer/settings.hpp>

#include <cstddef>
#include <vector>

namespace deployer {

/// Adds a description to those from `first` on. If there is one of the same path among them, both become one: of the
/// blocks of a list, each may be asked for other keys, and for a key in other ways.
void add_description(std::vector<SettingDescription>& all, std::size_t first, SettingDescription more);

}  // namespace deployer
