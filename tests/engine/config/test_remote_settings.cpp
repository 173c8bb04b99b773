#include "config/remote_settings.hpp"

#include "support/catch.hpp"
#include "support/etcd.hpp"
#include "support/http_server.hpp"
#include "support/recording_log.hpp"
#include "support/socks_proxy.hpp"
#include "support/thrown_error.hpp"
#include "yaml/yaml_document.hpp"

#include <chrono>
#include <mutex>
#include <stop_token>
#include <string>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

SettingsOrigin origin(const std::string& yaml) {
    return read_settings_origin(Settings(read_yaml(yaml, "test.yaml")));
}

}  // namespace

TEST_CASE("etcd's answer for a directory becomes settings, and what is odd in it counts for nothing") {
    const auto values = read_remote_values(
        R"({"action":"get","node":{"key":"/d","dir":true,"nodes":[
            {"key":"/d/is-debug","value":"true"},
            {"key":"/d/no-of-secs-to-sleep-before-restart","value":"soon"},
            {"key":"/d/health-endpoint","value":"__health"},
            {"key":"/d/service-name-prefix","value":"__"},
            {"key":"/d/deeper","dir":true},
            {"key":"/d/other","value":"x"}]}})");
    CHECK(values.is_debug == true);
    CHECK_FALSE(values.pause_before_restart);
    CHECK(values.health_endpoint == "__health");
    CHECK(values.service_name_prefix == "__");
    REQUIRE(values.problems.size() == 1);
    CHECK(values.problems.front() ==
          "the setting no-of-secs-to-sleep-before-restart in etcd is ignored: \"soon\" is not a number of seconds");
    CHECK(read_remote_values(R"({"node":{"key":"/d","dir":true}})") == RemoteValues{});
}

TEST_CASE("is-debug is what Go takes for true or false; anything else is as if it were not there") {
    const auto read = [](const std::string& text) {
        return read_remote_values(R"({"node":{"dir":true,"nodes":[{"key":"/d/is-debug","value":")" + text + R"("}]}})");
    };
    for (const std::string yes : {"1", "t", "T", "true", "TRUE", "True"}) CHECK(read(yes).is_debug == true);
    for (const std::string no : {"0", "f", "F", "false", "FALSE", "False"}) CHECK(read(no).is_debug == false);
    for (const std::string odd : {"yes", "on", "", "tRUE", " true"}) {
        CHECK_FALSE(read(odd).is_debug);
        CHECK(read(odd).problems.size() == 1);
    }
}

TEST_CASE("a url of etcd that cannot be used is refused for what is wrong with it") {
    const auto refusal_of = [](const std::string& url) {
        return std::string(thrown_by([&] { (void)origin("etcd: '" + url + "'\nprefix: /d\n"); }).what());
    };
    CHECK(refusal_of("etcd:2379") == "test.yaml:1: etcd: has to begin with http:// or https://");
    CHECK(refusal_of("http://h:99999") == "test.yaml:1: etcd: is not a url");
    CHECK(refusal_of("http://a:2379,http://b:2379") == "test.yaml:1: etcd: may name one host only");
}

TEST_CASE("what is no answer of etcd is no settings") {
    const auto* const text = GENERATE("", "{", "[]", "null", R"({"node":7})", R"({"node":{"key":"/d","value":"true"}})",
                                      R"({"node":{"dir":true,"nodes":{}}})", R"({"node":{"dir":true,"nodes":[3]}})",
                                      R"({"node":{"dir":true,"nodes":[{"key":7,"value":"true"}]}})");
    CHECK_THROWS_AS(read_remote_values(text), Error);
}

TEST_CASE("only etcd itself can say that there are no settings") {
    HttpReply reply;
    std::mutex mutex;
    const HttpServer server([&](const HttpRequest&) {
        const std::lock_guard lock(mutex);
        return reply;
    });
    const auto answer = [&](int status, const std::string& body) {
        const std::lock_guard lock(mutex);
        reply = {.status = status, .body = body};
    };
    RecordingLog log;
    const Calls calls{{}, log, 10s};
    RemoteSettings settings(origin("etcd: " + server.url("") + "\nprefix: /d\n"));
    answer(200, R"({"node":{"dir":true,"nodes":[{"key":"/d/is-debug","value":"true"}]}})");
    settings.refresh(calls);
    REQUIRE(settings.values().is_debug == true);
    SECTION("etcd without its v2 API, or something else, leaves those known as they are") {
        answer(404, GENERATE("404 page not found\n", "{}", R"({"errorCode":"100"})", R"({"errorCode":105})", "[100]"));
        settings.refresh(calls);
        settings.refresh(calls);
        CHECK(settings.values().is_debug == true);
        CHECK(log.count("status 404: this is no etcd, or one without its v2 API") == 1);
    }
    SECTION("a key that is not there means the defaults") {
        answer(404, R"({"errorCode":100,"message":"Key not found","cause":"/d","index":4})");
        settings.refresh(calls);
        CHECK(settings.values() == RemoteValues{});
        CHECK(log.lines().empty());
    }
    SECTION("a value that makes no sense is warned of when it comes up, not every time") {
        const auto odd = [&](const std::string& value) {
            answer(200, R"({"node":{"dir":true,"nodes":[{"key":"/d/is-debug","value":")" + value + R"("}]}})");
            settings.refresh(calls);
            settings.refresh(calls);
        };
        odd("yes");
        CHECK_FALSE(settings.values().is_debug);
        CHECK(log.count("is not true or false") == 1);
        odd("on");
        CHECK(log.count("is not true or false") == 2);
    }
}

TEST_CASE("settings follow etcd while the deployer runs, also through a SOCKS proxy") {
    const Etcd etcd;
    const SocksProxy proxy;
    const bool through_proxy = GENERATE(false, true);
    RecordingLog log;
    const Calls calls{{}, log, 10s};
    RemoteSettings settings(origin("etcd: " + etcd.url() + "/\nprefix: /ft/config/deployer\n" +
                                   (through_proxy ? "socks_proxy: " + proxy.address() + "\n" : "")));
    settings.refresh(calls);
    CHECK(settings.values() == RemoteValues{});
    CHECK(log.lines().empty());
    etcd.put("/ft/config/deployer/is-debug", "true");
    etcd.put("/ft/config/deployer/no-of-secs-to-sleep-before-restart", "7");
    settings.refresh(calls);
    CHECK(settings.values().is_debug == true);
    CHECK(settings.values().pause_before_restart == 7s);
    etcd.put("/ft/config/deployer/is-debug", "false");
    settings.refresh(calls);
    CHECK(settings.values().is_debug == false);
    etcd.erase("/ft/config/deployer/is-debug");
    settings.refresh(calls);
    CHECK_FALSE(settings.values().is_debug);
    CHECK(log.lines().empty());
    if (through_proxy) CHECK_FALSE(proxy.log().empty());
    etcd.erase("/ft/config/deployer/no-of-secs-to-sleep-before-restart");
}

TEST_CASE("etcd out of reach is said once, and what was known before holds") {
    RecordingLog log;
    const Calls calls{{}, log, 10s};
    const ReservedPort nobody;
    RemoteSettings settings(origin("etcd: http://127.0.0.1:" + nobody.text() + "\nprefix: /d\n"));
    settings.refresh(calls);
    settings.refresh(calls);
    CHECK(settings.values() == RemoteValues{});
    CHECK(log.count("cannot read settings from etcd") == 1);
    CHECK(log.holds("connection refused"));
}
