#include "host/redaction.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

namespace deployer {
namespace {

constexpr std::string_view mask = "***";

struct Secret {
    std::string name;
    std::size_t begin = 0;  ///< of the value
    std::size_t end = 0;
};

enum class Text { command, environment, message };

bool is_space(char byte) {
    return std::string_view(" \t\r\n\f\v").find(byte) != std::string_view::npos;
}

bool is_of_name(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           std::string_view("_-.").find(byte) != std::string_view::npos;
}

bool is_quote(char byte) {
    return byte == '"' || byte == '\'' || byte == '`';
}

std::size_t name_end(std::string_view text, std::size_t begin) {
    while (begin < text.size() && is_of_name(text[begin])) ++begin;
    return begin;
}

bool is_assignment(std::string_view text, std::size_t begin) {
    const auto end = name_end(text, begin);
    return end > begin && end < text.size() && text[end] == '=';
}

/// Where the quotes that are open at `begin` end: at the closing quote, or at the end of the text.
std::size_t quotes_end(std::string_view text, std::size_t begin, char quote) {
    for (; begin < text.size() && text[begin] != quote; ++begin) {
        if (text[begin] == '\\') ++begin;
    }
    return std::min(begin, text.size());
}

/// Where the word at `begin` ends. The character `closing` ends the word too, unless it is 0.
std::size_t word_end(std::string_view text, std::size_t begin, char closing) {
    std::size_t brackets = 0;
    for (; begin < text.size(); ++begin) {
        const char byte = text[begin];
        if ((byte == closing && closing != 0) || (is_space(byte) && brackets == 0)) break;
        if (byte == '\\') {
            ++begin;
        } else if (is_quote(byte)) {
            begin = quotes_end(text, begin + 1, byte);
        } else if (byte == '(') {
            ++brackets;
        } else if (byte == ')' && brackets > 0) {
            --brackets;
        }
    }
    return std::min(begin, text.size());
}

std::size_t skip_space(std::string_view text, std::size_t begin) {
    while (begin < text.size() && is_space(text[begin])) ++begin;
    return begin;
}

/// Searches a text for secrets from begin to end, and knows which quotes are open.
class Search {
public:
    Search(const Redaction& redaction, std::string_view text, Text kind)
        : redaction_(redaction), text_(text), kind_(kind) {}

    std::vector<Secret> run() && {
        for (std::size_t at = 0; at < text_.size();) {
            const char byte = text_[at];
            if (byte == '\\') {
                at += 2;
            } else if (is_of_name(byte)) {
                at = read_name(at);
            } else {
                if (is_quote(byte)) follow_quote(at);
                ++at;
            }
        }
        return std::move(secrets_);
    }

private:
    struct Quote {
        char character;
        std::size_t begin;  ///< of the quoted text
    };

    void follow_quote(std::size_t at) {
        if (!quotes_.empty() && quotes_.back().character == text_[at]) {
            quotes_.pop_back();
        } else if (at == 0 || !is_of_name(text_[at - 1])) {
            // Within a word, the character is an apostrophe and not a quote.
            quotes_.push_back({text_[at], at + 1});
        }
    }

    /// Where a value begins behind its name, and how its end is found.
    struct Value {
        enum class Kind { assigned, field, word, rest };
        std::size_t begin;
        Kind kind;
    };

    /// Reads the name at `begin`, and its value if that is a secret. Returns where to go on.
    std::size_t read_name(std::size_t begin) {
        const auto end = name_end(text_, begin);
        const auto name = text_.substr(begin, end - begin);
        const auto value = find_value(begin, end);
        // Only a secret's end is searched for. For every value, that would take time by the square of the text's
        // length.
        if (!value || !redaction_.hides(name)) return end;
        return add(name, value->begin, end_of(*value, begin));
    }

    [[nodiscard]] std::optional<Value> find_value(std::size_t begin, std::size_t end) const {
        using Kind = Value::Kind;
        const auto after = std::min(text_.find_first_not_of("\\\"'`", end), text_.size());
        const auto rest = text_.substr(after);
        // Behind a quoted name, it is unknown which quote ends the value, so the value is all the rest of the text.
        const bool is_quoted = after > end;
        if (rest.starts_with('=')) return Value{after + 1, is_quoted ? Kind::rest : Kind::assigned};
        if (rest.starts_with("+=") || rest.starts_with(":=")) {
            return Value{after + 2, is_quoted ? Kind::rest : Kind::assigned};
        }
        if (const auto value = find_field(begin, after, is_quoted)) {
            return Value{*value, is_quoted ? Kind::rest : Kind::field};
        }
        const bool is_flag = kind_ == Text::command && text_[begin] == '-' && !rest.empty() && is_space(rest.front());
        const auto value = skip_space(text_, after);
        if (!is_flag || value == text_.size() || text_.substr(value).starts_with("--")) return std::nullopt;
        return Value{value, is_quoted ? Kind::rest : Kind::word};
    }

