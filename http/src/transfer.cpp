#include "transfer.hpp"

#include "letter_case.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace deployer::http {
namespace {

constexpr std::size_t header_limit = 256U << 10U;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    const auto first = std::min(text.find_first_not_of(blank), text.size());
    text.remove_prefix(first);
    return text.substr(0, text.find_last_not_of(blank) + 1);
}

/// Exceptions must not pass through the library. So the callback fails, which ends the transfer.
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
    : handle_(std::move(handle)),
      url_(errand.url),
      options_(options),
      headers_(set_up(handle_.get(), errand, options)) {
    set_callbacks();
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
    set_option(handle_.get(), CURLOPT_HEADERFUNCTION, on_header);
    set_option(handle_.get(), CURLOPT_HEADERDATA, this);
    set_option(handle_.get(), CURLOPT_WRITEFUNCTION, on_body);
    set_option(handle_.get(), CURLOPT_WRITEDATA, this);
    set_option(handle_.get(), CURLOPT_PREREQFUNCTION, on_connected);
    set_option(handle_.get(), CURLOPT_PREREQDATA, this);
    set_option(handle_.get(), CURLOPT_XFERINFOFUNCTION, on_progress);
    set_option(handle_.get(), CURLOPT_XFERINFODATA, this);
    set_option(handle_.get(), CURLOPT_NOPROGRESS, 0L);
    set_option(handle_.get(), CURLOPT_ERRORBUFFER, detail_.data());
    set_option(handle_.get(), CURLOPT_PRIVATE, this);
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
