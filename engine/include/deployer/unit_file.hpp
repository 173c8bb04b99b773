#pragma once

#include <deployer/export.hpp>
#include <deployer/unit.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// The size of an option line (`Name=value`, without newline) from which on fleet refuses it: 2048 bytes. Other targets
/// take longer ones.
inline constexpr std::size_t option_line_limit = 2048;

/// The size of a line, continuations joined, from which on systemd refuses its whole file: LONG_LINE_MAX, 1 MiB. Since
/// 1.1.
inline constexpr std::size_t unit_line_limit = std::size_t{1} << 20U;

/// Reads a unit file as systemd does (R13; systemd.syntax(7)): sections, comments (`#`, `;`, also between the lines of
/// a continued value), continuation lines, repeated options in order. In a value, backslash-newline becomes one space;
/// white space around lines, names and values is dropped, Unicode's as well. CRLF ends a line as LF does. A byte order
/// mark is passed over.
/// Throws Error `rejected`, "line 3: …" (the first one of a continued line), for what systemd would skip or cut: text
/// without `=`, an option before any section, an unfinished last line after a backslash, a broken section header, NUL
/// bytes and lone carriage returns, text that is not UTF-8 (in comments it may be anything), a line of unit_line_limit
/// bytes or more; for what would not come back as it went: a value that ends in an odd number of backslashes; for what
/// may be meant otherwise: a line that looks like a comment within quotes, white space after a line's last backslash;
/// and for a file without any option. It quotes no line and no value: there may be a secret in it.
/// A target rejects a unit file that it cannot take for other reasons.
DEPLOYER_SDK_EXPORT std::vector<UnitOption> parse_unit_file(std::string_view text);

/// Options as unit file text, grouped by section in order of first appearance, a blank line between sections. Parsed
/// again, what parse_unit_file() gave comes back (grouped). Options from elsewhere are written as they are: a newline
/// in a value stays one, a backslash at its end takes in the next line.
DEPLOYER_SDK_EXPORT std::string write_unit_file(std::span<const UnitOption> options);

/// SHA-1 of what write_unit_file() gives, as 40 lower-case hex digits: the hash that fleet's `/state` shows for a unit.
DEPLOYER_SDK_EXPORT std::string unit_file_hash(std::span<const UnitOption> options);

/// Two contents are equal exactly when their digests are (R16). The digest is made as unit_file_hash, but runs of white
/// space in values count as one space, at their ends as none (there Unicode's as well). A backslash-newline that
/// another tool left inside a value counts as white space too.
DEPLOYER_SDK_EXPORT std::string content_digest(std::span<const UnitOption> options);

}  // namespace deployer
