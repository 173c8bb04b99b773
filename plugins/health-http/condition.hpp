#pragma once

#include "http_client.hpp"
#include "urls.hpp"

#include <deployer/call.hpp>
#include <deployer/settings.hpp>

#include <optional>
#include <string>
#include <vector>

namespace deployer::probe {

/// Decides which services have a health check, by the setting `when`. Any thread may call at any time.
class Condition {
public:
    /// `client` has the options for connecting to etcd, used when `when` names one. Throws Error `misconfigured`.
    Condition(const Settings& settings, http::ClientOptions client);

    /// Whether the service has a health check. Throws Error `unavailable` when etcd gives no clear answer.
    [[nodiscard]] bool includes(const std::string& service, const Call& call) const;

private:
    void read_etcd(const Settings& block, http::ClientOptions client);
    [[nodiscard]] bool is_set(const std::string& url, const Call& call) const;

    std::vector<std::string> globs_ = {"*"};  ///< of services with a check; not used with etcd
    std::optional<http::Client> etcd_;        ///< asked instead of globs_
    std::string etcd_url_;                    ///< base url of all keys
    std::optional<Template> key_;             ///< key of a service
    bool may_skip_ = false;                   ///< without an answer from etcd, the service has no check
};

}  // namespace deployer::probe
