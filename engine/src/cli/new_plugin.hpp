#pragma once

#include <filesystem>
#include <string>

namespace deployer {

/// `../share/coco-fleet-deployer/examples` as seen from the directory of the running program.
std::filesystem::path default_template_directory();

/// Writes a project for a plugin of that name into `directory`, which must not be there yet: the example of its kind,
/// with its own name in place of the example's. Throws Error `misconfigured` for a name that is none ("target-foo": a
/// kind, a dash, a word of `[a-z0-9-]` that begins with a letter), for a directory that is there, and when there are no
/// examples.
void write_new_plugin(const std::string& name, const std::filesystem::path& examples,
                      const std::filesystem::path& directory);

}  // namespace deployer
