#include "behaviour.hpp"
#include "cluster_file.hpp"
#include "simulation.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/plugin.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer::mock {
namespace {

Moment now() {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::filesystem::path read_state_file(const Settings& settings) {
    settings.describe("state_file", "", "The file that holds the simulated cluster. Need not exist yet.");
    auto path = settings.written_path("state_file");
    if (!path.has_filename()) settings.fail("state_file", quote(path.native()) + " is no name of a file");
    return path;
}

/// A simulated cluster in a file. Several threads may call at once: the settings never change, and ClusterFile is
/// thread-safe.
class MockTarget : public Target {
public:
    explicit MockTarget(const Settings& settings)
        : file_(read_state_file(settings)), behaviour_(read_behaviour(settings)) {}

    [[nodiscard]] std::string identity() const override { return "mock:" + file_.path().string(); }

    std::vector<ActualUnit> list(const Call& call) override {
        misbehave("listing units", call);
        const auto cluster = file_.read(call);
        const auto time = now();
        std::vector<ActualUnit> units;
        units.reserve(cluster->records().size());
        for (const auto& record : cluster->records()) {
            units.push_back({record->simulated.unit, std::string(state_at(record->simulated, time))});
        }
        if (is_nth(listings_, behaviour_.incomplete_list_every)) leave_some_out(units, call.log);
        return units;
    }

    void apply(const Unit& unit, const Call& call) override {
        misbehave("applying a unit", call);
        if (const auto problem = find_problem(unit)) throw Error(ErrorKind::rejected, *problem);
        if (matches_any(behaviour_.refuse, unit.name)) {
            throw Error(ErrorKind::rejected, "refused, as the target's setting \"refuse\" demands");
        }
        const auto order = [this, &unit](const SimulatedUnit* before) {
            return follow(before, unit, behaviour_, now());
        };
        obey(unit.name, order, call);
    }

    void set_desired_state(std::string_view unit, DesiredState state, const Call& call) override {
        misbehave("setting a desired state", call);
        const auto order = [this, unit, state](const SimulatedUnit* before) {
            if (before == nullptr) throw Error(ErrorKind::not_found, std::string(unit) + " is not in the cluster");
            return follow(before, {before->unit.name, before->unit.options, state}, behaviour_, now());
        };
        obey(unit, order, call);
    }

    void destroy(std::string_view unit, const Call& call) override {
        misbehave("destroying a unit", call);
        if (file_.read(call)->find(unit) == nullptr) return;
        file_.change([unit](Cluster& cluster) { return cluster.erase(unit); }, call);
    }

    UnitStatus status(const Unit& unit, const Call& call) override {
        misbehave("asking for a unit's status", call);
        const auto cluster = file_.read(call);
        const auto* actual = cluster->find(unit.name);
        const auto time = now();
        if (actual != nullptr && is_due(*actual, time)) note_what_happened(call);
        return judge(actual, unit, time);
    }

private:
    static bool is_nth(std::atomic<long long>& count, long long every) {
        return every > 0 && (count.fetch_add(1, std::memory_order_relaxed) + 1) % every == 0;
    }

    /// Leaves out a fifth of the units, about as many as real listings were seen to lack.
    static void leave_some_out(std::vector<ActualUnit>& units, Log& log) {
        constexpr std::size_t one_in = 5;
        std::vector<ActualUnit> kept;
        for (std::size_t index = 0; index < units.size(); ++index) {
            if (index % one_in != 0) kept.push_back(std::move(units[index]));
        }
        log.info("leaves " + std::to_string(units.size() - kept.size()) + " of " + std::to_string(units.size()) +
                 " units out of this listing, as the setting \"incomplete_list_every\" demands");
        units = std::move(kept);
    }

    /// Delays or fails a call as the settings demand. Every call does this first.
    void misbehave(std::string_view doing, const Call& call) {
        call.check(doing);
        if (behaviour_.latency.count() > 0 && !call.wait(behaviour_.latency)) call.check(doing);
        if (is_nth(calls_, behaviour_.unavailable_every)) {
            throw Error(ErrorKind::unavailable,
                        "the simulated cluster is unavailable, as the target's setting \"unavailable_every\" demands");
        }
    }

    /// `order` takes the present unit, or null, and returns the changed unit, or nullopt when there is nothing to
    /// change. It is called first on the file as it is, because an order without a change need not wait for the file's
    /// lock.
    template <class Order>
    void obey(std::string_view unit, const Order& order, const Call& call) {
        if (!order(file_.read(call)->find(unit))) return;
        const auto edit = [unit, &order](Cluster& cluster) {
            auto after = order(cluster.find(unit));
            if (!after) return false;
            cluster.put(*std::move(after));
            settle(cluster, now());
            return true;
        };
        file_.change(edit, call);
    }

    /// Writes reached states into the file, so that people find it up to date. A failure is only logged, and the call
    /// does not wait for the lock, because the states do not depend on the file.
    void note_what_happened(const Call& call) {
        try {
            file_.change_if_free([](Cluster& cluster) { return settle(cluster, now()); }, call);
        } catch (const Error& problem) {
            call.log.debug(std::string("cannot note which units are up: ") + problem.what());
        }
    }

    ClusterFile file_;
    const Behaviour behaviour_;
    std::atomic<long long> calls_ = 0;
    std::atomic<long long> listings_ = 0;
};

}  // namespace
}  // namespace deployer::mock

DEPLOYER_PLUGIN(deployer::Target, deployer::mock::MockTarget, "target-mock", "1.0.0");
