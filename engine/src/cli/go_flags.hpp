#pragma once

#include "cli/command_line.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
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

/// A flag as it stands on the command line: its name without dashes, and its value.
struct GoFlagWord {
    std::string name;
    std::string value;
};

/// A command line, taken apart by split_go_flags().
struct GoCommandLine {
    std::vector<GoFlagWord> flags;    ///< in order
    bool help = false;                ///< `-help` was among them
    std::vector<std::string> others;  ///< the other words, in order
};

/// Takes the Go deployer's flags out of a command line. Throws UsageError for a flag without a value, and for a boolean
/// with its value as the next word, which Go would not take for its value either.
GoCommandLine split_go_flags(const std::vector<std::string>& arguments);

/// Whether the environment alone asks for the Go deployer: it sets FLEET_ENDPOINT or ROOT_URI.
bool asks_for_go_flags(const Environment& environment);

/// The flags as given; what they lack is taken from the environment. Throws UsageError for a value that a flag cannot
/// have, and when the endpoint or the root is not given.
GoFlags read_go_flags(const std::vector<GoFlagWord>& given, const Environment& environment);

/// All flags as they are written, "-rootURI" and so on.
std::vector<std::string> go_flag_names();

/// The configuration that the flags amount to, as YAML with comments. `cache` is the directory for cache-file.
std::string write_config(const GoFlags& flags, const std::filesystem::path& cache);

/// The name of the text of write_config() in messages, as the `file` of a SettingsDocument.
inline constexpr std::string_view go_flags_origin = "the flags";

/// A message about that text in terms of the flags: "the flags:4: source.root_uri: is not a url" becomes
/// "-rootURI: is not a url". Other messages stay.
std::string in_terms_of_flags(std::string_view message);

/// Where state is kept without a configuration: what systemd gives (`STATE_DIRECTORY`, systemd.exec(5)), else
/// /var/lib/coco-fleet-deployer for root, else as the XDG base directories have it.
std::filesystem::path default_state_directory(const Environment& environment, bool is_root);

/// The text of `-help`: each flag with its variable and default.
std::string go_flags_help();

}  // namespace deployer
