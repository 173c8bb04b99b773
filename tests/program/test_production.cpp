#include "session.hpp"

#include "config.hpp"
#include "support/catch.hpp"
#include "support/fleet_double.hpp"
#include "support/github_double.hpp"
#include "support/recording_log.hpp"
#include "support/temp_dir.hpp"

#include <deployer/unit_file.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

std::string unit_file(const std::string& command) {
    return "[Service]\nExecStart=/bin/" + command + "\n";
}

/// GitHub, the deployer and fleet: a revision is deployed, and the next one updates foo node by node, brings a new name
/// for old.service, and takes that away.
class Production {
public:
    enum class Mode { api, raw };

    explicit Production(Mode mode = Mode::api) : mode_(mode) {
        github.commit({{"services.yaml",
                        {"services:\n- name: foo@.service\n  count: 2\n  sequentialDeployment: true\n"
                         "- name: old.service\n"}},
                       {"foo@.service", {unit_file("foo v1")}},
                       {"old.service", {unit_file("thing")}}});
        start();
        deployed = settle();
        github.commit({{"services.yaml",
                        {"services:\n- name: foo@.service\n  count: 2\n  sequentialDeployment: true\n"
                         "- name: new.service\n"}},
                       {"foo@.service", {unit_file("foo v2")}},
                       {"new.service", {unit_file("thing")}}});
        github.forget_requests();
        fleet.forget_requests();
    }

    /// As a new process.
    void start() {
        const auto source = mode_ == Mode::api ? "  repository: octo/config\n  api_url: " + github.api_url() + "\n"
                                               : "  root_uri: " + github.root_uri() + "\n";
        const auto text = "source:\n  plugin: source-github\n  allow_http: true\n" + source +
                          "target:\n  plugin: target-fleet\n  endpoint: " + fleet.endpoint() +
                          "\ncache: {plugin: cache-file, path: " + dir.path("cache").string() +
                          "}\nreconcile:\n  destroy: true\n  call_timeout: 2s\n"
                          "  rollout: {timeout: 20s, poll: 5ms}\n";
        session.reset();
        session = std::make_unique<Session>(read_config(text, "test.yaml", dir.path()), host, log, stop.get_token(),
                                            OnStart::rebuild);
    }

    CycleReport cycle() { return session->reconciler().run_cycle({stop.get_token(), log, 2s}); }

    /// Cycles until there is nothing to do; false when that does not happen.
    bool settle() {
        for (int i = 0; i < 10; ++i) {
            if (cycle().result == CycleResult::in_sync) return true;
        }
        return false;
    }

    [[nodiscard]] bool has_snapshot() const {
        if (!std::filesystem::exists(dir.path("cache"))) return false;
        const std::filesystem::directory_iterator files(dir.path("cache"));
        return std::any_of(begin(files), end(files),
                           [](const auto& file) { return file.path().filename().string().rfind("snapshot", 0) == 0; });
    }

    /// "" or what of the end state is not as the last revision has it.
    [[nodiscard]] std::string difference_from_wanted() const {
        const std::vector<std::string> wanted{"foo@1.service", "foo@2.service", "new.service"};
        if (fleet.names() != wanted) return "other units";
        for (const auto& unit : fleet.units()) {
            if (unit.desired_state != DesiredState::launched) return unit.name + " is not launched";
            const auto command = unit.name == "new.service" ? "/bin/thing" : "/bin/foo v2";
            if (unit.options.at(0).value != command) return unit.name + " is another version";
        }
        return "";
    }

    /// "" or what was done in an order that loses something.
    [[nodiscard]] std::string harm() const {
        bool has_new = false;
        for (const auto& line : fleet.requests()) {
            if (line == "PUT new.service") has_new = true;
            if (line.rfind("DELETE", 0) == 0 && line != "DELETE old.service") return line;
            if (line == "DELETE old.service" && !has_new) return "old.service went before new.service came";
        }
        return "";
    }

