#pragma once

#include <deployer/settings.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::probe {

/// Values of placeholders, by the placeholder's name.
using Values = std::map<std::string, std::string, std::less<>>;

/// A text with placeholders in it: "http://host/{service}".
class Template {
public:
    /// `key` is the setting that `text` comes from. Throws Error `misconfigured`, which names the key, for an unmatched
    /// brace, and for a placeholder that is not in `names`.
    Template(const Settings& settings, std::string_view key, std::string_view text,
             const std::vector<std::string>& names);

    [[nodiscard]] bool uses(std::string_view placeholder) const;

    /// The text with all placeholders replaced by their values, which are not encoded. `values` must have a value for
    /// each placeholder.
    [[nodiscard]] std::string fill(const Values& values) const;

private:
    struct Part {
        std::string text;         ///< literal text
        std::string placeholder;  ///< follows the text; empty: none
    };
    std::vector<Part> parts_;
};

/// Throws Error `misconfigured` for text that is no http or https url. The message does not show the text, because it
/// may hold a password; the same goes for read_base_url().
void check_url(const Settings& settings, std::string_view key, std::string_view url);

/// Reads a setting that is the base of other urls, and drops the slashes at its end. Throws Error `misconfigured`.
[[nodiscard]] std::string read_base_url(const Settings& settings, std::string_view key);

}  // namespace deployer::probe
