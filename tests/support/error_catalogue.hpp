#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// The entries of docs/ERRORS.md. Their headings are patterns of messages, in which words such as FILE and N are
/// placeholders.
class ErrorCatalogue {
public:
    struct Entry {
        std::string section;
        std::string pattern;
        std::string text;  ///< meaning of the message and advice
    };

    ErrorCatalogue() {
        std::ifstream in(std::filesystem::path(DEPLOYER_SOURCE_DIR) / "docs/ERRORS.md");
        std::string section;
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with("## ")) section = line.substr(3);
            if (line.starts_with("#### `") && line.ends_with('`')) {
                entries_.push_back({section, line.substr(6, line.size() - 7), {}});
            } else if (!entries_.empty() && !line.starts_with('#')) {
                entries_.back().text += line;
            }
        }
        if (entries_.empty()) throw std::runtime_error("docs/ERRORS.md has no entries");
    }

    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

    /// Whether a message matches an entry, or is a chain that ends in such a message.
    [[nodiscard]] bool knows(const std::string& message) const {
        return std::any_of(entries_.begin(), entries_.end(), [&message](const Entry& entry) {
            return std::regex_match(message, std::regex("(.*: )?" + as_regex(entry.pattern)));
        });
    }

    /// The texts between the placeholders of a pattern, divided so far that each is one literal in the source, too.
    static std::vector<std::string> fixed_parts(const std::string& pattern) {
        constexpr std::size_t least = 8;
        const std::regex gap("\\b(FILE|(0x)?N|NAME|KEY|UNIT|SERVICE|TIME|TEXT)\\b|; |: |, or |[()\"]");
        std::vector<std::string> parts;
        for (std::sregex_token_iterator part(pattern.begin(), pattern.end(), gap, -1), end; part != end; ++part) {
            const auto text = trimmed(part->str());
            if (text.size() >= least) parts.push_back(text);
        }
        return parts;
    }

private:
    static std::string trimmed(const std::string& text) {
        const auto begin = text.find_first_not_of(' ');
        return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
    }

    static std::string as_regex(const std::string& pattern) {
        const auto literal = std::regex_replace(pattern, std::regex(R"([.()\[\]{}*+?^$|\\])"), R"(\$&)");
        const auto with_numbers = std::regex_replace(literal, std::regex(R"(\b(0x)?N\b)"), "$1[0-9a-f][0-9a-f.]*");
        return std::regex_replace(with_numbers, std::regex(R"(\b(FILE|NAME|KEY|UNIT|SERVICE|TIME|TEXT)\b)"), ".*");
    }

    std::vector<Entry> entries_;
};

}  // namespace deployer
