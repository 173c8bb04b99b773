#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace deployer::http {

/// In bytes; longer urls are refused.
constexpr std::size_t longest_url = 8192;

/// An absolute http or https url. It is parsed by the parser that the transfer uses, so that the url that is checked is
/// the url that is requested.
class Url {
public:
    /// Throws Error `rejected`, whose message is the reason alone.
    explicit Url(std::string_view text);

    /// The url that a Location header in an answer from this url leads to, without user, password and fragment. Throws
    /// as the constructor.
    [[nodiscard]] Url follow(std::string_view location) const;

    [[nodiscard]] const std::string& text() const noexcept { return text_; }  ///< without user and password
    [[nodiscard]] const std::string& scheme() const noexcept { return scheme_; }
    [[nodiscard]] const std::string& host() const noexcept { return host_; }  ///< in lower case
    [[nodiscard]] const std::string& port() const noexcept { return port_; }  ///< also when it is the scheme's default
    [[nodiscard]] const std::optional<std::string>& user() const noexcept { return user_; }
    [[nodiscard]] const std::optional<std::string>& password() const noexcept { return password_; }
    [[nodiscard]] std::string origin() const;  ///< see origin_of()

private:
    Url() = default;
    static Url take_apart(void* parser);

    std::string text_;
    std::string scheme_;
    std::string host_;
    std::string port_;
    std::optional<std::string> user_;
    std::optional<std::string> password_;
};

/// Whether the text is printable ASCII without spaces: such a text can neither end a line nor a header.
[[nodiscard]] bool is_plain(std::string_view text) noexcept;

}  // namespace deployer::http
