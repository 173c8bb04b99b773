#pragma once

#include "http_client.hpp"
#include "urls.hpp"

#include <deployer/health.hpp>
#include <deployer/settings.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace deployer::probe {

/// How a healthy service answers.
enum class Format { checks, status };

/// All settings but `when`.
struct Options {
    Template url;
    Values parts;  ///< of the url, as the settings have them
    Format format;
    std::chrono::milliseconds timeout;
    http::ClientOptions client;  ///< for probes
};

/// Throws Error `misconfigured`.
[[nodiscard]] Options read_options(const Settings& settings);

/// Where to ask for the health of a group: one url, or, where the url is one of nodes, one for each of these. Sidekicks
/// are no nodes, unless the group has nothing else.
[[nodiscard]] std::vector<std::string> urls_for(const ServiceGroupRef& group, const Options& options);

}  // namespace deployer::probe
