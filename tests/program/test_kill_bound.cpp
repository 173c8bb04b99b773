#include "support/bound_services.hpp"
#include "support/catch.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

struct Kills {
    int all = 0;
    int while_stopped = 0;  ///< kills while a unit to be launched was told to stop
    std::string problem;    ///< empty: none
};

/// Kills a deployer while it updates nodes with sidekicks bound to them.
class Updates {
public:
    Updates(BoundService service, std::chrono::milliseconds process_stop, unsigned seed)
        : service_(std::move(service)), random_(seed), site_({}, options_with(process_stop)) {
        site_.local.declare("services:\n" + service_.entries());
    }

    Kills kill_often(int times) {
        try {
            declare();
            finish();
            declare();
            const auto begin = Clock::now();
            finish();
            length_ = Clock::now() - begin;
            while (kills_.all < times && kills_.problem.empty()) round();
        } catch (const std::exception& exception) {
            kills_.problem = exception.what();
        }
        return kills_;
    }

private:
    static FleetOptions options_with(std::chrono::milliseconds process_stop) {
        FleetOptions options{.speed = 100};
        options.pace.systemd.stop = process_stop;
        return options;
    }

    void round() {
        declare();
        for (auto kills = 1 + random_() % 3; kills > 0; --kills) {
            if (!kill_once()) break;
        }
        finish();
    }

    /// Changes the node, or the sidekick, or both.
    void declare() {
        const auto which = random_() % 3;
        if (which != 1 || version_ == 0) node_ = "v" + std::to_string(++version_);
        if (which != 0 || sidekick_.empty()) sidekick_ = "s" + std::to_string(++version_);
        site_.local.put("foo@.service", service_.node(node_));
        site_.local.put("foo-sidekick@.service", service_.sidekick(sidekick_));
    }

    /// Runs the deployer to its end, as a person would after a kill.
    void finish() {
        for (int runs = 0; runs < 3; ++runs) {
            const auto ended = site_.local.run("once");
            if (ended.status == 0) break;
            if (runs == 2) fail("ended with status " + std::to_string(ended.status) + ": " + ended.out + ended.err);
        }
        site_.fleet.settle();
        const auto wrongs = site_.wrongs(service_.wanted(node_, sidekick_));
        if (!wrongs.empty()) fail(joined(wrongs));
    }

    /// Kills the deployer; false when it had finished its cycle before.
    bool kill_once() {
        site_.fleet.forget_requests();
        Program program({"once", "--config", site_.local.config()});
        if (random_() % 2 == 0) {
            pause(length_);
        } else {
            // Kill soon after a request, because most happens close to a change.
            const auto some = 1 + random_() % 8;
            const auto deadline = Clock::now() + 2 * length_;
            while (site_.fleet.count("PUT") < some && Clock::now() < deadline && !program.ended()) {
                std::this_thread::sleep_for(1ms);
            }
            pause(20ms);
        }
        program.send(SIGKILL);
        if (program.wait() != -SIGKILL) return false;
        ++kills_.all;
        for (const auto& unit : site_.fleet.units()) {
            if (unit.desired_state == DesiredState::launched) continue;
            ++kills_.while_stopped;
            break;
        }
        return true;
    }

    void pause(Clock::duration most) {
        std::this_thread::sleep_for(most * std::uniform_real_distribution(0.0, 1.0)(random_));
    }

    void fail(const std::string& problem) {
        if (kills_.problem.empty()) kills_.problem = node_ + " with " + sidekick_ + ": " + problem;
    }

    BoundService service_;
    std::mt19937 random_;
    BoundFleet site_;
    std::string node_;
    std::string sidekick_;
    int version_ = 0;
    Clock::duration length_{};
    Kills kills_;
};

}  // namespace

TEST_CASE("killed at 200 random moments of updates of bound nodes, every process is of the wanted version in the end",
          "[R33][R42]") {
    struct Case {
        BoundService service;
        std::chrono::milliseconds process_stop;
        unsigned seed;
        Kills kills = {};
    };
    constexpr int kills_of_each = 17;
    std::vector<Case> cases;
    for (const auto* const exec_stop : {"/bin/true", "/bin/sleep 0.1", "/bin/sleep 2"}) {
        for (const bool is_wanted : {false, true}) {
            for (const bool is_sequential : {false, true}) {
                // Vary how long a process takes to stop: agents act differently when they still find a stopped unit's
                // process.
                const auto process_stop = cases.size() % 3 == 0 ? 70ms : 10ms;
                cases.push_back({{exec_stop, is_wanted, is_sequential}, process_stop, std::random_device{}()});
            }
        }
    }
    {
        // Run the cases concurrently, because they mostly wait.
        std::vector<std::jthread> workers;
        workers.reserve(cases.size());
        for (auto& each : cases) {
            workers.emplace_back([&each] {
                each.kills = Updates(each.service, each.process_stop, each.seed).kill_often(kills_of_each);
            });
        }
    }
    Kills sum;
    for (const auto& [service, process_stop, seed, kills] : cases) {
        INFO("ExecStop=" << service.exec_stop << (service.is_wanted ? ", Wants=" : "")
                         << (service.is_sequential ? ", sequential" : ", plain") << ", a process stops in "
                         << process_stop.count() << " ms, seed " << seed << ": " << kills.problem);
        CHECK(kills.problem.empty());
        sum.all += kills.all;
        sum.while_stopped += kills.while_stopped;
    }
    CAPTURE(sum.while_stopped);
    CHECK(sum.all >= 200);
}
