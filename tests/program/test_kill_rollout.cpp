#include "support/catch.hpp"
#include "support/local_fleet.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;
using Names = std::vector<std::string>;

const Names nodes{"foo@1.service", "foo@2.service", "foo@3.service"};

/// Good and bad versions in turn; after the last version comes the first one again.
constexpr std::array versions{"v1", "bad", "v2", "bad"};

/// The outcome of a rollout.
struct End {
    Versions units;
    Names quarantined;  ///< "foo halted"
    Names not_ready;    ///< units that were changed and not seen ready since

    bool operator==(const End&) const = default;
};

std::string text_of(const End& end) {
    std::string text;
    for (const auto& [unit, version] : end.units) text.append(unit).append(" ").append(version).append(", ");
    for (const auto& entry : end.quarantined) text.append("quarantined ").append(entry).append(", ");
    for (const auto& unit : end.not_ready) text.append("not ready ").append(unit).append(", ");
    return text;
}

struct Kills {
    int all = 0;
    int of_daemons = 0;
    int midway = 0;       ///< kills that left neither the former nor the final state
    std::string problem;  ///< empty: none
};

/// A deployer with a fleet in which one node of the bad version never comes up.
class Rollouts {
public:
    Rollouts(const std::string& on_timeout, const std::string& broken, unsigned seed)
        : bad_status_(on_timeout == "halt" ? 4 : 5),
          random_(seed),
          site_("  interval: 1h\n  rollout: {timeout: 500ms, poll: 5ms, on_timeout: " + on_timeout + "}\n") {
        site_.fleet.behave(broken, FleetDouble::Behaviour::hang, "bad");
        site_.local.declare("services:\n- {name: foo@.service, count: 3, sequentialDeployment: true}\n");
    }

    Kills kill_often(int times) {
        try {
            learn();
            while (kills_.all < times && kills_.problem.empty()) round();
        } catch (const std::exception& exception) {
            kills_.problem = exception.what();
        }
        return kills_;
    }

private:
    static bool is_bad(std::size_t turn) { return versions.at(turn) == std::string("bad"); }

    /// Learns the outcome of each version, and its duration, without a kill.
    void learn() {
        declare(0);
        finish();
        for (const auto turn : std::array<std::size_t, 4>{1, 2, 3, 0}) {
            declare(turn);
            const auto begin = Clock::now();
            const auto status = site_.local.run("once").status;
            lengths_.at(turn) = Clock::now() - begin;
            expect(status == (is_bad(turn) ? bad_status_ : 0), "ended with status " + std::to_string(status));
            ends_.at(turn) = look();
        }
        expect(ends_.at(0) != ends_.at(1) && ends_.at(1) != ends_.at(2), "versions make no difference");
    }

    void round() {
        declare((turn_ + 1) % versions.size());
        for (auto kills = 1 + random_() % 4; kills > 0; --kills) {
            if (!kill_once()) break;
        }
        // A fix may come before the bad version's rollout has ended.
        if (is_bad(turn_) && random_() % 3 == 0) return;
        finish();
        const auto end = look();
        expect(end == ends_.at(turn_), "ended as " + text_of(end) + "instead of " + text_of(ends_.at(turn_)));
        check_uptime();
    }

    void declare(std::size_t turn) {
        check_uptime();
        turn_ = turn;
        site_.local.put_unit("foo@.service", versions.at(turn));
    }

    /// Runs the deployer to its end, as a person would after a kill.
    void finish() {
        for (const bool is_first : {true, false}) {
            site_.fleet.forget_requests();
            const auto ended = site_.local.run("once");
            const bool is_well =
                is_bad(turn_) ? ended.status == 6 || (is_first && ended.status == bad_status_) : ended.status == 0;
            expect(is_well, "ended with status " + std::to_string(ended.status) + ": " + ended.out + ended.err);
            expect(is_first || site_.fleet.writes().empty(), "something was left to do: " + ended.out);
        }
    }

