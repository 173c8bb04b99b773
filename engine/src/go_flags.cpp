#include "go_flags.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <utility>

namespace deployer {
namespace {

/// One flag: how it is called, and where its value goes.
struct Flag {
    std::string_view name;
    std::string_view variable;
    std::string_view help;
    std::string GoFlags::*text = nullptr;
    bool GoFlags::*boolean = nullptr;
    int GoFlags::*number = nullptr;
};

constexpr std::array all_flags{
    Flag{"fleetEndpoint", "FLEET_ENDPOINT", "fleet's API: http://host:port, https:// or unix:///path; required",
         &GoFlags::fleet_endpoint},
    Flag{"rootURI", "ROOT_URI", "where services.yaml and the service files are; required", &GoFlags::root_uri},
    Flag{"destroy", "DESTROY", "destroy units that are no longer wanted", nullptr, &GoFlags::destroy},
    Flag{"socksProxy", "SOCKS_PROXY", "SOCKS5 proxy for everything, e.g. 127.0.0.1:9050", &GoFlags::socks_proxy},
    Flag{"isDebug", "IS_DEBUG", "show debug logs", nullptr, &GoFlags::is_debug},
    Flag{"etcd-url", "ETCD_URL", "etcd, for settings below /ft/config/deployer", &GoFlags::etcd_url},
    Flag{"health-url-prefix", "HEALTH_URL_PREFIX", "where services tell their health", &GoFlags::health_url_prefix},
    Flag{"health-endpoint", "HEALTH_ENDPOINT", "last part of a health url", &GoFlags::health_endpoint},
    Flag{"service-name-prefix", "SERVICE_NAME_PREFIX", "before a service's name in a health url",
         &GoFlags::service_name_prefix},
    Flag{"no-of-secs-to-sleep-before-restart", "NO_OF_SECS_TO_SLEEP_BEFORE_RESTART",
         "how long to sleep after a failure, before the exit", nullptr, nullptr, &GoFlags::seconds_before_restart},
};

/// As Go's strconv.ParseBool has them.
std::optional<bool> read_boolean(std::string_view word) {
    constexpr std::array yes{"1", "t", "T", "true", "TRUE", "True"};
    constexpr std::array no{"0", "f", "F", "false", "FALSE", "False"};
    if (std::find(yes.begin(), yes.end(), word) != yes.end()) return true;
    if (std::find(no.begin(), no.end(), word) != no.end()) return false;
    return std::nullopt;
}

std::optional<int> read_number(const std::string& word) {
    int number = 0;
    const auto* const end = word.data() + word.size();
    const auto [stopped, error] = std::from_chars(word.data(), end, number);
    if (error != std::errc{} || stopped != end || number < 0) return std::nullopt;
    return number;
}

/// `origin` names the flag or variable in messages.
void set(GoFlags& flags, const Flag& flag, const std::string& value, const std::string& origin) {
    if (value.empty()) return;
    if (flag.text != nullptr) flags.*flag.text = value;
    if (flag.boolean != nullptr) {
        const auto boolean = read_boolean(value);
        if (!boolean) throw UsageError(origin + " is true or false, not '" + value + "'; try '-help'");
        flags.*flag.boolean = *boolean;
    }
    if (flag.number != nullptr) {
        const auto number = read_number(value);
        if (!number) throw UsageError(origin + " is a number of seconds, not '" + value + "'; try '-help'");
        flags.*flag.number = *number;
    }
}

/// "name" and, behind `=`, the value of "-name=value" or "--name".
struct Word {
    std::string name;
    std::optional<std::string> value;
};

std::optional<Word> as_flag(const std::string& argument) {
    const auto dashes = argument.rfind("--", 0) == 0 ? 2U : argument.rfind('-', 0) == 0 ? 1U : 0U;
    if (dashes == 0) return std::nullopt;
    const auto equals = argument.find('=');
    Word word{argument.substr(dashes, equals == std::string::npos ? equals : equals - dashes), {}};
    if (equals != std::string::npos) word.value = argument.substr(equals + 1);
    return word;
}

const Flag* find_flag(std::string_view name) {
    const auto* const found =
        std::find_if(all_flags.begin(), all_flags.end(), [&](const auto& flag) { return flag.name == name; });
    return found == all_flags.end() ? nullptr : found;
}

/// A flag as it stands on the command line.
struct GivenFlag {
    const Flag* flag;
    std::string value;
};

std::vector<GivenFlag> take_flags(const std::vector<std::string>& arguments, GoCommandLine& line) {
    std::vector<GivenFlag> given;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto word = as_flag(arguments[i]);
        const auto* const flag = word ? find_flag(word->name) : nullptr;
        if (arguments[i] == "-help") {
            line.help = true;
        } else if (flag == nullptr) {
            line.others.push_back(arguments[i]);
        } else if (word->value) {
            given.push_back({flag, *word->value});
        } else if (flag->boolean != nullptr) {
            given.push_back({flag, "true"});
        } else if (i + 1 < arguments.size()) {
            given.push_back({flag, arguments[++i]});
        } else {
            throw UsageError("-" + word->name + " needs a value; try '-help'");
        }
    }
    return given;
}

bool environment_asks(const Environment& environment) {
    const auto is_set = [&](const std::string& name) { return !environment(name).value_or("").empty(); };
    return is_set("FLEET_ENDPOINT") || is_set("ROOT_URI");
}

/// A YAML scalar that reads back as exactly this text.
std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const auto character : text) {
        if (character == '\'') out += '\'';
        out += character;
    }
    return out += '\'';
}

