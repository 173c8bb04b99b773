#pragma once

#include <curl/curl.h>

#include <memory>

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

}  // namespace deployer::http
