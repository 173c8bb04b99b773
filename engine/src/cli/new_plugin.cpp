#include "cli/new_plugin.hpp"

#include "host/plugin_host.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace fs = std::filesystem;

namespace deployer {
namespace {

struct Template {
    std::string_view kind;
    std::string_view example;
};
constexpr std::array templates{Template{"source", "source-directory"}, Template{"target", "target-directory"},
                               Template{"cache", "cache-directory"}, Template{"health", "health-command"}};

[[noreturn]] void fail(const std::string& why) {
    throw Error(ErrorKind::misconfigured, why);
}

std::string_view kind_of(std::string_view name) {
    return name.substr(0, name.find('-'));
}

bool is_word(std::string_view word) {
    return !word.empty() && std::islower(static_cast<unsigned char>(word.front())) != 0 && word.back() != '-' &&
           word.find("--") == word.npos && word.size() <= 50 &&
           word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == word.npos;
}

const Template& template_of(const std::string& name) {
    const auto kind = kind_of(name);
    const auto* const found =
        std::find_if(templates.begin(), templates.end(), [&](const auto& known) { return known.kind == kind; });
    if (found == templates.end() || kind.size() == name.size() ||
        !is_word(std::string_view(name).substr(kind.size() + 1))) {
        fail(quote(name) +
             " is no plugin name: a name is source, target, cache or health, a dash, and a word in lower-case letters, "
             "digits and dashes, such as target-foo");
    }
    return *found;
}

/// The class name for a plugin: "FooBarTarget" for "target-foo-bar".
std::string class_name(std::string_view name) {
    const auto kind = kind_of(name);
    std::string text;
    const auto append = [&](std::string_view words) {
        bool is_first = true;
        for (const char letter : words) {
            if (letter != '-')
                text += is_first ? static_cast<char>(std::toupper(static_cast<unsigned char>(letter))) : letter;
            is_first = letter == '-';
        }
    };
    append(name.substr(kind.size() + 1));
    append(kind);
    return text;
}

std::string with_underscores(std::string_view name) {
    std::string text(name);
    std::replace(text.begin(), text.end(), '-', '_');
    return text;
}

/// Each spelling of the example's name, with the spelling of the new name that replaces it.
using Spellings = std::vector<std::pair<std::string, std::string>>;

Spellings spellings(std::string_view example, std::string_view name) {
    return {{std::string(example), std::string(name)},
            {with_underscores(example), with_underscores(name)},
            {class_name(example), class_name(name)}};
}

std::string respelt(std::string text, const Spellings& spellings) {
    for (const auto& [from, to] : spellings) {
        for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
            text.replace(at, from.size(), to);
    }
    return text;
}

std::string read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in.is_open() || in.bad()) fail("cannot read " + file.string());
    return text;
}

void write(const fs::path& file, const std::string& text) {
    std::ofstream out(file, std::ios::binary);
    out << text;
    out.close();
    if (!out) fail("cannot write " + file.string());
}

void copy_respelt(const fs::path& from, const fs::path& to, const Spellings& spellings) {
    for (const auto& entry : fs::directory_iterator(from)) {
        if (!entry.is_regular_file()) continue;
        write(to / respelt(entry.path().filename().string(), spellings), respelt(read(entry.path()), spellings));
    }
}

}  // namespace

fs::path default_template_directory() {
    return (default_plugin_directory() / "../../../share/coco-fleet-deployer/examples").lexically_normal();
}

void write_new_plugin(const std::string& name, const fs::path& examples, const fs::path& directory) try {
    const auto& from = template_of(name);
    const auto example = examples / from.example;
    if (!fs::is_directory(example)) {
        fail("cannot find the example " + example.string() +
             "; install the development files as well (package coco-fleet-deployer-dev)");
    }
    if (fs::exists(default_plugin_directory() / (name + ".so"))) {
        fail("there is a plugin " + name + " already, in " + default_plugin_directory().string());
    }
    if (!fs::create_directory(directory)) fail(directory.string() + " exists already");
    try {
        copy_respelt(example, directory, spellings(from.example, name));
    } catch (...) {
        // A half-written directory would make the next try fail, because the directory must not exist.
        std::error_code ignored;
        fs::remove_all(directory, ignored);
        throw;
    }
} catch (const fs::filesystem_error& error) {
    fail(error.path1().string() + ": " + error.code().message());
}

}  // namespace deployer