    GithubDouble github;
    FleetDouble fleet{{.speed = 2000}};
    TempDir dir;
    RecordingLog log;
    std::stop_source stop;
    PluginHost host{{DEPLOYER_TEST_PLUGINS}};
    std::unique_ptr<Session> session;
    bool deployed = false;

private:
    Mode mode_;
};

/// A request of a cycle, at which something goes wrong for as long as the client tries again.
struct Step {
    std::string server;  ///< "github" or "fleet"
    std::string line;    ///< what the request's line begins with
    std::size_t nth = 1;
};

struct Fault {
    std::string name;
    GithubFault github;
    FleetFault fleet;
};

constexpr std::size_t attempts = 4;

void arm(Production& world, const Step& step, const Fault& fault) {
    const auto matches = [step](const std::string& line, std::size_t nth) {
        return line.rfind(step.line, 0) == 0 && nth >= step.nth && nth < step.nth + attempts;
    };
    if (step.server == "github") {
        world.github.set_fault([matches, fault](const GithubRequest& request) {
            return matches(request.line, request.nth) ? std::optional(fault.github) : std::nullopt;
        });
    } else {
        world.fleet.set_fault([matches, fault](const FleetRequest& request) {
            return matches(request.line, request.nth) ? std::optional(fault.fleet) : std::nullopt;
        });
    }
}

std::vector<Fault> all_faults() {
    std::vector<Fault> faults;
    faults.push_back({"drops the connection", {.drop = true}, {.drop = true}});
    faults.push_back({"loses the answer", {.drop = true}, {.lose_answer = true}});
    for (const int status : {403, 404, 429, 500, 503}) {
        faults.push_back({"answers " + std::to_string(status), {.status = status}, {.status = status}});
    }
    faults.push_back({"cuts the body", {.cut_after = 5}, {.cut_after = 5}});
    faults.push_back({"cuts the chunks",
                      {.cut_after = 5, .framing = HttpReply::Framing::chunked},
                      {.cut_after = 5, .framing = HttpReply::Framing::chunked}});
    faults.push_back({"never ends", {.delay = HttpReply::forever}, {.delay = HttpReply::forever}});
    faults.push_back({"answers nonsense", {.body = "<html>nonsense</html>"}, {.body = "<html>nonsense</html>"}});
    faults.push_back({"repeats a token", {.drop = true}, {.repeat_token = true}});
    faults.push_back({"leaves units out", {.drop = true}, {.leave_out = true}});
    return faults;
}

std::vector<Step> all_steps() {
    return {{"github", "api commits"},      {"github", "api tarball"},      {"github", "codeload"},
            {"fleet", "GET /units"},        {"fleet", "PUT foo@1.service"}, {"fleet", "GET /state foo@1.service"},
            {"fleet", "PUT foo@2.service"}, {"fleet", "PUT new.service"},   {"fleet", "GET /state new.service"},
            {"github", "api commits", 2},   {"fleet", "DELETE old.service"}};
}

/// What is not as it should be when this goes wrong at this step; empty when all is.
std::string try_fault(const Step& step, const Fault& fault) {
    Production world;
    if (!world.deployed) return "the first revision is not deployed";
    world.start();
    arm(world, step, fault);
    bool in_sync = false;
    for (int i = 0; i < 12 && !in_sync; ++i) {
        const auto report = world.cycle();
        in_sync = report.result == CycleResult::in_sync;
        if (report.error) {
            const std::string message = report.error->what();
            if (message.rfind("cannot ", 0) != 0) return "an error that does not say what cannot be done: " + message;
            if (report.error->kind() == ErrorKind::unavailable && world.has_snapshot())
                return "the snapshot is still there";
        }
        for (const auto& change : report.changes) {
            if (change.status == ChangeStatus::failed && change.error.empty()) return "a failure without words";
        }
        if (auto harm = world.harm(); !harm.empty()) return harm;
    }
    if (!in_sync) return "it does not converge: " + world.log.text();
    return world.difference_from_wanted();
}

}  // namespace

