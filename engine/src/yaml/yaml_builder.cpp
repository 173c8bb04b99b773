#include "yaml/yaml_builder.hpp"

#include "yaml/invisible_text.hpp"
#include "yaml/lines.hpp"
#include "yaml/yaml_rejection.hpp"

#include <deployer/foreign_text.hpp>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace deployer {
namespace {

int line_of(const YAML::Mark& mark) {
    return mark.line + 1;
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

/// Builds our values while the parser goes along, so that no document is ever held in yaml-cpp's own nodes. Those nodes
/// share aliased values, and walking them is how alias bombs and cycles go off.
class Builder final : public YAML::EventHandler {
public:
    /// `text` is what the parser reads.
    Builder(const std::string& file, std::string_view text, const YamlBudget& budget)
        : file_(file), text_(text), spending_(budget) {}

    BuiltYaml take() && { return {std::move(root_), std::move(long_values_)}; }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (documents_++ == 0) return;
        const auto line = line_of(mark);
        reject(line, text_of_line(text_, line).starts_with("---")
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
        if (value.find('\0') != std::string::npos) reject(line_of(mark), "a NUL byte in a text");
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
        if (expects_key()) reject(line_of(mark), "a key must be plain text, not an alias");
        const auto found = anchored_.find(anchor);
        if (found == anchored_.end()) reject(line_of(mark), "an alias to a value that contains it (a cycle)");
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

    /// A character that is not seen is refused where it may hide structure: anywhere in a key, and in a value without
    /// quotes at its ends and where a space seems to follow a colon.
    void check_visible(const YAML::Mark& mark, std::string_view text) const {
        while (const auto found = find_invisible(text)) {
            const auto before = text.substr(0, found->offset);
            const auto after = text.substr(found->offset + found->size);
            if (expects_key() || before.empty() || before.ends_with(':') || after.empty()) {
                reject(line_of(mark), problem_of(*found));
            }
            text = after;
        }
    }

    /// The tags of YAML's core schema either name the type that we read anyway or make a value text. Any other tag asks
    /// for a conversion that we do not do.
    void set_type(SettingsNode& node, const std::string& tag) const {
        if (tag == "!" || tag == "tag:yaml.org,2002:str") {
            node.quoted = true;
        } else if (tag == "tag:yaml.org,2002:null") {
            if (!is_null_word(node.text)) reject(node.line, "a text with the tag !!null");
            node.kind = SettingsNode::Kind::null;
            node.text.clear();
        } else if (!tag.empty() && tag != "?" && tag != "tag:yaml.org,2002:int" && tag != "tag:yaml.org,2002:bool" &&
                   tag != "tag:yaml.org,2002:float") {
            reject_tag(tag, node.line);
        }
    }

    /// Only a tag of YAML's own is shown: any other text after a ! may be a password.
    [[noreturn]] void reject_tag(const std::string& tag, int line) const {
        constexpr std::string_view prefix = "tag:yaml.org,2002:";
        constexpr auto own = std::to_array<std::string_view>({"binary", "bool", "float", "int", "map", "merge", "null",
                                                              "omap", "pairs", "seq", "set", "str", "timestamp"});
        const auto name = tag.starts_with(prefix) ? std::string_view(tag).substr(prefix.size()) : std::string_view();
        if (std::find(own.begin(), own.end(), name) == own.end()) {
            reject(line, "a text that begins with ! needs quotes");
        }
        reject(line, "the tag !!" + std::string(name) + " does not fit here; leave it out");
    }

    void open(SettingsNode::Kind kind, const YAML::Mark& mark, const std::string& tag, std::string_view core_tag,
              YAML::anchor_t anchor) {
        if (expects_key()) reject(line_of(mark), "a key must be plain text, not a list or a block");
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
        if (key.kind == SettingsNode::Kind::null) reject(key.line, "a key is missing before the colon");
        if (key.text == "<<" && !key.quoted) {
            reject(key.line, "merge keys (<<) are not supported; write the keys out");
        }
        auto& block = open_.back();
        const auto [first, is_new] = block.key_lines.emplace(key.text, key.line);
        if (!is_new) {
            reject(key.line, "the key " + quote(path_to(key.text)) +
                                 " stands here a second time; the first is on line " + std::to_string(first->second));
        }
        block.node.keys.push_back(key.text);
        block.key_line = key.line;
    }

    /// Puts a finished value into the innermost open block or list.
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

    /// The budget pays for the copy that an anchor keeps, too: nested anchors would otherwise multiply the memory in
    /// use.
    void remember(const SettingsNode& node, YAML::anchor_t anchor) {
        if (anchor == YAML::NullAnchor) return;
        const auto size = measure(node);
        spend(size, node.line);
        anchored_.insert_or_assign(anchor, std::pair(node, size));
    }

    void check_depth(int depth, int line) const {
        if (const auto problem = spending_.check_depth(depth)) reject(line, *problem);
    }

    void spend(const YamlSize& size, int line) {
        if (const auto problem = spending_.add(size)) reject(line, *problem);
    }

    [[noreturn]] void reject(int line, const std::string& problem) const { reject_yaml(file_, line, problem); }

    const std::string& file_;
    std::string_view text_;
    YamlSpending spending_;
    SettingsNode root_;
    std::vector<int> long_values_;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, std::pair<SettingsNode, YamlSize>> anchored_;
    int documents_ = 0;
};

}  // namespace

BuiltYaml build_yaml(const std::string& file, const std::string& text, const YamlBudget& budget) {
    Builder builder(file, text, budget);
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    return std::move(builder).take();
}

}  // namespace deployer
