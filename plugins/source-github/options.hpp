#pragma once

#include "http_client.hpp"

#include <deployer/settings.hpp>

#include <optional>
#include <string>
#include <variant>

namespace deployer::github {

/// A repository that is read by GitHub's API.
struct RepositoryOptions {
    std::string repository;            ///< "owner/name"
    std::string ref;                   ///< a branch, a tag, a commit, or HEAD
    std::string folder;                ///< a normalised path in the repository; empty: the root
    std::string api_url;               ///< without a slash at its end
    std::optional<std::string> token;  ///< secret
};

/// A folder of any web server.
struct SiteOptions {
    std::string root_url;  ///< with a slash at its end
};

struct Options {
    std::variant<RepositoryOptions, SiteOptions> place;
    http::ClientOptions home;     ///< for requests to the repository or site
    http::ClientOptions foreign;  ///< for absolute uris in services.yaml
};

/// Reads all settings. Throws Error `misconfigured`.
Options read_options(const Settings& settings);

}  // namespace deployer::github