TEST_CASE("whatever goes wrong at whichever step, it is said, passes, and nothing wanted is lost",
          "[R5][R25][R32][R33]") {
    struct Attempt {
        Step step;
        Fault fault;
        std::string problem = "not tried";
    };
    std::vector<Attempt> all;
    for (const auto& step : all_steps()) {
        for (const auto& fault : all_faults()) {
            // A rate limit of GitHub's lasts for longer than a test: there is one of its own for it.
            if (step.server != "github" || fault.name != "answers 429") all.push_back({step, fault});
        }
    }
    // They mostly wait.
    constexpr std::size_t side_by_side = 32;
    std::atomic<std::size_t> next = 0;
    {
        std::vector<std::jthread> workers(side_by_side);
        for (auto& worker : workers) {
            worker = std::jthread([&] {
                for (auto i = next++; i < all.size(); i = next++) all[i].problem = try_fault(all[i].step, all[i].fault);
            });
        }
    }
    for (const auto& [step, fault, problem] : all) {
        INFO(step.server << ' ' << fault.name << " at " << step.line << ": " << problem);
        CHECK(problem.empty());
    }
}

TEST_CASE("a services.yaml that is cut anywhere on its way changes nothing", "[R17]") {
    const auto mode = GENERATE(Production::Mode::api, Production::Mode::raw);
    const auto framing =
        GENERATE(HttpReply::Framing::length, HttpReply::Framing::chunked, HttpReply::Framing::until_close);
    std::vector<std::future<std::string>> problems;
    for (std::size_t length = 0; length < 90; length += 15) {
        problems.push_back(std::async(std::launch::async, [=]() -> std::string {
            Production world(mode);
            const auto before = world.fleet.units();
            world.github.set_fault([=](const GithubRequest& request) -> std::optional<GithubFault> {
                const bool is_it = mode == Production::Mode::api ? request.line.rfind("codeload", 0) == 0
                                                                 : request.line.rfind("raw services.yaml", 0) == 0;
                if (!is_it) return std::nullopt;
                return GithubFault{.cut_after = length, .framing = framing};
            });
            const auto report = world.cycle();
            if (report.result != CycleResult::failed) return "the cycle did not fail";
            if (!world.fleet.writes().empty() || world.fleet.units() != before) return "something changed";
            return "";
        }));
    }
    for (auto& problem : problems) {
        const auto found = problem.get();
        INFO(found);
        CHECK(found.empty());
    }
}

TEST_CASE("a rate limit is said, lengthens the pause, and passes", "[R32]") {
    Production world;
    REQUIRE(world.deployed);
    world.github.set_fault([](const GithubRequest& request) -> std::optional<GithubFault> {
        if (request.nth > 1) return std::nullopt;
        return GithubFault{.status = 403, .headers = {{"Retry-After", "90"}}};
    });
    const auto report = world.cycle();
    REQUIRE(report.error);
    CHECK(report.error->kind() == ErrorKind::unavailable);
    REQUIRE(report.error->retry_after());
    CHECK(*report.error->retry_after() > 80s);
    const auto asked = world.github.count("");
    CHECK(world.cycle().result == CycleResult::failed);
    CHECK(world.github.count("") == asked);
}

TEST_CASE("an idle cycle asks GitHub once and fleet nothing; a version bump costs few requests", "[R30][R31]") {
    Production world;
    REQUIRE(world.deployed);
    REQUIRE(world.settle());
    world.github.forget_requests();
    world.fleet.forget_requests();
    CHECK(world.cycle().result == CycleResult::in_sync);
    CHECK(world.github.count("") == 1);
    CHECK(world.github.count("api commits", 304) == 1);
    CHECK(world.fleet.requests().empty());
}
