#pragma once

#include <filesystem>
#include <string>

namespace deployer {

/// The installed examples: `../share/coco-fleet-deployer/examples`, relative to the running program's directory.
std::filesystem::path default_template_directory();

/// Writes a project for a new plugin into `directory`: a copy of the example of its kind, with the new name in place of
/// the example's. A name is a kind, a dash and a word of `[a-z0-9-]` that begins with a letter, such as "target-foo".
/// Throws Error `misconfigured` for any other name, for a directory that exists, and when there are no examples.
void write_new_plugin(const std::string& name, const std::filesystem::path& examples,
                      const std::filesystem::path& directory);

}  // namespace deployer
