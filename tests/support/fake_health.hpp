#pragma once

#include <deployer/health.hpp>

#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace deployer {

/// A health plugin that gives the answers that a test sets, and counts the calls. Any thread may call.
class FakeHealth : public Health {
public:
    std::function<HealthReport(const ServiceGroupRef&)> judge = [](const ServiceGroupRef&) {
        return HealthReport{HealthReport::Verdict::healthy, {}};
    };

    HealthReport check(const ServiceGroupRef& service, const Call& call) override {
        call.check("checking health");
        {
            const std::scoped_lock lock(mutex_);
            asked_.push_back(service.service);
        }
        return judge(service);
    }

    [[nodiscard]] std::size_t questions() const {
        const std::scoped_lock lock(mutex_);
        return asked_.size();
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> asked_;
};

}  // namespace deployer
