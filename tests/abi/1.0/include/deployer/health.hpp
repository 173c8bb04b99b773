#pragma once

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/export.hpp>
#include <string>
#include <vector>
namespace deployer {
struct ServiceGroupRef {
    std::string service;
    std::vector<std::string> units;
};
struct HealthReport {
    enum class Verdict {
        not_checked,
        healthy,
        unhealthy,
    };
    Verdict verdict = Verdict::not_checked;
    std::string detail;
};
class Health {
public:
    virtual ~Health() = default;
    virtual HealthReport check(const ServiceGroupRef& service, const Call& call) = 0;
};
}  // namespace deployer
