#include "http/asking.hpp"
#include "support/reserved_port.hpp"

#include <algorithm>

using namespace deployer;
using namespace std::chrono_literals;
using http::Client;
using http::Request;

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

TEST_CASE("http: a request without a whole answer is sent again") {
    const std::vector<HttpReply> faults = {
        {.drop = true},
        {.drop = true, .reset = true},
        {.body = "hello", .cut_after = 3},
        {.body = "hello", .framing = HttpReply::Framing::chunked, .cut_after = 3},
        {.body = "hello", .framing = HttpReply::Framing::until_close},
        {.body = "hello", .cut_head = 10},
    };
    for (const auto& fault : faults) {
        for (const auto* method : {"GET", "PUT"}) {
            Script script({fault, {.body = "at last"}});
            HttpServer server(script.handler());
            const TestCall call;
            const auto response = Client(with_attempts(2)).send(Request{.method = method, .url = server.url()}, call);
            CHECK(response.body == "at last");
            CHECK(server.request_count() == 2);
        }
    }
}

TEST_CASE("http: a server that refuses connections is tried again") {
    const ReservedPort port;
    const auto url = "http://127.0.0.1:" + port.text() + "/";
    TestCall call;
    std::optional<HttpServer> server;
    std::jthread starter([&] {
        while (!call.log().holds("trying again")) std::this_thread::sleep_for(1ms);
        server.emplace(always({.body = "hello"}), port.number());
    });
    CHECK(Client(with_attempts(10)).send(Request{.url = url}, call).body == "hello");
    starter.join();
    CHECK(call.log().holds("debug: GET " + url + ": connection refused, trying again in 0."));
}

TEST_CASE("http: statuses that ask for it are tried again, no others") {
    for (const int status : {429, 502, 503, 504}) {
        Script script({{.status = status}, {.body = "at last"}});
        HttpServer server(script.handler());
        CHECK(get(server.url(), with_attempts(2)).body == "at last");
        CHECK(server.request_count() == 2);
    }
    for (const int status : {400, 403, 404, 408, 409, 500, 501}) {
        HttpServer server(always({.status = status}));
        CHECK(get(server.url(), with_attempts(2)).status == status);
        CHECK(server.request_count() == 1);
    }
}

TEST_CASE("http: after the last attempt, its answer or error is the result, with their number") {
    HttpServer busy(always({.status = 503, .body = "busy"}));
    const auto response = get(busy.url(), with_attempts(3));
    CHECK(response.status == 503);
    CHECK(response.body == "busy");
    CHECK(busy.request_count() == 3);

    HttpServer broken(always({.drop = true}));
    const auto error = failed_get(broken.url("/x"), with_attempts(3));
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(std::string(error.what()) ==
          "GET " + broken.url("/x") + ": connection closed without an answer, after 3 attempts");
    CHECK(broken.request_count() == 3);
}

TEST_CASE("http: an error follows an answer, an answer an error") {
    Script script({{.drop = true}, {.status = 503}, {.body = "hello", .cut_after = 1}});
    HttpServer server(script.handler());
    CHECK(says(failed_get(server.url(), with_attempts(3)), "cut short: 1 of 5 bytes, after 3 attempts"));
}

TEST_CASE("http: pauses grow") {
    HttpServer server(always({.status = 503}));
    const auto before = Clock::now();
    (void)get(server.url(), with_attempts(4));
    // The pauses take at least half of 200 ms, 400 ms and 800 ms; three that do not grow would take 600 ms at most.
    CHECK(Clock::now() - before >= 700ms);
}

TEST_CASE("http: Retry-After lengthens the pause") {
    Script script({{.status = 429, .headers = {{"Retry-After", "1"}}}, {.body = "at last"}});
    HttpServer server(script.handler());
    const auto before = Clock::now();
    CHECK(get(server.url(), with_attempts(2)).body == "at last");
    CHECK(Clock::now() - before >= 1s);
}

TEST_CASE("http: a pause that would outlast the call is not made: the answer is the result") {
    HttpServer server(always({.status = 503, .headers = {{"Retry-After", "3600"}}}));
    CHECK(get(server.url(), with_attempts(4)).status == 503);
    CHECK(server.request_count() == 1);
    HttpServer broken(always({.drop = true}));
    const TestCall call(1s);
    const auto error = thrown_by([&] { (void)Client(with_attempts(100)).send(Request{.url = broken.url()}, call); });
    CHECK(says(error, "connection closed without an answer, after "));
    CHECK(broken.request_count() < 10);
}

TEST_CASE("http: a long pause is said in the log") {
    Script script({{.status = 429, .headers = {{"Retry-After", "3600"}}}, {}});
    HttpServer server(script.handler());
    TestCall call(24h);
    std::jthread stopper([&] {
        while (!call.log().holds("trying again")) std::this_thread::sleep_for(1ms);
        call.request_stop();
    });
    const auto error =
        thrown_by([&] { (void)Client(with_attempts(2)).send(Request{.url = server.url("/x?s")}, call); });
    stopper.join();
    CHECK(error.kind() == ErrorKind::cancelled);
    CHECK(call.log().holds("info: GET " + server.url("/x") + ": status 429, trying again in 3600."));
}

