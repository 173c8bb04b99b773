#pragma once

#include "http_client.hpp"
#include "urls.hpp"

#include <deployer/health.hpp>
#include <deployer/settings.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace deployer::probe {

/// The form of a healthy service's answer.
enum class Format { checks, status };

/// All settings except `when`.
struct Options {
    Template url;
    Values parts;  ///< values for the url's placeholders, from the settings
    Format format;
    std::chrono::milliseconds timeout;
    http::ClientOptions client;  ///< for probes
};

/// Throws Error `misconfigured`.
[[nodiscard]] Options read_options(const Settings& settings);

/// The urls to ask for the health of a service group: one url for the service, or, when the url has a placeholder of
/// nodes, one for each node of the group. Sidekicks do not count as nodes, unless the group has only sidekicks.
[[nodiscard]] std::vector<std::string> urls_for(const ServiceGroupRef& group, const Options& options);

}  // namespace deployer::probe
