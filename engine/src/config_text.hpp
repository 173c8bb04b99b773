#pragma once

#include <deployer/settings.hpp>

#include <set>
#include <string>

namespace deployer {

/// A configuration as YAML that is read back as the same. What must not be shown is `***`: the values at the dotted
/// paths in `secrets`, unless they only name a variable of the environment, and passwords within urls.
std::string write_config_text(const SettingsDocument& document, const std::set<std::string>& secrets);

}  // namespace deployer