    /// Kills the deployer; false when it had finished its cycle before.
    bool kill_once() {
        const bool is_daemon = random_() % 2 == 0;
        site_.fleet.forget_requests();
        Program program({is_daemon ? "run" : "once", "--config", site_.local.config()});
        if (random_() % 2 == 0) {
            pause(lengths_.at(turn_));
        } else {
            // Kill soon after a request: most happens close to a change, and little during a wait.
            const auto some = 1 + random_() % nodes.size();
            const auto deadline = Clock::now() + 2 * lengths_.at(turn_);
            while (site_.fleet.count("PUT") < some && Clock::now() < deadline && !program.ended()) {
                std::this_thread::sleep_for(200us);
            }
            pause(30ms);
        }
        program.send(SIGKILL);
        if (program.wait() != -SIGKILL || program.err().find("cycle ended") != std::string::npos) return false;
        ++kills_.all;
        kills_.of_daemons += is_daemon ? 1 : 0;
        note_state();
        return true;
    }

    void pause(Clock::duration most) {
        std::this_thread::sleep_for(most * std::uniform_real_distribution(0.0, 1.0)(random_));
    }

    void note_state() {
        const auto units = site_.versions();
        const auto former = (turn_ + versions.size() - 1) % versions.size();
        if (units == ends_.at(turn_).units || units == ends_.at(former).units) return;
        ++kills_.midway;
    }

    [[nodiscard]] End look() const {
        End end{site_.versions(), {}, {}};
        const auto status = site_.local.run("status", {"--output", "json"}).json();
        const auto quarantined = status->getArray("quarantined");
        for (unsigned i = 0; i < quarantined->size(); ++i) {
            const auto entry = quarantined->getObject(i);
            end.quarantined.push_back(entry->getValue<std::string>("service") + ' ' +
                                      entry->getValue<std::string>("outcome"));
        }
        const auto not_ready = status->getArray("not_seen_ready");
        for (unsigned i = 0; i < not_ready->size(); ++i) end.not_ready.push_back(not_ready->getElement<std::string>(i));
        return end;
    }

    /// Checks that only one node was down at a time, also across kills.
    void check_uptime() {
        if (since_ > 0ms) {
            const auto down = site_.fleet.most_down(nodes, since_);
            expect(down <= 1, std::to_string(down) + " nodes were down at once");
        }
        since_ = lengths_.at(0) > 0ms ? site_.fleet.now() : 0ms;
    }

    void expect(bool is_so, const std::string& otherwise) {
        if (!is_so && kills_.problem.empty()) kills_.problem = std::string(versions.at(turn_)) + ": " + otherwise;
    }

    int bad_status_;
    std::mt19937 random_;
    LocalFleet site_;
    std::array<End, versions.size()> ends_;
    std::array<Clock::duration, versions.size()> lengths_{};
    std::size_t turn_ = 0;
    FleetDouble::Time since_{0};
    Kills kills_;
};

/// Kills at 100 moments or more, with each node in turn as the one that never comes up.
void kill_often(const std::string& on_timeout) {
    struct Case {
        std::string broken;
        unsigned seed;
        Kills kills = {};
    };
    constexpr int kills_of_each = 9;
    std::vector<Case> cases;
    for (const auto* broken : {"foo@1.service", "foo@2.service", "foo@3.service", "foo@[23].service"}) {
        for (int time = 0; time < 3; ++time) cases.push_back({broken, std::random_device{}()});
    }
    {
        // Run the cases concurrently, because they mostly wait.
        std::vector<std::jthread> workers;
        workers.reserve(cases.size());
        for (auto& each : cases) {
            workers.emplace_back([&each, &on_timeout] {
                each.kills = Rollouts(on_timeout, each.broken, each.seed).kill_often(kills_of_each);
            });
        }
    }
    Kills sum;
    for (const auto& [broken, seed, kills] : cases) {
        INFO("broken " << broken << ", seed " << seed << ": " << kills.problem);
        CHECK(kills.problem.empty());
        sum.all += kills.all;
        sum.of_daemons += kills.of_daemons;
        sum.midway += kills.midway;
    }
    CAPTURE(sum.of_daemons, sum.midway);
    CHECK(sum.all >= 100);
    CHECK(sum.of_daemons >= 20);
    CHECK(sum.midway >= 20);
}

}  // namespace

TEST_CASE("killed at random moments of rollouts that halt, it ends as if it had not been", "[R33][R42][R43]") {
    kill_often("halt");
}

TEST_CASE("killed at random moments of rollouts that go back, it ends as if it had not been", "[R33][R42][R43]") {
    kill_often("rollback");
}
