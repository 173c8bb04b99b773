#pragma once

#include "command_line.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace deployer {

/// The command line of the Go program that this one succeeds: `-fleetEndpoint=http://host:49153 -rootURI=…`, each flag
/// with one or two dashes, its value behind `=` or as the next word (a boolean's only behind `=`), or else in the
/// environment (`FLEET_ENDPOINT`, `ROOT_URI`, …). An empty value counts as none.
struct GoFlags {
    std::string fleet_endpoint;
    std::string root_uri;
    bool destroy = false;
    std::string socks_proxy;
    bool is_debug = false;
    std::string etcd_url = "http://localhost:2379";
    std::string health_url_prefix = "http://localhost:8080";
    std::string health_endpoint = "__health";
    std::string service_name_prefix = "__";
    int seconds_before_restart = 60;
};

/// What split_go_flags() makes of a command line.
struct GoCommandLine {
    std::optional<GoFlags> flags;     ///< absent: neither flag nor environment asks for the Go deployer
    bool help = false;                ///< `-help` was among them
    std::vector<std::string> others;  ///< the other words, in order
};

/// Takes the Go deployer's flags out of a command line. The environment is looked at where there is a flag, or where
/// `may_use_environment` and it sets FLEET_ENDPOINT or ROOT_URI. Throws UsageError for a flag without value or with one
/// that it cannot have.
GoCommandLine split_go_flags(const std::vector<std::string>& arguments, const Environment& environment,
                             bool may_use_environment);

/// Throws UsageError when the endpoint or the root is not given.
void require_complete(const GoFlags& flags);

/// The configuration that the flags amount to, as YAML with comments. `cache` is the directory for cache-file.
std::string write_config(const GoFlags& flags, const std::filesystem::path& cache);

/// Where state is kept without a configuration: what systemd gives (`STATE_DIRECTORY`, systemd.exec(5)), else
/// /var/lib/coco-fleet-deployer for root, else as the XDG base directories have it.
std::filesystem::path default_state_directory(const Environment& environment, bool is_root);

/// What `-help` prints: each flag with its variable and default.
std::string go_flags_help();

}  // namespace deployer
