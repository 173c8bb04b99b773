#include "answers.hpp"
#include "condition.hpp"
#include "http_client.hpp"
#include "options.hpp"

#include <deployer/plugin.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace deployer::probe {
namespace {

class HttpHealth final : public Health {
public:
    explicit HttpHealth(const Settings& settings) : HttpHealth(settings, read_options(settings)) {}

    HealthReport check(const ServiceGroupRef& service, const Call& call) override {
        if (!condition_.includes(service.service, in_time(call))) return {};
        const auto urls = urls_for(service, options_);
        // No unit of this call has a url, so there is nothing to check.
        if (urls.empty()) return {};
        const auto problems = probe(urls, in_time(call));
        if (problems.empty()) return {HealthReport::Verdict::healthy, {}};
        return {HealthReport::Verdict::unhealthy, enumerate(problems, "; ")};
    }

private:
    HttpHealth(const Settings& settings, Options options)
        : options_(std::move(options)), condition_(settings, options_.client), client_(options_.client) {}

    [[nodiscard]] Call in_time(const Call& call) const {
        return {std::min(call.deadline, std::chrono::steady_clock::now() + options_.timeout), call.stop, call.log};
    }

    [[nodiscard]] std::vector<std::string> probe(const std::vector<std::string>& urls, const Call& call) const {
        std::vector<http::Request> requests;
        requests.reserve(urls.size());
        for (const auto& url : urls) requests.push_back(request_for(url));
        const auto results = client_.send(requests, call);
        std::vector<std::string> problems;
        for (std::size_t index = 0; index < urls.size(); ++index) {
            if (auto problem = find_problem(urls[index], results[index])) problems.push_back(*std::move(problem));
        }
        return problems;
    }

    /// The request forbids cached answers, because a cache on the way may still have the former version's answer.
    [[nodiscard]] http::Request request_for(const std::string& url) const {
        http::Request request{.url = url, .headers = {{"Cache-Control", "no-cache"}}};
        if (options_.format == Format::checks) request.headers.push_back({"Accept", "application/json"});
        return request;
    }

    [[nodiscard]] std::optional<std::string> find_problem(const std::string& url, const http::Result& result) const {
        if (result.error && result.error->kind() == ErrorKind::misconfigured) throw Error(*result.error);
        if (result.error) return result.error->what();
        const auto problem = find_problem(result.response);
        return problem ? std::optional("GET " + http::presentable(url) + ": " + *problem) : std::nullopt;
    }

    [[nodiscard]] std::optional<std::string> find_problem(const http::Response& response) const {
        const bool is_checked = options_.format == Format::checks;
        if (is_checked && response.status == 200) return find_failed_check(response.body);
        if (!is_checked && response.status / 100 == 2) return std::nullopt;
        return "answered " + std::to_string(response.status);
    }

    Options options_;
    Condition condition_;
    http::Client client_;
};

}  // namespace
}  // namespace deployer::probe

DEPLOYER_PLUGIN(deployer::Health, deployer::probe::HttpHealth, "health-http", "1.0.0");
