#pragma once

#include "http_client.hpp"
#include "url.hpp"

#include <deployer/error.hpp>

#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <string>

namespace deployer::http {

/// Why a transfer gave no whole answer.
struct Failure {
    ErrorKind kind = ErrorKind::unavailable;
    std::string cause;       ///< in words, without method and url
    bool passing = true;     ///< another attempt may do better
    bool too_large = false;  ///< the body is larger than max_body
};

/// How far an answer has come.
struct Progress {
    bool begun = false;          ///< its status line is there
    bool headers_whole = false;  ///< the empty line after its headers, too
    std::size_t body = 0;        ///< bytes
    curl_off_t announced = -1;   ///< bytes that the body should have; -1: not said
};

/// The failure of a transfer that the library reports, in words that an operator understands at once. `detail` is its
/// own text.
[[nodiscard]] Failure describe(CURLcode code, CURL* handle, const std::string& detail, const Url& url,
                               const ClientOptions& options, const Progress& progress);

[[nodiscard]] std::string cut_short(const Progress& progress);

/// "10s", "1500ms".
[[nodiscard]] std::string in_words(std::chrono::milliseconds time);

/// "16 MiB", "1000 bytes".
[[nodiscard]] std::string in_words(std::size_t bytes);

}  // namespace deployer::http
