#pragma once

#include <deployer/unit.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// What of unit files is not shown (R59): the values of variables, flags and options whose names match a pattern.
/// Whatever people get to see of a unit's options, and whatever a plugin says, passes through here.
///
/// A secret is what follows `NAME=`: to the end of the quotes that begin right before the name, or that hold nothing
/// but assignments; else to the end of the word, with all that is quoted or in brackets in it. On a command line it is
/// also the word after a flag (`--password x`) and what follows a colon (`Token: x`), but not the tag of a path
/// (`coco/token-service:v1`); in `Environment` also the words that go on without a name. Where quotes are not closed,
/// or the name has quotes of its own (`"password":"x"`), it is everything to the end.
class Redaction {
public:
    /// With the patterns of the default: *PASSWORD*, *SECRET*, *TOKEN*, *_KEY, *CREDENTIAL*.
    Redaction();
    /// fnmatch(3) patterns of names. Case does not matter, and `-` and `.` of a name match `_`.
    explicit Redaction(std::vector<std::string> patterns);

    [[nodiscard]] bool hides(std::string_view name) const;

    /// The value of an option, with `***` for each secret.
    [[nodiscard]] std::string shown(const std::string& option, const std::string& value) const;

    /// The names whose secrets differ between two values of an option, each once.
    [[nodiscard]] std::vector<std::string> changed_names(const std::string& option, const std::string& from,
                                                         const std::string& to) const;

    /// The secrets of a unit in every form in which somebody else's text may have them: as written, as systemd reads
    /// them, with `%` for `%%`, each word of several. None is shorter than four bytes; the longest comes first.
    [[nodiscard]] std::vector<std::string> secrets_in(std::span<const UnitOption> options) const;

    /// A text of somebody else, likewise. `secrets` are not shown either where they stand without a name.
    [[nodiscard]] std::string message(std::string_view text, std::span<const std::string> secrets = {}) const;

private:
    std::vector<std::string> patterns_;
};

}  // namespace deployer
