#include "yaml/yaml_document.hpp"

#include "yaml/invisible_text.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>
#include <vector>

namespace deployer {

namespace {

[[noreturn]] void reject(const std::string& file, const std::string& problem) {
    throw Error(ErrorKind::rejected, file + ": " + problem);
}

[[noreturn]] void reject(const std::string& file, int line, const std::string& problem) {
    reject(file + ":" + std::to_string(line), problem);
}

int line_of(const YAML::Mark& mark) {
    return mark.line + 1;
}

/// Where a line, counted from 1, begins.
std::size_t offset_of_line(std::string_view text, int line) {
    std::size_t offset = 0;
    for (int i = 1; i < line; ++i) {
        const auto end = text.find('\n', offset);
        if (end == std::string_view::npos) return text.size();
        offset = end + 1;
    }
    return offset;
}

std::string_view text_of_line(std::string_view text, int line) {
    text.remove_prefix(offset_of_line(text, line));
    return text.substr(0, text.find('\n'));
}

/// The size of a value once all aliases are written out.
struct Size {
    std::size_t nodes = 0;
    std::size_t bytes = 0;
    int height = 0;  ///< levels of lists and blocks
};

Size measure(const SettingsNode& node) {
    Size size{1, node.text.size(), 0};
    for (const auto& key : node.keys) size.bytes += key.size();
    for (const auto& item : node.items) {
        const auto part = measure(item);
        size.nodes += part.nodes;
        size.bytes += part.bytes;
        size.height = std::max(size.height, part.height);
    }
    if (node.kind == SettingsNode::Kind::list || node.kind == SettingsNode::Kind::block) ++size.height;
    return size;
}

bool is_null_word(std::string_view text) {
    return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

/// `text` begins with a quote. Gives the text up to where that quote is closed, or nullopt if it is not.
std::optional<std::string_view> until_closing_quote(std::string_view text) {
    const char mark = text.front();
    for (std::size_t i = 1; i < text.size(); ++i) {
        const bool escapes = mark == '"' ? text[i] == '\\' : text.substr(i).starts_with("''");
        if (escapes) {
            ++i;
        } else if (text[i] == mark) {
            return text.substr(0, i);
        }
    }
    return std::nullopt;
}

/// Whether a key or a value, with which `text` begins, goes on in the next line.
bool goes_on(std::string_view text, std::string_view value) {
    text = text.substr(0, text.find('\n'));
    while (text.starts_with('!') || text.starts_with('&')) {
        text.remove_prefix(std::min(text.find_first_of(" \t"), text.size()));
        text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    }
    if (text.starts_with('"') || text.starts_with('\'')) return !until_closing_quote(text);
    return text.starts_with('|') || text.starts_with('>') || !text.starts_with(value);
}

[[noreturn]] void reject_invisible(const std::string& file, int line, const InvisibleCharacter& character) {
    reject(file, line, character.name + " stands here, which is not seen; take it out or make it a plain space");
}

/// Builds our values while the parser goes along, so that no document is ever held in yaml-cpp's own nodes: those would
/// share aliased values, and walking them is how alias bombs and cycles go off.
class Builder final : public YAML::EventHandler {
public:
    /// `text` is what the parser reads.
    Builder(const std::string& file, std::string_view text, const YamlBudget& budget)
        : file_(file), text_(text), budget_(budget) {}

    SettingsNode take_root() { return std::move(root_); }
    std::vector<int> take_long_values() { return std::move(long_values_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (documents_++ == 0) return;
        const auto line = line_of(mark);
        reject(file_, line,
               text_of_line(text_, line).starts_with("---")
                   ? "a second document starts here; only one is allowed"
                   : "not valid YAML: this does not belong to what stands before it; check the indentation");
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        SettingsNode node;
        node.line = line_of(mark);
        add_leaf(std::move(node), anchor);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        // An escape sequence ("\0") can bring back what was refused in the raw text.
        if (value.find('\0') != std::string::npos) reject(file_, line_of(mark), "a NUL byte in a text");
        if (expects_key() || tag == "?") check_visible(mark, value);
        if (goes_on(text_.substr(static_cast<std::size_t>(mark.pos)), value)) long_values_.push_back(line_of(mark));
        SettingsNode node;
        node.line = line_of(mark);
        node.kind = SettingsNode::Kind::scalar;
        node.text = value;
        set_type(node, tag);
        add_leaf(std::move(node), anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        if (expects_key()) reject(file_, line_of(mark), "a key must be plain text, not an alias");
        const auto found = anchored_.find(anchor);
        if (found == anchored_.end()) reject(file_, line_of(mark), "an alias to a value that contains it (a cycle)");
        const auto& [value, size] = found->second;
        check_depth(static_cast<int>(open_.size()) + size.height, line_of(mark));
        spend(size, line_of(mark));
        place(value);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        open(SettingsNode::Kind::list, mark, tag, "tag:yaml.org,2002:seq", anchor);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        open(SettingsNode::Kind::block, mark, tag, "tag:yaml.org,2002:map", anchor);
    }
    void OnMapEnd() override { close(); }

private:
    struct Open {
        SettingsNode node;
        YAML::anchor_t anchor = YAML::NullAnchor;
        std::optional<int> key_line{};                     ///< of a block: set while a key waits for its value
        std::unordered_map<std::string, int> key_lines{};  ///< of a block
    };

    [[nodiscard]] bool expects_key() const {
        return !open_.empty() && open_.back().node.kind == SettingsNode::Kind::block && !open_.back().key_line;
    }

    /// A key is structure as a whole; a value in no quotes is so at its ends, and where a space seems to follow a
    /// colon.
    void check_visible(const YAML::Mark& mark, std::string_view text) const {
        while (const auto found = find_invisible(text)) {
            const auto before = text.substr(0, found->offset);
            const auto after = text.substr(found->offset + found->size);
            if (expects_key() || before.empty() || before.ends_with(':') || after.empty()) {
                reject_invisible(file_, line_of(mark), *found);
            }
            text = after;
        }
    }

    /// The tags of YAML's core schema say what we read anyway or make a value text; any other would ask for a
    /// conversion that we do not do.
    void set_type(SettingsNode& node, const std::string& tag) const {
        if (tag == "!" || tag == "tag:yaml.org,2002:str") {
            node.quoted = true;
        } else if (tag == "tag:yaml.org,2002:null") {
            if (!is_null_word(node.text)) reject(file_, node.line, "a text with the tag !!null");
            node.kind = SettingsNode::Kind::null;
            node.text.clear();
        } else if (!tag.empty() && tag != "?" && tag != "tag:yaml.org,2002:int" && tag != "tag:yaml.org,2002:bool" &&
                   tag != "tag:yaml.org,2002:float") {
            reject_tag(tag, node.line);
        }
    }

    /// Only a tag of YAML's own is shown: anything else may be a password.
    [[noreturn]] void reject_tag(const std::string& tag, int line) const {
        constexpr std::string_view prefix = "tag:yaml.org,2002:";
        constexpr auto own = std::to_array<std::string_view>({"binary", "bool", "float", "int", "map", "merge", "null",
                                                              "omap", "pairs", "seq", "set", "str", "timestamp"});
        const auto name = tag.starts_with(prefix) ? std::string_view(tag).substr(prefix.size()) : std::string_view();
        if (std::find(own.begin(), own.end(), name) == own.end()) {
            reject(file_, line, "a text that begins with ! needs quotes");
        }
        reject(file_, line, "the tag !!" + std::string(name) + " does not fit here; leave it out");
    }

    void open(SettingsNode::Kind kind, const YAML::Mark& mark, const std::string& tag, std::string_view core_tag,
              YAML::anchor_t anchor) {
        if (expects_key()) reject(file_, line_of(mark), "a key must be plain text, not a list or a block");
        if (!tag.empty() && tag != "?" && tag != "!" && tag != core_tag) reject_tag(tag, line_of(mark));
        check_depth(static_cast<int>(open_.size()) + 1, line_of(mark));
        Open opened;
        opened.node.kind = kind;
        opened.node.line = line_of(mark);
        opened.anchor = anchor;
        spend({1, 0, 1}, opened.node.line);
        open_.push_back(std::move(opened));
    }

    void close() {
        Open closed = std::move(open_.back());
        open_.pop_back();
        remember(closed.node, closed.anchor);
        place(std::move(closed.node));
    }

    void add_leaf(SettingsNode node, YAML::anchor_t anchor) {
        spend({1, node.text.size(), 0}, node.line);
        remember(node, anchor);
        if (expects_key()) {
            add_key(node);
        } else {
            place(std::move(node));
        }
    }

    /// "services[3].count", of a key in the innermost block that is open.
    [[nodiscard]] std::string path_to(const std::string& key) const {
        std::string path;
        const auto go_into = [&](const std::string& name) { path += (path.empty() ? "" : ".") + name; };
        for (auto outer = open_.begin(); outer + 1 != open_.end(); ++outer) {
            if (outer->node.kind == SettingsNode::Kind::list) {
                path += "[" + std::to_string(outer->node.items.size()) + "]";
            } else {
                go_into(outer->node.keys.back());
            }
        }
        go_into(key);
        return path;
    }

    void add_key(const SettingsNode& key) {
        if (key.kind == SettingsNode::Kind::null) reject(file_, key.line, "a key is missing before the colon");
        if (key.text == "<<" && !key.quoted) {
            reject(file_, key.line, "merge keys (<<) are not supported; write the keys out");
        }
        auto& block = open_.back();
        const auto [first, is_new] = block.key_lines.emplace(key.text, key.line);
        if (!is_new) {
            reject(file_, key.line,
                   "the key " + quote(path_to(key.text)) + " stands here a second time; the first is on line " +
                       std::to_string(first->second));
        }
        block.node.keys.push_back(key.text);
        block.key_line = key.line;
    }

    /// Puts a finished value where it belongs.
    void place(SettingsNode value) {
        if (open_.empty()) {
            root_ = std::move(value);
            return;
        }
        auto& parent = open_.back();
        if (parent.key_line) {
            value.line = *parent.key_line;
            parent.key_line.reset();
        }
        parent.node.items.push_back(std::move(value));
    }

    /// The copy that an anchor keeps is paid for too: nested anchors would multiply what is held otherwise.
    void remember(const SettingsNode& node, YAML::anchor_t anchor) {
        if (anchor == YAML::NullAnchor) return;
        const auto size = measure(node);
        spend(size, node.line);
        anchored_.insert_or_assign(anchor, std::pair(node, size));
    }

    void check_depth(int depth, int line) const {
        if (depth > budget_.depth) {
            reject(file_, line, "nested more than " + std::to_string(budget_.depth) + " levels deep");
        }
    }

    void spend(const Size& size, int line) {
        nodes_ += size.nodes;
        bytes_ += size.bytes;
        if (nodes_ > budget_.nodes) {
            reject(file_, line, "more than " + std::to_string(budget_.nodes) + " values, with aliases written out");
        }
        if (bytes_ > budget_.bytes) {
            reject(file_, line, "more than " + std::to_string(budget_.bytes) + " bytes, with aliases written out");
        }
    }

    const std::string& file_;
    std::string_view text_;
    const YamlBudget& budget_;
    SettingsNode root_;
    std::vector<int> long_values_;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, std::pair<SettingsNode, Size>> anchored_;
    std::size_t nodes_ = 0;
    std::size_t bytes_ = 0;
    int documents_ = 0;
};

/// Messages of yaml-cpp, and words in their place that lead to the mistake. The keys are the beginnings of messages,
/// for some messages go on with the text in question.
constexpr auto explanations = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"illegal map value",
     "a key cannot stand here; its indentation differs from the lines before, or a text with \": \" in it needs "
     "quotes"},
    {"end of map not found", "this fits no block that is open here; check the indentation and the quotes"},
    {"end of sequence not found", "this fits no list that is open here; check the indentation"},
    {"end of map flow not found", "a { is not closed, or a comma is missing"},
    {"end of sequence flow not found", "a [ is not closed, or a comma is missing"},
    {"illegal flow end", "nothing is open that this ] or } could close"},
    {"illegal block entry", "a list item (\"- \") cannot stand here"},
    {"illegal map key", "a key cannot stand here"},
    {"illegal tab when", "indented with a tab; use spaces"},
    {"unknown token", "a text cannot begin with this character; put it in quotes"},
    {"unexpected character in block scalar", "nothing may follow a | or > that begins a text"},
    {"the referenced anchor is not defined",
     "no anchor (&) of this name stands before; a text that begins with * needs quotes"},
    {"alias not found", "a text that begins with * needs quotes"},
    {"illegal character found while scanning alias", "a text that begins with * needs quotes"},
    {"anchor not found", "a text that begins with & needs quotes"},
    {"illegal character found while scanning anchor", "a text that begins with & needs quotes"},
    {"unknown escape character", "an unknown escape sequence; in single quotes a backslash is just a backslash"},
    {"bad character found while scanning hex number",
     "an unfinished escape sequence; in single quotes a backslash is just a backslash"},
    {"invalid unicode", "an escape sequence that is no character"},
    {"bad file", "it cannot be read as text"},
});

std::string explain(const std::string& message) {
    const auto* const found = std::find_if(explanations.begin(), explanations.end(), [&](const auto& explanation) {
        return message.starts_with(explanation.first);
    });
    return "not valid YAML: " + (found == explanations.end() ? message : std::string(found->second));
}

/// The key of a line such as `version:1.0`, else empty.
std::string_view key_without_space(std::string_view line) {
    while (line.starts_with(' ') || line.starts_with("- ")) line.remove_prefix(1);
    const auto is_of_key = [](unsigned char byte) { return std::isalnum(byte) != 0 || byte == '_' || byte == '-'; };
    const auto* const end = std::find_if_not(line.begin(), line.end(), is_of_key);
    const auto length = static_cast<std::size_t>(end - line.begin());
    const bool is_it = length > 0 && length + 1 < line.size() && line[length] == ':' && line[length + 1] != ' ' &&
                       line[length + 1] != '/' && line[length + 1] != '\r';
    return is_it ? line.substr(0, length + 1) : std::string_view();
}

/// yaml-cpp notices a missing space only at the next key, where nothing looks wrong.
void reject_missing_space(const std::string& file, std::string_view text, int line) {
    for (int i = line; i > 0 && i > line - 2; --i) {
        const auto key = key_without_space(text_of_line(text, i));
        if (!key.empty()) reject(file, i, "not valid YAML: is a space missing after " + quote(key) + "?");
    }
}

/// Only what YAML allows as it stands. It matters beyond tidiness: yaml-cpp guesses UTF-16 where NULs are and ends the
/// text at an EOT.
void check_characters(const std::string& file, std::string_view text) {
    if (const auto offset = find_invalid_utf8(text)) {
        reject(file, line_at(text, *offset), "not UTF-8 text");
    }
    const auto* const bad = std::find_if(text.begin(), text.end(), [&](const char& byte) {
        const auto value = static_cast<unsigned char>(byte);
        if (byte == '\r') return &byte == &text.back() || *(&byte + 1) != '\n';
        return value == 0x7FU || (value < 0x20U && byte != '\n' && byte != '\t');
    });
    if (bad == text.end()) return;
    const auto offset = static_cast<std::size_t>(bad - text.begin());
    const auto line = line_at(text, offset);
    if (*bad == '\0') reject(file, line, "a NUL byte");
    if (*bad == '\r') reject(file, line, "a carriage return without a newline");
    reject(file, line, "the control character " + quote(text.substr(offset, 1)));
}

/// An indentation that is none, and an item that does not begin where it seems to. yaml-cpp takes such a character for
/// the first one of a text.
void check_line_starts(const std::string& file, std::string_view text) {
    int line = 1;
    for (auto rest = text; !rest.empty(); ++line) {
        const auto end = rest.find('\n');
        auto start = rest.substr(0, end);
        start.remove_prefix(std::min(start.find_first_not_of(" \t-?:{[,"), start.size()));
        const auto found = find_invisible(start);
        if (found && found->offset == 0) reject_invisible(file, line, *found);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
}

/// yaml-cpp holds back all of a [ or { that might yet turn out to be a key, before we can count what is in it.
void check_flow_size(const std::string& file, std::string_view text, const YamlBudget& budget) {
    const auto parts =
        std::count_if(text.begin(), text.end(), [](char byte) { return byte == ',' || byte == '[' || byte == '{'; });
    if (static_cast<std::size_t>(parts) > budget.nodes) {
        reject(file, "more than " + std::to_string(budget.nodes) + " commas and brackets");
    }
}

/// The text without a line "..." that ends it, and the comments after that.
std::string_view without_end_marker(std::string_view text) {
    auto end = text.size();
    for (auto rest = text; !rest.empty();) {
        const auto start = rest.substr(0, rest.size() - 1).rfind('\n') + 1;
        const auto line = rest.substr(start);
        const auto words = line.substr(0, line.find_last_not_of(" \t\r\n") + 1);
        const bool is_comment = words.empty() || words[words.find_first_not_of(" \t")] == '#';
        if (words == "...") {
            end = start;
        } else if (!is_comment) {
            break;
        }
        rest = rest.substr(0, start);
    }
    return text.substr(0, end);
}

/// The text as yaml-cpp gets it: with plain newlines, and with an end that it takes seriously. Without the comment it
/// would take a last line that is no key ("version:v1") for one without a value, without the end marker the end of the
/// file for a closing quote, and swallow whatever follows an unclosed one.
std::string prepare(std::string_view text) {
    std::string out(without_end_marker(text));
    out.erase(std::remove(out.begin(), out.end(), '\r'), out.end());
    if (!out.ends_with('\n')) out += '\n';
    return out += "#\n...\n";
}

/// Where a quote that is never closed was opened: the last of its kind, and standing where a value begins.
std::optional<int> line_of_open_quote(std::string_view text) {
    std::optional<int> line;
    for (const char mark : {'"', '\''}) {
        const auto offset = text.rfind(mark);
        if (offset == std::string_view::npos) continue;
        const auto before = text.substr(0, offset).find_last_not_of(" \t");
        const bool opens = before == std::string_view::npos ||
                           std::string_view("\n:-,[{?").find(text[before]) != std::string_view::npos;
        if (!opens) continue;
        const auto found = line_at(text, offset);
        line = line ? std::min(*line, found) : found;
    }
    return line;
}

/// Finds better words, and a better line, for what yaml-cpp stumbled over.
[[noreturn]] void reject_syntax(const std::string& file, std::string_view text, const YAML::Exception& error) {
    const auto last_line = line_at(text, text.find_last_not_of(" \t\r\n"));
    const auto line = std::clamp(line_of(error.mark), 1, last_line);
    if (error.msg.ends_with("in scalar")) {
        const auto end = line == last_line ? text.size() : offset_of_line(text, line);
        reject(file, line_of_open_quote(text.substr(0, end)).value_or(line),
               "not valid YAML: a quote is opened but never closed");
    }
    const auto beginning = text_of_line(text, line);
    const auto first = beginning.find_first_not_of(' ');
    if (first != std::string_view::npos && beginning[first] == '\t') {
        reject(file, line, "not valid YAML: indented with a tab; use spaces");
    }
    if (const auto found = find_invisible(beginning)) reject_invisible(file, line, *found);
    reject_missing_space(file, text, line);
    if (error.msg == "end of map not found" && beginning.find(':') == std::string_view::npos) {
        reject(file, line, "not valid YAML: a key with a value (\"key: value\") is expected here");
    }
    reject(file, line, explain(error.msg));
}

CloseReading parse(std::string_view text, std::string file, std::filesystem::path directory, const YamlBudget& budget) {
    const auto prepared = prepare(text);
    Builder builder(file, prepared, budget);
    std::istringstream stream(prepared);
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const YAML::Exception& error) {
        reject_syntax(file, text, error);
    }
    return {std::make_shared<const SettingsDocument>(
                SettingsDocument{std::move(file), std::move(directory), builder.take_root()}),
            builder.take_long_values()};
}

}  // namespace

CloseReading read_yaml_closely(std::string_view text, std::string file, std::filesystem::path directory,
                               const YamlBudget& budget) {
    if (text.size() > budget.bytes) reject(file, "larger than " + std::to_string(budget.bytes) + " bytes");
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    check_characters(file, text);
    check_line_starts(file, text);
    check_flow_size(file, text, budget);
    auto reading = parse(text, std::move(file), std::move(directory), budget);
    const auto& [name, folder, root] = *reading.document;
    if (root.kind == SettingsNode::Kind::null) reject(name, "there is nothing in it");
    if (root.kind != SettingsNode::Kind::block)
        reject(name, root.line, "keys with values (\"key: value\") are expected here");
    return reading;
}

std::shared_ptr<const SettingsDocument> read_yaml(std::string_view text, std::string file,
                                                  std::filesystem::path directory, const YamlBudget& budget) {
    return read_yaml_closely(text, std::move(file), std::move(directory), budget).document;
}

}  // namespace deployer
