#pragma once

#include <deployer/settings.hpp>

#include <set>
#include <string>

namespace deployer {

/// A configuration as YAML that is read back as the same, but for what must not be shown, where a comment says so. The
/// values at the dotted paths in `secrets` become `${NOT_PRINTED}`, which is refused where a secret is read, unless
/// they only name a variable of the environment. Urls with a password become absent.
std::string write_config_text(const SettingsDocument& document, const std::set<std::string>& secrets);

}  // namespace deployer
