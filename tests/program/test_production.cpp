#include "cycle/session.hpp"

#include "config/config.hpp"
#include "support/catch.hpp"
#include "support/fleet_double.hpp"
#include "support/github_double.hpp"
#include "support/holds.hpp"
#include "support/recording_log.hpp"
#include "support/temp_dir.hpp"

#include <deployer/unit_file.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
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

/// GitHub, the deployer and fleet. The first revision is deployed; the next one updates foo node by node, adds a new
/// name for old.service, and destroys old.service.
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
        deployed = settle() && comes_up();
        github.commit({{"services.yaml",
                        {"services:\n- name: foo@.service\n  count: 2\n  sequentialDeployment: true\n"
                         "- name: new.service\n"}},
                       {"foo@.service", {unit_file("foo v2")}},
                       {"new.service", {unit_file("thing")}}});
        github.forget_requests();
        fleet.forget_requests();
        since = fleet.now();
    }

    /// Makes a new deployer, as a new process does.
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

    /// Runs cycles until there is nothing to do; false when that does not happen.
    bool settle() {
        for (int i = 0; i < 10; ++i) {
            if (cycle().result == Outcome::in_sync) return true;
        }
        return false;
    }

    /// Waits for the nodes of foo, which are new and start all at once. False when that takes too long.
    [[nodiscard]] bool comes_up() const {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!fleet.runs("foo@1.service") || !fleet.runs("foo@2.service")) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::sleep_for(1ms);
        }
        return true;
    }

    [[nodiscard]] bool has_snapshot() const {
        if (!std::filesystem::exists(dir.path("cache"))) return false;
        const std::filesystem::directory_iterator files(dir.path("cache"));
        return std::any_of(begin(files), end(files),
                           [](const auto& file) { return file.path().filename().string().rfind("snapshot", 0) == 0; });
    }

    /// The difference between the final state and the last revision; empty for none.
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

    /// Harm done on the way, such as a destroy before the replacement came; empty for none.
    [[nodiscard]] std::string harm() const {
        bool has_new = false;
        for (const auto& line : fleet.requests()) {
            if (line == "PUT new.service") has_new = true;
            if (line.rfind("DELETE", 0) == 0 && line != "DELETE old.service") return line;
            if (line == "DELETE old.service" && !has_new) return "old.service went before new.service came";
        }
        if (fleet.most_down({"foo@1.service", "foo@2.service"}, since) > 1)
            return "both nodes of foo were down at once";
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
    FleetDouble::Time since{0};  ///< when the second revision came

private:
    Mode mode_;
};

/// A request of a cycle that fails, together with all attempts to repeat it.
struct Step {
    std::string server;  ///< "github" or "fleet"
    std::string line;    ///< beginning of the request's line
    std::size_t nth = 1;
};

/// The number of a client's attempts, including one more for a first attempt on an idle connection.
constexpr std::size_t attempts = 5;

struct Fault {
    /// The answers that the fault can affect.
    enum class Of { any, body, listing };

    std::string name;
    GithubFault github;
    FleetFault fleet;
    Of of = Of::any;
    std::size_t times = attempts;
};

