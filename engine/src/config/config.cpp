#include "config/config.hpp"

#include "yaml/yaml_document.hpp"

#include <deployer/foreign_text.hpp>

#include <Poco/DigestEngine.h>
#include <Poco/SHA1Engine.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <system_error>
#include <utility>

namespace deployer {
namespace {

/// People write configurations by hand, so a larger file is probably a wrong path.
constexpr std::size_t config_size_limit = 1U << 20U;

PluginChoice read_choice(const Settings& root, std::string_view key) {
    const auto settings = root.find_block(key);
    if (!settings) root.fail(key, "is missing");
    return {settings->text("plugin"), *settings};
}

MaxDestroy read_max_destroy(const Settings& reconcile) {
    constexpr std::string_view key = "max_destroy";
    constexpr std::size_t most = 999'999'999;
    MaxDestroy limit;
    limit.least = static_cast<std::size_t>(
        reconcile.find_integer("max_destroy_least", 0, most).value_or(static_cast<long long>(limit.least)));
    const auto text = reconcile.find_text(key, "a count or a percentage");
    if (!text) return limit;
    const auto digits = std::min(text->find_first_not_of("0123456789"), text->size());
    const auto unit = text->substr(digits);
    if (digits == 0 || (!unit.empty() && unit != "%")) {
        reconcile.fail(key, quote(*text) + " is neither a count (such as 20) nor a percentage (such as 50%)");
    }
    std::size_t amount = 0;
    const bool fits = std::from_chars(text->data(), text->data() + digits, amount).ec == std::errc() && amount <= most;
    const bool percentage = !unit.empty();
    if (percentage && (!fits || amount > 100)) reconcile.fail(key, "a percentage is at most 100%");
    if (!fits) reconcile.fail(key, quote(*text) + " is more than " + std::to_string(most));
    limit.amount = amount;
    limit.percentage = percentage;
    return limit;
}

RolloutPolicy read_rollout(const Settings& reconcile) {
    RolloutPolicy policy;
    policy.parallelism = static_cast<std::size_t>(reconcile.find_integer("parallelism", 1, 256).value_or(8));
    const auto rollout = reconcile.block("rollout");
    policy.timeout = rollout.find_duration("timeout").value_or(policy.timeout);
    if (policy.timeout.count() == 0) rollout.fail("timeout", "has to be longer than 0");
    policy.poll = rollout.find_duration("poll").value_or(policy.poll);
    if (policy.poll.count() == 0) rollout.fail("poll", "has to be longer than 0");
    const auto on_timeout = rollout.find_choice("on_timeout", {"halt", "continue", "rollback"});
    if (on_timeout == "continue") policy.on_timeout = OnTimeout::go_on;
    if (on_timeout == "rollback") policy.on_timeout = OnTimeout::rollback;
    policy.stable_samples = static_cast<std::size_t>(rollout.find_integer("stable_samples", 1, 1'000).value_or(3));
    policy.max_unavailable = static_cast<std::size_t>(rollout.find_integer("max_unavailable", 1, 10'000).value_or(1));
    policy.placement_grace = rollout.find_duration("placement_grace").value_or(policy.placement_grace);
    return policy;
}

void read_reconcile(const Settings& root, Config& config) {
    const auto reconcile = root.block("reconcile");
    config.interval = reconcile.find_duration("interval").value_or(config.interval);
    if (config.interval.count() == 0) reconcile.fail("interval", "has to be longer than 0");
    config.plan.destroy = reconcile.find_boolean("destroy").value_or(false);
    config.plan.max_destroy = read_max_destroy(reconcile);
    config.plan.protected_globs = reconcile.texts("protected");
    config.rollout = read_rollout(reconcile);
    config.on_failure =
        reconcile.find_choice("on_failure", {"retry", "exit"}) == "exit" ? OnFailure::exit : OnFailure::retry;
    config.exit_pause = reconcile.find_duration("exit_pause").value_or(config.exit_pause);
    const auto drift = reconcile.find_choice("drift", {"ignore", "report", "heal"});
    config.drift = drift == "heal" ? Drift::heal : drift == "report" ? Drift::report : Drift::ignore;
    config.resync_interval = reconcile.find_duration("resync_interval").value_or(config.resync_interval);
    config.call_timeout = reconcile.find_duration("call_timeout").value_or(config.call_timeout);
    if (config.call_timeout.count() == 0) reconcile.fail("call_timeout", "has to be longer than 0");
    config.call_grace = reconcile.find_duration("call_grace").value_or(config.call_grace);
    reconcile.refuse_unknown_keys();
}

void read_plugin_path(const Settings& root, Config& config) {
    const auto plugins = root.block("plugins");
    for (const auto& path : plugins.texts("path")) config.plugin_path.push_back(plugins.as_path("path", path));
    plugins.refuse_unknown_keys();
}

void read_log(const Settings& root, Config& config) {
    const auto log = root.block("log");
    if (const auto level = log.find_choice("level", {"debug", "info", "warning", "error"})) {
        config.log_level = *level == "debug"     ? LogLevel::debug
                           : *level == "info"    ? LogLevel::info
                           : *level == "warning" ? LogLevel::warning
                                                 : LogLevel::error;
    }
    config.log_json = log.find_choice("format", {"text", "json"}) == "json";
    log.refuse_unknown_keys();
}

std::optional<OnStart> read_on_start(const PluginChoice& cache) {
    const auto word = cache.settings.find_choice("on_start", {"rebuild", "reuse"});
    if (!word) return std::nullopt;
    return *word == "reuse" ? OnStart::reuse : OnStart::rebuild;
}

void digest(const SettingsNode& node, Poco::DigestEngine& engine) {
    engine.update(node.text);
    for (std::size_t i = 0; i < node.items.size(); ++i) {
        if (i < node.keys.size()) engine.update(node.keys[i] + '\0');
        digest(node.items[i], engine);
        engine.update('\0');
    }
}

std::string fingerprint_of(const SettingsNode& root) {
    Poco::SHA1Engine engine;
    for (std::size_t i = 0; i < root.keys.size(); ++i) {
        if (root.keys[i] == "source" || root.keys[i] == "reconcile" || root.keys[i] == "redact")
            digest(root.items[i], engine);
    }
    return Poco::DigestEngine::digestToHex(engine.digest());
}

Config read_settings(const std::shared_ptr<const SettingsDocument>& document) {
    const Settings root(document);
    // Unknown blocks are refused first. A misspelt block would otherwise be reported as missing.
    for (const auto* block :
         {"source", "target", "cache", "health", "reconcile", "plugins", "log", "redact", "settings_from"})
        (void)root.has(block);
    const auto unknown = root.unknown_keys();
    if (!unknown.empty()) throw Error(ErrorKind::misconfigured, unknown.front());
    Config config{read_choice(root, "source"), read_choice(root, "target"), read_choice(root, "cache"), {}};
    if (root.has("health")) config.health = read_choice(root, "health");
    read_reconcile(root, config);
    if (root.has("redact")) config.plan.redaction = Redaction(root.texts("redact"));
    read_plugin_path(root, config);
    read_log(root, config);
    if (const auto origin = root.find_block("settings_from")) {
        config.settings_from = read_settings_origin(*origin);
        origin->refuse_unknown_keys();
        config.own_secret_paths = origin->secret_paths();
    }
    config.on_start = read_on_start(config.cache);
    config.document = document;
    config.fingerprint = fingerprint_of(document->root);
    return config;
}

std::string read_whole(const std::filesystem::path& file, const std::string& what) {
    const auto problem = [&](const std::string& why) {
        return Error(ErrorKind::misconfigured, "cannot read the " + what + ' ' + file.string() + ": " + why);
    };
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (error) throw problem(error.message());
    if (!std::filesystem::is_regular_file(status)) throw problem("it is not a file");
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    // Reads one byte more than is allowed, to notice a file that is too large. The file system's size may be wrong.
    std::string text(config_size_limit + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!in.is_open() || in.bad()) throw problem(std::generic_category().message(errno == 0 ? EIO : errno));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > config_size_limit) throw problem("it is larger than 1 MiB");
    return text;
}

}  // namespace

std::shared_ptr<const SettingsDocument> read_settings_file(const std::filesystem::path& file,
                                                           const std::string& what) try {
    return read_yaml(read_whole(file, what), file.string(), std::filesystem::absolute(file).parent_path());
} catch (const Error& error) {
    throw Error(ErrorKind::misconfigured, error.what());
}

Config read_config(std::string_view text, const std::string& file, const std::filesystem::path& directory) try {
    return read_settings(read_yaml(text, file, directory));
} catch (const Error& error) {
    throw Error(ErrorKind::misconfigured, error.what());
}

Config read_config_file(const std::filesystem::path& file) {
    return read_settings(read_settings_file(file, "configuration"));
}

}  // namespace deployer
