#pragma once

#include <deployer/settings.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::probe {

/// The values of placeholders, by their names.
using Values = std::map<std::string, std::string, std::less<>>;

/// A text with placeholders in it: "http://host/{service}".
class Template {
public:
    /// `key` is the setting that `text` comes from. Throws Error `misconfigured`, which names it, for a brace without
    /// its other one, and for a placeholder that is none of `names`.
    Template(const Settings& settings, std::string_view key, std::string_view text,
             const std::vector<std::string>& names);

    [[nodiscard]] bool uses(std::string_view placeholder) const;

    /// Values stand in the text as they are. There has to be one for each placeholder.
    [[nodiscard]] std::string fill(const Values& values) const;

private:
    struct Part {
        std::string text;         ///< as it is
        std::string placeholder;  ///< comes after it; empty: none does
    };
    std::vector<Part> parts_;
};

/// Throws Error `misconfigured` for what is no http or https url. Like those below it shows nothing of it: it may hold
/// a password.
void check_url(const Settings& settings, std::string_view key, std::string_view url);

/// A url that others begin with, without slashes at its end. Throws Error `misconfigured`.
[[nodiscard]] std::string read_base_url(const Settings& settings, std::string_view key);

}  // namespace deployer::probe
