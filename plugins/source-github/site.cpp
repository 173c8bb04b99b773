#include "site.hpp"

#include "location.hpp"
#include "tree/relative_path.hpp"
#include "tree/tree.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

namespace deployer::github {

namespace {

/// File systems allow no longer path, and some servers close the connection for a longer one.
constexpr std::size_t longest_location = 4096;

/// The names in a location. Throws Error for a location that cannot be a file of a site.
std::vector<std::string> names_of(std::string_view location) {
    auto names = names_below_root(location);
    if (std::any_of(names.begin(), names.end(), is_hidden)) {
        throw Error(ErrorKind::rejected, quote(location) + " is hidden: names that begin with a dot are not read");
    }
    if (location.size() > longest_location) {
        throw Error(ErrorKind::not_found, "there is no " + quote(location) + ": no file has so long a name");
    }
    return names;
}

/// Locations to request, and the url of each.
struct Questions {
    std::vector<std::string> locations;
    std::vector<std::string> urls;

    void add(std::string location, std::string url) {
        locations.push_back(std::move(location));
        urls.push_back(std::move(url));
    }
};

void add(LocatedFiles& files, const Questions& questions, const std::vector<SharedFile>& answers) {
    for (std::size_t index = 0; index < answers.size(); ++index) {
        files.emplace(questions.locations[index], answers[index]);
    }
}

bool concerns_file_alone(const Error& error) {
    return error.kind() == ErrorKind::rejected || error.kind() == ErrorKind::not_found;
}

}  // namespace

Site::Site(const Options& options)
    : root_url_(std::get<SiteOptions>(options.place).root_url), own_(options.home), foreign_(options.foreign) {}

LocatedFiles Site::ask(const std::set<std::string>& locations, const Call& call) {
    LocatedFiles files;
    Questions own;
    Questions foreign;
    for (const auto& location : locations) {
        try {
            (is_absolute_uri(location) ? foreign : own).add(location, url_of(location));
        } catch (const Error& error) {
            files.emplace(location, std::make_shared<const File>(File{{}, error}));
        }
    }
    add(files, own, ask_own(own.urls, call));
    add(files, foreign, foreign_.ask(foreign.urls, call));
    return files;
}

bool Site::is_own(std::string_view location) {
    try {
        return !is_absolute_uri(location) && !names_of(location).empty();
    } catch (const Error&) {
        return false;
    }
}

void Site::keep(const LocatedFiles& files) {
    std::vector<std::string> own;
    std::vector<std::string> foreign;
    for (const auto& [location, file] : files) {
        if (is_absolute_uri(location)) {
            foreign.push_back(location);
        } else if (is_own(location)) {
            own.push_back(url_of(location));
        }
    }
    own_.keep(own);
    foreign_.keep(foreign);
}

std::vector<SharedFile> Site::ask_own(const std::vector<std::string>& urls, const Call& call) {
    silence_.check();
    auto files = own_.ask(urls, call);
    const Error* unknown = nullptr;
    for (const auto& file : files) {
        if (!file->error || concerns_file_alone(*file->error)) continue;
        // Of several errors, prefer the one with the longest retry_after.
        if (unknown == nullptr || file->error->retry_after() > unknown->retry_after()) unknown = &*file->error;
    }
    if (unknown == nullptr) return files;
    silence_.note(*unknown);
    throw Error(*unknown);
}

std::string Site::url_of(std::string_view location) const {
    if (is_absolute_uri(location)) return std::string(location);
    return root_url_ + url_path(names_of(location));
}

}  // namespace deployer::github
