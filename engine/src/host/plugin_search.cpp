#include "host/plugin_search.hpp"

#include "host/plugin_refusal.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/nearest_word.hpp>
#include <deployer/word_list.hpp>

#include <algorithm>
#include <string>

namespace fs = std::filesystem;

namespace deployer {
namespace {

bool is_name(std::string_view plugin) {
    return !plugin.empty() && plugin.find('/') == plugin.npos;
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

}  // namespace

std::vector<fs::path> plugin_files(const fs::path& directory, std::error_code& error) {
    std::vector<fs::path> files;
    fs::directory_iterator entry(directory, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        if (entry->path().extension() == ".so") files.push_back(entry->path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

fs::path find_plugin(std::string_view plugin, const std::vector<fs::path>& directories) {
    if (fs::path(plugin).is_absolute()) return plugin;
    if (!is_name(plugin)) refuse("it is neither a plugin's name nor an absolute path");
    for (const auto& directory : directories) {
        auto file = directory / (std::string(plugin) + ".so");
        std::error_code ignored;
        if (fs::exists(fs::symlink_status(file, ignored))) return file;
    }
    refuse_unknown(plugin, directories);
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
