#include "web_files.hpp"

#include "answers.hpp"

#include <Poco/DateTime.h>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>
#include <Poco/Timespan.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace deployer::github {

namespace {

/// Whether two files are equal. Errors are compared by kind, because their messages may name attempts and times.
bool alike(const File& left, const File& right) {
    if (!left.error || !right.error) return !left.error && !right.error && left.content == right.content;
    return left.error->kind() == right.error->kind();
}

std::optional<Poco::DateTime> date_in(std::string_view text) {
    Poco::DateTime date;
    int zone = 0;
    if (!Poco::DateTimeParser::tryParse(Poco::DateTimeFormat::HTTP_FORMAT, std::string(text), date, zone)) {
        return std::nullopt;
    }
    return date;
}

/// The time from the file's last change to the answer; nullopt when the headers do not tell.
std::optional<Poco::Timespan> age_in(const http::Response& response) {
    const auto modified = date_in(response.header("Last-Modified"));
    const auto answered = date_in(response.header("Date"));
    return modified && answered ? std::optional(*answered - *modified) : std::nullopt;
}

/// A younger file may change again within the second of its Last-Modified (RFC 9110, 8.8.2.2). Then neither
/// Last-Modified nor an ETag made of time and size, as nginx's, tells the two contents apart. Two seconds instead of
/// one, because the file system's clock may be some milliseconds behind the server's.
const Poco::Timespan too_young(2, 0);

}  // namespace

ErrorKind WebFiles::kind_of(int status) const {
    if (status == 404 || status == 410) return ErrorKind::not_found;
    // Request timeout, too early, too many requests: a later request may succeed.
    const bool passing = status == 408 || status == 425 || status == 429;
    return status >= 400 && status < 500 && !passing ? refusal_ : ErrorKind::unavailable;
}

std::vector<SharedFile> WebFiles::ask(std::span<const std::string> urls, const Call& call) {
    std::vector<http::Request> requests;
    requests.reserve(urls.size());
    for (const auto& url : urls) requests.push_back(request_for(url));
    auto results = client_.send(requests, call);
    std::vector<SharedFile> files;
    files.reserve(results.size());
    for (std::size_t index = 0; index < results.size(); ++index) {
        files.push_back(take(urls[index], std::move(results[index])));
    }
    return files;
}

void WebFiles::keep(std::span<const std::string> urls) {
    const std::set<std::string_view> kept(urls.begin(), urls.end());
    std::erase_if(remembered_, [&](const auto& entry) { return !kept.contains(entry.first); });
}

http::Request WebFiles::request_for(const std::string& url) const {
    http::Request request{.url = url};
    const auto known = remembered_.find(url);
    if (known == remembered_.end()) return request;
    const auto& [file, etag, last_modified] = known->second;
    if (!etag.empty()) request.headers.push_back({"If-None-Match", etag});
    if (!last_modified.empty()) request.headers.push_back({"If-Modified-Since", last_modified});
    return request;
}

SharedFile WebFiles::take(const std::string& url, http::Result result) {
    if (result.error) {
        return remember(url, result.too_large ? Error(refusal_, result.error->what()) : *result.error);
    }
    auto& response = result.response;
    const auto known = remembered_.find(url);
    if (response.status == 304 && known != remembered_.end() && known->second.can_be_confirmed()) {
        return known->second.file;
    }
    if (response.status != 200) return remember(url, failure(kind_of(response.status), response));
    auto& now = remember(url, File{std::move(response.body), std::nullopt});
    const auto age = age_in(response);
    if (!age || *age >= too_young) now.etag = etag_of(response);
    if (age && *age >= too_young) now.last_modified = response.header("Last-Modified");
    return now.file;
}

SharedFile WebFiles::remember(const std::string& url, const Error& error) {
    File file{{}, error};
    const bool concerns_file = error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::rejected;
    // Any other error says nothing about the file, so the remembered file stays.
    return concerns_file ? remember(url, std::move(file)).file : std::make_shared<const File>(std::move(file));
}

WebFiles::Remembered& WebFiles::remember(const std::string& url, File file) {
    auto& known = remembered_[url];
    if (!known.file || !alike(*known.file, file)) known.file = std::make_shared<const File>(std::move(file));
    known.etag.clear();
    known.last_modified.clear();
    return known;
}

std::vector<SharedFile> ForeignFiles::ask(std::span<const std::string> urls, const Call& call) {
    if (urls.empty()) return {};
    constexpr std::chrono::milliseconds patience(10'000);
    const auto time = std::min(patience, call.remaining() / 3);
    return files_.ask(urls, {std::chrono::steady_clock::now() + time, call.stop, call.log});
}

}  // namespace deployer::github
