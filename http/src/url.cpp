#include "url.hpp"

#include "curl_handles.hpp"
#include "http_client.hpp"
#include "letter_case.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace deployer::http {
namespace {

CurlUrl new_parser() {
    CurlUrl parser(curl_url());
    if (!parser) throw std::bad_alloc();
    return parser;
}

std::optional<std::string> part_of(CURLU* parser, CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(parser, which, &text, flags) != CURLUE_OK) return std::nullopt;
    const CurlText owned(text);
    return std::string(text);
}

void set_url(CURLU* parser, std::string_view text) {
    if (text.size() > longest_url) {
        throw Error(ErrorKind::rejected, "the url is longer than " + std::to_string(longest_url) + " bytes");
    }
    if (!is_plain(text)) {
        throw Error(ErrorKind::rejected, "the url holds a space, a control character or a byte that is not ASCII");
    }
    const auto code = curl_url_set(parser, CURLUPART_URL, std::string(text).c_str(), CURLU_NON_SUPPORT_SCHEME);
    if (code == CURLUE_OUT_OF_MEMORY) throw std::bad_alloc();
    if (code != CURLUE_OK) {
        throw Error(ErrorKind::rejected, "not a usable url: " + lower_first(curl_url_strerror(code)));
    }
}

}  // namespace

bool is_plain(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

Url::Url(std::string_view text) {
    const auto parser = new_parser();
    set_url(parser.get(), text);
    if (part_of(parser.get(), CURLUPART_FRAGMENT)) throw Error(ErrorKind::rejected, "the url has a fragment");
    *this = take_apart(parser.get());
    // The parser would accept one slash for two, and would take the first word of a path for the host.
    const auto after_slashes = scheme_.size() + 3;
    if (in_lower_case(text.substr(0, after_slashes)) != scheme_ + "://" ||
        text.substr(after_slashes).starts_with('/')) {
        throw Error(ErrorKind::rejected, "not a usable url: it has no host");
    }
}

Url Url::follow(std::string_view location) const {
    const auto parser = new_parser();
    set_url(parser.get(), text_);
    set_url(parser.get(), location);
    for (const auto part : {CURLUPART_FRAGMENT, CURLUPART_USER, CURLUPART_PASSWORD}) {
        curl_url_set(parser.get(), part, nullptr, 0);
    }
    return take_apart(parser.get());
}

Url Url::take_apart(void* parser) {
    auto* parts = static_cast<CURLU*>(parser);
    Url url;
    url.scheme_ = in_lower_case(part_of(parts, CURLUPART_SCHEME).value_or(""));
    if (url.scheme_ != "http" && url.scheme_ != "https") {
        throw Error(ErrorKind::rejected, "the url's scheme is " + url.scheme_ + ", not http or https");
    }
    url.host_ = in_lower_case(part_of(parts, CURLUPART_HOST).value_or(""));
    if (url.host_.empty()) throw Error(ErrorKind::rejected, "the url has no host");
    url.port_ = part_of(parts, CURLUPART_PORT, CURLU_DEFAULT_PORT).value_or("");
    url.user_ = part_of(parts, CURLUPART_USER, CURLU_URLDECODE);
    url.password_ = part_of(parts, CURLUPART_PASSWORD, CURLU_URLDECODE);
    curl_url_set(parts, CURLUPART_USER, nullptr, 0);
    curl_url_set(parts, CURLUPART_PASSWORD, nullptr, 0);
    url.text_ = part_of(parts, CURLUPART_URL).value_or("");
    return url;
}

std::string Url::origin() const {
    const bool default_port = port_ == (scheme_ == "https" ? "443" : "80");
    return scheme_ + "://" + host_ + (default_port ? std::string() : ":" + port_);
}

std::string presentable(std::string_view url) {
    if (url.size() > longest_url) return "…";
    // A text without a scheme may be a url, too, and may begin with a user and a password.
    const auto login_end = url.substr(0, url.find_first_of("?#")).rfind('@');
    if (url.find("://") != std::string_view::npos || login_end == std::string_view::npos) return presentable_uri(url);
    return "…" + presentable_uri(url.substr(login_end));
}

std::string percent_encode(std::string_view text, std::string_view plain) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view unreserved = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~";
    std::string encoded;
    for (const char character : text) {
        if (unreserved.find(character) != std::string_view::npos || plain.find(character) != std::string_view::npos) {
            encoded += character;
            continue;
        }
        const auto byte = static_cast<unsigned char>(character);
        encoded.append(1, '%').append(1, digits[byte / 16]).append(1, digits[byte % 16]);
    }
    return encoded;
}

std::string origin_of(std::string_view url) {
    try {
        return Url(url.substr(0, url.find('#'))).origin();
    } catch (const Error&) {
        return "";
    }
}

}  // namespace deployer::http
