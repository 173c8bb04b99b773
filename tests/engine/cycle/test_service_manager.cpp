#include "cycle/service_manager.hpp"

#include "support/catch.hpp"
#include "support/notify_socket.hpp"
#include "support/recording_log.hpp"
#include "support/temp_dir.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <vector>

using namespace deployer;

namespace {

/// The environment variables that a service manager sets for a program.
class ManagerVariables {
public:
    explicit ManagerVariables(const std::string& socket, const std::string& patience = "",
                              const std::string& whose = "") {
        set("NOTIFY_SOCKET", socket);
        set("WATCHDOG_USEC", patience);
        set("WATCHDOG_PID", whose);
    }
    ~ManagerVariables() {
        for (const auto* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
    }
    ManagerVariables(const ManagerVariables&) = delete;
    ManagerVariables& operator=(const ManagerVariables&) = delete;
    ManagerVariables(ManagerVariables&&) = delete;
    ManagerVariables& operator=(ManagerVariables&&) = delete;

private:
    static void set(const char* name, const std::string& value) {
        if (!value.empty()) ::setenv(name, value.c_str(), 1);
    }
};

}  // namespace

TEST_CASE("a service manager is told in its own protocol, at a path or an abstract name") {
    const TempDir dir;
    const bool is_abstract = GENERATE(false, true);
    NotifySocket socket(is_abstract ? "@deployer-test-" + std::to_string(::getpid()) : dir.path("notify").string());
    const ManagerVariables variables(socket.address());
    RecordingLog log;
    ServiceManager manager(log);
    manager.ready();
    manager.status("in_sync: nothing\nto change");
    manager.status(std::string(2'000, 'x'));
    manager.reloading();
    manager.stopping();
    manager.stopping();
    const auto& told = socket.messages();
    REQUIRE(told.size() == 5);
    CHECK(told[0] == "READY=1");
    CHECK(told[1].starts_with("STATUS=in_sync: nothing"));
    CHECK(told[1].find('\n') == std::string::npos);
    CHECK(told[2] == "STATUS=" + std::string(500, 'x') + "…");
    CHECK(told[3].starts_with("RELOADING=1\nMONOTONIC_USEC="));
    CHECK(told[4] == "STOPPING=1\nSTATUS=stopping");
    CHECK(log.lines().empty());
}

TEST_CASE("what a service manager wants is not passed on to programs that are started") {
    const TempDir dir;
    const NotifySocket socket(dir.path("notify").string());
    const ManagerVariables variables(socket.address(), "1000000", std::to_string(::getpid()));
    RecordingLog log;
    const ServiceManager manager(log);
    for (const auto* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) CHECK(std::getenv(name) == nullptr);
}

TEST_CASE("without a service manager nothing is told, and one that cannot be reached is named once") {
    RecordingLog log;
    {
        const ManagerVariables none("");
        ServiceManager manager(log);
        manager.ready();
        manager.keep_awake([] { return true; });
        CHECK(log.lines().empty());
    }
    const auto address = GENERATE(std::string("/nowhere/notify"), std::string("vsock:2:1"), std::string("@"),
                                  "/" + std::string(200, 'x'));
    const ManagerVariables variables(address);
    ServiceManager manager(log);
    manager.ready();
    manager.stopping();
    CHECK(log.count("warning: cannot send messages to the service manager at \"" + address.substr(0, 9)) == 1);
}

TEST_CASE("a watchdog hears of what is alive, and no longer of what is not", "[concurrent]") {
    const TempDir dir;
    NotifySocket socket(dir.path("notify").string());
    const ManagerVariables variables(socket.address(), "20000", GENERATE(std::string(), std::to_string(::getpid())));
    RecordingLog log;
    std::atomic<bool> is_alive = true;
    std::atomic<int> asked = 0;
    ServiceManager manager(log);
    manager.keep_awake([&] {
        ++asked;
        return is_alive.load();
    });
    CHECK(socket.hears("WATCHDOG=1", 5));
    is_alive = false;
    // One question may have been under way, so only the second one counts.
    const int asked_before = asked;
    REQUIRE(eventually([&] { return asked > asked_before + 1; }));
    const auto heard = socket.count("WATCHDOG=1");
    const int asked_then = asked;
    REQUIRE(eventually([&] { return asked > asked_then + 5; }));
    CHECK(socket.count("WATCHDOG=1") == heard);
    CHECK(log.count("error: the deployer hangs: ") == 1);
    is_alive = true;
    CHECK(socket.hears("WATCHDOG=1", heard + 1));
}

TEST_CASE("a watchdog of another process, or none, hears nothing", "[concurrent]") {
    const TempDir dir;
    NotifySocket socket(dir.path("notify").string());
    const auto patience = GENERATE("", "0", "soon", "1000");
    const ManagerVariables variables(socket.address(), patience, std::string_view(patience) == "1000" ? "1" : "");
    RecordingLog log;
    ServiceManager manager(log);
    bool asked = false;
    manager.keep_awake([&] { return asked = true; });
    manager.ready();
    CHECK(socket.hears("READY=1"));
    CHECK_FALSE(asked);
}
