#pragma once

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/export.hpp>

#include <string>
#include <vector>

namespace deployer {

/// The service whose health is asked for.
struct ServiceGroupRef {
    std::string service;             ///< e.g. "foo"
    std::vector<std::string> units;  ///< the units just changed, e.g. "foo@2.service"
};

struct HealthReport {
    enum class Verdict {
        not_checked,  ///< The plugin knows no health check for this service: the target's status alone decides.
        healthy,
        unhealthy,
    };
    Verdict verdict = Verdict::not_checked;
    std::string detail;  ///< For people: which check failed.
};

/// Judges services from outside. Construction does no I/O. Called from up to `parallelism` threads at once, never two
/// for the same service.
class Health {
public:
    virtual ~Health() = default;

    /// One sample, now. A service that does not answer is `unhealthy`, not an Error; `unavailable` is for when the
    /// plugin cannot tell whether there is a check at all.
    virtual HealthReport check(const ServiceGroupRef& service, const Call& call) = 0;
};

}  // namespace deployer
