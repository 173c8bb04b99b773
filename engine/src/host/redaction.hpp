#pragma once

#include <deployer/unit.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// Masks secrets of unit files (R59): the values of variables, flags and options whose names match a pattern. Every
/// text for people that has a unit's options in it, and every text of a plugin, passes through here.
///
/// A secret is the text behind `NAME=`. It extends to the end of the quotes, if these begin right before the name or
/// hold nothing but assignments; else to the end of the word, quoted and bracketed parts included. On a command line,
/// the word after a flag (`--password x`) and the text behind a colon (`Token: x`) are secrets too, but not the tag of
/// a path
/// (`coco/token-service:v1`). In `Environment`, following words that are no assignments belong to the secret. Where
/// quotes are not closed, or the name is quoted itself (`"password":"x"`), the secret extends to the end of the text.
class Redaction {
public:
    /// With the default patterns: *PASSWORD*, *SECRET*, *TOKEN*, *_KEY, *CREDENTIAL*.
    Redaction();
    /// fnmatch(3) patterns of names. Case does not matter, and `-` and `.` of a name match `_`.
    explicit Redaction(std::vector<std::string> patterns);

    [[nodiscard]] bool hides(std::string_view name) const;

    /// The value of an option, with `***` for each secret.
    [[nodiscard]] std::string shown(const std::string& option, const std::string& value) const;

    /// The names whose secrets differ between two values of an option, each once.
    [[nodiscard]] std::vector<std::string> changed_names(const std::string& option, const std::string& from,
                                                         const std::string& to) const;

    /// The secrets of a unit in every form in which a plugin's text may contain them: as written, as systemd reads
    /// them, with `%` for `%%`, and each word of several. None is shorter than four bytes; the longest comes first.
    [[nodiscard]] std::vector<std::string> secrets_in(std::span<const UnitOption> options) const;

    /// A text from a plugin, with `***` for each secret: values whose names match a pattern, and `secrets` wherever
    /// they occur.
    [[nodiscard]] std::string message(std::string_view text, std::span<const std::string> secrets = {}) const;

private:
    std::vector<std::string> patterns_;
};

}  // namespace deployer
