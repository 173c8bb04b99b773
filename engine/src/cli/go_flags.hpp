#pragma once

#include "cli/command_line.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// The flags of the Go deployer, the program's predecessor: `-fleetEndpoint=http://host:49153 -rootURI=…`. A flag has
/// one or two dashes. Its value stands behind `=` or is the next word (a boolean's only behind `=`), or comes from the
/// environment (`FLEET_ENDPOINT`, `ROOT_URI`, …). An empty value counts as absent.
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

/// A flag of a command line: its name without dashes, and its value.
struct GoFlagWord {
    std::string name;
    std::string value;
};

/// A command line, taken apart by split_go_flags().
struct GoCommandLine {
    std::vector<GoFlagWord> flags;    ///< in order
    bool help = false;                ///< whether the line has `-help`
    std::vector<std::string> others;  ///< the other words, in order
};

/// Separates the Go deployer's flags from the other words of a command line. Throws UsageError for a flag without a
/// value, and for a boolean with its value as the next word, which the Go deployer would not take as the value either.
GoCommandLine split_go_flags(const std::vector<std::string>& arguments);

/// Whether the environment alone configures the deployer, with FLEET_ENDPOINT or ROOT_URI.
bool asks_for_go_flags(const Environment& environment);

/// The values of all flags: those given, else those of the environment, else the defaults. Throws UsageError for a
/// value that a flag cannot have, and when the endpoint or the root uri is missing.
GoFlags read_go_flags(const std::vector<GoFlagWord>& given, const Environment& environment);

/// The names of all flags with their dash, such as "-rootURI".
std::vector<std::string> go_flag_names();

/// The configuration made from the flags, as YAML. `cache`: the directory for cache-file.
std::string write_config(const GoFlags& flags, const std::filesystem::path& cache);

/// The name of write_config()'s text in messages: the `file` of its SettingsDocument.
inline constexpr std::string_view go_flags_origin = "the flags";

/// Rewords a message about that text in terms of the flags: "the flags:4: source.root_uri: is not a url" becomes
/// "-rootURI: is not a url". Other messages stay as they are.
std::string in_terms_of_flags(std::string_view message);

/// The cache's directory without a configuration file: the directory that systemd gives (`STATE_DIRECTORY`,
/// systemd.exec(5)), else /var/lib/coco-fleet-deployer for root, else by the XDG base directory specification.
std::filesystem::path default_state_directory(const Environment& environment, bool is_root);

/// The text of `-help`: each flag with its variable and default.
std::string go_flags_help();

}  // namespace deployer