TEST_CASE("http: what another attempt cannot mend is not tried again") {
    auto options = with_attempts(4);
    options.max_body = 3;
    HttpServer server(always({.body = "hello"}));
    (void)failed_get(server.url(), options);
    CHECK(server.request_count() == 1);
}

TEST_CASE("http: 429 is an answer to a client that heeds rate limits") {
    auto options = with_attempts(4);
    options.heeds_rate_limits = true;
    HttpServer limited(always({.status = 429, .body = "too much"}));
    CHECK(get(limited.url(), options).body == "too much");
    CHECK(limited.request_count() == 1);
    Script script({{.status = 503}, {.body = "at last"}});
    HttpServer busy(script.handler());
    CHECK(get(busy.url(), options).body == "at last");
}

TEST_CASE("http: after a 429, a client that heeds rate limits sends nothing more there, and goes on elsewhere") {
    HttpServer limited(always({.status = 429}));
    HttpServer elsewhere(always({.body = "hello"}));
    HttpServer way(always({.status = 302, .headers = {{"Location", limited.url()}}}));
    auto options = with_attempts(4);
    options.heeds_rate_limits = true;
    options.max_parallel = 4;
    const bool redirected = GENERATE(false, true);
    const auto& first = redirected ? way : limited;
    std::vector<Request> requests(100, Request{.url = first.url("/x?secret")});
    requests.insert(requests.end(), 20, Request{.url = elsewhere.url()});
    const TestCall call;
    const auto results = Client(options).send(requests, call);
    CHECK(limited.request_count() <= 4);
    CHECK(elsewhere.request_count() == 20);
    CHECK(std::all_of(results.begin() + 100, results.end(), [](const auto& one) { return !one.error; }));
    // Any of the first requests may have been answered first.
    CHECK(
        std::any_of(results.begin(), results.begin() + 4, [](const auto& one) { return one.response.status == 429; }));
    REQUIRE(results[99].error);
    CHECK(results[99].error->kind() == ErrorKind::unavailable);
    CHECK(says(*results[99].error, "GET " + first.url("/x") + ": "));
    CHECK(says(*results[99].error, "not asked any more: another request was answered 429"));
    CHECK(std::string_view(results[99].error->what()).find("secret") == std::string_view::npos);
}

TEST_CASE("http: what waits for another attempt when a 429 comes does not get it") {
    const auto lets_wait = GENERATE(true, false);
    HttpServer server([&](const HttpRequest& request) {
        if (request.path() == "/x") return HttpReply{.status = 429};
        if (lets_wait) return HttpReply{.status = 503, .headers = {{"Retry-After", "5"}}};
        // This request fails while, or after, the other one is answered.
        (void)server.wait_for_requests(2);
        return HttpReply{.delay = 50ms, .drop = true};
    });
    auto options = with_attempts(4);
    options.heeds_rate_limits = true;
    options.max_parallel = lets_wait ? 1 : 2;
    const TestCall call;
    const std::vector<Request> requests{{.url = server.url("/busy")}, {.url = server.url("/x")}};
    const auto results = Client(options).send(requests, call);
    CHECK(server.request_count() == 2);
    REQUIRE(results[0].error);
    CHECK(says(*results[0].error,
               lets_wait ? "answered 429 (the attempt before: status 503)" : "connection closed without an answer"));
    CHECK(results[1].response.status == 429);
}

TEST_CASE("http: after a connection that hangs, no kept one is trusted") {
    // Both kept connections hang from the third request on, as when a router in between has forgotten them.
    HttpServer server([&server](const HttpRequest& request) {
        if (server.request_count() > 2) return HttpReply{.delay = request.connection > 2 ? 0h : HttpReply::forever};
        (void)server.wait_for_requests(2);
        return HttpReply{};
    });
    auto options = with_attempts(2);
    options.stall_timeout = 500ms;
    const TestCall call;
    const Client client(options);
    (void)client.send(std::vector<Request>(2, Request{.url = server.url()}), call);
    REQUIRE(server.connections() == 2);
    CHECK(client.send(Request{.url = server.url()}, call).status == 200);
    const auto before = Clock::now();
    CHECK(client.send(Request{.url = server.url()}, call).status == 200);
    CHECK(Clock::now() - before < options.stall_timeout);
}

TEST_CASE("http: requests go on while another one pauses") {
    HttpServer server([](const HttpRequest& request) {
        if (request.path() == "/busy") return HttpReply{.status = 503, .headers = {{"Retry-After", "3600"}}};
        return HttpReply{.body = "hello"};
    });
    auto options = with_attempts(2);
    options.max_parallel = 1;
    TestCall call(24h);
    std::vector<Request> requests(20, Request{.url = server.url("/x")});
    requests.front().url = server.url("/busy");
    std::jthread stopper([&] {
        (void)server.wait_for_requests(requests.size());
        call.request_stop();
    });
    CHECK(thrown_by([&] { (void)Client(options).send(requests, call); }).kind() == ErrorKind::cancelled);
    stopper.join();
    CHECK(server.request_count() == 20);
}
