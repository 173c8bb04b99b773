#pragma once

#include "conformance/checks.hpp"

#include <deployer/target.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::conformance {

/// The beginning of the names of all units that the suite makes, and of those that this run makes.
inline constexpr std::string_view unit_prefix = "conformance-";
std::string own_prefix(const Subject& subject);

bool is_same_content(const Unit& left, const Unit& right);

/// A target, and the units of one check, which are destroyed together with the stage. The members that make a call
/// throw CheckFailed when the call fails. Several threads may use one stage, but for unit().
class TargetStage {
public:
    explicit TargetStage(Subject& subject);
    ~TargetStage();
    TargetStage(const TargetStage&) = delete;
    TargetStage& operator=(const TargetStage&) = delete;
    TargetStage(TargetStage&&) = delete;
    TargetStage& operator=(TargetStage&&) = delete;

    [[nodiscard]] Target& target() const { return *target_; }
    [[nodiscard]] Subject& subject() const { return *subject_; }

    /// A unit that nobody else has, not yet applied. `content` tells versions apart.
    Unit unit(const std::string& content = "one", DesiredState state = DesiredState::launched);
    static std::vector<UnitOption> options(const std::string& content);

    void apply(const Unit& unit) const;
    void set(const Unit& unit, DesiredState state) const;
    void destroy(const Unit& unit) const;
    [[nodiscard]] std::vector<ActualUnit> list() const;
    [[nodiscard]] std::optional<Unit> find(const Unit& unit) const;
    [[nodiscard]] UnitStatus status(const Unit& unit) const;
    [[nodiscard]] bool is_ready(const Unit& unit) const;
    [[nodiscard]] bool is_absent(const Unit& unit) const;

    /// A target may show the effect of a call only later, so these wait for it. They throw CheckFailed when the time of
    /// the suite's settings is over.
    void expect_listed(const Unit& unit) const;
    void expect_gone(const Unit& unit) const;
    void expect_ready(const Unit& unit) const;

private:
    Subject* subject_;
    std::shared_ptr<Target> target_;
    std::string word_;
    std::vector<std::string> made_;
};

/// A check that gets a stage of its own.
std::function<void(Subject&)> on_stage(void (*check)(TargetStage&));

}  // namespace deployer::conformance
