#pragma once

#include "failure.hpp"
#include "http_client.hpp"
#include "url.hpp"

#include <string>

namespace deployer::http {

/// A request under way, and where it stands. Gets its result in the end. The request and the result have to outlive it.
struct Job {
    const Request& request;
    Result& result;
    Url start;
    Url here;             ///< where redirects have led
    bool at_home = true;  ///< no redirect has led to another origin
    int redirects = 0;
    int attempts = 0;
    bool broken = false;  ///< the last attempt ended without an answer
    std::string last_cause = {};
};

/// "GET https://host/path", for messages, without user and password.
[[nodiscard]] std::string named(const Request& request);

enum class Redirection { none, followed, failed };

/// Leads a job to the place that its answer redirects it to. Fails the job where the options do not allow the place, or
/// after too many redirects.
Redirection follow(Job& job, const Response& response, const ClientOptions& options);

/// Leads a job back to its beginning, for another attempt. `cause` is the reason why the last one failed.
void start_over(Job& job, const std::string& cause);

void fail(Job& job, const Failure& failure);

/// Fails a job that gets no further attempt, with the reason why the attempt before failed.
void give_up(Job& job, const std::string& cause);

}  // namespace deployer::http
