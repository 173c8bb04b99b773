#include "support/mock_state_file.hpp"

#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace deployer::mock_state_file;
using namespace std::chrono_literals;

TEST_CASE("mock: a missing state file is an empty cluster; the first change creates it and its directory") {
    const TempDir directory;
    const TestCall call;
    const auto file = directory.path("some/where/cluster.json");
    const auto target = load_target("target-mock", "state_file: " + file.string());
    CHECK(target->list(call).empty());
    CHECK_FALSE(directory.exists("some"));
    target->apply(unit_running("foo.service", "/bin/foo"), call);
    CHECK(std::filesystem::is_regular_file(file));
    CHECK(target->list(call).size() == 1);

    SECTION("also when it goes missing later") {
        directory.remove("some");
        CHECK(target->list(call).empty());
        target->apply(unit_running("bar.service", "/bin/bar"), call);
        REQUIRE(target->list(call).size() == 1);
        CHECK(target->list(call)[0].unit.name == "bar.service");
    }
}

namespace {

struct Damage {
    std::string text;
    std::string complaint;
};

std::vector<Damage> damages() {
    const std::string one = R"({"name": "a.service", "options": []})";
    return {
        {"", "is not JSON"},
        {"{\"units\": [", "is not JSON"},
        {"{\"units\": []} {}", "is not JSON"},
        {"[]", "is no JSON object"},
        {"null", "is not JSON"},
        {"7", "is not JSON"},
        {"nonsense", "is not JSON"},
        {"{}", "units: is missing"},
        {R"({"units": {}})", "units: is no array"},
        {R"({"units": null})", "units: is no array"},
        {R"({"units": [7]})", "units[0]: is no object"},
        {R"({"units": [)" + one + R"(, {"options": []}]})", "units[1].name: is missing"},
        {R"({"units": [{"name": 7, "options": []}]})", "units[0].name: is no text"},
        {R"({"units": [{"name": "nonsense", "options": []}]})", "units[0].name: "},
        {R"({"units": [)" + one + "," + one + "]}", "units[1].name: \"a.service\" is there twice"},
        {R"({"units": [)" + one + R"(], "units": []})", "units: is there twice"},
        {R"({"units": [)" + one + R"(, {"name": "b.service", "options": [], "n\u0061me": "c.service"}]})",
         "units[1].name: is there twice"},
        {"{\"units\": [" + one + ", {\"name\": }", "is not JSON: unexpected byte '}' in value, after units[1].name"},
        {"{\"units\": []}" + std::string(1, '\0'), "is not JSON"},
        {R"({"units": [{"name": "a.service"}]})", "units[0].options: is missing"},
        {R"({"units": [{"name": "a.service", "options": "x"}]})", "units[0].options: is no array"},
        {R"({"units": [{"name": "a.service", "options": [{"section": "S"}]}]})",
         "units[0].options[0].name: is missing"},
        {R"({"units": [{"name": "a.service", "options": [{"section": "S", "name": "N", "value": 1}]}]})",
         "units[0].options[0].value: is no text"},
        {R"({"units": [{"name": "a.service", "options": [], "desiredState": "running"}]})",
         "units[0].desiredState: is \"running\""},
        {R"({"units": [{"name": "a.service", "options": [], "desiredState": "a\u001b[2J"}]})",
         R"(units[0].desiredState: is "a\x1b[2J")"},
        {R"({"units": [{"name": "a.service", "options": [], "currentState": true}]})",
         "units[0].currentState: is no text"},
        {R"({"units": [{"name": "a.service", "options": [], "pending": "x"}]})", "units[0].pending: is no object"},
        {R"({"units": [{"name": "a.service", "options": [], "pending": {"state": "x", "at": "soon"}}]})",
         "units[0].pending.at: \"soon\""},
        {R"({"units": [{"name": "a.service", "options": [], "pending": {"state": "x", "at": "2026-02-30T00:00:00Z"}}]})",
         "units[0].pending.at: \"2026-02-30"},
    };
}

}  // namespace

TEST_CASE("mock: a damaged state file is an error that names the file, the place and the remedy") {
    const MockCluster cluster;
    const auto target = cluster.open();
    const TestCall call;
    const auto damage = GENERATE(from_range(damages()));
    cluster.write(damage.text);
    CAPTURE(damage.text);
    const auto unit = unit_running("b.service", "/bin/b");
    const std::vector<std::function<void()>> calls = {
        [&] { target->list(call); }, [&] { target->apply(unit, call); },
        [&] { target->set_desired_state("a.service", DesiredState::loaded, call); },
        [&] { target->destroy("a.service", call); }, [&] { static_cast<void>(target->status(unit, call)); }};
    for (const auto& action : calls) {
        const auto problem = thrown_by(action);
        CHECK(problem.kind() == ErrorKind::unavailable);
        CHECK(says(problem, cluster.file().string() + " is damaged: "));
        CHECK(says(problem, damage.complaint));
        CHECK(says(problem, "repair it, or remove it"));
    }
    CHECK(cluster.text() == damage.text);
}

TEST_CASE("mock: a state file that no cluster can have is refused before it takes the memory of a machine") {
    const MockCluster cluster;
    const TestCall call;
    std::string complaint;
    SECTION("too many bytes") {
        cluster.write("");
        std::filesystem::resize_file(cluster.file(), (32U << 20U) + 1);
        complaint = "cannot read " + cluster.file().string() + ": its 33554433 bytes are more than the 33554432 of";
    }
    SECTION("too many elements") {
        std::string text = "{\"extra\": [0";
        for (int count = 0; count < 3'000'000; ++count) text += ",0";
        cluster.write(text + "], \"units\": []}");
        complaint = "is damaged: it holds more than 3000000 elements, at extra[2999998]";
    }
    SECTION("too many objects") {
        std::string text = "{\"extra\": [0";
        for (int count = 0; count < 750'000; ++count) text += ",{}";
        cluster.write(text + "], \"units\": []}");
        complaint = "is damaged: it holds more than 750000 objects and lists, at extra[749999]";
    }
    const auto problem = thrown_by([&] { cluster.open()->list(call); });
    CHECK(problem.kind() == ErrorKind::unavailable);
    CHECK(says(problem, complaint));
}

TEST_CASE("mock: reading a large state file ends at the deadline [R8]", "[R8]") {
    const MockCluster cluster;
    std::string text = "{\"extra\": [0";
    for (int count = 0; count < 2'000'000; ++count) text += ",0";
    cluster.write(text + "], \"units\": []}");
    const auto target = cluster.open();
    const auto problem = thrown_by([&] { target->list(TestCall(50ms)); });
    CHECK(problem.kind() == ErrorKind::unavailable);
    CHECK(says(problem, "reading the state file did not finish in time"));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(target->list(TestCall()).empty());
    // The file was large enough to take longer than the short deadline above.
    CHECK(std::chrono::steady_clock::now() - begin > 50ms);
}

TEST_CASE("mock: a cluster that would no longer fit into a state file stays as it is") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open();
    Unit unit{"large.service", {}, DesiredState::launched};
    for (int count = 0; count < 17'000; ++count) unit.options.push_back({"S", "N", std::string(2000, 'x')});
    CHECK(says(thrown_by([&] { target->apply(unit, call); }), "no longer fit into a state file"));
    CHECK_FALSE(cluster.directory().exists("cluster.json"));
    target->apply(unit_running("small.service", "/bin/small"), call);
    CHECK(cluster.names() == std::vector<std::string>{"small.service"});
}

TEST_CASE("mock: a state file keeps its mode when it is replaced, and is private when it is new") {
    const MockCluster cluster;
    const TestCall call;
    const auto mode = [&] { return static_cast<unsigned>(std::filesystem::status(cluster.file()).permissions()); };
    const auto former = ::umask(0);
    cluster.open()->apply(unit_running("a.service", "/bin/a"), call);
    CHECK(mode() == 0600);
    ::umask(077);
    std::filesystem::permissions(cluster.file(), std::filesystem::perms(0664));
    cluster.open()->apply(unit_running("b.service", "/bin/b"), call);
    ::umask(former);
    CHECK(mode() == 0664);
}

TEST_CASE("mock: a state file written by hand, or taken from fleet, is understood") {
    const MockCluster cluster;
    cluster.write(R"({"extra": 1, "units": [
        {"name": "b.service", "options": [{"section": "S", "name": "N"}], "machineID": "x", "hash": "wrong"},
        {"name": "a.service", "options": [], "desiredState": "loaded", "currentState": "failed"}]})");
    const auto units = cluster.units();
    REQUIRE(units.size() == 2);
    CHECK(units[0].unit == Unit{"a.service", {}, DesiredState::loaded});
    CHECK(units[0].current_state == "failed");
    CHECK(units[1].unit == Unit{"b.service", {{"S", "N", ""}}, DesiredState::launched});
    CHECK(units[1].current_state == "launched");
    const TestCall call;
    CHECK(cluster.open()->status(units[0].unit, call).readiness == Readiness::failed);
}

TEST_CASE("mock: edits by hand are seen at the next call") {
    const MockCluster cluster;
    const auto target = cluster.open();
    const TestCall call;
    target->apply(unit_running("foo.service", "/bin/foo"), call);
    auto text = cluster.text();
    cluster.write(text.replace(text.find("/bin/foo"), 8, "/bin/bar2"));
    CHECK(target->list(call)[0].unit == unit_running("foo.service", "/bin/bar2"));
    target->apply(unit_running("other.service", "/bin/other"), call);
    CHECK(target->list(call)[0].unit == unit_running("foo.service", "/bin/bar2"));
}

TEST_CASE("mock: a path that can never be a state file is a matter of configuration") {
    const TempDir directory;
    directory.write("file", "x");
    const TestCall call;
    const auto check_misconfigured = [&](const std::filesystem::path& path) {
        const auto target = load_target("target-mock", "state_file: " + path.string());
        const auto problem = thrown_by([&] { target->list(call); });
        CHECK(problem.kind() == ErrorKind::misconfigured);
        CHECK(says(problem, path.string()));
    };
    check_misconfigured(directory.path());
    check_misconfigured(directory.path("file/below"));
    REQUIRE(::mkfifo(directory.path("fifo").c_str(), 0600) == 0);
    check_misconfigured(directory.path("fifo"));
    std::filesystem::create_symlink("loop", directory.path("loop"));
    check_misconfigured(directory.path("loop"));
}

TEST_CASE("mock: a state file behind a symbolic link stays there") {
    const TempDir directory;
    directory.write("real/cluster.json", "{\"units\": []}");
    std::filesystem::create_symlink("real/cluster.json", directory.path("link.json"));
    const TestCall call;
    load_target("target-mock", "state_file: " + directory.path("link.json").string())
        ->apply(unit_running("foo.service", "/bin/foo"), call);
    CHECK(std::filesystem::is_symlink(directory.path("link.json")));
    CHECK(holds(directory.read("real/cluster.json"), "foo.service"));
}

TEST_CASE("mock: a state file that a symbolic link names is made where the link leads") {
    const TempDir directory;
    const TestCall call;
    std::filesystem::create_symlink("next.json", directory.path("link.json"));
    std::filesystem::create_symlink(directory.path("real/cluster.json"), directory.path("next.json"));
    const auto target = load_target("target-mock", "state_file: " + directory.path("link.json").string());
    CHECK(target->list(call).empty());
    target->apply(unit_running("foo.service", "/bin/foo"), call);
    CHECK(std::filesystem::is_symlink(directory.path("link.json")));
    CHECK(std::filesystem::is_symlink(directory.path("next.json")));
    CHECK(holds(directory.read("real/cluster.json"), "foo.service"));
    CHECK(target->list(call).size() == 1);
}

TEST_CASE("mock: on a read-only disk the cluster can be read and is not changed") {
    const TempDir directory;
    const TestCall call;
    const SmallDisk disk(directory.path(), "64k");
    if (!disk.problem().empty()) {
        WARN("skipped: " << disk.problem());
        return;
    }
    const auto target =
        load_target("target-mock", "state_file: " + directory.path("cluster.json").string() + "\ndelay: 1ms");
    const auto unit = unit_running("foo.service", "/bin/foo");
    target->apply(unit, call);
    disk.make_read_only();
    const auto problem = thrown_by([&] { target->apply(unit_running("bar.service", "/bin/bar"), call); });
    CHECK(problem.kind() == ErrorKind::unavailable);
    CHECK(says(problem, "cluster.json.lock: Read-only file system"));
    CHECK(target->list(call).size() == 1);
    // The unit still becomes ready, although the state file cannot be written.
    while (target->status(unit, call).readiness != Readiness::ready) std::this_thread::sleep_for(1ms);
    target->apply(unit, call);
}

TEST_CASE("mock: a directory that may not be written is named in the error") {
    const TempDir directory;
    const TestCall call;
    std::filesystem::create_directory(directory.path("closed"));
    std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
    std::filesystem::permissions(directory.path("closed"), std::filesystem::perms(0555));
    const Unprivileged user;
    const auto target = load_target("target-mock", "state_file: " + directory.path("closed/cluster.json").string());
    CHECK(target->list(call).empty());
    const auto problem = thrown_by([&] { target->apply(unit_running("foo.service", "/bin/foo"), call); });
    CHECK(problem.kind() == ErrorKind::unavailable);
    CHECK(says(problem, directory.path("closed").string()));
}

TEST_CASE("mock: ten thousand units are one cluster like any other") {
    const MockCluster cluster;
    const TestCall call;
    std::string text = "{\"units\": [";
    for (int number = 10'000; number > 0; --number) {
        text += R"({"name": ")" + node(number) + R"(", "options": [{"section": "S", "name": "N", "value": "v"}]})";
        text += number > 1 ? ",\n" : "]}";
    }
    cluster.write(text);
    const auto target = cluster.open();
    CHECK(target->list(call).size() == 10'000);
    target->destroy(node(5000), call);
    const auto units = cluster.units();
    REQUIRE(units.size() == 9'999);
    CHECK(units[0].unit.name == node(1));
    CHECK(units[9'998].unit.name == node(10'000));
}
