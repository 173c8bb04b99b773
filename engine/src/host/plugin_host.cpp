#include "host/plugin_host.hpp"

#include "host/defect.hpp"
#include "host/elf_file.hpp"
#include "text/hex.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/nearest_word.hpp>
#include <deployer/word_list.hpp>

#include <boost/dll/shared_library.hpp>

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <system_error>
#include <utility>

namespace fs = std::filesystem;

namespace deployer {
namespace {

constexpr const char* descriptor_symbol = "deployer_plugin_v1";
static_assert(plugin_abi_major == 1, "the symbol carries the major");

constexpr std::string_view rebuild = "rebuild it with the SDK of this program";

/// Why a file is no plugin for us. The caller says which file.
[[noreturn]] void refuse(const std::string& reason) {
    throw Error(ErrorKind::misconfigured, reason);
}

std::string system_message(int number) {
    return std::generic_category().message(number);
}

// ---- The file

/// Tells one file from what replaced it under the same path, or was written over it.
struct FileIdentity {
    dev_t device;
    ino_t inode;
    std::int64_t modified_s;
    std::int64_t modified_ns;

    bool operator==(const FileIdentity&) const = default;
};

FileIdentity identity_of(const struct stat& status) {
    return {status.st_dev, status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

struct stat status_of(const fs::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) == 0) return status;
    const int error = errno;
    std::error_code ignored;
    if (error == ENOENT && fs::is_symlink(fs::symlink_status(file, ignored))) {
        refuse("is a symbolic link to " + fs::read_symlink(file, ignored).string() + ", which does not exist");
    }
    if (error == ENOENT) refuse("there is no such file");
    refuse("cannot be looked at: " + system_message(error));
}

std::string_view type_word(mode_t mode) {
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

std::string mode_text(mode_t mode) {
    std::ostringstream text;
    text << '0' << std::oct << (mode & 07777U);
    return text.str();
}

/// Root must not run what anyone can put in the place of `path`: in a directory that all may write to, whose sticky bit
/// leaves an entry only to its owner.
void check_directories(const fs::path& path) {
    for (auto entry = path; entry.has_relative_path(); entry = entry.parent_path()) {
        const auto directory = entry.parent_path();
        const auto mode = status_of(directory).st_mode;
        if ((mode & S_IWOTH) == 0) continue;
        if ((mode & S_ISVTX) == 0) {
            refuse("anyone may replace it, since " + directory.string() + " is writable by all (mode " +
                   mode_text(mode) + "), and this program runs as root; run chmod o-w " + directory.string());
        }
        struct stat status {};
        if (::lstat(entry.c_str(), &status) != 0) refuse("cannot be looked at: " + system_message(errno));
        if (status.st_uid == 0) continue;
        refuse("user " + std::to_string(status.st_uid) + " may replace it, since " + entry.string() +
               " is theirs, in a directory that is writable by all (mode " + mode_text(mode) +
               "), and this program runs as root (user 0); run chown -h root " + entry.string());
    }
}

/// Root must not run what anyone could have written: neither the file itself, nor what leads to it.
void check_protection(const fs::path& found, const fs::path& file, const struct stat& status) {
    if (::geteuid() != 0) return;
    if ((status.st_mode & S_IWOTH) != 0) {
        refuse("anyone may write to it (mode " + mode_text(status.st_mode) +
               "), and this program runs as root; run chmod o-w " + file.string());
    }
    check_directories(file);
    check_directories(fs::absolute(found));
}

struct PluginFile {
    fs::path path;  ///< symbolic links resolved
    FileIdentity identity;
};

PluginFile checked_file(const fs::path& found) {
    // For a message about a link that leads nowhere.
    (void)status_of(found);
    // This is the file that is loaded, so this is the one to judge.
    const auto file = fs::canonical(found);
    const auto status = status_of(file);
    if (!S_ISREG(status.st_mode)) refuse("is " + std::string(type_word(status.st_mode)) + ", not a regular file");
    if (found.extension() != ".so") {
        refuse("is named " + quote(found.filename().string()) + ", and a plugin's file is its name with .so");
    }
    check_protection(found, file, status);
    return {file, identity_of(status)};
}

// ---- The library

/// The loader's own words, out of those that Boost.DLL and std::system_error put around them.
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

std::string version_text(unsigned major, unsigned minor) {
    return std::to_string(major) + "." + std::to_string(minor);
}

/// A symbol of namespace deployer, as g++ and clang write its name.
bool names_the_sdk(std::string_view message) {
    constexpr std::string_view name = "8deployer";
    const auto found = message.find(name);
    // After a digit it is the end of a longer name.
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
    return begin.magic == plugin_magic ? version_text(begin.major, begin.minor) : "unknown";
}

/// What to do about a symbol that nobody has.
std::string remedy_for_undefined(std::string_view message, const fs::path& file) {
    if (!names_the_sdk(message)) return "; built with coco_deployer_add_plugin() this shows at link time";
    return "; it was built with a newer SDK (plugin ABI " + abi_of(file) + ") than this program's (" +
           version_text(plugin_abi_major, plugin_abi_minor) + "); use a newer program, or " + std::string(rebuild);
}

boost::dll::shared_library open_library(const fs::path& file) {
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
               std::string(rebuild));
    }
    refuse(std::string("exports no symbol ") + descriptor_symbol +
           ": it is no plugin, or DEPLOYER_PLUGIN is missing in its source");
}

// ---- The descriptor

/// What tells whether the rest can be read at all.
void check_layout(const PluginDescriptor& plugin) {
    if (plugin.magic != plugin_magic) {
        refuse("has the magic number 0x" + in_hex(plugin.magic, 8) + " and not 0x" + in_hex(plugin_magic, 8) +
               ": what it exports is no plugin description");
    }
    if (plugin.abi_major != plugin_abi_major) {
        refuse("has plugin ABI " + std::to_string(plugin.abi_major) + ", and this program " +
               std::to_string(plugin_abi_major) + "; " + std::string(rebuild));
    }
    if (plugin.abi_minor > plugin_abi_minor) {
        refuse("needs plugin ABI " + version_text(plugin.abi_major, plugin.abi_minor) + ", and this program has only " +
               version_text(plugin_abi_major, plugin_abi_minor) + "; use a newer program, or " + std::string(rebuild));
    }
    if (plugin.struct_size != sizeof(PluginDescriptor)) {
        refuse("has a description of " + std::to_string(plugin.struct_size) + " bytes and not " +
               std::to_string(sizeof(PluginDescriptor)) + "; " + std::string(rebuild));
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

void check_name(const PluginDescriptor& plugin, const fs::path& found) {
    if (plugin.name == found.stem().string()) return;
    refuse("calls itself " + quote(plugin.name) + ", and its file " + quote(found.filename().string()) +
           "; rename the file to " + plugin.name + ".so");
}

void check_description(const PluginDescriptor& plugin, const fs::path& found) {
    check_layout(plugin);
    check_whole(plugin);
    check_toolchain(plugin);
    check_kind(plugin);
    check_name(plugin, found);
}

// ---- The search

bool is_name(std::string_view plugin) {
    return !plugin.empty() && plugin.find('/') == plugin.npos;
}

/// The plugin files of a directory, in order of their names.
std::vector<fs::path> plugin_files(const fs::path& directory, std::error_code& error) {
    std::vector<fs::path> files;
    fs::directory_iterator entry(directory, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        if (entry->path().extension() == ".so") files.push_back(entry->path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

[[noreturn]] void refuse_unknown(std::string_view plugin, const std::vector<fs::path>& directories) {
    std::vector<std::string> searched;
    std::vector<std::string> names;
    for (const auto& directory : directories) {
        std::error_code error;
        for (const auto& file : plugin_files(directory, error)) names.push_back(file.stem());
        searched.push_back(directory.string() + (error ? " (" + error.message() + ")" : ""));
    }
    std::string reason =
        directories.empty() ? "there is no directory to search" : "not found in " + word_list(searched);
    const bool with_suffix = plugin.ends_with(".so");
    const auto bare = with_suffix ? plugin.substr(0, plugin.size() - 3) : plugin;
    if (const auto meant = nearest_word(bare, names)) {
        reason += "; did you mean " + quote(*meant) + "?";
    } else if (!names.empty()) {
        reason += "; found there: " + word_list(names);
    }
    refuse(reason);
}

// ---- The instance

/// What the plugin throws while it is set up, as an Error: what a person can change stays so, all else is a defect.
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
    /// A library that is in the process for good, be it of use or not: the loader would give it again, not what is on
    /// disk by then.
    struct Library {
        PluginFile file;
        boost::dll::shared_library handle;
        const PluginDescriptor* plugin = nullptr;  ///< null when refused
        std::string refusal;
    };

    std::vector<fs::path> directories;
    std::vector<Library> libraries;

    [[nodiscard]] fs::path find(std::string_view plugin) const;
    const PluginDescriptor& load(const fs::path& found);
    const PluginDescriptor* find_loaded(const PluginFile& file, const fs::path& found) const;
    const PluginDescriptor& add(const PluginFile& file, const fs::path& found);
    FoundPlugin judge(const fs::path& found);
    template <class Interface>
    std::shared_ptr<Interface> create(std::string_view plugin, const Settings& settings);
};

fs::path PluginHost::Impl::find(std::string_view plugin) const {
    if (fs::path(plugin).is_absolute()) return plugin;
    if (!is_name(plugin)) refuse("it is neither a plugin's name nor an absolute path");
    for (const auto& directory : directories) {
        auto file = directory / (std::string(plugin) + ".so");
        std::error_code ignored;
        if (fs::exists(fs::symlink_status(file, ignored))) return file;
    }
    refuse_unknown(plugin, directories);
}

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
    if (const auto problem = elf_file_problem(file.path)) refuse(*problem);
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
        const auto found = find(plugin);
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

fs::path default_plugin_directory() {
    std::error_code error;
    const auto program = fs::read_symlink("/proc/self/exe", error);
    if (error) {
        throw Error(ErrorKind::misconfigured,
                    "cannot tell where this program is: /proc/self/exe: " + error.message() + "; is /proc mounted?");
    }
    return (program.parent_path() / "../lib/coco-fleet-deployer/plugins").lexically_normal();
}

}  // namespace deployer
