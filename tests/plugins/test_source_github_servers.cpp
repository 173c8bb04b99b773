#include "support/github_source.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>

using namespace deployer;
using namespace deployer::github_source;
using namespace std::chrono_literals;

// --- real parts

TEST_CASE("a real web server with TLS is read, directly and through a SOCKS proxy") {
    const TlsFiles tls;
    const TempDir files;
    std::map<std::string, std::string> contents{{"services.yaml", "services"}};
    Locations locations;
    for (int number = 0; number < 100; ++number) {
        locations.push_back("units/ä b@" + std::to_string(number) + ".service");
        contents[locations.back()] = std::string(static_cast<std::size_t>(number) * 100, 'x');
    }
    for (const auto& [name, content] : contents) {
        fs::last_write_time(files.write("root/" + name, content), fs::file_time_type::clock::now() - 1h);
    }
    const Nginx nginx(tls, "root " + files.path("root").string() + ";");
    const SocksProxy proxy;
    const bool by_proxy = GENERATE(false, true);
    const auto source = load_source("source-github", "root_uri: " + nginx.url() + "\nca_file: " + tls.ca().string() +
                                                         (by_proxy ? "\nsocks_proxy: " + proxy.address() : "") + "\n");
    const auto now = checkout(*source);
    CHECK(read_one(*now, "services.yaml").content == "services");
    const auto read_files = read(*now, locations);
    for (std::size_t index = 0; index < locations.size(); ++index) {
        REQUIRE_FALSE(read_files[index].error);
        REQUIRE(read_files[index].content == contents[locations[index]]);
    }
    const auto before = 1 + 2 * locations.size() + 1;
    REQUIRE(nginx.wait_until_served(before));
    CHECK(checkout(*source, now->revision()) == nullptr);
    REQUIRE(nginx.wait_until_served(before + locations.size() + 1));
    const auto served = nginx.served();
    CHECK(std::all_of(served.begin() + static_cast<std::ptrdiff_t>(before), served.end(),
                      [](const auto& one) { return one.status == "304"; }));
    CHECK(proxy.has_connected_to("localhost:" + std::to_string(nginx.port())) == by_proxy);

    files.write("root/" + locations[7], "changed");
    const auto next = checkout(*source, now->revision());
    REQUIRE(next);
    read_one(*next, "services.yaml");
    CHECK(read(*next, locations)[7].content == "changed");
}

TEST_CASE("a file of a real web server that changes twice within a second, to the same length, is seen") {
    const TlsFiles tls;
    const TempDir files;
    // All versions get the same time, a little in the future, so that the speed of this test does not matter.
    const auto time = fs::file_time_type::clock::now() + 10s;
    const auto write = [&](const std::string& content) {
        fs::last_write_time(files.write("root/a.service", content), time);
    };
    files.write("root/services.yaml", "x");
    write("1");
    const Nginx nginx(tls, "root " + files.path("root").string() + ";");
    const auto source =
        load_source("source-github", "root_uri: " + nginx.url() + "\nca_file: " + tls.ca().string() + "\n");
    const auto first = read_all(*source, {"a.service"});
    CHECK(checkout(*source, first) == nullptr);
    write("2");
    const auto now = checkout(*source, first);
    REQUIRE(now);
    read_one(*now, "services.yaml");
    CHECK(read_one(*now, "a.service").content == "2");
}

TEST_CASE("a web server whose certificate nobody trusts is out of reach") {
    const TlsFiles tls;
    const Nginx nginx(tls, "return 200 x;");
    const auto source = load_source("source-github", "root_uri: " + nginx.url() + "\n");
    TestCall call;
    const auto error = thrown_by([&] { source->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "not trusted"));
}
