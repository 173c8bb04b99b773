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

/// Files by their locations, as services.yaml writes these.
using LocatedFiles = std::map<std::string, SharedFile, std::less<>>;

/// A folder of a web server, and the files elsewhere that absolute uris name.
class Site {
public:
    explicit Site(const Options& options);

    /// One request a location, side by side; none for a location that is `rejected` by itself. What is wrong with a
    /// file is in it. Throws `unavailable` where nobody can tell what a file of this site is, and until the server
    /// wants to be asked again.
    LocatedFiles ask(const std::set<std::string>& locations, const Call& call);

    /// Whether it is a file of this site that can be asked for.
    [[nodiscard]] static bool is_own(std::string_view location);

    /// Forgets what lies at other locations.
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