/// Sets the fault for the step. `hits` counts the requests that had the fault; it must outlive the world.
void arm(Production& world, const Step& step, const Fault& fault, std::atomic<std::size_t>& hits) {
    const auto matches = [step, times = fault.times, &hits](const std::string& line, std::size_t nth) {
        const bool is_it = line.rfind(step.line, 0) == 0 && nth >= step.nth && nth < step.nth + times;
        if (is_it) ++hits;
        return is_it;
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
    using Of = Fault::Of;
    std::vector<Fault> faults;
    faults.push_back({"drops the connection", {.drop = true}, {.drop = true}});
    faults.push_back({"loses the answer", {.drop = true}, {.lose_answer = true}});
    for (const int status : {403, 404, 429, 500, 503}) {
        faults.push_back({"answers " + std::to_string(status), {.status = status}, {.status = status}});
    }
    faults.push_back({"never ends", {.delay = HttpReply::forever}, {.delay = HttpReply::forever}, Fault::Of::any, 2});
    faults.push_back({"cuts the body", {.cut_after = 5}, {.cut_after = 5}, Of::body});
    faults.push_back({"cuts the chunks",
                      {.cut_after = 5, .framing = HttpReply::Framing::chunked},
                      {.cut_after = 5, .framing = HttpReply::Framing::chunked},
                      Of::body});
    faults.push_back(
        {"answers nonsense", {.body = "<html>nonsense</html>"}, {.body = "<html>nonsense</html>"}, Of::body});
    faults.push_back({"repeats a token", {}, {.repeat_token = true}, Of::listing});
    // Two listings that lack the same unit are believed, which must do no harm.
    for (const auto* const unit : {"foo@1.service", "foo@2.service", "old.service"}) {
        faults.push_back({std::string("leaves out ") + unit, {}, {.lacks = unit}, Of::listing, 2});
    }
    faults.push_back({"leaves out everything", {}, {.lacks = "*"}, Of::listing, 1});
    return faults;
}

std::vector<Step> all_steps() {
    return {{"github", "api commits"},      {"github", "api tarball"},      {"github", "codeload"},
            {"fleet", "GET /units"},        {"fleet", "PUT foo@1.service"}, {"fleet", "GET /state foo@1.service"},
            {"fleet", "PUT foo@2.service"}, {"fleet", "PUT new.service"},   {"fleet", "GET /state new.service"},
            {"github", "api commits", 2},   {"fleet", "DELETE old.service"}};
}

bool can_act(const Step& step, const Fault& fault) {
    // A rate limit of GitHub lasts longer than this test; it has a test of its own.
    if (step.server == "github" && fault.name == "answers 429") return false;
    const bool is_listing = step.line.starts_with("GET ");
    if (fault.of == Fault::Of::listing) return is_listing;
    // Changes, the redirect to an archive, and 304 (no new revision) are answered without a body.
    const bool has_body = step.line == "codeload" || (step.line == "api commits" && step.nth == 1);
    return fault.of == Fault::Of::any || is_listing || has_body;
}

/// Whether the deployer handles the fault without reporting a failure.
bool is_absorbed(const Step& step, const Fault& fault) {
    // A failed look at a unit is repeated, but denied access does not pass by itself.
    if (step.line.starts_with("GET /state")) return fault.name != "answers 403";
    if (step.line == "GET /units") return fault.name.starts_with("leaves out");
    // 404 for a destroy means that the unit is gone, which is a success.
    return step.line.starts_with("DELETE") && fault.name == "answers 404";
}

/// What is wrong after this fault at this step; empty when nothing is.
std::string try_fault(const Step& step, const Fault& fault) {
    std::atomic<std::size_t> hits = 0;
    Production world;
    if (!world.deployed) return "the first revision is not deployed";
    world.start();
    arm(world, step, fault, hits);
    bool in_sync = false;
    bool was_said = false;
    for (int i = 0; i < 12 && !in_sync; ++i) {
        const auto report = world.cycle();
        in_sync = report.result == Outcome::in_sync;
        if (report.error) {
            was_said = true;
            const std::string message = report.error->what();
            if (message.rfind("cannot ", 0) != 0) return "an error that does not say what cannot be done: " + message;
            if (report.error->kind() == ErrorKind::unavailable && world.has_snapshot())
                return "the snapshot is still there";
        }
        for (const auto& change : report.changes) {
            if (change.status != ChangeStatus::failed) continue;
            was_said = true;
            if (change.error.empty()) return "a failure without words";
        }
        if (auto harm = world.harm(); !harm.empty()) return harm;
    }
    if (hits == 0) return "it did not go wrong";
    if (!was_said && !is_absorbed(step, fault)) return "nothing was said";
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
            if (can_act(step, fault)) all.push_back({step, fault});
        }
    }
    // Run the cases concurrently, because they mostly wait.
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

TEST_CASE("a unit that fleet cannot read fails, and everything else is deployed", "[R5][R25]") {
    Production world;
    REQUIRE(world.deployed);
    world.fleet.spoil("foo@2.service");
    world.start();
    const auto report = world.cycle();
    CHECK(report.result == Outcome::degraded);
    CHECK_FALSE(report.error);
    std::vector<std::string> failed;
    for (const auto& change : report.changes) {
        if (change.status == ChangeStatus::failed) failed.push_back(change.change.unit + ": " + change.error);
    }
    REQUIRE(failed.size() == 1);
    CHECK(holds(failed[0], "foo@2.service: "));
    CHECK(holds(failed[0], "not read this one, so the cause is what fleet has stored"));
    // foo is updated node by node, and stops at the node that fails.
    CHECK(world.fleet.find("foo@1.service")->options.at(0).value == "/bin/foo v1");
    CHECK(world.fleet.runs("foo@1.service"));
    CHECK(world.fleet.names() ==
          std::vector<std::string>{"foo@1.service", "foo@2.service", "new.service", "old.service"});
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
            if (report.result != Outcome::failed) return "the cycle did not fail";
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
    CHECK(world.cycle().result == Outcome::failed);
    CHECK(world.github.count("") == asked);
}

TEST_CASE("an idle cycle asks GitHub once and fleet nothing; a version bump costs few requests", "[R30][R31]") {
    Production world;
    REQUIRE(world.deployed);
    REQUIRE(world.settle());
    world.github.forget_requests();
    world.fleet.forget_requests();
    CHECK(world.cycle().result == Outcome::in_sync);
    CHECK(world.github.count("") == 1);
    CHECK(world.github.count("api commits", 304) == 1);
    CHECK(world.fleet.requests().empty());
}
