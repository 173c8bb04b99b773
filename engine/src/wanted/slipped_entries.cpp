#include "wanted/slipped_entries.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

namespace deployer {
namespace {

constexpr std::string_view key = "name";
constexpr std::size_t longest_name = 256;
/// The most bytes from the word `name` to the end of the unit's name. The limit keeps the search's time proportional to
/// the length of the text.
constexpr std::size_t longest_way = 4'096;
constexpr std::string_view blanks = " \t\r\n";

bool is_of_word(char byte) {
    return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '_' || byte == '.';
}

bool is_of_unit_name(char byte) {
    return is_of_word(byte) || byte == ':' || byte == '\\' || byte == '@' || byte == '-';
}

/// Whether a word begins behind `before`. A dash there may begin an item, or be part of a word such as `host-name`.
bool begins_word(std::string_view before) {
    const bool is_joined = before.ends_with('-') && before.size() > 1 && is_of_word(before[before.size() - 2]);
    return before.empty() || (!is_joined && !is_of_word(before.back()));
}

void skip(std::string_view& text, std::string_view characters) {
    text.remove_prefix(std::min(text.find_first_not_of(characters), text.size()));
}

/// Skips an anchor or a tag before a value.
void skip_properties(std::string_view& text) {
    while (text.starts_with('&') || text.starts_with('!')) {
        text.remove_prefix(std::min(text.find_first_of(blanks), text.size()));
        skip(text, blanks);
    }
}

/// The unit that the text behind the word `name` names; nullopt when it names none.
std::optional<std::string> unit_after_key(std::string_view text) {
    text = text.substr(0, longest_way);
    skip(text, "\"'");
    skip(text, blanks);
    if (!text.starts_with(':')) return std::nullopt;
    text.remove_prefix(1);
    skip(text, blanks);
    skip_properties(text);
    skip(text, "\"'");
    text = text.substr(0, longest_name + 1);
    const auto* const end = std::find_if_not(text.begin(), text.end(), is_of_unit_name);
    std::string unit(text.begin(), end);
    return unit_name_problem(unit) ? std::nullopt : std::optional(std::move(unit));
}

bool is_comment(std::string_view line) {
    skip(line, " \t");
    return line.starts_with('#');
}

bool is_blank(std::string_view line) {
    return line.find_first_not_of(blanks) == std::string_view::npos;
}

bool begins_item(std::string_view comment) {
    skip(comment, "# \t");
    return comment.starts_with('-');
}

/// Whether a line belongs to the entry above: it is indented, and neither begins an entry nor ends a list.
bool goes_on(std::string_view line) {
    const bool is_indented = line.starts_with(' ') || line.starts_with('\t');
    skip(line, blanks);
    return is_indented && !line.empty() && std::string_view("-[]{}").find(line.front()) == std::string_view::npos;
}

/// Searches a text line by line, and remembers names in the comment lines just above.
class Search {
public:
    explicit Search(std::string_view text) : text_(text) {}

    std::vector<NameInText> run() && {
        for (std::size_t begin = 0; begin < text_.size(); ++line_) {
            const auto end = std::min(text_.find('\n', begin), text_.size());
            read(begin, text_.substr(begin, end - begin));
            begin = end + 1;
        }
        const auto by_line = [](const auto& one, const auto& other) { return one.line < other.line; };
        std::stable_sort(names_.begin(), names_.end(), by_line);
        return std::move(names_);
    }

private:
    void read(std::size_t begin, std::string_view line) {
        const bool comment = is_comment(line);
        if (comment) {
            if (begins_item(line)) rest_of_item_ = Rest::commented_out;
        } else if (!is_blank(line)) {
            follow(line);
        }
        line_comment_ = line.find(" #");
        line_words_ = line.find_first_not_of("# \t-?{\"'");
        for (auto at = line.find(key); at != std::string_view::npos; at = line.find(key, at + key.size())) {
            const auto before = line.substr(0, at);
            if (!begins_word(before)) continue;
            auto unit = unit_after_key(text_.substr(begin + at + key.size()));
            if (unit) add(*std::move(unit), before, comment);
        }
    }

    /// Reads a line that is no comment.
    void follow(std::string_view line) {
        if (!goes_on(line)) {
            rest_of_item_ = Rest::none;
        } else if (rest_of_item_ != Rest::none) {
            std::move(commented_out_.begin(), commented_out_.end(), std::back_inserter(names_));
            rest_of_item_ = Rest::active;
        }
        commented_out_.clear();
    }

    void add(std::string unit, std::string_view before, bool comment) {
        using Place = NameInText::Place;
        if (!comment) {
            names_.push_back({std::move(unit), line_, line_comment_ < before.size() ? Place::comment : Place::text});
        } else if (is_run_into(before)) {
            names_.push_back({std::move(unit), line_, Place::comment});
        } else if (rest_of_item_ != Rest::none) {
            auto& names = rest_of_item_ == Rest::active ? names_ : commented_out_;
            names.push_back({std::move(unit), line_, Place::above_its_rest});
        }
    }

    /// Whether other words than those of an entry stand before a key in a comment. `before`: the line up to the key.
    [[nodiscard]] bool is_run_into(std::string_view before) const {
        const auto last = before.find_last_not_of(" \t\"'");
        return line_words_ < before.size() && last != std::string_view::npos && last >= line_words_ &&
               before[last] != ',';
    }

    std::string_view text_;
    int line_ = 1;
    std::size_t line_comment_ = 0;  ///< where a comment begins behind other text of the line
    std::size_t line_words_ = 0;    ///< where the line's text begins, behind `#`, dashes, braces and quotes
    enum class Rest { none, commented_out, active };
    /// Of the last item that began in a comment: whether some of its lines are active.
    Rest rest_of_item_ = Rest::none;
    std::vector<NameInText> commented_out_;
    std::vector<NameInText> names_;
};

void find_names(const SettingsNode& node, std::vector<NameInText>& names) {
    for (std::size_t index = 0; index < node.items.size(); ++index) {
        const auto& item = node.items[index];
        const bool is_name = node.kind == SettingsNode::Kind::block && node.keys[index] == key;
        if (is_name && item.kind == SettingsNode::Kind::scalar && !unit_name_problem(item.text)) {
            names.push_back({item.text, item.line});
        }
        find_names(item, names);
    }
}

}  // namespace

std::vector<NameInText> names_in_text(std::string_view text) {
    return Search(text).run();
}

std::vector<NameInText> names_below_entries(const SettingsNode& services) {
    std::vector<NameInText> names;
    for (const auto& entry : services.items) {
        for (const auto& value : entry.items) find_names(value, names);
    }
    return names;
}

}  // namespace deployer
