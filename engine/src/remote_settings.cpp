#include "remote_settings.hpp"

#include "json_fields.hpp"

#include <deployer/foreign_text.hpp>

#include <Poco/JSON/Parser.h>

#include <connection_settings.hpp>

#include <charconv>
#include <exception>

namespace deployer {
namespace {

using Poco::JSON::Object;

/// etcd is near; a cycle must not hang on it.
constexpr std::chrono::milliseconds patience{5'000};

std::string url_for(const SettingsOrigin& origin) {
    auto url = origin.etcd;
    while (!url.empty() && url.back() == '/') url.pop_back();
    return url + "/v2/keys/" + origin.prefix.substr(origin.prefix.find_first_not_of('/'));
}

std::string last_part(const std::string& key) {
    return key.substr(key.rfind('/') + 1);
}

void take(RemoteValues& values, const std::string& name, const std::string& text, Log& log) {
    const auto is_no = [&](std::string_view what) {
        log.warning("the setting " + name + " in etcd is no " + std::string(what) +
                    ", so it does not count: " + quote(text));
    };
    if (name == "is-debug") {
        values.is_debug = text == "true";
        if (text != "true" && text != "false") is_no("true or false");
    } else if (name == "no-of-secs-to-sleep-before-restart") {
        int seconds = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
        if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return is_no("number of seconds");
        values.pause_before_restart = std::chrono::seconds(seconds);
    } else if (name == "health-endpoint") {
        values.health_endpoint = text;
    } else if (name == "service-name-prefix") {
        values.service_name_prefix = text;
    }
}

}  // namespace

RemoteValues read_remote_values(std::string_view answer, Log& log) try {
    Poco::JSON::Parser parser;
    const auto root = parser.parse(std::string(answer)).extract<Object::Ptr>();
    const auto directory = root->getObject("node");
    if (!directory || !directory->optValue("dir", false)) throw Poco::DataFormatException("it is no directory");
    RemoteValues values;
    // An empty directory has no list at all.
    if (!directory->has("nodes")) return values;
    const auto nodes = array_of(*directory, "nodes");
    for (std::size_t i = 0; i < nodes->size(); ++i) {
        const auto node = object_at(*nodes, i);
        if (node->has("value")) take(values, last_part(text_of(*node, "key")), text_of(*node, "value"), log);
    }
    return values;
} catch (const Poco::Exception& exception) {
    throw Error(ErrorKind::unavailable, "etcd's answer is not understood: " + exception.displayText());
}

SettingsOrigin read_settings_origin(const Settings& settings) {
    SettingsOrigin origin;
    origin.etcd = settings.text("etcd");
    if (http::origin_of(origin.etcd).empty()) settings.fail("etcd", "has to begin with http:// or https://");
    origin.prefix = settings.text("prefix");
    constexpr auto allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.-";
    if (origin.prefix.find_first_not_of('/') == std::string::npos || origin.prefix.front() != '/' ||
        origin.prefix.find_first_not_of(allowed) != std::string::npos) {
        settings.fail("prefix", "has to name a directory of keys, such as /ft/config/deployer");
    }
    auto& options = origin.options;
    options.connect_timeout = std::chrono::milliseconds(2'000);
    http::read_connection(settings, options);
    options.allow_http = true;
    options.max_body = 1U << 20U;
    options.attempts = 2;
    return origin;
}

RemoteSettings::RemoteSettings(const SettingsOrigin& origin) : url_(url_for(origin)), client_(origin.options) {}

void RemoteSettings::refresh(const Calls& calls) noexcept try {
    const auto answer = client_.send({.url = url_}, calls.make(patience));
    constexpr int absent = 404;
    constexpr int found = 200;
    if (answer.status == absent) {
        values_ = {};
    } else if (answer.status == found) {
        values_ = read_remote_values(answer.body, calls.log);
    } else {
        throw Error(ErrorKind::unavailable,
                    "GET " + http::presentable(url_) + ": status " + std::to_string(answer.status));
    }
    has_warned_ = false;
} catch (const std::exception& exception) {
    if (!has_warned_ && !calls.stop.stop_requested()) {
        calls.log.warning("settings could not be read from etcd, those known before hold: " +
                          std::string(exception.what()));
    }
    has_warned_ = true;
}

}  // namespace deployer
