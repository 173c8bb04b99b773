#pragma once

#include <deployer/cache.hpp>
#include <deployer/health.hpp>
#include <deployer/settings.hpp>
#include <deployer/source.hpp>
#include <deployer/target.hpp>

#include <cstdint>
#include <type_traits>

namespace deployer {

/// The version of the binary contract (R1). The host refuses a plugin of another major version, because no layout need
/// match. The host refuses a plugin of a higher minor version than its own, because the plugin may call functions that
/// the host lacks. Within a major version, structs are frozen, and new virtual functions are only appended to the
/// interfaces, each with a default. Every addition raises the minor version.
inline constexpr std::uint32_t plugin_magic = 0x59'4C'50'44;  // "DPLY" in a little-endian file
inline constexpr std::uint16_t plugin_abi_major = 1;
inline constexpr std::uint16_t plugin_abi_minor = 1;

enum class PluginKind : std::uint32_t { source = 1, target = 2, cache = 3, health = 4 };

#define DEPLOYER_STRINGIFY_(value) #value
#define DEPLOYER_STRINGIFY(value) DEPLOYER_STRINGIFY_(value)
#ifdef _GLIBCXX_DEBUG
#define DEPLOYER_GLIBCXX_DEBUG 1
#else
#define DEPLOYER_GLIBCXX_DEBUG 0
#endif

/// The properties of a toolchain that program and plugin must share; otherwise std types could not cross safely. The
/// version of the compiler may differ.
inline constexpr const char* plugin_toolchain =
    "libstdc++;cxx11=" DEPLOYER_STRINGIFY(_GLIBCXX_USE_CXX11_ABI) ";debug=" DEPLOYER_STRINGIFY(
        DEPLOYER_GLIBCXX_DEBUG) ";ptr=" DEPLOYER_STRINGIFY(__SIZEOF_POINTER__);

/// The only symbol that a plugin exports. The descriptor is data, so that the host can refuse the plugin before running
/// any of its code. The fields up to `kind` never move. Strings are literals of the plugin, never null.
struct PluginDescriptor {
    std::uint32_t magic;
    std::uint16_t abi_major;
    std::uint16_t abi_minor;
    std::uint32_t struct_size;
    PluginKind kind;
    const char* toolchain;
    const char* built_with;  ///< name and version of the compiler, for people
    const char* name;        ///< the name in the configuration and of the file: "target-mock"
    const char* version;     ///< version of the plugin, for people
    /// Makes an instance and returns a pointer to the interface of `kind` (Source*, Target*, Cache* or Health*). The
    /// host owns the instance. The plugin reads its settings here, does no I/O, and throws Error `misconfigured` for
    /// settings that it cannot use. Several instances may exist at a time.
    void* (*create)(const Settings& settings);
    /// Destroys an instance that create() made. The host calls this when no call to the instance is under way and, for
    /// a Source, after its checkouts are gone. The host calls create() and destroy() of a plugin from one thread only.
    void (*destroy)(void* instance) noexcept;
};
static_assert(std::is_trivially_copyable_v<PluginDescriptor>);

namespace detail {

template <class Interface>
constexpr PluginKind kind_of() {
    if constexpr (std::is_same_v<Interface, Source>) return PluginKind::source;
    if constexpr (std::is_same_v<Interface, Target>) return PluginKind::target;
    if constexpr (std::is_same_v<Interface, Cache>) return PluginKind::cache;
    if constexpr (std::is_same_v<Interface, Health>) return PluginKind::health;
}

template <class Interface, class Plugin>
void* create(const Settings& settings) {
    return static_cast<Interface*>(new Plugin(settings));
}

template <class Interface>
void destroy(void* instance) noexcept {
    delete static_cast<Interface*>(instance);
}

template <class Interface, class Plugin>
constexpr PluginDescriptor describe(const char* name, const char* version) {
    return {plugin_magic,
            plugin_abi_major,
            plugin_abi_minor,
            sizeof(PluginDescriptor),
            kind_of<Interface>(),
            plugin_toolchain,
            __VERSION__,
            name,
            version,
            &create<Interface, Plugin>,
            &destroy<Interface>};
}

}  // namespace detail
}  // namespace deployer

/// Defines the descriptor of a plugin. To be used once in a plugin, at namespace scope, e.g.
/// DEPLOYER_PLUGIN(deployer::Target, MockTarget, "target-mock", "1.0.0"). `Class` implements `Interface` and is
/// constructed from `const deployer::Settings&`. A macro, because the symbol's name holds the ABI's major version.
#define DEPLOYER_PLUGIN(Interface, Class, name, version)                                  \
    extern "C" DEPLOYER_SDK_EXPORT const ::deployer::PluginDescriptor deployer_plugin_v1; \
    extern "C" const ::deployer::PluginDescriptor deployer_plugin_v1 =                    \
        ::deployer::detail::describe<Interface, Class>(name, version)