bool is_plain_http(std::string_view uri) {
    return uri.substr(0, 7) == "http://";
}

std::string default_of(const Flag& flag) {
    const GoFlags defaults;
    if (flag.text != nullptr) return defaults.*flag.text;
    if (flag.boolean != nullptr) return defaults.*flag.boolean ? "true" : "false";
    return std::to_string(defaults.*flag.number);
}

}  // namespace

GoCommandLine split_go_flags(const std::vector<std::string>& arguments, const Environment& environment,
                             bool may_use_environment) {
    GoCommandLine line;
    const auto given = take_flags(arguments, line);
    if (line.help || (given.empty() && !(may_use_environment && environment_asks(environment)))) return line;
    GoFlags flags;
    for (const auto& flag : all_flags) {
        const std::string variable(flag.variable);
        set(flags, flag, environment(variable).value_or(""), variable);
    }
    for (const auto& [flag, value] : given) set(flags, *flag, value, "-" + std::string(flag->name));
    line.flags = std::move(flags);
    return line;
}

void require_complete(const GoFlags& flags) {
    for (const auto& [value, flag] :
         {std::pair(&flags.fleet_endpoint, &all_flags[0]), std::pair(&flags.root_uri, &all_flags[1])}) {
        if (value->empty()) {
            throw UsageError("-" + std::string(flag->name) + " is missing (or " + std::string(flag->variable) +
                             " in the environment); try '-help'");
        }
    }
}

std::string write_config(const GoFlags& flags, const std::filesystem::path& cache) {
    const auto proxy = flags.socks_proxy.empty() ? "" : "  socks_proxy: " + quoted(flags.socks_proxy) + "\n";
    std::ostringstream out;
    out << "# What the flags and the environment amount to.\n"
        << "source:\n  plugin: source-github\n  root_uri: " << quoted(flags.root_uri) << '\n'
        << (is_plain_http(flags.root_uri) ? "  allow_http: true\n" : "") << proxy
        << "target:\n  plugin: target-fleet\n  endpoint: " << quoted(flags.fleet_endpoint) << '\n'
        << proxy << "cache:\n  plugin: cache-file\n  path: " << quoted(cache.string()) << '\n'
        << "settings_from:\n  etcd: " << quoted(flags.etcd_url) << "\n  prefix: /ft/config/deployer\n"
        << proxy << "reconcile:\n  destroy: " << (flags.destroy ? "true" : "false")
        << "\n  on_failure: exit\n  exit_pause: " << flags.seconds_before_restart << "s\n"
        << "log:\n  level: " << (flags.is_debug ? "debug" : "info") << '\n';
    return std::move(out).str();
}

std::filesystem::path default_state_directory(const Environment& environment, bool is_root) {
    const auto value = [&](const std::string& name) { return environment(name).value_or(""); };
    // systemd gives several as a list.
    if (const auto state = value("STATE_DIRECTORY"); !state.empty()) return state.substr(0, state.find(':'));
    if (is_root) return "/var/lib/coco-fleet-deployer";
    if (const auto state = value("XDG_STATE_HOME"); !state.empty()) {
        return std::filesystem::path(state) / "coco-fleet-deployer";
    }
    if (const auto home = value("HOME"); !home.empty()) {
        return std::filesystem::path(home) / ".local/state/coco-fleet-deployer";
    }
    return std::filesystem::temp_directory_path() / "coco-fleet-deployer";
}

std::string go_flags_help() {
    std::ostringstream out;
    out << "usage: coco-fleet-deployer [COMMAND] -fleetEndpoint=URL -rootURI=URL [FLAG...]\n\n"
        << "Runs without a configuration file, as the Go deployer did. Each flag also from the environment.\n\n";
    for (const auto& flag : all_flags) {
        const auto value = default_of(flag);
        out << "  -" << flag.name << "  (" << flag.variable << ")\n        " << flag.help
            << (value.empty() ? "" : "; default: " + value) << '\n';
    }
    out << "\nCOMMAND is run, once, plan, validate or config; run when there is none.\n"
        << "'coco-fleet-deployer config --print' and the flags show the configuration that they amount to.\n";
    return std::move(out).str();
}

}  // namespace deployer
