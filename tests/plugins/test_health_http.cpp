#include "support/catch.hpp"
#include "support/etcd.hpp"
#include "support/holds.hpp"
#include "support/http_server.hpp"
#include "support/loaded_plugin.hpp"
#include "support/nginx.hpp"
#include "support/reserved_port.hpp"
#include "support/socks_proxy.hpp"
#include "support/temp_dir.hpp"
#include "support/test_call.hpp"
#include "support/thrown_error.hpp"
#include "support/tls_files.hpp"

#include <deployer/error.hpp>
#include <deployer/health.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

using Verdict = HealthReport::Verdict;
using Lines = std::vector<std::string>;

const std::string all_ok = R"({"name":"foo","checks":[{"name":"disk","ok":true},{"name":"db","ok":true}]})";

std::shared_ptr<Health> open_health(const std::string& yaml) {
    return load_health("health-http", yaml);
}

/// A plugin with the server's url as prefix. `settings` are lines of YAML.
std::shared_ptr<Health> open_health(const HttpServer& server, const std::string& settings = {}) {
    return open_health("prefix: " + server.url("") + "\n" + settings + "\n");
}

/// Checks the service foo once, after one of its nodes was changed.
HealthReport sample(Health& health) {
    return health.check({"foo", {"foo@2.service"}}, TestCall());
}

HttpServer::Handler answering(const std::string& body, int status = 200) {
    return [=](const HttpRequest&) { return HttpReply{.status = status, .body = body}; };
}

/// The targets of all requests, in the order of their arrival.
Lines targets_of(const HttpServer& server) {
    Lines targets;
    for (const auto& request : server.requests()) targets.push_back(request.target);
    std::sort(targets.begin(), targets.end());
    return targets;
}

void check_unhealthy(Health& health, std::string_view fragment) {
    const auto report = sample(health);
    CHECK(report.verdict == Verdict::unhealthy);
    CHECK(holds(report.detail, fragment));
}

void check_refused(const std::string& yaml, std::string_view fragment) {
    const auto error = thrown_by([&] { open_health(yaml); });
    CHECK(error.kind() == ErrorKind::misconfigured);
    CHECK(says(error, fragment));
    CHECK_FALSE(says(error, "secret"));
}

}  // namespace

TEST_CASE("health-http: a service is healthy when every check is ok, asked for afresh each time") {
    const HttpServer server(answering(all_ok));
    const auto health = open_health(server, "service_prefix: __");
    const auto report = sample(*health);
    CHECK(report.verdict == Verdict::healthy);
    CHECK(report.detail.empty());
    CHECK(sample(*health).verdict == Verdict::healthy);
    REQUIRE(server.request_count() == 2);
    const auto request = server.requests().front();
    CHECK(request.method == "GET");
    CHECK(request.target == "/__foo/__health");
    CHECK(request.header("Accept") == "application/json");
    CHECK(request.header("Cache-Control") == "no-cache");
}

TEST_CASE("health-http: keys count in any letter case") {
    const HttpServer server(answering(R"({"Name":"foo","Checks":[{"NAME":"disk","OK":true},{"Ok":true}]})"));
    CHECK(sample(*open_health(server)).verdict == Verdict::healthy);
    const HttpServer failing(answering(R"({"CHECKS":[{"Name":"disk","Ok":false}]})"));
    check_unhealthy(*open_health(failing), R"(1 of 1 check not ok: "disk")");
}

TEST_CASE("health-http: the report names the failed checks, a few of them, in harmless characters") {
    HttpServer server(answering(R"({"checks":[{"name":"a","ok":false},{"name":"b","ok":true},{"ok":false},
        {"name":"c\u001b[31m\n","ok":"true"},{"name":"d"},{"name":"e","ok":null},{"name":"f","ok":1}]})"));
    const auto report = sample(*open_health(server));
    CHECK(report.verdict == Verdict::unhealthy);
    CHECK(report.detail == "GET " + server.url("/foo/__health") +
                               R"(: 6 of 7 checks not ok: "a", number 3, "c\x1b[31m\x0a" and 3 more)");

    const HttpServer wordy(answering(R"({"checks":[{"ok":false,"name":")" + std::string(100'000, 'x') + R"("}]})"));
    CHECK(sample(*open_health(wordy)).detail.size() < 300);
}

