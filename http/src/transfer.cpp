#include "transfer.hpp"

#include "letter_case.hpp"

#include <algorithm>
#include <charconv>
#include <new>
#include <string>
#include <utility>

namespace deployer::http {
namespace {

constexpr std::size_t header_limit = 256U << 10U;
constexpr long certificates_kept_seconds = 300;
constexpr const char* user_agent = "coco-fleet-deployer";

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    const auto first = std::min(text.find_first_not_of(blank), text.size());
    text.remove_prefix(first);
    return text.substr(0, text.find_last_not_of(blank) + 1);
}

bool has_header(const std::vector<Header>& headers, std::string_view name) {
    return std::any_of(headers.begin(), headers.end(),
                       [&](const auto& header) { return same_name(header.name, name); });
}

/// Keeps exceptions out of the library, which is written in C: on an exception the callback fails, and so does the
/// transfer.
template <class Action>
bool done(const Action& action) noexcept {
    try {
        return action();
    } catch (...) {
        return false;
    }
}

}  // namespace

Transfer::Transfer(EasyHandle handle, const Errand& errand, const ClientOptions& options)
    : handle_(std::move(handle)), url_(errand.url), options_(options) {
    set_target(errand);
    set_tls();
    set_method(errand.request);
    set_headers(errand);
    set_callbacks();
}

template <class Value>
void Transfer::set(CURLoption option, Value value) {
    const auto code = curl_easy_setopt(handle_.get(), option, value);
    if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
    if (code != CURLE_OK) {
        throw Error(ErrorKind::internal,
                    "libcurl refuses option " + std::to_string(option) + ": " + curl_easy_strerror(code));
    }
}

void Transfer::set_target(const Errand& errand) {
    set(CURLOPT_URL, url_.text().c_str());
    set(CURLOPT_PROTOCOLS_STR, options_.allow_http ? "http,https" : "https");
    // With HTTP/2, libcurl 7.88 now and then leaves one of many streams waiting until the timeout.
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    // Without a proxy, set an empty text: otherwise the library would use the proxy variables of the environment.
    set(CURLOPT_PROXY, options_.proxy.c_str());
    set(CURLOPT_NOPROXY, "");
    if (!options_.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, options_.unix_socket.c_str());
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    set(CURLOPT_FRESH_CONNECT, errand.fresh_connection ? 1L : 0L);
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    // The library must not change signal handlers, which belong to the process. It needs none: its writes to a closed
    // connection raise no signal.
    set(CURLOPT_NOSIGNAL, 1L);
    // Otherwise the end of a transfer would wait until the resolver gives up.
    set(CURLOPT_QUICK_EXIT, 1L);
    if (errand.with_credentials && (errand.home.user() || errand.home.password())) {
        set(CURLOPT_USERNAME, errand.home.user().value_or("").c_str());
        set(CURLOPT_PASSWORD, errand.home.password().value_or("").c_str());
    }
}

void Transfer::set_tls() {
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());
    // No directory of certificates: it would be trusted beside the file. With one, the library would also read the file
    // again for every connection, which takes longer than the rest of connecting.
    char* file = nullptr;
    curl_easy_getinfo(handle_.get(), CURLINFO_CAINFO, &file);
    if (!options_.ca_file.empty() || file != nullptr) set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    set(CURLOPT_CA_CACHE_TIMEOUT, certificates_kept_seconds);
    if (options_.client_certificate.empty()) return;
    const auto& key = options_.client_key.empty() ? options_.client_certificate : options_.client_key;
    set(CURLOPT_SSLCERT, options_.client_certificate.c_str());
    set(CURLOPT_SSLKEY, key.c_str());
    // Otherwise the TLS library would ask on the terminal for the passphrase of a protected key.
    set(CURLOPT_KEYPASSWD, "");
}

