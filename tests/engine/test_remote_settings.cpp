#include "remote_settings.hpp"

#include "support/catch.hpp"
#include "support/etcd.hpp"
#include "support/recording_log.hpp"
#include "support/socks_proxy.hpp"
#include "yaml_document.hpp"

#include <chrono>
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
    RecordingLog log;
    const auto values = read_remote_values(
        R"({"action":"get","node":{"key":"/d","dir":true,"nodes":[
            {"key":"/d/is-debug","value":"true"},
            {"key":"/d/no-of-secs-to-sleep-before-restart","value":"soon"},
            {"key":"/d/health-endpoint","value":"__health"},
            {"key":"/d/service-name-prefix","value":"__"},
            {"key":"/d/deeper","dir":true},
            {"key":"/d/other","value":"x"}]}})",
        log);
    CHECK(values.is_debug == true);
    CHECK_FALSE(values.pause_before_restart);
    CHECK(values.health_endpoint == "__health");
    CHECK(values.service_name_prefix == "__");
    CHECK(log.holds("no-of-secs-to-sleep-before-restart in etcd is no number of seconds"));
    CHECK(read_remote_values(R"({"node":{"key":"/d","dir":true}})", log) == RemoteValues{});
}

TEST_CASE("what is no answer of etcd is no settings") {
    RecordingLog log;
    const auto* const text = GENERATE("", "{", "[]", "null", R"({"node":7})", R"({"node":{"key":"/d","value":"true"}})",
                                      R"({"node":{"dir":true,"nodes":{}}})", R"({"node":{"dir":true,"nodes":[3]}})",
                                      R"({"node":{"dir":true,"nodes":[{"key":7,"value":"true"}]}})");
    CHECK_THROWS_AS(read_remote_values(text, log), Error);
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
    CHECK(log.count("settings could not be read from etcd") == 1);
    CHECK(log.holds("connection refused"));
}
