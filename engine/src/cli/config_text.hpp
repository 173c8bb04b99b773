#pragma once

#include <deployer/settings.hpp>

#include <set>
#include <string>

namespace deployer {

/// A configuration as YAML. Read back, it gives the same configuration, secrets aside; a comment stands where a secret
/// was left out. Values at the dotted paths in `secrets` become `${NOT_PRINTED}`, which is refused where a secret is
/// read, unless the value only names an environment variable. A url with a password becomes a comment without the
/// password.
std::string write_config_text(const SettingsDocument& document, const std::set<std::string>& secrets);

}  // namespace deployer
