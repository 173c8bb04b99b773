#include "cli/go_flags.hpp"

#include "config/go_words.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

namespace deployer {
namespace {

/// A flag, and where its value goes.
struct Flag {
    std::string_view name;
    std::string_view variable;
    std::string_view setting;  ///< the end of the dotted path of the setting that the flag becomes
    std::string_view help;
    std::string GoFlags::*text = nullptr;
    bool GoFlags::*boolean = nullptr;
    int GoFlags::*number = nullptr;
};

constexpr std::array all_flags{
    Flag{"fleetEndpoint", "FLEET_ENDPOINT", "target.endpoint",
         "fleet's API: http://host:port, https:// or unix:///path; required", &GoFlags::fleet_endpoint},
    Flag{"rootURI", "ROOT_URI", "source.root_uri", "where services.yaml and the service files are; required",
         &GoFlags::root_uri},
    Flag{"destroy", "DESTROY", "reconcile.destroy", "destroy units that are no longer wanted", nullptr,
         &GoFlags::destroy},
    Flag{"socksProxy", "SOCKS_PROXY", "socks_proxy", "SOCKS5 proxy for all connections, e.g. 127.0.0.1:9050",
         &GoFlags::socks_proxy},
    Flag{"isDebug", "IS_DEBUG", "log.level", "show debug logs", nullptr, &GoFlags::is_debug},
    Flag{"etcd-url", "ETCD_URL", ".etcd", "url of etcd, which may hold settings below /ft/config/deployer",
         &GoFlags::etcd_url},
    Flag{"health-url-prefix", "HEALTH_URL_PREFIX", "health.prefix", "url below which services answer health checks",
         &GoFlags::health_url_prefix},
    Flag{"health-endpoint", "HEALTH_ENDPOINT", "health.endpoint", "last part of a health url",
         &GoFlags::health_endpoint},
    Flag{"service-name-prefix", "SERVICE_NAME_PREFIX", "health.service_prefix",
         "prefix of a service's name in a health url", &GoFlags::service_name_prefix},
    Flag{"no-of-secs-to-sleep-before-restart", "NO_OF_SECS_TO_SLEEP_BEFORE_RESTART", "reconcile.exit_pause",
         "how long to sleep after a failure, before the exit", nullptr, nullptr, &GoFlags::seconds_before_restart},
};

/// `origin`: the flag or variable, for messages. Messages do not show text values, since these may hold a password.
void set(GoFlags& flags, const Flag& flag, const std::string& value, const std::string& origin) {
    if (value.empty()) return;
    if (flag.text != nullptr) {
        if (value.find(" -") != std::string::npos) {
            throw UsageError(origin + " has a value with \" -\" in it: is a quote in the wrong place? try '-help'");
        }
        flags.*flag.text = value;
    }
    if (flag.boolean != nullptr) {
        const auto boolean = read_go_boolean(value);
        if (!boolean) throw UsageError(origin + " is true or false, not '" + value + "'; try '-help'");
        flags.*flag.boolean = *boolean;
    }
    if (flag.number != nullptr) {
        const auto number = read_go_seconds(value);
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

std::string as_written(const Flag& flag) {
    return '-' + std::string(flag.name);
}

/// The value of a flag without `=`. `next`: the word after the flag, if any.
std::string value_from(const Flag& flag, const std::string* next) {
    const auto written = as_written(flag);
    if (flag.boolean == nullptr) {
        if (next == nullptr) throw UsageError(written + " needs a value; try '-help'");
        return *next;
    }
    if (next != nullptr && read_go_boolean(*next)) {
        throw UsageError(written + " takes its value behind '=': " + written + '=' + *next + "; try '-help'");
    }
    return "true";
}

void require_complete(const GoFlags& flags) {
    for (const auto& [value, flag] :
         {std::pair(&flags.fleet_endpoint, &all_flags[0]), std::pair(&flags.root_uri, &all_flags[1])}) {
        if (value->empty()) {
            throw UsageError(as_written(*flag) + " is missing (or " + std::string(flag->variable) +
                             " in the environment); try '-help'");
        }
    }
}

/// The flag that a setting was made from, by the setting's dotted path.
const Flag* flag_behind(std::string_view path) {
    const auto* const found = std::find_if(all_flags.begin(), all_flags.end(), [&](const auto& flag) {
        return !flag.setting.empty() && path.ends_with(flag.setting);
    });
    return found == all_flags.end() ? nullptr : found;
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

GoCommandLine split_go_flags(const std::vector<std::string>& arguments) {
    GoCommandLine line;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto word = as_flag(arguments[i]);
        const auto* const flag = word ? find_flag(word->name) : nullptr;
        if (arguments[i] == "-help") {
            line.help = true;
        } else if (flag == nullptr) {
            line.others.push_back(arguments[i]);
        } else if (word->value) {
            line.flags.push_back({word->name, *word->value});
        } else {
            const auto* const next = i + 1 < arguments.size() ? &arguments[i + 1] : nullptr;
            line.flags.push_back({word->name, value_from(*flag, next)});
            if (flag->boolean == nullptr) ++i;
        }
    }
    return line;
}

bool asks_for_go_flags(const Environment& environment) {
    const auto is_set = [&](const std::string& name) { return !environment(name).value_or("").empty(); };
    return is_set("FLEET_ENDPOINT") || is_set("ROOT_URI");
}

GoFlags read_go_flags(const std::vector<GoFlagWord>& given, const Environment& environment) {
    GoFlags flags;
    for (const auto& flag : all_flags) {
        const std::string variable(flag.variable);
        set(flags, flag, environment(variable).value_or(""), variable);
    }
    for (const auto& [name, value] : given) {
        if (const auto* const flag = find_flag(name)) set(flags, *flag, value, as_written(*flag));
    }
    require_complete(flags);
    return flags;
}

std::vector<std::string> go_flag_names() {
    std::vector<std::string> names;
    names.reserve(all_flags.size());
    for (const auto& flag : all_flags) names.push_back(as_written(flag));
    return names;
}

std::string write_config(const GoFlags& flags, const std::filesystem::path& cache) {
    const auto proxy = flags.socks_proxy.empty() ? "" : "  socks_proxy: " + quoted(flags.socks_proxy) + "\n";
    std::ostringstream out;
    out << "# The configuration that the flags and the environment stand for.\n"
        << "source:\n  plugin: source-github\n  root_uri: " << quoted(flags.root_uri) << '\n'
        << (is_plain_http(flags.root_uri) ? "  allow_http: true\n" : "") << proxy
        << "target:\n  plugin: target-fleet\n  endpoint: " << quoted(flags.fleet_endpoint) << '\n'
        << proxy << "cache:\n  plugin: cache-file\n  path: " << quoted(cache.string()) << '\n'
        << "health:\n  plugin: health-http\n  prefix: " << quoted(flags.health_url_prefix)
        << "\n  service_prefix: " << quoted(flags.service_name_prefix)
        << "\n  endpoint: " << quoted(flags.health_endpoint) << "\n  when:\n    etcd: " << quoted(flags.etcd_url)
        << "\n    key: /ft/services/{service}/healthcheck\n    if_unreachable: skip\n"
        << proxy << "settings_from:\n  etcd: " << quoted(flags.etcd_url) << "\n  prefix: /ft/config/deployer\n"
        << proxy << "reconcile:\n  destroy: " << (flags.destroy ? "true" : "false")
        << "\n  on_failure: exit\n  exit_pause: " << flags.seconds_before_restart << "s\n"
        << "log:\n  level: " << (flags.is_debug ? "debug" : "info") << '\n';
    return std::move(out).str();
}

std::string in_terms_of_flags(std::string_view message) {
    const auto at = message.find(std::string(go_flags_origin) + ':');
    if (at == std::string_view::npos) return std::string(message);
    // The message is "the flags:LINE: PATH: PROBLEM", perhaps with words before it.
    const auto path_at = message.find(": ", at) + 2;
    const auto path_end = message.find(": ", path_at);
    const auto* const flag =
        path_end == std::string_view::npos ? nullptr : flag_behind(message.substr(path_at, path_end - path_at));
    if (flag == nullptr) return std::string(message);
    return as_written(*flag).append(message.substr(path_end));
}

std::filesystem::path default_state_directory(const Environment& environment, bool is_root) {
    const auto value = [&](const std::string& name) { return environment(name).value_or(""); };
    // systemd separates several directories by colons.
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
        << "Runs without a configuration file, as the Go deployer did. Each flag can also come from the environment\n"
        << "variable in brackets.\n\n";
    for (const auto& flag : all_flags) {
        const auto value = default_of(flag);
        out << "  -" << flag.name << "  (" << flag.variable << ")\n        " << flag.help
            << (value.empty() ? "" : "; default: " + value) << '\n';
    }
    out << "\nCOMMAND is any command that takes --config FILE; without COMMAND, it is run.\n"
        << "'coco-fleet-deployer config --print' with the flags prints the configuration that they stand for.\n";
    return std::move(out).str();
}

}  // namespace deployer
