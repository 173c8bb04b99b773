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
/// white space, also Unicode's, around lines, names and values is dropped. CRLF ends a line as LF does. A byte order
/// mark at the start is skipped.
///
/// Throws Error `rejected`, "line 3: …" (for a continued line the number of its first line):
/// - for text that systemd would skip or cut: text without `=`, an option before any section, an unfinished last line
///   after a backslash, a broken section header, NUL bytes and lone carriage returns, text that is not UTF-8 (comments
///   may hold any bytes), a line of unit_line_limit bytes or more;
/// - for a value that write_unit_file() could not write so that it reads back the same: one that ends in an odd number
///   of backslashes;
/// - for text that its author may have meant otherwise: a line that looks like a comment within quotes, white space
///   after a line's last backslash;
/// - for a file without any option.
///
/// No message quotes a line or a value, because either may hold a secret. A target may reject a unit file for reasons
/// of its own.
DEPLOYER_SDK_EXPORT std::vector<UnitOption> parse_unit_file(std::string_view text);

/// Options as unit file text, grouped by section in order of first appearance, with a blank line between sections.
/// Options from parse_unit_file() are the same (but grouped) when the text is parsed again. Options from elsewhere are
/// written without any escaping, so parsing may give others: a newline in a value stays a newline, and a backslash at
/// the end of a value joins the next line to it.
DEPLOYER_SDK_EXPORT std::string write_unit_file(std::span<const UnitOption> options);

/// SHA-1 of the text from write_unit_file(), as 40 lower-case hex digits: the hash that fleet's `/state` shows for a
/// unit.
DEPLOYER_SDK_EXPORT std::string unit_file_hash(std::span<const UnitOption> options);

/// Two contents are equal exactly when their digests are equal (R16). The digest is unit_file_hash() of the options
/// with normalised values: a run of white space counts as one space, and white space (also Unicode's) at either end of
/// a value counts as none. A backslash-newline that another tool left inside a value counts as white space too.
DEPLOYER_SDK_EXPORT std::string content_digest(std::span<const UnitOption> options);

}  // namespace deployer
