#pragma once

#include "http_client.hpp"
#include "url.hpp"

#include <deployer/error.hpp>

#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <string>

namespace deployer::http {

/// The reason why a transfer gave no complete answer.
struct Failure {
    ErrorKind kind = ErrorKind::unavailable;
    std::string cause;       ///< message without method and url
    bool passing = true;     ///< another attempt may succeed
    bool too_large = false;  ///< the body is larger than max_body
};

/// The part of an answer that was received so far.
struct Progress {
    bool begun = false;          ///< the status line was received
    bool headers_whole = false;  ///< the empty line after the headers was received
    std::size_t body = 0;        ///< bytes
    curl_off_t announced = -1;   ///< bytes that the body should have; -1: unknown
};

/// The failure that the library reports by `code`, in words that an operator understands at once. `detail` is the
/// library's own text.
[[nodiscard]] Failure describe(CURLcode code, CURL* handle, const std::string& detail, const Url& url,
                               const ClientOptions& options, const Progress& progress);

[[nodiscard]] std::string cut_short(const Progress& progress);

/// "10s", "1500ms".
[[nodiscard]] std::string in_words(std::chrono::milliseconds time);

/// "16 MiB", "1000 bytes".
[[nodiscard]] std::string in_words(std::size_t bytes);

}  // namespace deployer::http
