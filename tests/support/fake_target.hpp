#pragma once

#include <deployer/target.hpp>
#include <deployer/unit_file.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer {

/// A cluster in memory that records each call, in order, as "apply foo@1.service", "list", … . A test can intercept any
/// call through `before`. Any thread may call any function; `before` runs unlocked, on the calling thread.
class FakeTarget : public Target {
public:
    /// Called before each call; a test throws here to make the call fail.
    std::function<void(const std::string& call)> before = [](const std::string&) {};
    /// Overrides the answer of status().
    std::function<UnitStatus(const Unit& unit, const UnitStatus& status)> judge =
        [](const Unit&, const UnitStatus& status) { return status; };
    /// Gives the current state of a unit in a listing.
    std::function<std::string(const Unit& unit)> word = [](const Unit& unit) {
        return std::string(to_string(unit.desired_state));
    };
    /// Gives the unit that the target stores for an applied unit.
    std::function<Unit(const Unit& unit)> kept_as = [](const Unit& unit) { return unit; };
    bool ignores_states = false;  ///< accepts another desired state, but keeps the former
    bool is_serial = false;
    std::string name = "fake:cluster";

    std::string identity() const override { return name; }

    std::vector<ActualUnit> list(const Call& call) override {
        begin("list", call);
        const std::scoped_lock lock(mutex_);
        std::vector<ActualUnit> listing;
        for (const auto& [unit_name, unit] : units_) listing.push_back({unit, word(unit)});
        return listing;
    }

    void apply(const Unit& unit, const Call& call) override {
        begin("apply " + unit.name, call);
        const std::scoped_lock lock(mutex_);
        units_[unit.name] = kept_as(unit);
    }

    void set_desired_state(std::string_view unit, DesiredState state, const Call& call) override {
        begin("set " + std::string(unit) + ' ' + std::string(to_string(state)), call);
        const std::scoped_lock lock(mutex_);
        const auto found = units_.find(std::string(unit));
        if (found == units_.end()) throw Error(ErrorKind::not_found, "no such unit");
        if (!ignores_states) found->second.desired_state = state;
    }

    void destroy(std::string_view unit, const Call& call) override {
        begin("destroy " + std::string(unit), call);
        const std::scoped_lock lock(mutex_);
        units_.erase(std::string(unit));
    }

    UnitStatus status(const Unit& unit, const Call& call) override {
        begin("status " + unit.name, call);
        return judge(unit, look(unit));
    }

    bool serial() const override { return is_serial; }

    /// Adds a unit without recording a call, as if the cluster had it from the start.
    void put(Unit unit) {
        const std::scoped_lock lock(mutex_);
        const auto unit_name = unit.name;
        units_[unit_name] = std::move(unit);
    }
    void remove(const std::string& unit) {
        const std::scoped_lock lock(mutex_);
        units_.erase(unit);
    }

    [[nodiscard]] std::map<std::string, Unit> units() const {
        const std::scoped_lock lock(mutex_);
        return units_;
    }
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const auto& [unit_name, unit] : units()) names.push_back(unit_name);
        return names;
    }
    [[nodiscard]] std::vector<std::string> calls() const {
        const std::scoped_lock lock(mutex_);
        return calls_;
    }
    /// The recorded calls that change the cluster.
    [[nodiscard]] std::vector<std::string> writes() const {
        auto all = calls();
        std::erase_if(all, [](const auto& call) { return call == "list" || call.rfind("status", 0) == 0; });
        return all;
    }
    [[nodiscard]] std::size_t count(const std::string& call) const {
        const auto all = calls();
        return static_cast<std::size_t>(std::count(all.begin(), all.end(), call));
    }
    void forget_calls() {
        const std::scoped_lock lock(mutex_);
        calls_.clear();
    }

private:
    void begin(const std::string& what, const Call& call) {
        call.check(what);
        before(what);
        const std::scoped_lock lock(mutex_);
        calls_.push_back(what);
    }

    [[nodiscard]] UnitStatus look(const Unit& unit) const {
        const std::scoped_lock lock(mutex_);
        const auto found = units_.find(unit.name);
        if (found == units_.end()) return {Readiness::absent, "absent"};
        if (unit_file_hash(found->second.options) != unit_file_hash(unit.options))
            return {Readiness::waiting, "old version"};
        if (found->second.desired_state != unit.desired_state) return {Readiness::waiting, "other state"};
        return {Readiness::ready, "running"};
    }

    mutable std::mutex mutex_;
    std::map<std::string, Unit> units_;
    std::vector<std::string> calls_;
};

}  // namespace deployer
