#include "config/remote_settings.hpp"

#include <json_object.hpp>
#include "config/go_words.hpp"

#include <deployer/foreign_text.hpp>

#include <Poco/JSON/Parser.h>

#include <connection_settings.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace deployer {
namespace {

using Poco::JSON::Object;

/// The longest wait for etcd. Settings in etcd are optional, so a cycle must not hang on them.
constexpr std::chrono::milliseconds patience{5'000};

std::string url_for(const SettingsOrigin& origin) {
    auto url = origin.etcd;
    while (!url.empty() && url.back() == '/') url.pop_back();
    return url + "/v2/keys/" + origin.prefix.substr(origin.prefix.find_first_not_of('/'));
}

std::string last_part(const std::string& key) {
    return key.substr(key.rfind('/') + 1);
}

void take(RemoteValues& values, const std::string& name, const std::string& text) {
    const auto is_no = [&](std::string_view what) {
        values.problems.push_back("the setting " + name + " in etcd is ignored: " + quote(text) + " is not " +
                                  std::string(what));
    };
    if (name == "is-debug") {
        values.is_debug = read_go_boolean(text);
        if (!values.is_debug) is_no("true or false");
    } else if (name == "no-of-secs-to-sleep-before-restart") {
        const auto seconds = read_go_seconds(text);
        if (!seconds) return is_no("a number of seconds");
        values.pause_before_restart = std::chrono::seconds(*seconds);
    } else if (name == "health-endpoint") {
        values.health_endpoint = text;
    } else if (name == "service-name-prefix") {
        values.service_name_prefix = text;
    }
}

/// Whether a 404 means that there is no such key, and not that there is no such API.
bool says_no_such_key(const std::string& answer) {
    constexpr int key_not_found = 100;
    try {
        const auto root = Poco::JSON::Parser().parse(answer).extract<Object::Ptr>();
        const auto code = root->get("errorCode");
        return code.isInteger() && code.convert<int>() == key_not_found;
    } catch (const Poco::Exception&) {
        return false;
    }
}

void check_url(const Settings& settings, const std::string& url) {
    if (url.rfind("http://", 0) != 0 && url.rfind("https://", 0) != 0) {
        settings.fail("etcd", "has to begin with http:// or https://");
    }
    if (url.find(',') != std::string::npos) settings.fail("etcd", "may name one host only");
    if (http::origin_of(url).empty()) settings.fail("etcd", "is not a url");
}

}  // namespace

RemoteValues read_remote_values(std::string_view answer) try {
    Poco::JSON::Parser parser;
    const auto directory = json::Fields(parser.parse(std::string(answer))).object("node");
    if (!directory.has("dir") || !directory.flag("dir")) directory.refuse("", "is no directory");
    RemoteValues values;
    // For an empty directory, etcd leaves the list out.
    if (!directory.has("nodes")) return values;
    directory.each("nodes", [&](const json::Fields& node) {
        if (node.has("value")) take(values, last_part(node.text("key")), node.text("value"));
    });
    return values;
} catch (const Poco::Exception& exception) {
    throw Error(ErrorKind::unavailable, "etcd's answer is not understood: " + exception.displayText());
}

SettingsOrigin read_settings_origin(const Settings& settings) {
    SettingsOrigin origin;
    origin.etcd = settings.text("etcd");
    check_url(settings, origin.etcd);
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

RemoteValues RemoteSettings::ask(const Calls& calls) const {
    constexpr int found = 200;
    constexpr int absent = 404;
    const auto answer = client_.send({.url = url_}, calls.make(patience));
    if (answer.status == found) return read_remote_values(answer.body);
    if (answer.status == absent && says_no_such_key(answer.body)) return {};
    throw Error(
        ErrorKind::unavailable,
        "GET " + http::presentable(url_) + ": status " + std::to_string(answer.status) +
            (answer.status == absent
                 ? ": this is no etcd, or one without its v2 API, which etcd 3.4 and 3.5 have only with --enable-v2"
                 : ""));
}

void RemoteSettings::refresh(const Calls& calls) noexcept try {
    auto values = ask(calls);
    for (const auto& problem : values.problems) {
        const auto& known = values_.problems;
        if (std::find(known.begin(), known.end(), problem) == known.end()) calls.log.warning(problem);
    }
    values_ = std::move(values);
    has_warned_ = false;
} catch (const std::exception& exception) {
    if (!has_warned_ && !calls.stop.stop_requested()) {
        calls.log.warning("cannot read settings from etcd, the last known ones stay in use: " +
                          std::string(exception.what()));
    }
    has_warned_ = true;
}

}  // namespace deployer
