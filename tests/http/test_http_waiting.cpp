#include "http/asking.hpp"
#include "http/mounted.hpp"
#include "support/program.hpp"
#include "support/temp_dir.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcntl.h>
#include <array>
#include <atomic>
#include <condition_variable>
#include <optional>
#include <thread>

using namespace deployer;
using namespace std::chrono_literals;
using http::Client;
using http::Request;

namespace {

using Clock = std::chrono::steady_clock;

/// A limit that only an uninterrupted wait exceeds.
constexpr auto at_once = 3s;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// A port that does not answer an attempt to connect: its queue is full and is never emptied.
class SilentPort {
public:
    SilentPort() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        auto address = loopback(0);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 0) != 0 ||
            ::getsockname(listener_, generic, &size) != 0) {
            throw std::system_error(errno, std::generic_category(), "cannot listen");
        }
        port_ = ntohs(address.sin_port);
        for (auto& filler : fillers_) {
            filler = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
            (void)::connect(filler, generic, size);
        }
    }
    ~SilentPort() {
        for (const int filler : fillers_) ::close(filler);
        ::close(listener_);
    }
    SilentPort(const SilentPort&) = delete;
    SilentPort& operator=(const SilentPort&) = delete;
    SilentPort(SilentPort&&) = delete;
    SilentPort& operator=(SilentPort&&) = delete;

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/x"; }

private:
    int listener_;
    std::array<int, 4> fillers_{};
    std::uint16_t port_ = 0;
};

/// A name server that answers no question, on an address of loopback that no real name server has. Without the right to
/// use port 53, problem() gives the reason.
class SilentNameServer {
public:
    SilentNameServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        auto address = loopback(53);
        ::inet_pton(AF_INET, address_.c_str(), &address.sin_addr);
        if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            problem_ = "cannot set up a name server: " + std::generic_category().message(errno);
        }
    }
    ~SilentNameServer() { ::close(socket_); }
    SilentNameServer(const SilentNameServer&) = delete;
    SilentNameServer& operator=(const SilentNameServer&) = delete;
    SilentNameServer(SilentNameServer&&) = delete;
    SilentNameServer& operator=(SilentNameServer&&) = delete;

    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
    [[nodiscard]] const std::string& address() const noexcept { return address_; }
    [[nodiscard]] bool was_asked() const {
        std::array<char, 512> question{};
        return ::recv(socket_, question.data(), question.size(), MSG_DONTWAIT | MSG_PEEK) > 0;
    }

private:
    std::string address_ =
        "127.83." + std::to_string(::getpid() / 250 % 250) + "." + std::to_string(::getpid() % 250 + 1);
    int socket_;
    std::string problem_;
};

/// Requests a stop once `under_way` holds, and checks how the send ends.
template <class UnderWay>
void check_stops(const Client& client, const std::string& url, const UnderWay& under_way) {
    TestCall call(1h);
    std::atomic<Clock::rep> stopped_at{0};
    std::jthread stopper([&] {
        (void)eventually([&] { return under_way(call); });
        stopped_at = Clock::now().time_since_epoch().count();
        call.request_stop();
    });
    const auto error = thrown_by([&] { (void)client.send(Request{.url = url}, call); });
    const auto ended_at = Clock::now().time_since_epoch().count();
    stopper.join();
    CHECK(error.kind() == ErrorKind::cancelled);
    CHECK(std::string(error.what()) == "GET " + url + ": cancelled");
    CHECK(Clock::duration(ended_at - stopped_at) < at_once);
}

auto after(std::chrono::milliseconds time) {
    return [end = Clock::now() + time](TestCall&) { return Clock::now() >= end; };
}

http::ClientOptions patient() {
    auto options = with_attempts(10);
    options.connect_timeout = 1h;
    options.stall_timeout = 1h;
    return options;
}

}  // namespace

