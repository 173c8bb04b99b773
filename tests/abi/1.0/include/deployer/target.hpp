#pragma once

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/export.hpp>
#include <deployer/unit.hpp>
#include <string>
#include <string_view>
#include <vector>
namespace deployer {
class Target {
public:
    virtual ~Target() = default;
    [[nodiscard]] virtual std::string identity() const = 0;
    virtual std::vector<ActualUnit> list(const Call& call) = 0;
    virtual void apply(const Unit& unit, const Call& call) = 0;
    virtual void set_desired_state(std::string_view unit, DesiredState state, const Call& call) = 0;
    virtual void destroy(std::string_view unit, const Call& call) = 0;
    virtual UnitStatus status(const Unit& unit, const Call& call) = 0;
    [[nodiscard]] virtual bool serial() const { return false; }
};
}  // namespace deployer
