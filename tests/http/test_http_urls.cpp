#include "http/asking.hpp"

using namespace deployer;
using namespace std::chrono_literals;

namespace {

std::optional<std::chrono::milliseconds> retry_after(const std::string& value, const std::string& date = "") {
    http::Response response;
    response.headers = {{"retry-after", value}};
    if (!date.empty()) response.headers.push_back({"Date", date});
    return http::retry_after(response);
}

}  // namespace

TEST_CASE("http: a presentable url has no user, password, query or fragment") {
    using http::presentable;
    CHECK(presentable("https://host/path") == "https://host/path");
    CHECK(presentable("https://host?secret") == "https://host");
    CHECK(presentable("https://host:8443/a/b@2.service") == "https://host:8443/a/b@2.service");
    CHECK(presentable("https://me:secret@host/path?token=secret#secret") == "https://host/path");
    CHECK(presentable("https://secret@host/") == "https://host/");
    CHECK(presentable("http://[::1]:80/x?secret") == "http://[::1]:80/x");
    CHECK(presentable("socks5h://me:secret@127.0.0.1:1080") == "socks5h://127.0.0.1:1080");
    CHECK(presentable("unix:///var/run/fleet.sock") == "unix:///var/run/fleet.sock");
}

TEST_CASE("http: what is no url is shown without what could be a secret in it") {
    for (const std::string url :
         {"https://me:secret@host/a b?secret", "https://me:secret/secret@host/", "https://host/a b?to=x@secret",
          "https://me:secret?secret@ho st/", "me:secret@host", "secret@", "https://host:port/?secret", "\n#secret",
          "https://me:s\x01secret@host/", "https://me:secret@host/\xff"}) {
        const auto shown = http::presentable(url);
        CAPTURE(shown);
        CHECK(shown.find("secret") == std::string::npos);
        CHECK(std::all_of(shown.begin(), shown.end(), [](unsigned char c) { return c >= ' '; }));
    }
    CHECK(http::presentable("https://me:secret@host/a b") == "https://host/a b");
    CHECK(http::presentable("https://host/a b?secret") == "https://host/a b");
    CHECK(http::presentable("secret@host/x") == "…@host/x");
    CHECK(http::presentable("").empty());
    CHECK(http::presentable("https://host/" + std::string(1'000'000, 'x')) == "…");
}

TEST_CASE("http: an origin is scheme, host and port, in lower case and without the usual port") {
    using http::origin_of;
    CHECK(origin_of("https://Host.Example/path?x") == "https://host.example");
    CHECK(origin_of("HTTPS://host:443/") == "https://host");
    CHECK(origin_of("https://host:80/") == "https://host:80");
    CHECK(origin_of("http://host:80") == "http://host");
    CHECK(origin_of("http://me:secret@host:8080/#x") == "http://host:8080");
    CHECK(origin_of("http://[::1]:8080/") == "http://[::1]:8080");
    CHECK(origin_of("ftp://host/").empty());
    CHECK(origin_of("/path").empty());
    CHECK(origin_of("").empty());
}

TEST_CASE("http: Retry-After is a number of seconds or a date") {
    CHECK(retry_after("120") == 120s);
    CHECK(retry_after("0") == 0s);
    CHECK(retry_after("Fri, 31 Dec 1999 23:59:59 GMT") == 0s);
    CHECK(retry_after("Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:29 GMT") == 30s);
    CHECK(retry_after("Friday, 31-Dec-99 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:29 GMT") == 30s);
    const auto far = retry_after("99999999999999999999999");
    REQUIRE(far);
    CHECK(*far > 24h);
    for (const auto* none : {"", "soon", "-1", "1.5", "12 s", "1999-12-31"}) {
        CAPTURE(none);
        CHECK_FALSE(retry_after(none));
    }
    CHECK_FALSE(http::retry_after({}));
}

TEST_CASE("http: headers of an answer are found in any letter case") {
    http::Response response;
    response.headers = {{"ETag", "\"a\""}, {"etag", "\"b\""}};
    CHECK(response.header("eTAG") == "\"a\"");
    CHECK(response.header("etags").empty());
    CHECK(http::Response().header("ETag").empty());
}