    [[nodiscard]] std::size_t end_of(const Value& value, std::size_t name) const {
        switch (value.kind) {
            case Value::Kind::assigned:
                return value_end(name, value.begin);
            case Value::Kind::word:
                return word_end(text_, value.begin, closing());
            case Value::Kind::field:
                return field_end(name, value.begin);
            case Value::Kind::rest:
                break;
        }
        return text_.size();
    }

    /// Where a field's value ends. In quotes that begin right before the name, the value ends with the quotes.
    [[nodiscard]] std::size_t field_end(std::size_t name, std::size_t value) const {
        if (!quotes_.empty() && quotes_.back().begin == name) return quotes_end(text_, value, quotes_.back().character);
        const bool is_joined = quotes_.empty() && value > 0 && text_[value - 1] == ':';
        return is_joined ? word_end(text_, value, 0) : text_.size();
    }

    /// Where the value of `"name": x` (JSON) or `name: x` (a header) begins. The colon behind a path begins a tag
    /// instead.
    [[nodiscard]] std::optional<std::size_t> find_field(std::size_t name, std::size_t at, bool is_quoted) const {
        const auto colon = is_quoted ? skip_space(text_, at) : at;
        if (colon >= text_.size() || text_[colon] != ':') return std::nullopt;
        const auto value = skip_space(text_, colon + 1);
        const bool is_of_path = name > 0 && text_[name - 1] == '/' && value == colon + 1;
        const bool is_header = kind_ == Text::command && !is_of_path;
        return is_quoted || is_header ? std::optional(value) : std::nullopt;
    }

    std::size_t add(std::string_view name, std::size_t begin, std::size_t end) {
        secrets_.push_back({std::string(name.substr(std::min(name.find_first_not_of('-'), name.size()))), begin, end});
        return end;
    }

    [[nodiscard]] char closing() const { return quotes_.empty() ? '\0' : quotes_.back().character; }

    [[nodiscard]] std::size_t value_end(std::size_t name, std::size_t value) const {
        if (!quotes_.empty()) {
            const auto& quote = quotes_.back();
            if (quote.begin == name || is_assignment(text_, quote.begin)) {
                return quotes_end(text_, value, quote.character);
            }
        }
        auto end = word_end(text_, value, closing());
        // A following word that is no assignment was probably meant to belong to the same value.
        while (kind_ == Text::environment && quotes_.empty()) {
            const auto next = skip_space(text_, end);
            const auto quoted = next < text_.size() && is_quote(text_[next]) ? next + 1 : next;
            if (next == text_.size() || is_assignment(text_, quoted)) break;
            end = word_end(text_, next, 0);
        }
        return end;
    }

    const Redaction& redaction_;
    std::string_view text_;
    Text kind_;
    std::vector<Quote> quotes_;
    std::vector<Secret> secrets_;
};

/// All secrets in the value of an option.
std::vector<Secret> secrets_of(const Redaction& redaction, const std::string& option, std::string_view value) {
    if (redaction.hides(option)) return {{option, 0, value.size()}};
    return Search(redaction, value, option == "Environment" ? Text::environment : Text::command).run();
}

std::string masked(std::string_view text, const std::vector<Secret>& secrets) {
    std::string shown;
    std::size_t at = 0;
    for (const auto& secret : secrets) {
        shown.append(text.substr(at, secret.begin - at)).append(mask);
        at = secret.end;
    }
    return shown.append(text.substr(at));
}

void replace_all(std::string& text, std::string_view what) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + mask.size())) {
        text.replace(at, what.size(), mask);
    }
}

/// The byte that `\x41` or `\101` stands for. Takes the given number of digits from the text, unless they are no byte.
std::optional<char> take_byte(std::string_view& text, std::size_t digits, int base) {
    if (text.size() < digits) return std::nullopt;
    int byte = 0;
    const auto* const end = text.data() + digits;
    const auto result = std::from_chars(text.data(), end, byte, base);
    if (result.ec != std::errc() || result.ptr != end || byte < 0 || byte > 255) return std::nullopt;
    text.remove_prefix(digits);
    return static_cast<char>(byte);
}

/// The character that systemd reads for an escape (systemd.syntax(7)). Takes the escape, behind its backslash, from the
/// text.
char take_escape(std::string_view& text) {
    constexpr std::string_view letters = "abfnrtvs";
    constexpr std::string_view meanings = "\a\b\f\n\r\t\v ";
    const char first = text.front();
    if (first >= '0' && first <= '7') {
        if (const auto byte = take_byte(text, 3, 8)) return *byte;
    }
    text.remove_prefix(1);
    if (first == 'x') {
        if (const auto byte = take_byte(text, 2, 16)) return *byte;
    }
    const auto letter = letters.find(first);
    return letter == std::string_view::npos ? first : meanings[letter];
}

