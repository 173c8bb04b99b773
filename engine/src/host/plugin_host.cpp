#include "host/plugin_host.hpp"

#include "host/defect.hpp"
#include "host/plugin_description.hpp"
#include "host/plugin_file.hpp"
#include "host/plugin_library.hpp"
#include "host/plugin_refusal.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace fs = std::filesystem;

namespace deployer {
namespace {

/// Throws the exception of a plugin's create function as an Error. `misconfigured`, which a person can mend, stays so;
/// any other kind is a defect of the plugin.
[[noreturn]] void rethrow_from_create(const PluginDescriptor& plugin) {
    try {
        rethrow_as_error(plugin.name);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::misconfigured || error.kind() == ErrorKind::internal) throw;
        throw Error(ErrorKind::internal, std::string(error.what()) + " (" + std::string(to_string(error.kind())) + ")");
    }
}

template <class Interface>
std::shared_ptr<Interface> make_instance(const PluginDescriptor& plugin, const Settings& settings) {
    try {
        void* const raw = plugin.create(settings);
        if (raw == nullptr) throw Error(ErrorKind::internal, "its create function gave null");
        std::shared_ptr<Interface> instance(static_cast<Interface*>(raw), plugin.destroy);
        settings.refuse_unknown_keys();
        return instance;
    } catch (...) {
        rethrow_from_create(plugin);
    }
}

}  // namespace

std::string_view to_string(PluginKind kind) noexcept {
    switch (kind) {
        case PluginKind::source:
            return "source";
        case PluginKind::target:
            return "target";
        case PluginKind::cache:
            return "cache";
        case PluginKind::health:
            return "health";
    }
    return "unknown";
}

struct PluginHost::Impl {
    /// A library that is in the process for good, also when it was refused: the loader would give the same library
    /// again, and not the file that is on disk by then.
    struct Library {
        PluginFile file;
        boost::dll::shared_library handle;
        const PluginDescriptor* plugin = nullptr;  ///< null when refused
        std::string refusal;
    };

    std::vector<fs::path> directories;
    std::vector<Library> libraries;

    const PluginDescriptor& load(const fs::path& found);
    const PluginDescriptor* find_loaded(const PluginFile& file, const fs::path& found) const;
    const PluginDescriptor& add(const PluginFile& file, const fs::path& found);
    FoundPlugin judge(const fs::path& found);
    template <class Interface>
    std::shared_ptr<Interface> create(std::string_view plugin, const Settings& settings);
};

const PluginDescriptor* PluginHost::Impl::find_loaded(const PluginFile& file, const fs::path& found) const {
    for (const auto& library : libraries) {
        if (library.file.identity == file.identity) {
            if (library.plugin == nullptr) refuse(library.refusal);
            check_name(*library.plugin, found);
            return library.plugin;
        }
        if (library.file.path == file.path) {
            refuse("has changed on disk since it was loaded; restart this program to use the new one");
        }
        if (library.plugin != nullptr && library.plugin->name == found.stem().string()) {
            refuse("is a second file of plugin " + found.stem().string() + ", which is already loaded from " +
                   library.file.path.string() + "; remove one of them");
        }
    }
    return nullptr;
}

const PluginDescriptor& PluginHost::Impl::add(const PluginFile& file, const fs::path& found) {
    auto& library = libraries.emplace_back(Library{file, open_library(file.path), nullptr, {}});
    try {
        const auto& plugin = find_descriptor(library.handle);
        check_description(plugin, found);
        library.plugin = &plugin;
        return plugin;
    } catch (const Error& error) {
        library.refusal = error.what();
        throw;
    }
}

const PluginDescriptor& PluginHost::Impl::load(const fs::path& found) {
    const auto file = checked_file(found);
    if (const auto* plugin = find_loaded(file, found)) return *plugin;
    return add(file, found);
}

FoundPlugin PluginHost::Impl::judge(const fs::path& found) {
    FoundPlugin result{found.stem().string(), found, std::nullopt, {}, {}, {}};
    try {
        const auto& plugin = load(found);
        result.kind = plugin.kind;
        result.version = plugin.version;
        result.built_with = plugin.built_with;
    } catch (const std::exception& error) {
        result.refusal = error.what();
    }
    return result;
}

template <class Interface>
std::shared_ptr<Interface> PluginHost::Impl::create(std::string_view plugin, const Settings& settings) {
    const PluginDescriptor* descriptor = nullptr;
    std::string named(plugin);
    try {
        const auto found = find_plugin(plugin, directories);
        named = found.string();
        descriptor = &load(found);
        constexpr auto wanted = detail::kind_of<Interface>();
        if (descriptor->kind != wanted) {
            refuse("is a " + std::string(to_string(descriptor->kind)) + " plugin, and a " +
                   std::string(to_string(wanted)) + " plugin is asked for");
        }
    } catch (const std::exception& error) {
        settings.fail("plugin", "cannot load plugin " + named + ": " + error.what());
    }
    try {
        return make_instance<Interface>(*descriptor, settings);
    } catch (const Error& error) {
        throw error.while_doing("cannot set up plugin " + std::string(descriptor->name));
    }
}

PluginHost::PluginHost(std::vector<fs::path> directories) : impl_(std::make_unique<Impl>()) {
    search(std::move(directories));
}

void PluginHost::search(std::vector<fs::path> directories) {
    impl_->directories = std::move(directories);
}

PluginHost::~PluginHost() = default;
PluginHost::PluginHost(PluginHost&&) noexcept = default;
PluginHost& PluginHost::operator=(PluginHost&&) noexcept = default;

std::shared_ptr<Source> PluginHost::create_source(std::string_view plugin, const Settings& settings) {
    return impl_->create<Source>(plugin, settings);
}

std::shared_ptr<Target> PluginHost::create_target(std::string_view plugin, const Settings& settings) {
    return impl_->create<Target>(plugin, settings);
}

std::shared_ptr<Cache> PluginHost::create_cache(std::string_view plugin, const Settings& settings) {
    return impl_->create<Cache>(plugin, settings);
}

std::shared_ptr<Health> PluginHost::create_health(std::string_view plugin, const Settings& settings) {
    return impl_->create<Health>(plugin, settings);
}

FoundPlugin PluginHost::judge(const fs::path& file) {
    return impl_->judge(file);
}

std::vector<FoundPlugin> PluginHost::survey() {
    std::vector<FoundPlugin> found;
    for (const auto& directory : impl_->directories) {
        std::error_code error;
        for (const auto& file : plugin_files(directory, error)) found.push_back(impl_->judge(file));
        if (error && error != std::errc::no_such_file_or_directory) {
            found.push_back({{}, directory, std::nullopt, {}, {}, "cannot be searched: " + error.message()});
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const FoundPlugin& left, const FoundPlugin& right) { return left.name < right.name; });
    return found;
}

}  // namespace deployer