TEST_CASE("http: stop ends a send at once, whatever it waits for [R8]", "[R8][concurrent]") {
    const Client client(patient());
    SECTION("before it begins") {
        HttpServer server(always({}));
        TestCall call;
        call.request_stop();
        const auto error = thrown_by([&] { (void)client.send(Request{.url = server.url()}, call); });
        CHECK(error.kind() == ErrorKind::cancelled);
        CHECK(server.connections() == 0);
    }
    SECTION("while connecting") {
        const SilentPort port;
        check_stops(client, port.url(), after(50ms));
    }
    SECTION("while waiting for an answer") {
        HttpServer server(always({.delay = HttpReply::forever}));
        check_stops(client, server.url(), [&](TestCall&) { return server.request_count() == 1; });
    }
    SECTION("within an answer") {
        HttpServer server(always({.body = std::string(100'000, 'x'), .drip = 1ms}));
        check_stops(client, server.url(), [&](TestCall&) { return server.request_count() == 1; });
    }
    SECTION("between two attempts") {
        HttpServer server(always({.status = 503, .headers = {{"Retry-After", "1000"}}}));
        check_stops(client, server.url(), [](TestCall& call) { return call.log().holds("trying again"); });
    }
}

TEST_CASE("http: stop does not wait for a name server [R8]", "[R8]") {
    const SilentNameServer server;
    const TempDir files;
    const auto configuration = "nameserver " + server.address() + "\noptions timeout:30\n";
    const Mounted mounted(files.write("resolv.conf", configuration), "/etc/resolv.conf");
    if (const auto problem = server.problem() + mounted.problem(); !problem.empty()) {
        WARN("skipped: " << problem);
        return;
    }
    const Client client(patient());
    check_stops(client, "http://fleet.example/x", [&](TestCall&) { return server.was_asked(); });
}

TEST_CASE("http: a client works on after a stop") {
    HttpServer server([](const HttpRequest& request) {
        return HttpReply{.body = "hello", .delay = request.path() == "/slow" ? HttpReply::forever : 0h};
    });
    const Client client(patient());
    check_stops(client, server.url("/slow"), [&](TestCall&) { return server.request_count() == 1; });
    const TestCall call;
    CHECK(client.send(Request{.url = server.url()}, call).body == "hello");
}

TEST_CASE("http: the deadline is that of the whole, attempts and pauses included [R8]", "[R8]") {
    HttpServer server(always({.delay = HttpReply::forever}));
    SECTION("within the first attempt") {
        const TestCall call(50ms);
        const auto error = thrown_by([&] { (void)Client(patient()).send(Request{.url = server.url("/x")}, call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(std::string(error.what()) == "GET " + server.url("/x") + ": no answer in time");
    }
    SECTION("within a later one") {
        Script script({{.drop = true}, {.delay = HttpReply::forever}});
        HttpServer worse(script.handler());
        const TestCall call(2s);
        const auto error = thrown_by([&] { (void)Client(patient()).send(Request{.url = worse.url("/x")}, call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(std::string(error.what()) ==
              "GET " + worse.url("/x") +
                  ": no answer in time (the attempt before: connection closed without an answer), after 2 attempts");
    }
    SECTION("while connecting") {
        const SilentPort port;
        const TestCall call(50ms);
        const auto error = thrown_by([&] { (void)Client(patient()).send(Request{.url = port.url()}, call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, "no answer in time"));
    }
    SECTION("before it begins") {
        const TestCall call(0ms);
        const auto error = thrown_by([&] { (void)Client(patient()).send(Request{.url = server.url()}, call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(server.connections() == 0);
    }
    SECTION("of some among several") {
        HttpServer mixed([](const HttpRequest& request) {
            return HttpReply{.body = "hello", .delay = request.path() == "/slow" ? HttpReply::forever : 0h};
        });
        const std::vector<Request> requests{{.url = mixed.url("/slow")}, {.url = mixed.url()}};
        const TestCall call(1s);
        const auto results = Client(patient()).send(requests, call);
        REQUIRE(results.at(0).error);
        CHECK(results.at(0).error->kind() == ErrorKind::unavailable);
        CHECK_FALSE(results.at(1).error);
    }
}

TEST_CASE("http: a deadline that never comes is none") {
    HttpServer server(always({.body = "hello"}));
    RecordingLog log;
    const Call call{Clock::time_point::max(), {}, log};
    CHECK(Client(with_attempts(2)).send(Request{.url = server.url()}, call).body == "hello");
}

TEST_CASE("http: a connection that is not made in time is given up") {
    const SilentPort port;
    auto options = with_attempts(2);
    options.connect_timeout = 50ms;
    const auto error = failed_get(port.url(), options);
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(std::string(error.what()) == "GET " + port.url() + ": no connection within 50ms, after 2 attempts");
}

TEST_CASE("http: requests go side by side, up to max_parallel") {
    constexpr std::size_t limit = 16;
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t waiting = 0;
    // The answers to the first requests wait for each other, so any answer shows that the requests came concurrently.
    HttpServer server([&](const HttpRequest& request) {
        std::unique_lock lock(mutex);
        ++waiting;
        changed.notify_all();
        const bool met = changed.wait_for(lock, 30s, [&] { return waiting >= limit; });
        return HttpReply{.status = met ? 200 : 500, .body = request.target, .delay = 50ms};
    });
    std::vector<Request> requests;
    requests.reserve(50);
    for (int i = 0; i < 50; ++i) requests.push_back({.url = server.url("/" + std::to_string(i))});
    auto options = plain_options();
    options.max_parallel = limit;
    const TestCall call;
    const auto results = Client(options).send(requests, call);
    REQUIRE(results.size() == 50);
    for (std::size_t i = 0; i < results.size(); ++i) {
        CHECK_FALSE(results[i].error);
        CHECK(results[i].response.status == 200);
        CHECK(results[i].response.body == "/" + std::to_string(i));
    }
    CHECK(server.most_at_once() == static_cast<int>(limit));
    CHECK(server.connections() == static_cast<int>(limit));
}

TEST_CASE("http: each of several requests has its own result, in their order") {
    HttpServer server([](const HttpRequest& request) {
        if (request.path() == "/cut") return HttpReply{.body = "hello", .cut_after = 1};
        return HttpReply{.status = request.path() == "/absent" ? 404 : 200, .body = request.target};
    });
    const std::vector<Request> requests{{.url = server.url("/a")},
                                        {.url = server.url("/cut")},
                                        {.url = "nonsense"},
                                        {.url = server.url("/absent")},
                                        {.method = "PUT", .url = server.url("/b")}};
    const TestCall call;
    const auto results = Client(plain_options()).send(requests, call);
    REQUIRE(results.size() == 5);
    CHECK(results[0].response.body == "/a");
    REQUIRE(results[1].error);
    CHECK(results[1].error->kind() == ErrorKind::unavailable);
    REQUIRE(results[2].error);
    CHECK(results[2].error->kind() == ErrorKind::rejected);
    CHECK(results[3].response.status == 404);
    CHECK(results[4].response.body == "/b");
    CHECK(Client(plain_options()).send(std::vector<Request>(), call).empty());
}

TEST_CASE("http: limits that make no sense are the least that does") {
    HttpServer server(always({.body = "hello"}));
    auto options = plain_options();
    options.max_parallel = 0;
    options.attempts = 0;
    CHECK(get(server.url(), options).body == "hello");
}

TEST_CASE("http: many threads share one client", "[concurrent]") {
    HttpServer server([](const HttpRequest& request) { return HttpReply{.body = request.target}; });
    const Client client(plain_options());
    constexpr int threads = 8;
    constexpr int rounds = 20;
    std::atomic<int> right{0};
    {
        std::vector<std::jthread> workers;
        workers.reserve(threads);
        for (int thread = 0; thread < threads; ++thread) {
            workers.emplace_back([&, thread] {
                const TestCall call;
                for (int round = 0; round < rounds; ++round) {
                    const auto path = "/" + std::to_string(thread) + "-" + std::to_string(round);
                    const std::vector<Request> several(3, Request{.url = server.url(path)});
                    for (const auto& result : client.send(several, call)) {
                        if (!result.error && result.response.body == path) ++right;
                    }
                    if (client.send(Request{.url = server.url(path)}, call).body == path) ++right;
                }
            });
        }
    }
    CHECK(right == threads * rounds * 4);
    CHECK(server.connections() <= threads * 3);
}

TEST_CASE("http: several threads are stopped at once", "[concurrent]") {
    HttpServer server(always({.delay = HttpReply::forever}));
    const Client client(patient());
    TestCall call(1h);
    std::atomic<int> cancelled{0};
    {
        std::vector<std::jthread> workers;
        workers.reserve(6);
        for (int thread = 0; thread < 6; ++thread) {
            workers.emplace_back([&] {
                try {
                    (void)client.send(Request{.url = server.url()}, call);
                } catch (const Error& error) {
                    if (error.kind() == ErrorKind::cancelled) ++cancelled;
                }
            });
        }
        CHECK(server.wait_for_requests(6));
        call.request_stop();
    }
    CHECK(cancelled == 6);
}