/// A secret as systemd or a shell reads it: without quotes and escapes. `quote`: the quote that is open where the
/// secret begins, or 0.
std::string as_read(std::string_view secret, char quote) {
    std::string text;
    while (!secret.empty()) {
        const char byte = secret.front();
        secret.remove_prefix(1);
        if (byte == '\\' && !secret.empty()) {
            text += take_escape(secret);
        } else if (quote == 0 && is_quote(byte)) {
            quote = byte;
        } else if (quote != 0 && byte == quote) {
            quote = 0;
        } else {
            text += byte;
        }
    }
    return text;
}

std::string with_single_percents(std::string text) {
    for (auto at = text.find("%%"); at != std::string::npos; at = text.find("%%", at + 1)) text.erase(at, 1);
    return text;
}

/// A shorter secret is not masked on its own, since it could be part of any word.
constexpr std::size_t least_secret = 4;

void add_form(std::vector<std::string>& forms, std::string_view form) {
    if (form.size() >= least_secret) forms.emplace_back(form);
}

/// Adds each word between `separators`.
void add_words(std::vector<std::string>& forms, std::string_view text, std::string_view separators) {
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(separators), text.size());
        add_form(forms, text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void add_forms(std::vector<std::string>& forms, std::string_view secret) {
    add_form(forms, secret);
    add_words(forms, secret, " \t\r\n\f\v\"'`");
    // It is unknown which quotes are open where the secret begins, and whether systemd replaces `%%` in it.
    for (const char quote : {'\0', '"', '\'', '`'}) {
        const auto as_written = as_read(secret, quote);
        for (const auto& read : {as_written, with_single_percents(as_written)}) {
            add_form(forms, read);
            add_words(forms, read, " \t\r\n\f\v");
            // A credential's value follows the credential's name and a colon.
            if (const auto colon = read.find(':'); colon != std::string::npos) {
                add_form(forms, std::string_view(read).substr(colon + 1));
            }
        }
    }
}

std::string with_underscores(std::string_view name) {
    std::string text(name);
    std::replace_if(
        text.begin(), text.end(), [](char byte) { return byte == '-' || byte == '.'; }, '_');
    return text;
}

}  // namespace

Redaction::Redaction() : Redaction({"*PASSWORD*", "*SECRET*", "*TOKEN*", "*_KEY", "*CREDENTIAL*"}) {}

Redaction::Redaction(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}

bool Redaction::hides(std::string_view name) const {
    const auto dashes = std::min(name.find_first_not_of('-'), name.size());
    const auto plain = name.substr(dashes);
    // `-eNAME=x` and `-DNAME=x` have the letter of their flag before the name.
    const auto names = dashes == 1 && plain.size() > 1 ? std::vector{std::string(plain), std::string(plain.substr(1))}
                                                       : std::vector{std::string(plain)};
    return std::any_of(patterns_.begin(), patterns_.end(), [&](const auto& pattern) {
        return std::any_of(names.begin(), names.end(), [&](const auto& each) {
            return fnmatch(pattern.c_str(), each.c_str(), FNM_CASEFOLD) == 0 ||
                   fnmatch(pattern.c_str(), with_underscores(each).c_str(), FNM_CASEFOLD) == 0;
        });
    });
}

std::string Redaction::shown(const std::string& option, const std::string& value) const {
    return masked(value, secrets_of(*this, option, value));
}

std::vector<std::string> Redaction::changed_names(const std::string& option, const std::string& from,
                                                  const std::string& to) const {
    using Values = std::map<std::string, std::pair<std::vector<std::string>, std::vector<std::string>>>;
    Values values;
    const auto collect = [&](const std::string& value, auto side) {
        for (const auto& [name, begin, end] : secrets_of(*this, option, value)) {
            (values[name].*side).push_back(value.substr(begin, end - begin));
        }
    };
    collect(from, &Values::mapped_type::first);
    collect(to, &Values::mapped_type::second);
    std::vector<std::string> names;
    for (const auto& [name, sides] : values) {
        if (sides.first != sides.second) names.push_back(name);
    }
    return names;
}

std::vector<std::string> Redaction::secrets_in(std::span<const UnitOption> options) const {
    std::vector<std::string> forms;
    for (const auto& option : options) {
        for (const auto& [name, begin, end] : secrets_of(*this, option.name, option.value)) {
            add_forms(forms, std::string_view(option.value).substr(begin, end - begin));
        }
    }
    // A secret may be part of a longer one.
    const auto longer = [](const auto& one, const auto& other) {
        return one.size() != other.size() ? one.size() > other.size() : one < other;
    };
    std::sort(forms.begin(), forms.end(), longer);
    forms.erase(std::unique(forms.begin(), forms.end()), forms.end());
    return forms;
}

std::string Redaction::message(std::string_view text, std::span<const std::string> secrets) const {
    std::string known(text);
    for (const auto& secret : secrets) replace_all(known, secret);
    return masked(known, Search(*this, known, Text::message).run());
}

}  // namespace deployer
