#include "host/plugin_library.hpp"

#include "host/elf_file.hpp"
#include "host/plugin_description.hpp"
#include "host/plugin_refusal.hpp"

#include <dlfcn.h>

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace fs = std::filesystem;

namespace deployer {
namespace {

constexpr const char* descriptor_symbol = "deployer_plugin_v1";
static_assert(plugin_abi_major == 1, "the symbol carries the major");

/// The loader's own message, without the words that Boost.DLL and std::system_error put around it.
std::string loader_message(const std::exception& error, const fs::path& file) {
    std::string message = error.what();
    constexpr std::string_view before = "(dlerror system message: ";
    const auto begin = message.find(before);
    const auto end = message.rfind("): ");
    if (begin != message.npos && end != message.npos && begin < end) {
        message = message.substr(begin + before.size(), end - begin - before.size());
    }
    const auto named = file.string() + ": ";
    if (message.starts_with(named)) message.erase(0, named.size());
    return message;
}

/// Whether a symbol of namespace deployer stands in the message, as g++ and clang write its name.
bool names_the_sdk(std::string_view message) {
    constexpr std::string_view name = "8deployer";
    const auto found = message.find(name);
    // After a digit, "8deployer" is the end of the length and the beginning of a longer name, as in "18deployer…".
    return found != message.npos && found > 0 && std::isdigit(static_cast<unsigned char>(message[found - 1])) == 0;
}

/// The plugin ABI that a file was built with, as far as it can be told without loading it.
std::string abi_of(const fs::path& file) {
    struct {
        std::uint32_t magic;
        std::uint16_t major;
        std::uint16_t minor;
    } begin{};
    static_assert(sizeof begin == offsetof(PluginDescriptor, struct_size));
    const auto bytes = read_elf_variable(file, descriptor_symbol, sizeof begin);
    if (bytes.size() == sizeof begin) std::memcpy(&begin, bytes.data(), sizeof begin);
    return begin.magic == plugin_magic ? abi_text(begin.major, begin.minor) : "unknown";
}

/// The advice for a symbol that neither the program nor its libraries have.
std::string remedy_for_undefined(std::string_view message, const fs::path& file) {
    if (!names_the_sdk(message)) return "; built with coco_deployer_add_plugin() this shows at link time";
    return "; it was built with a newer SDK (plugin ABI " + abi_of(file) + ") than this program's (" +
           abi_text(plugin_abi_major, plugin_abi_minor) + "); use a newer program, or " + std::string(rebuild_advice);
}

}  // namespace

boost::dll::shared_library open_library(const fs::path& file) {
    if (const auto problem = elf_file_problem(file)) refuse(*problem);
    // RTLD_NODELETE: code of the plugin may be under any stack, and its exceptions and statics outlive its instances.
    const auto mode = static_cast<boost::dll::load_mode::type>(
        static_cast<unsigned>(boost::dll::load_mode::rtld_now) |
        static_cast<unsigned>(boost::dll::load_mode::rtld_local) | static_cast<unsigned>(RTLD_NODELETE));
    try {
        return boost::dll::shared_library(file, mode);
    } catch (const std::exception& error) {
        const auto message = loader_message(error, file);
        const bool undefined = message.find("undefined symbol") != message.npos;
        refuse("cannot be loaded: " + message + (undefined ? remedy_for_undefined(message, file) : ""));
    }
}

const PluginDescriptor& find_descriptor(const boost::dll::shared_library& library) {
    if (library.has(descriptor_symbol)) return library.get<const PluginDescriptor>(descriptor_symbol);
    for (int major = 0; major < 10; ++major) {
        const auto other = "deployer_plugin_v" + std::to_string(major);
        if (!library.has(other)) continue;
        refuse("is built for plugin ABI " + std::to_string(major) + " (it exports " + other +
               "), and this program has " + std::to_string(plugin_abi_major) + " (" + descriptor_symbol + "); " +
               std::string(rebuild_advice));
    }
    refuse(std::string("exports no symbol ") + descriptor_symbol +
           ": it is no plugin, or DEPLOYER_PLUGIN is missing in its source");
}

}  // namespace deployer
