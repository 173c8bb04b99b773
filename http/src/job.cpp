#include "job.hpp"

#include "request_check.hpp"

#include <deployer/foreign_text.hpp>

#include <utility>

namespace deployer::http {
namespace {

constexpr int redirect_limit = 5;

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string attempts_made(int count) {
    return count > 1 ? ", after " + std::to_string(count) + " attempts" : "";
}

}  // namespace

std::string named(const Request& request) {
    return printable(request.method) + " " + presentable(request.url);
}

Redirection follow(Job& job, const Response& response, const ClientOptions& options) {
    const auto location = response.header("Location");
    const bool may_follow = job.request.method == "GET" || job.request.method == "HEAD";
    if (!may_follow || !is_redirect(response.status) || location.empty()) return Redirection::none;
    if (job.redirects == redirect_limit) {
        fail(job, {ErrorKind::rejected, "more than " + std::to_string(redirect_limit) + " redirects", false});
        return Redirection::failed;
    }
    try {
        auto next = job.here.follow(location);
        check_allowed(next, options);
        job.here = std::move(next);
    } catch (const Error& error) {
        fail(job, {error.kind(), "redirected to " + presentable(location) + ": " + error.what(), false});
        return Redirection::failed;
    }
    ++job.redirects;
    job.at_home = job.at_home && job.here.origin() == job.start.origin();
    return Redirection::followed;
}

void start_over(Job& job, const std::string& cause) {
    job.here = job.start;
    job.redirects = 0;
    job.at_home = true;
    job.last_cause = cause;
}

void fail(Job& job, const Failure& failure) {
    auto message = named(job.request) + ": ";
    if (job.redirects > 0) message += "redirected to " + presentable(job.here.text()) + ": ";
    job.result.too_large = failure.too_large;
    job.result.error = Error(failure.kind, message + failure.cause + attempts_made(job.attempts));
}

void give_up(Job& job, const std::string& cause) {
    const auto before = job.last_cause.empty() ? "" : " (the attempt before: " + job.last_cause + ")";
    fail(job, {.cause = cause + before});
}

}  // namespace deployer::http
