#include "host/plugin_description.hpp"

#include "host/plugin_refusal.hpp"
#include "text/hex.hpp"

#include <deployer/foreign_text.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

namespace deployer {
namespace {

/// Decides whether the other fields can be read at all.
void check_layout(const PluginDescriptor& plugin) {
    if (plugin.magic != plugin_magic) {
        refuse("has the magic number 0x" + in_hex(plugin.magic, 8) + " and not 0x" + in_hex(plugin_magic, 8) +
               ": what it exports is no plugin description");
    }
    if (plugin.abi_major != plugin_abi_major) {
        refuse("has plugin ABI " + std::to_string(plugin.abi_major) + ", and this program " +
               std::to_string(plugin_abi_major) + "; " + std::string(rebuild_advice));
    }
    if (plugin.abi_minor > plugin_abi_minor) {
        refuse("needs plugin ABI " + abi_text(plugin.abi_major, plugin.abi_minor) + ", and this program has only " +
               abi_text(plugin_abi_major, plugin_abi_minor) + "; use a newer program, or " +
               std::string(rebuild_advice));
    }
    if (plugin.struct_size != sizeof(PluginDescriptor)) {
        refuse("has a description of " + std::to_string(plugin.struct_size) + " bytes and not " +
               std::to_string(sizeof(PluginDescriptor)) + "; " + std::string(rebuild_advice));
    }
}

void check_whole(const PluginDescriptor& plugin) {
    const std::pair<const char*, bool> fields[] = {
        {"toolchain", plugin.toolchain != nullptr}, {"built_with", plugin.built_with != nullptr},
        {"name", plugin.name != nullptr},           {"version", plugin.version != nullptr},
        {"create", plugin.create != nullptr},       {"destroy", plugin.destroy != nullptr}};
    for (const auto& [field, present] : fields) {
        if (!present) refuse("has a description without " + std::string(field) + " (null)");
    }
}

void check_toolchain(const PluginDescriptor& plugin) {
    if (plugin.toolchain == std::string_view(plugin_toolchain)) return;
    refuse("is built for " + quote(plugin.toolchain) + " (by " + plugin.built_with + "), and this program for " +
           quote(plugin_toolchain) + "; rebuild it with this program's C++ library settings");
}

void check_kind(const PluginDescriptor& plugin) {
    const auto number = static_cast<std::uint32_t>(plugin.kind);
    if (number >= 1 && number <= 4) return;
    refuse("is of kind " + std::to_string(number) +
           ", and this program knows 1 (source), 2 (target), 3 (cache) and 4 (health)");
}

}  // namespace

std::string abi_text(unsigned major, unsigned minor) {
    return std::to_string(major) + "." + std::to_string(minor);
}

void check_name(const PluginDescriptor& plugin, const std::filesystem::path& found) {
    if (plugin.name == found.stem().string()) return;
    refuse("calls itself " + quote(plugin.name) + ", and its file " + quote(found.filename().string()) +
           "; rename the file to " + plugin.name + ".so");
}

void check_description(const PluginDescriptor& plugin, const std::filesystem::path& found) {
    check_layout(plugin);
    check_whole(plugin);
    check_toolchain(plugin);
    check_kind(plugin);
    check_name(plugin, found);
}

}  // namespace deployer
