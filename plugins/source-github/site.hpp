#pragma once

#include "answers.hpp"
#include "options.hpp"
#include "web_files.hpp"

#include <deployer/call.hpp>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::github {

/// Files by their locations, written as in services.yaml.
using LocatedFiles = std::map<std::string, SharedFile, std::less<>>;

/// A folder of a web server, and the files on other servers that absolute uris name.
class Site {
public:
    explicit Site(const Options& options);

    /// Requests each location, concurrently; a location that is `rejected` is not requested. The failure of a single
    /// file is in its File. Throws `unavailable` when the state of a file of this site is unknown, and as long as the
    /// server asks for silence.
    LocatedFiles ask(const std::set<std::string>& locations, const Call& call);

    /// Whether the location is a valid file of this site.
    [[nodiscard]] static bool is_own(std::string_view location);

    /// Forgets all remembered files except those at these locations.
    void keep(const LocatedFiles& files);

private:
    std::vector<SharedFile> ask_own(const std::vector<std::string>& urls, const Call& call);
    [[nodiscard]] std::string url_of(std::string_view location) const;

    std::string root_url_;
    WebFiles own_;
    ForeignFiles foreign_;
    Silence silence_;
};

}  // namespace deployer::github
