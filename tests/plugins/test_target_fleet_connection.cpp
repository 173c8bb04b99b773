#include "support/fleet_lines.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("fleet: a call ends at once at stop, and at its deadline [R8]", "[R8]") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    fleet.set_fault([](const FleetRequest&) { return FleetFault{.delay = 1h}; });
    const auto before = std::chrono::steady_clock::now();
    const TestCall hasty(50ms);
    CHECK(thrown_by([&] { (void)target->list(hasty); }).kind() == ErrorKind::unavailable);
    TestCall call;
    const std::jthread stopper([&] {
        (void)fleet.server().wait_for_requests(2);
        call.request_stop();
    });
    CHECK(thrown_by([&] { (void)target->list(call); }).kind() == ErrorKind::cancelled);
    CHECK(std::chrono::steady_clock::now() - before < 5s);
}

TEST_CASE("fleet: a cluster that cannot be reached is unavailable, and named") {
    const ReservedPort nobody;
    const auto endpoint = "http://127.0.0.1:" + nobody.text();
    const TestCall call(90ms);
    const auto error = thrown_by([&] { (void)open_fleet_at(endpoint)->list(call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "GET " + endpoint + "/fleet/v1/units: "));
}

TEST_CASE("fleet: a Unix socket") {
    const TempDir dir;
    FleetDouble fleet({.unix_socket = dir.path("fleet.sock")});
    add_nodes(fleet, 3);
    const TestCall call;
    const auto target = open_fleet(fleet);
    CHECK(target->identity() == "fleet unix://" + dir.path("fleet.sock").string());
    CHECK(target->list(call).size() == 3);
    target->destroy("foo@1.service", call);
    CHECK(target->list(call).size() == 2);
    fleet.set_fault([](const FleetRequest&) { return FleetFault{.status = 500}; });
    CHECK(holds(thrown_by([&] { (void)target->list(call); }).what(),
                "fleet at unix://" + dir.path("fleet.sock").string() + ": GET "));
}

TEST_CASE("fleet: through a SOCKS proxy, which resolves the name") {
    FleetDouble fleet;
    add_nodes(fleet, 3);
    const SocksProxy proxy;
    const auto form = GENERATE("", "socks5h://", "socks5://");
    const auto port = std::to_string(fleet.server().port());
    const auto target = open_fleet_at("http://localhost:" + port, "socks_proxy: \"" + (form + proxy.address()) + "\"");
    const TestCall call;
    CHECK(target->list(call).size() == 3);
    const auto unit = unit_running("foo@1.service", "/bin/new");
    target->apply(unit, call);
    fleet.settle();
    CHECK(target->status(unit, call).readiness == Readiness::ready);
    CHECK(eventually([&] { return proxy.has_connected_to("localhost:" + port); }));
}

TEST_CASE("fleet: by TLS, with a client certificate and below a path") {
    FleetDouble fleet;
    add_nodes(fleet, 3);
    const TlsFiles tls;
    const Nginx nginx(tls, "ssl_verify_client on;\nssl_client_certificate " + tls.ca().string() +
                               ";\nlocation /cluster/ { proxy_pass " + fleet.server().url("/") + "; }");
    const auto endpoint = nginx.url("/cluster/");
    const auto ca = "ca_file: " + tls.ca().string() + "\n";
    const TestCall call;
    const auto target = open_fleet_at(endpoint, ca + "client_certificate: " + tls.client_certificate().string() +
                                                    "\nclient_key: " + tls.client_key().string());
    CHECK(target->list(call).size() == 3);
    target->apply(unit_running("foo@1.service", "/bin/new"), call);
    CHECK(target->identity() == "fleet " + nginx.url("/cluster"));

    const TestCall hasty(500ms);
    CHECK(thrown_by([&] { (void)open_fleet_at(endpoint, ca)->list(hasty); }).kind() == ErrorKind::unavailable);
    const TestCall hasty_too(500ms);
    CHECK(thrown_by([&] { (void)open_fleet_at(endpoint)->list(hasty_too); }).kind() != ErrorKind::rejected);
}

TEST_CASE("fleet: user and password of an endpoint are sent and never shown") {
    FleetDouble fleet;
    const auto port = std::to_string(fleet.server().port());
    const auto target = open_fleet_at("http://user:s3cret%21@127.0.0.1:" + port + "/");
    const TestCall call;
    CHECK(target->identity() == "fleet http://127.0.0.1:" + port);
    CHECK(target->list(call).empty());
    CHECK(fleet.server().requests().at(0).header("Authorization") == "Basic dXNlcjpzM2NyZXQh");
    fleet.set_fault([](const FleetRequest&) { return FleetFault{.status = 401}; });
    CHECK_FALSE(holds(thrown_by([&] { (void)target->list(call); }).what(), "s3cret"));
}

TEST_CASE("fleet: settings are checked [R6]", "[R6]") {
    const std::string endpoint = "endpoint: \"http://h:49153\"\n";
    const std::string tls = "endpoint: \"https://h\"\n";
    const std::vector<std::pair<std::string, std::string>> cases{
        {"update: auto", "endpoint: is missing"},
        {"endpoint: h:49153", "endpoint: must begin with http://"},
        {"endpoint: ftp://h", "endpoint: must begin with http://"},
        {"endpoint: \"http://\"", "endpoint: names no host"},
        {"endpoint: \"http://u:s3cret@/x\"", "endpoint: names no host"},
        {"endpoint: \"http://h:port/\"", "endpoint: names no host"},
        {"endpoint: \"http://h/?x=s3cret\"", "endpoint: can have no \"?\""},
        {"endpoint: \"http://h/#s3cret\"", "endpoint: can have no \"?\""},
        {"endpoint: \"http://h/ s3cret\"", "endpoint: can have no white space"},
        {"endpoint: \"unix://fleet.sock\"", "endpoint: lacks an absolute path"},
        {"endpoint: \"unix:///" + std::string(107, 'x') + "\"", "endpoint: the path of a socket takes at most 107"},
        {endpoint + "update: always", "update: \"always\" is none of"},
        {endpoint + "socks_proxy: h", "socks_proxy: must be host:port"},
        {endpoint + "socks_proxy: \"socks4://h:1\"", "socks_proxy: must be host:port"},
        {endpoint + "socks_proxy: \"u:s3cret@h:1\"", "socks_proxy: can have no user or password in it"},
        {endpoint + "socks_proxy: \"h:99999\"", "socks_proxy: must be host:port"},
        {"endpoint: \"unix:///s\"\nsocks_proxy: \"h:1\"", "socks_proxy: leads to no unix:// endpoint"},
        {endpoint + "ca_file: ca.pem", "ca_file: needs an endpoint that begins with https://"},
        {endpoint + "client_certificate: c.pem", "client_certificate: needs an endpoint"},
        {tls + "client_key: k.pem", "client_key: needs a client_certificate"},
        {endpoint + "connect_timeout: soon", "connect_timeout: \"soon\" is not a duration"},
        {endpoint + "connect_timeout: 0", "connect_timeout: has to be longer than 0"},
        {endpoint + "sock_proxy: \"h:1\"", "did you mean \"socks_proxy\""}};
    for (const auto& [yaml, problem] : cases) {
        const auto error = thrown_by([&, &text = yaml] { (void)load_target("target-fleet", text); });
        CAPTURE(yaml);
        CHECK(error.kind() == ErrorKind::misconfigured);
        CHECK(says(error, problem));
        CHECK_FALSE(says(error, "s3cret"));
    }
    for (const auto* const good :
         {"socks_proxy: \"\"", "socks_proxy: \"[::1]:1080\"", "connect_timeout: 5s", "update: recreate"}) {
        CHECK_NOTHROW(load_target("target-fleet", endpoint + good));
    }
}

TEST_CASE("fleet: many threads at once", "[concurrent]") {
    FleetDouble fleet({.speed = 2'000});
    const auto target = open_fleet(fleet);
    CHECK_FALSE(target->serial());
    TestCall call;
    std::atomic<int> ready = 0;
    {
        std::array<std::jthread, 8> threads;
        for (std::size_t index = 0; index < threads.size(); ++index) {
            threads[index] = std::jthread([&, index] {
                for (int node = 1; node <= 5; ++node) try {
                        const auto name = "t" + std::to_string(index) + '@' + std::to_string(node) + ".service";
                        auto unit = unit_running(name, "/bin/one");
                        target->apply(unit, call);
                        unit = unit_running(name, "/bin/two");
                        target->apply(unit, call);
                        if (wait_until_settled(*target, unit, call).readiness == Readiness::ready) ++ready;
                        target->set_desired_state(name, DesiredState::loaded, call);
                        if (node % 2 == 0) target->destroy(name, call);
                    } catch (const Error& error) {
                        call.log().error(error.what());
                    }
            });
        }
    }
    CHECK(call.log().text().empty());
    CHECK(ready == 40);
    CHECK(target->list(call).size() == 24);
    CHECK(fleet.server().connections() <= 16);
}
