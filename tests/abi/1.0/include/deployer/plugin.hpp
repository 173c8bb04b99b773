#pragma once

#include <cstdint>
#include <deployer/cache.hpp>
#include <deployer/health.hpp>
#include <deployer/settings.hpp>
#include <deployer/source.hpp>
#include <deployer/target.hpp>
#include <type_traits>
namespace deployer {
inline constexpr std::uint32_t plugin_magic = 0x59'4C'50'44;
inline constexpr std::uint16_t plugin_abi_major = 1;
inline constexpr std::uint16_t plugin_abi_minor = 0;
enum class PluginKind : std::uint32_t { source = 1, target = 2, cache = 3, health = 4 };
#define DEPLOYER_STRINGIFY_(value) #value
#define DEPLOYER_STRINGIFY(value) DEPLOYER_STRINGIFY_(value)
#ifdef _GLIBCXX_DEBUG
#define DEPLOYER_GLIBCXX_DEBUG 1
#else
#define DEPLOYER_GLIBCXX_DEBUG 0
#endif
inline constexpr const char* plugin_toolchain =
    "libstdc++;cxx11=" DEPLOYER_STRINGIFY(_GLIBCXX_USE_CXX11_ABI) ";debug=" DEPLOYER_STRINGIFY(
        DEPLOYER_GLIBCXX_DEBUG) ";ptr=" DEPLOYER_STRINGIFY(__SIZEOF_POINTER__);
struct PluginDescriptor {
    std::uint32_t magic;
    std::uint16_t abi_major;
    std::uint16_t abi_minor;
    std::uint32_t struct_size;
    PluginKind kind;
    const char* toolchain;
    const char* built_with;
    const char* name;
    const char* version;
    void* (*create)(const Settings& settings);
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
#define DEPLOYER_PLUGIN(Interface, Class, name, version)                                  \
    extern "C" DEPLOYER_SDK_EXPORT const ::deployer::PluginDescriptor deployer_plugin_v1; \
    extern "C" const ::deployer::PluginDescriptor deployer_plugin_v1 =                    \
        ::deployer::detail::describe<Interface, Class>(name, version)
