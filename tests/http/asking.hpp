#pragma once

#include "support/catch.hpp"
#include "support/http_server.hpp"
#include "support/test_call.hpp"
#include "support/thrown_error.hpp"

#include <http_client.hpp>

#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer {

/// Options that let a client reach an HttpServer. One attempt, so that a failure is seen at once.
inline http::ClientOptions plain_options() {
    http::ClientOptions options;
    options.allow_http = true;
    options.attempts = 1;
    return options;
}

inline http::ClientOptions with_attempts(int attempts) {
    auto options = plain_options();
    options.attempts = attempts;
    return options;
}

/// The answer to a GET by a new client.
inline http::Response get(const std::string& url, const http::ClientOptions& options = plain_options()) {
    const TestCall call;
    return http::Client(options).send(http::Request{.url = url}, call);
}

/// The error of a GET that has no answer.
inline Error failed_get(const std::string& url, const http::ClientOptions& options = plain_options()) {
    return thrown_by([&] { (void)get(url, options); });
}

inline bool says(const Error& error, std::string_view fragment) {
    UNSCOPED_INFO(error.what());
    return std::string_view(error.what()).find(fragment) != std::string_view::npos;
}

/// A handler that gives its replies one after the other, and then repeats the last one.
class Script {
public:
    explicit Script(std::vector<HttpReply> replies) : replies_(std::move(replies)) {}

    [[nodiscard]] HttpServer::Handler handler() {
        return [this](const HttpRequest&) {
            const std::scoped_lock lock(mutex_);
            auto reply = replies_.at(next_);
            if (next_ + 1 < replies_.size()) ++next_;
            return reply;
        };
    }

private:
    std::mutex mutex_;
    std::vector<HttpReply> replies_;
    std::size_t next_ = 0;
};

inline HttpServer::Handler always(const HttpReply& reply) {
    return [reply](const HttpRequest&) { return reply; };
}

}  // namespace deployer
