#include "errand.hpp"

#include "letter_case.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::http {
namespace {

constexpr long certificates_kept_seconds = 300;
constexpr const char* user_agent = "coco-fleet-deployer";

bool has_header(const std::vector<Header>& headers, std::string_view name) {
    return std::any_of(headers.begin(), headers.end(),
                       [&](const auto& header) { return same_name(header.name, name); });
}

void set_target(CURL* handle, const Errand& errand, const ClientOptions& options) {
    set_option(handle, CURLOPT_URL, errand.url.text().c_str());
    set_option(handle, CURLOPT_PROTOCOLS_STR, options.allow_http ? "http,https" : "https");
    // With HTTP/2, libcurl 7.88 now and then leaves one of many streams waiting until its time is up.
    set_option(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    // These are set to empty texts, for without them the proxy and exceptions of the environment would count.
    set_option(handle, CURLOPT_PROXY, options.proxy.c_str());
    set_option(handle, CURLOPT_NOPROXY, "");
    if (!options.unix_socket.empty()) set_option(handle, CURLOPT_UNIX_SOCKET_PATH, options.unix_socket.c_str());
    set_option(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    set_option(handle, CURLOPT_FRESH_CONNECT, errand.fresh_connection ? 1L : 0L);
    set_option(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    // Signals belong to the process. The library itself writes so that a closed connection raises none.
    set_option(handle, CURLOPT_NOSIGNAL, 1L);
    // Without this, giving up a transfer waits until the resolver gives up.
    set_option(handle, CURLOPT_QUICK_EXIT, 1L);
    if (errand.with_credentials && (errand.home.user() || errand.home.password())) {
        set_option(handle, CURLOPT_USERNAME, errand.home.user().value_or("").c_str());
        set_option(handle, CURLOPT_PASSWORD, errand.home.password().value_or("").c_str());
    }
}

void set_tls(CURL* handle, const ClientOptions& options) {
    set_option(handle, CURLOPT_SSL_VERIFYPEER, 1L);
    set_option(handle, CURLOPT_SSL_VERIFYHOST, 2L);
    set_option(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options.ca_file.empty()) set_option(handle, CURLOPT_CAINFO, options.ca_file.c_str());
    // A directory of certificates would be trusted beside the file, and keeps the library from reading the file once
    // for many connections, which takes it longer than all the rest of connecting.
    char* file = nullptr;
    curl_easy_getinfo(handle, CURLINFO_CAINFO, &file);
    if (!options.ca_file.empty() || file != nullptr) {
        set_option(handle, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    set_option(handle, CURLOPT_CA_CACHE_TIMEOUT, certificates_kept_seconds);
    if (options.client_certificate.empty()) return;
    const auto& key = options.client_key.empty() ? options.client_certificate : options.client_key;
    set_option(handle, CURLOPT_SSLCERT, options.client_certificate.c_str());
    set_option(handle, CURLOPT_SSLKEY, key.c_str());
    // Without this, the TLS library asks on the terminal for the passphrase of a key that has one.
    set_option(handle, CURLOPT_KEYPASSWD, "");
}

void set_method(CURL* handle, const Request& request) {
    if (request.method == "GET") return;
    if (request.method == "HEAD") {
        set_option(handle, CURLOPT_NOBODY, 1L);
        return;
    }
    if (request.method == "PUT" || !request.body.empty()) {
        set_option(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set_option(handle, CURLOPT_POSTFIELDS, request.body.c_str());
    }
    set_option(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void add_header_line(CurlList& list, const std::string& line) {
    auto* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    (void)list.release();
    list.reset(longer);
}

void add_header(CurlList& list, const Header& header) {
    // A semicolon tells the library that the header is to be sent empty; with a colon it would not be sent.
    add_header_line(list, header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
}

CurlList set_headers(CURL* handle, const Errand& errand) {
    CurlList list;
    const auto& headers = errand.request.headers;
    for (const auto& header : headers) add_header(list, header);
    if (errand.with_credentials) {
        for (const auto& header : errand.request.credentials) add_header(list, header);
    }
    // The library would add two headers to a body by itself: a type that is not true, and a question whether to send
    // it.
    if (!has_header(headers, "Content-Type")) add_header_line(list, "Content-Type:");
    if (!has_header(headers, "Expect")) add_header_line(list, "Expect:");
    // Compressed answers are not asked for, but undone where a server gives one all the same, as some do with files
    // that they keep compressed. Otherwise the compressed bytes would be taken for the file.
    if (!has_header(headers, "Accept-Encoding")) add_header_line(list, "Accept-Encoding:");
    set_option(handle, CURLOPT_ACCEPT_ENCODING, "");
    set_option(handle, CURLOPT_HTTPHEADER, list.get());
    set_option(handle, CURLOPT_USERAGENT, user_agent);
    return list;
}

}  // namespace

CurlList set_up(CURL* handle, const Errand& errand, const ClientOptions& options) {
    set_target(handle, errand, options);
    set_tls(handle, options);
    set_method(handle, errand.request);
    return set_headers(handle, errand);
}

}  // namespace deployer::http
