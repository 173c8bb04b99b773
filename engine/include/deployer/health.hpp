#pragma once

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/export.hpp>

#include <string>
#include <vector>

namespace deployer {

/// The service that a health check is about.
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

/// Judges services from outside. Construction does no I/O. Up to `parallelism` threads call at once, but never two for
/// the same service.
class Health {
public:
    virtual ~Health() = default;

    /// Checks the service once, now. A service that does not answer is `unhealthy`, not an Error. Throws `unavailable`
    /// only when the plugin cannot tell whether the service has a health check at all.
    virtual HealthReport check(const ServiceGroupRef& service, const Call& call) = 0;
};

}  // namespace deployer
