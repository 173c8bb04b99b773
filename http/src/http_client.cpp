#include "http_client.hpp"

#include "exchange.hpp"
#include "letter_case.hpp"
#include "request_check.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

namespace deployer::http {
namespace {

void start_libcurl() {
    // Never cleaned up, because other parts of the process may use the library, too.
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (started != CURLE_OK) {
        throw Error(ErrorKind::internal, std::string("cannot start libcurl: ") + curl_easy_strerror(started));
    }
}

std::unique_ptr<Line> new_line(std::size_t kept_connections) {
    start_libcurl();
    auto line = std::make_unique<Line>();
    line->multi.reset(curl_multi_init());
    if (!line->multi) throw std::bad_alloc();
    // By default the library keeps four connections for each request under way, so it would close connections
    // towards the end of a send().
    curl_multi_setopt(line->multi.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(kept_connections));
    return line;
}

ClientOptions within_limits(ClientOptions options) {
    check_usable(options);
    options.max_parallel = std::max<std::size_t>(options.max_parallel, 1);
    options.attempts = std::max(options.attempts, 1);
    return options;
}

}  // namespace

std::string_view Response::header(std::string_view name) const noexcept {
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [name](const Header& header) { return same_name(header.name, name); });
    return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

/// The lines that no send() uses at the moment. The line used last is used next, because its connections are the most
/// recent.
class Client::Pool {
public:
    explicit Pool(ClientOptions options) : options_(within_limits(std::move(options))) {}

    [[nodiscard]] const ClientOptions& options() const noexcept { return options_; }

    [[nodiscard]] std::unique_ptr<Line> take() {
        const std::scoped_lock lock(mutex_);
        if (idle_.empty()) return new_line(options_.max_parallel);
        auto line = std::move(idle_.back());
        idle_.pop_back();
        return line;
    }

    void put_back(std::unique_ptr<Line> line) {
        if (line->doubtful) return;
        const std::scoped_lock lock(mutex_);
        idle_.push_back(std::move(line));
    }

private:
    const ClientOptions options_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Line>> idle_;
};

Client::Client(ClientOptions options) : pool_(std::make_unique<Pool>(std::move(options))) {}

Client::~Client() = default;

Response Client::send(const Request& request, const Call& call) const {
    auto results = send(std::span(&request, 1), call);
    if (results.front().error) throw Error(*results.front().error);
    return std::move(results.front().response);
}

std::vector<Result> Client::send(std::span<const Request> requests, const Call& call) const {
    auto line = pool_->take();
    auto results = [&] {
        const std::stop_callback wake(call.stop, [multi = line->multi.get()] { curl_multi_wakeup(multi); });
        return Exchange(*line, pool_->options(), requests, call).run();
    }();
    pool_->put_back(std::move(line));
    return results;
}

}  // namespace deployer::http
