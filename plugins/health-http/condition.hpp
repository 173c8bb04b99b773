#pragma once

#include "http_client.hpp"
#include "urls.hpp"

#include <deployer/call.hpp>
#include <deployer/settings.hpp>

#include <optional>
#include <string>
#include <vector>

namespace deployer::probe {

/// Which services have a health check: the setting `when`. Any thread may ask at any time.
class Condition {
public:
    /// `client` says how etcd is reached, should it be asked. Throws Error `misconfigured`.
    Condition(const Settings& settings, http::ClientOptions client);

    /// Throws Error `unavailable` when etcd does not tell.
    [[nodiscard]] bool includes(const std::string& service, const Call& call) const;

private:
    void read_etcd(const Settings& block, http::ClientOptions client);
    [[nodiscard]] bool is_set(const std::string& url, const Call& call) const;

    std::vector<std::string> globs_ = {"*"};  ///< of services
    std::optional<http::Client> etcd_;        ///< asked instead
    std::string etcd_url_;                    ///< what keys begin with
    std::optional<Template> key_;             ///< of a service
    bool may_skip_ = false;                   ///< what etcd does not tell is no
};

}  // namespace deployer::probe
