// A plugin of one file, which the tests of the packages compile with pkg-config alone.
#include <deployer/plugin.hpp>

namespace {

class AlwaysHealthy : public deployer::Health {
public:
    explicit AlwaysHealthy(const deployer::Settings& /*settings*/) {}

    deployer::HealthReport check(const deployer::ServiceGroupRef& service, const deployer::Call& /*call*/) override {
        return {deployer::HealthReport::Verdict::healthy, service.service + " is always healthy"};
    }
};

}  // namespace

DEPLOYER_PLUGIN(deployer::Health, AlwaysHealthy, "health-always", "1.0.0");
