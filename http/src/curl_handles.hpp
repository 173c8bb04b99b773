#pragma once

#include <deployer/error.hpp>

#include <curl/curl.h>

#include <memory>
#include <new>
#include <string>

namespace deployer::http {

struct EasyCleanup {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct MultiCleanup {
    void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
};
struct ListCleanup {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
struct UrlCleanup {
    void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
struct TextCleanup {
    void operator()(char* text) const noexcept { curl_free(text); }
};

using EasyHandle = std::unique_ptr<CURL, EasyCleanup>;
using MultiHandle = std::unique_ptr<CURLM, MultiCleanup>;
using CurlList = std::unique_ptr<curl_slist, ListCleanup>;
using CurlUrl = std::unique_ptr<CURLU, UrlCleanup>;
using CurlText = std::unique_ptr<char, TextCleanup>;

/// Throws std::bad_alloc, and Error `internal` for an option that the library does not take.
template <class Value>
void set_option(CURL* handle, CURLoption option, Value value) {
    const auto code = curl_easy_setopt(handle, option, value);
    if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
    if (code != CURLE_OK) {
        throw Error(ErrorKind::internal,
                    "libcurl refuses option " + std::to_string(option) + ": " + curl_easy_strerror(code));
    }
}

}  // namespace deployer::http