void Transfer::set_method(const Request& request) {
    if (request.method == "GET") return;
    if (request.method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
        return;
    }
    if (request.method == "PUT" || !request.body.empty()) {
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(CURLOPT_POSTFIELDS, request.body.c_str());
    }
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void Transfer::set_headers(const Errand& errand) {
    const auto& headers = errand.request.headers;
    for (const auto& header : headers) add_header(header);
    if (errand.with_credentials) {
        for (const auto& header : errand.request.credentials) add_header(header);
    }
    // The library would add two headers to a request with a body: a wrong Content-Type, and an Expect header that
    // delays the body.
    if (!has_header(headers, "Content-Type")) add_header_line("Content-Type:");
    if (!has_header(headers, "Expect")) add_header_line("Expect:");
    // The client does not ask for compressed answers. Some servers send files that they keep compressed all the same;
    // the library decodes these, or the body would be the compressed bytes.
    if (!has_header(headers, "Accept-Encoding")) add_header_line("Accept-Encoding:");
    set(CURLOPT_ACCEPT_ENCODING, "");
    set(CURLOPT_HTTPHEADER, headers_.get());
    set(CURLOPT_USERAGENT, user_agent);
}

void Transfer::add_header(const Header& header) {
    // "Name;" is the library's syntax for a header with an empty value.
    add_header_line(header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
}

void Transfer::add_header_line(const std::string& line) {
    auto* longer = curl_slist_append(headers_.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    (void)headers_.release();
    headers_.reset(longer);
}

void Transfer::set_callbacks() {
    using WriteCallback = std::size_t (*)(char*, std::size_t, std::size_t, void*);
    const WriteCallback on_header = [](char* bytes, std::size_t, std::size_t count, void* self) {
        auto& transfer = *static_cast<Transfer*>(self);
        return done([&] { return transfer.take_header_line({bytes, count}); }) ? count : 0;
    };
    const WriteCallback on_body = [](char* bytes, std::size_t, std::size_t count, void* self) {
        auto& transfer = *static_cast<Transfer*>(self);
        return done([&] { return transfer.take_body({bytes, count}); }) ? count : 0;
    };
    const curl_prereq_callback on_connected = [](void* self, char*, char*, int, int) {
        static_cast<Transfer*>(self)->note_activity();
        return CURL_PREREQFUNC_OK;
    };
    const curl_xferinfo_callback on_progress = [](void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t sent) {
        auto& transfer = *static_cast<Transfer*>(self);
        if (std::exchange(transfer.sent_, sent) != sent) transfer.note_activity();
        return 0;
    };
    set(CURLOPT_HEADERFUNCTION, on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_PREREQFUNCTION, on_connected);
    set(CURLOPT_PREREQDATA, this);
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_ERRORBUFFER, detail_.data());
    set(CURLOPT_PRIVATE, this);
}

bool Transfer::take_header_line(std::string_view line) {
    note_activity();
    header_bytes_ += line.size();
    if (header_bytes_ > header_limit) {
        refused_ = {ErrorKind::rejected, "its headers are larger than " + std::to_string(header_limit) + " bytes",
                    false};
        return false;
    }
    if (line.starts_with("HTTP/") && response_.status / 100 <= 1) {
        response_.headers.clear();
        const auto code = std::min(line.find(' '), line.size() - 1) + 1;
        std::from_chars(line.data() + code, line.data() + line.size(), response_.status);
        return true;
    }
    // Lines after the headers are trailers of a chunked body, which no caller needs.
    if (headers_whole_) return true;
    const auto text = trimmed(line);
    // An interim answer (1xx) ends with an empty line, too; the final answer follows.
    headers_whole_ = text.empty() && response_.status >= 200;
    const auto colon = text.find(':');
    if (colon != std::string_view::npos) {
        response_.headers.push_back(
            {std::string(trimmed(text.substr(0, colon))), std::string(trimmed(text.substr(colon + 1)))});
    }
    return true;
}

bool Transfer::take_body(std::string_view piece) {
    note_activity();
    auto& body = response_.body;
    const auto announced = progress().announced;
    const bool too_large = piece.size() > options_.max_body - body.size() ||
                           (announced > 0 && static_cast<std::size_t>(announced) > options_.max_body);
    if (too_large) {
        refused_ = {ErrorKind::rejected, "the answer is larger than " + in_words(options_.max_body), false, true};
        return false;
    }
    if (body.empty() && announced > 0) body.reserve(static_cast<std::size_t>(announced));
    body += piece;
    return true;
}

void Transfer::note_activity() noexcept {
    last_activity_ = Clock::now();
}

Transfer::Clock::time_point Transfer::stall_limit() const noexcept {
    return last_activity_ ? *last_activity_ + options_.stall_timeout : Clock::time_point::max();
}

Failure Transfer::stalled() const {
    const auto time = in_words(options_.stall_timeout);
    if (response_.status == 0) return {.cause = "no answer within " + time};
    return {.cause = "nothing came for " + time + ", " + cut_short(progress())};
}

Progress Transfer::progress() const {
    curl_off_t announced = -1;
    curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    return {response_.status != 0, headers_whole_, response_.body.size(), announced};
}

/// Whether length or chunks told the end of the body. The end of the connection alone may come too early.
bool Transfer::has_known_end() const {
    char* method = nullptr;
    curl_easy_getinfo(handle_.get(), CURLINFO_EFFECTIVE_METHOD, &method);
    const bool no_body = response_.status == 204 || response_.status == 304 || std::string_view(method) == "HEAD";
    return no_body || !response_.header("Content-Length").empty() ||
           in_lower_case(response_.header("Transfer-Encoding")).ends_with("chunked");
}

Outcome Transfer::finish(CURLcode code) {
    if (refused_) return *refused_;
    if (code != CURLE_OK) return describe(code, handle_.get(), detail_.data(), url_, options_, progress());
    // When the connection ends within the headers, the library reports a complete answer.
    if (!headers_whole_) return Failure{.cause = cut_short(progress())};
    if (!has_known_end()) {
        return Failure{.cause = "whether the answer is whole cannot be told: it has neither length nor chunks"};
    }
    response_.url = url_.text();
    return std::move(response_);
}

EasyHandle Transfer::take_handle() && {
    curl_easy_reset(handle_.get());
    return std::move(handle_);
}

}  // namespace deployer::http