TEST_CASE("health-http: what does not tell of checks is unhealthy") {
    const auto check_answer = [](const std::string& answer, std::string_view fragment) {
        const HttpServer server(answering(answer));
        check_unhealthy(*open_health(server), fragment);
    };
    check_answer("", "the answer is no JSON object");
    check_answer("OK", "the answer is no JSON object");
    check_answer(R"({"checks":[{"name":"a","ok":true})", "the answer is no JSON object");
    check_answer("[]", "the answer is no JSON object");
    check_answer("null", "the answer is no JSON object");
    check_answer(std::string(100'000, '['), "the answer is no JSON object");
    check_answer("{}", "the answer has no list of checks");
    check_answer(R"({"checks":null})", "the answer has no list of checks");
    check_answer(R"({"checks":{"name":"a","ok":true}})", "the answer has no list of checks");
    check_answer(R"({"checks":[{"ok":true}],"Checks":[{"ok":true}]})", "the answer has no list of checks");
    check_answer(R"({"checks":[{"ok":true},true]})", "the answer's check number 2 is no JSON object");
    check_answer(R"({"checks":[{"ok":true,"OK":false}]})", "1 of 1 check not ok: number 1");
    check_answer(R"({"checks":[{"ok":true}],"x":")" + std::string(2U << 20U, 'x') + "\"}", "foo/__health: ");
}

TEST_CASE("health-http: a service that answers otherwise than it should, or not at all, is unhealthy") {
    const auto status = GENERATE(204, 304, 404, 429, 500, 503);
    const HttpServer server(answering(all_ok, status));
    check_unhealthy(*open_health(server),
                    "GET " + server.url("/foo/__health") + ": answered " + std::to_string(status));
    CHECK(server.request_count() == 1);

    const HttpServer dropping([](const HttpRequest&) { return HttpReply{.drop = true}; });
    check_unhealthy(*open_health(dropping), "connection closed without an answer");
    CHECK(dropping.request_count() == 1);
    const HttpServer cutting([](const HttpRequest&) { return HttpReply{.body = all_ok, .cut_after = 10}; });
    check_unhealthy(*open_health(cutting), "the answer was cut short");
    const ReservedPort nobody;
    check_unhealthy(*open_health("prefix: http://user:secret@127.0.0.1:" + nobody.text() + "/\n"),
                    "GET http://127.0.0.1:" + nobody.text() + "/foo/__health: connection refused");
}

TEST_CASE("health-http: with format: status any 2xx is healthy, whatever it holds") {
    const auto status = GENERATE(200, 204, 302, 404, 500);
    const HttpServer server(answering("I am fine", status));
    const auto report = sample(*open_health(server, "format: status"));
    CHECK(report.verdict == (status / 100 == 2 ? Verdict::healthy : Verdict::unhealthy));
    if (status / 100 != 2) CHECK(holds(report.detail, "answered " + std::to_string(status)));
}

TEST_CASE("health-http: a probe ends at its timeout, or with the call") {
    const HttpServer server([](const HttpRequest&) { return HttpReply{.delay = HttpReply::forever}; });
    const bool by_call = GENERATE(false, true);
    const auto health = open_health(server, by_call ? "timeout: 1h" : "timeout: 100ms");
    const TestCall call(by_call ? 100ms : 1h);
    const auto report = health->check({"foo", {"foo.service"}}, call);
    CHECK(report.verdict == Verdict::unhealthy);
    CHECK(report.detail == "GET " + server.url("/foo/__health") + ": no answer in time");
}

TEST_CASE("health-http: a stop ends a probe at once", "[concurrent]") {
    const HttpServer server([](const HttpRequest&) { return HttpReply{.delay = HttpReply::forever}; });
    const auto health = open_health(server, "timeout: 1h");
    TestCall call(1h);
    const std::jthread stopper([&] {
        (void)server.wait_for_requests(1);
        call.request_stop();
    });
    const auto error = thrown_by([&] { health->check({"foo", {"foo.service"}}, call); });
    CHECK(error.kind() == ErrorKind::cancelled);
}

TEST_CASE("health-http: a service that was restarted between two samples is asked again without a fault") {
    HttpServer server(answering(all_ok));
    const auto health = open_health(server);
    for (int round = 0; round < 3; ++round) {
        CHECK(sample(*health).verdict == Verdict::healthy);
        server.drop_connections();
    }
}

TEST_CASE("health-http: a url of nodes asks each changed node, and all of them have to be healthy") {
    std::atomic<bool> is_second_ok{true};
    const HttpServer server([&](const HttpRequest& request) {
        const bool is_ok = is_second_ok || request.path() != "/foo@2/2/foo@2.service/foo";
        return HttpReply{.status = is_ok ? 200 : 500, .body = all_ok};
    });
    const auto health = open_health("url: '" + server.url("/{node}/{instance}/{unit}/{service}'\n"));
    const ServiceGroupRef group{"foo", {"foo@2.service", "foo-sidekick@2.service", "foo@10.service", "foo@2.service"}};
    CHECK(health->check(group, TestCall()).verdict == Verdict::healthy);
    CHECK(targets_of(server) == Lines{"/foo%4010/10/foo%4010.service/foo", "/foo%402/2/foo%402.service/foo"});

    is_second_ok = false;
    const auto report = health->check(group, TestCall());
    CHECK(report.verdict == Verdict::unhealthy);
    CHECK(report.detail == "GET " + server.url("/foo%402/2/foo%402.service/foo") + ": answered 500");
}

TEST_CASE("health-http: the report names a few of the unhealthy nodes") {
    const HttpServer server(answering("", 500));
    const auto health = open_health(server, "url: '{prefix}/{instance}'");
    ServiceGroupRef group{"foo", {}};
    for (int node = 1; node <= 40; ++node) group.units.push_back("foo@" + std::to_string(node) + ".service");
    const auto report = health->check(group, TestCall());
    CHECK(report.detail == "GET " + server.url("/1") + ": answered 500; GET " + server.url("/2") +
                               ": answered 500; GET " + server.url("/3") + ": answered 500 and 37 more");
    CHECK(server.request_count() == 40);
}

TEST_CASE("health-http: sidekicks are asked when there is nothing else, and where there is nothing nothing is said") {
    const HttpServer server(answering(all_ok));
    const auto health = open_health(server, "url: '{prefix}/{node}'");
    const auto report = health->check({"foo", {"foo-sidekick@1.service"}}, TestCall());
    CHECK(report.verdict == Verdict::healthy);
    CHECK(targets_of(server) == Lines{"/foo-sidekick%401"});
    CHECK(health->check({"foo", {}}, TestCall()).verdict == Verdict::not_checked);
    CHECK(server.request_count() == 1);
}

TEST_CASE("health-http: names of units and services cannot lead to elsewhere") {
    const HttpServer server(answering(all_ok));
    const auto health = open_health(server, "url: '{prefix}/{service}/{unit}'\nwhen: always");
    CHECK(health->check({"a@b:c\\x2d?#/..", {"a@b:c\\x2d.service"}}, TestCall()).verdict == Verdict::healthy);
    CHECK(targets_of(server) == Lines{"/a%40b%3Ac%5Cx2d%3F%23%2F../a%40b%3Ac%5Cx2d.service"});

    const auto by_host = open_health("url: 'http://{service}-{instance}.invalid:8080/'\n");
    const auto report = by_host->check({"foo@127.0.0.1/", {"foo.service"}}, TestCall());
    CHECK(report.verdict == Verdict::unhealthy);
    CHECK(holds(report.detail, "not a usable url"));
}

TEST_CASE("health-http: redirects are followed, but never from https to http") {
    const HttpServer plain([](const HttpRequest& request) {
        if (request.target == "/new") return HttpReply{.body = all_ok};
        return HttpReply{.status = 302, .headers = {{"Location", "/new"}}};
    });
    CHECK(sample(*open_health(plain)).verdict == Verdict::healthy);

    const TlsFiles tls;
    const Nginx nginx(tls, "location = /foo/__health { return 302 " + plain.url("/new") +
                               "; }\n"
                               "location = /bar/__health { return 200 '" +
                               all_ok + "'; }");
    const auto health = open_health("prefix: " + nginx.url("") + "\nca_file: " + tls.ca().string() + "\n");
    CHECK(health->check({"bar", {"bar.service"}}, TestCall()).verdict == Verdict::healthy);
    check_unhealthy(*health, "http is not allowed, only https is");
    check_unhealthy(*open_health("prefix: " + nginx.url("") + "\n"), "TLS certificate of localhost not trusted");
}

TEST_CASE("health-http: a CA file that cannot be used is the configuration's fault, not the service's") {
    const TlsFiles tls;
    const Nginx nginx(tls, "return 204;");
    const TempDir dir;
    const auto health =
        open_health("prefix: " + nginx.url("") + "\nca_file: " + dir.path("none.pem").string() + "\nformat: status\n");
    CHECK(thrown_by([&] { sample(*health); }).kind() == ErrorKind::misconfigured);
}

TEST_CASE("health-http: services and etcd are reached through a SOCKS proxy, which resolves their names") {
    const SocksProxy proxy;
    const Etcd etcd;
    etcd.put("/health/foo", "true");
    const HttpServer server(answering(all_ok));
    const auto port = std::to_string(server.port());
    const auto health = open_health("prefix: http://localhost:" + port + "\nsocks_proxy: " + proxy.address() +
                                    "\nwhen: {etcd: '" + etcd.url() + "', key: '/health/{service}'}\n");
    CHECK(sample(*health).verdict == Verdict::healthy);
    CHECK(eventually([&] { return proxy.has_connected_to("localhost:" + port); }));
    CHECK(eventually([&] { return proxy.has_connected_to(etcd.url().substr(sizeof "http:/")); }));
}

TEST_CASE("health-http: a list says which services have a health check") {
    const HttpServer server(answering(all_ok));
    const auto health = open_health(server, "when: [foo, 'press-*']");
    const auto verdict_on = [&](const std::string& service) {
        return health->check({service, {service + ".service"}}, TestCall()).verdict;
    };
    CHECK(verdict_on("foo") == Verdict::healthy);
    CHECK(verdict_on("press-room") == Verdict::healthy);
    CHECK(verdict_on("food") == Verdict::not_checked);
    CHECK(verdict_on("press") == Verdict::not_checked);
    CHECK(targets_of(server) == Lines{"/foo/__health", "/press-room/__health"});
}

TEST_CASE("health-http: etcd says which services have a health check, at any time anew") {
    const Etcd etcd;
    const HttpServer server(answering(all_ok));
    const auto health =
        open_health(server, "when: {etcd: '" + etcd.url() + "/', key: '/ft/services/{service}/healthcheck'}");
    CHECK(sample(*health).verdict == Verdict::not_checked);
    etcd.put("/ft/services/foo/healthcheck", "true");
    CHECK(sample(*health).verdict == Verdict::healthy);
    etcd.put("/ft/services/foo/healthcheck", "false");
    CHECK(sample(*health).verdict == Verdict::not_checked);
    etcd.erase("/ft/services/foo/healthcheck");
    CHECK(sample(*health).verdict == Verdict::not_checked);
    CHECK(server.request_count() == 1);

    etcd.put("/ft/services/foo/healthcheck/deeper", "true");
    const auto error = thrown_by([&] { sample(*health); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "cannot ask etcd whether foo has a health check: GET " + etcd.url() +
                          "/v2/keys/ft/services/foo/healthcheck: answered 200 without the value of a key"));
}

TEST_CASE("health-http: when etcd does not tell whether there is a check, the service is not to blame") {
    const HttpServer server(answering(all_ok));
    const auto check_unavailable = [&](const std::string& etcd, std::string_view fragment) {
        const auto health = open_health(server, "timeout: 5s\nwhen: {etcd: '" + etcd + "', key: '/{service}'}");
        const auto error = thrown_by([&] { sample(*health); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, fragment));
        CHECK_FALSE(says(error, "secret"));
    };
    const auto check_answer = [&](const HttpReply& reply, std::string_view fragment) {
        const HttpServer etcd([&](const HttpRequest&) { return reply; });
        check_unavailable(etcd.url(""), fragment);
    };
    const ReservedPort nobody;
    check_unavailable("http://root:secret@127.0.0.1:" + nobody.text(), "connection refused");
    check_answer({.status = 404, .body = "404 page not found"}, "answered 404");
    check_answer({.status = 404, .body = R"({"errorCode":105})"}, "answered 404");
    check_answer({.status = 404, .body = R"({"errorCode":18446744073709551615})"}, "answered 404");
    check_answer({.status = 401, .body = R"({"message":"Insufficient credentials"})"}, "answered 401");
    check_answer({.status = 500, .body = R"({"errorCode":300,"message":"Raft Internal Error"})"}, "answered 500");
    check_answer({.status = 200, .body = "true"}, "answered 200 without the value of a key");
    check_answer({.status = 200, .body = R"({"node":"true"})"}, "answered 200 without the value of a key");
    check_answer({.status = 200, .body = R"({"node":{"value":true}})"}, "answered 200 without the value of a key");
    check_answer({.status = 302, .headers = {{"Location", "file:///etc/passwd"}}}, "redirected");
    check_answer({.status = 200, .body = std::string(2U << 20U, ' ')}, "cannot ask etcd");
    CHECK(server.request_count() == 0);
}

TEST_CASE("health-http: with if_unreachable: skip, a service that etcd does not tell of has no health check") {
    const HttpServer server(answering(all_ok));
    const ReservedPort nobody;
    const auto health = open_health(server, "timeout: 5s\nwhen: {etcd: 'http://127.0.0.1:" + nobody.text() +
                                                "', key: '/{service}', if_unreachable: skip}");
    CHECK(sample(*health).verdict == Verdict::not_checked);
    CHECK(server.request_count() == 0);
}

TEST_CASE("health-http: a look into etcd ends at the timeout, too") {
    const HttpServer etcd([](const HttpRequest&) { return HttpReply{.delay = HttpReply::forever}; });
    const auto health = open_health("prefix: http://127.0.0.1:1\ntimeout: 100ms\nwhen: {etcd: '" + etcd.url() +
                                    "', key: '/health/{service}'}\n");
    const auto error = thrown_by([&] { health->check({"foo", {"foo.service"}}, TestCall(1h)); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "no answer in time"));
}

TEST_CASE("health-http: several services are asked at once", "[concurrent]") {
    constexpr int services = 8;
    std::atomic<int> waiting{0};
    const HttpServer server([&](const HttpRequest&) {
        ++waiting;
        return HttpReply{.status = eventually([&] { return waiting == services; }) ? 200 : 500, .body = all_ok};
    });
    const auto health = open_health(server, "timeout: 1h");
    std::atomic<int> healthy{0};
    std::vector<std::jthread> threads;
    threads.reserve(services);
    for (int service = 0; service < services; ++service) {
        threads.emplace_back([&, name = "foo" + std::to_string(service)] {
            const TestCall call(1h);
            if (health->check({name, {name + ".service"}}, call).verdict == Verdict::healthy) ++healthy;
        });
    }
    threads.clear();
    CHECK(healthy == services);
}

TEST_CASE("health-http: settings that cannot be meant are refused by their key [R6]", "[R6]") {
    check_refused("{}", "prefix: is missing");
    check_refused("prefx: http://host\n", R"(prefx: unknown key; did you mean "prefix"?)");
    check_refused("prefix: http://host\nservice-prefix: x\n", "service-prefix: unknown key");
    check_refused("prefix: ''\n", "prefix: is no http or https url");
    check_refused("prefix: user:secret@host\n", "prefix: is no http or https url");
    check_refused("prefix: ftp://host\n", "prefix: is no http or https url");
    check_refused("prefix: 'http://host/{service}'\n", R"(prefix: can have no "?", "{" or "}")");
    check_refused("prefix: http://host/?secret\n", R"(prefix: can have no "?")");
    check_refused("prefix: http://host\nendpoint: 'a b'\n", R"(endpoint: "a b" has white space)");
    check_refused("prefix: http://host\nservice_prefix: '{service}'\n", "service_prefix: ");
    check_refused("url: http://host/{prefix}\n", "prefix: is missing");
    check_refused("url: 'http://host/{servise}'\n",
                  "url: has an unknown placeholder {servise}; did you mean {service}?");
    check_refused("url: 'http://user:{secret}@host/'\n", "url: has a placeholder in it that is none of {prefix}");
    check_refused("url: 'http://host/{}'\n", "url: has a placeholder in it that is none of {prefix}");
    check_refused("url: 'http://host/{service'\n", R"(url: has a "{" without its "}")");
    check_refused("url: 'http://host/{a{service}'\n", R"(url: has a "{" without its "}")");
    check_refused("url: 'http://host/service}'\n", R"(url: has a "}" without its "{")");
    check_refused("url: '{service}/health'\n", "url: is no http or https url");
    check_refused("url: 'ftp://{service}/'\n", "url: is no http or https url");
    check_refused("url: 'http://{unit}/'\n", "url: is no http or https url");
    check_refused("url: 'http://host/{service}#a'\n", R"(url: can have no "#")");
    check_refused("url: 'http://host/a b'\n", "url: is no http or https url");
    check_refused("url: ''\n", "url: is no http or https url");
    check_refused("prefix: http://host\nformat: text\n", R"(format: "text" is none of checks, status)");
    check_refused("prefix: http://host\ntimeout: 10\n", R"(timeout: "10" lacks a unit)");
    check_refused("prefix: http://host\ntimeout: 0\n", "timeout: has to be longer than 0");
    check_refused("prefix: http://host\nconnect_timeout: 0\n", "connect_timeout: has to be longer than 0");
    check_refused("prefix: http://host\nsocks_proxy: 'secret'\n", "socks_proxy: must be host:port");
}

TEST_CASE("health-http: a `when` that cannot be meant is refused by its key [R6]", "[R6]") {
    const auto check_when = [](const std::string& value, std::string_view fragment) {
        check_refused("prefix: http://host\nwhen: " + value + "\n", fragment);
    };
    check_when("never", R"(when: must be "always", a list of services, or a block with etcd and key)");
    check_when("[]", "when: names no service");
    check_when("[foo, [bar]]", "when[1]: must be a text");
    check_when("{}", "when.etcd: is missing");
    check_when("{etcd: 'http://host:2379'}", "when.key: is missing");
    check_when("{etcd: 'host:2379', key: /a}", "when.etcd: is no http or https url");
    check_when("{etcd: 'http://root:secret@host:2379/?a', key: /a}", "when.etcd: can have no");
    check_when("{etcd: 'http://host:2379', key: a}", R"(when.key: has to begin with "/")");
    check_when("{etcd: 'http://host:2379', key: '/a?b'}", R"(when.key: can have no "?")");
    check_when("{etcd: 'http://host:2379', key: '/a#b'}", R"(when.key: can have no "#")");
    check_when("{etcd: 'http://host:2379', key: '/a b'}", "when.key: is no http or https url");
    check_when("{etcd: 'http://host:2379', key: '/{node}'}",
               "when.key: has a placeholder in it that is none of {service}");
    check_when("{etcd: 'http://host:2379', key: /a, kye: /b}", "when.kye: unknown key");
}
