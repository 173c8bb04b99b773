#include "redaction.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
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

/// Where the quotes end that are open at `begin`: at the quote itself, or at the end of the text.
std::size_t quotes_end(std::string_view text, std::size_t begin, char quote) {
    for (; begin < text.size() && text[begin] != quote; ++begin) {
        if (text[begin] == '\\') ++begin;
    }
    return std::min(begin, text.size());
}

/// Where the word at `begin` ends. `closing` ends it too, unless it is 0.
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

/// Goes through a text once, and knows in which quotes it is.
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
        std::size_t begin;  ///< of what is in it
    };

    void follow_quote(std::size_t at) {
        if (!quotes_.empty() && quotes_.back().character == text_[at]) {
            quotes_.pop_back();
        } else if (at == 0 || !is_of_name(text_[at - 1])) {
            // Within a word it is an apostrophe.
            quotes_.push_back({text_[at], at + 1});
        }
    }

    /// Where to go on after the name at `begin`, and after its value if that is a secret.
    std::size_t read_name(std::size_t begin) {
        const auto end = name_end(text_, begin);
        const auto name = text_.substr(begin, end - begin);
        if (end == text_.size() || !redaction_.hides(name)) return end;
        if (text_[end] == '=') return add(name, end + 1, value_end(begin, end + 1));
        const bool is_flag = kind_ == Text::command && name.starts_with('-') && is_space(text_[end]);
        const auto value = skip_space(text_, end);
        if (!is_flag || value == text_.size() || text_[value] == '-') return end;
        return add(name, value, word_end(text_, value, closing()));
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
        // What goes on without a name was meant to be of the same value.
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

/// All that is secret in the value of an option.
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

std::string Redaction::message(std::string_view text, std::span<const UnitOption> options) const {
    // Shorter ones could be any part of any word.
    constexpr std::size_t least = 4;
    std::string known(text);
    for (const auto& option : options) {
        for (const auto& [name, begin, end] : secrets_of(*this, option.name, option.value)) {
            if (end - begin >= least) replace_all(known, std::string_view(option.value).substr(begin, end - begin));
        }
    }
    return masked(known, Search(*this, known, Text::message).run());
}

}  // namespace deployer
