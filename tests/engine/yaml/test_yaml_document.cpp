#include "support/catch.hpp"
#include "support/shared_data.hpp"
#include "yaml/yaml_document.hpp"

#include <deployer/error.hpp>

#include <string>
#include <vector>

using namespace deployer;
using Kind = SettingsNode::Kind;

namespace {

constexpr std::string_view fine;  ///< no complaint

SettingsNode root_of(std::string_view text, const YamlBudget& budget = {}) {
    return read_yaml(text, "test.yaml", {}, budget)->root;
}

/// The reader's error message; "" when the text is accepted.
std::string complaint(std::string_view text, const YamlBudget& budget = {}) {
    try {
        read_yaml(text, "test.yaml", {}, budget);
        return "";
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::rejected);
        return error.what();
    }
}

/// A value as one line: `{a: [1, "x", null]}`, with quotes around quoted scalars.
std::string show(const SettingsNode& node) {
    std::string out;
    switch (node.kind) {
        case Kind::null:
            return "null";
        case Kind::scalar:
            return node.quoted ? '"' + node.text + '"' : node.text;
        case Kind::list:
            for (const auto& item : node.items) out += (out.empty() ? "" : ", ") + show(item);
            return "[" + out + "]";
        case Kind::block:
            REQUIRE(node.keys.size() == node.items.size());
            for (std::size_t i = 0; i < node.items.size(); ++i) {
                out.append(out.empty() ? "" : ", ").append(node.keys[i]).append(": ").append(show(node.items[i]));
            }
            return "{" + out + "}";
    }
    return out;
}

std::string read_as(std::string_view text) {
    return show(root_of(text));
}

/// `levels` lists of ten aliases each to the list before: 10^levels values.
std::string alias_bomb(int levels) {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int level = 1; level <= levels; ++level) {
        const auto name = "a" + std::to_string(level);
        text.append(name).append(": &").append(name).append(" [");
        const auto alias = "*a" + std::to_string(level - 1);
        for (int i = 0; i < 10; ++i) text.append(i == 0 ? "" : ", ").append(alias);
        text += "]\n";
    }
    return text;
}

}  // namespace

TEST_CASE("YAML is read with its text as written, in order") {
    CHECK(read_as("b: 1.10\na: 3\nc: [x, 'y', \"z\"]\n") == "{b: 1.10, a: 3, c: [x, \"y\", \"z\"]}");
    CHECK(read_as("{a: {b: [{c: d}, e]}}") == "{a: {b: [{c: d}, e]}}");
    CHECK(read_as("a: [[1, 2], [3, 4]]") == "{a: [[1, 2], [3, 4]]}");
    CHECK(read_as("services:\n- name: x\n  count: 2\n- name: y\n") == "{services: [{name: x, count: 2}, {name: y}]}");
    CHECK(read_as("a: |\n  x\n  y\nb: >\n  p\n  q\n") == "{a: \"x\ny\n\", b: \"p q\n\"}");
    CHECK(read_as("a: http://example.org/x:y\nb: 10:30\n") == "{a: http://example.org/x:y, b: 10:30}");
    CHECK(read_as("größe: 5 €") == "{größe: 5 €}");
    CHECK(read_as("a:\t1\nb: 1 \t# x\n") == "{a: 1, b: 1}");
    CHECK(read_as("a: {}\nb: []\n") == "{a: {}, b: []}");
}

TEST_CASE("null is what is empty, ~ or null, unless it is quoted") {
    CHECK(read_as("a:\nb: ~\nc: null\nd: \"null\"\ne: ''\nf: !!str null\ng: nul\n") ==
          R"({a: null, b: null, c: null, d: "null", e: "", f: "null", g: nul})");
    CHECK(read_as("a: [~, x, ]\n") == "{a: [null, x]}");
}

TEST_CASE("core tags say whether a value is text; other tags are refused") {
    CHECK(read_as("a: !!str 3\nb: ! 3\nc: !!int 3\nd: !!bool yes\ne: !!null ~\nf: !!seq [1]\ng: !!map {x: 1}\n") ==
          R"({a: "3", b: "3", c: 3, d: yes, e: null, f: [1], g: {x: 1}})");
    CHECK(complaint("a: !!binary aGk=\n") == "test.yaml:1: the tag !!binary does not fit here; leave it out");
    CHECK(complaint("a: !!set {x, y}\n") == "test.yaml:1: the tag !!set does not fit here; leave it out");
    CHECK(complaint("a: !!map [1]\n") == "test.yaml:1: the tag !!map does not fit here; leave it out");
    CHECK(complaint("a: !!null x\n") == "test.yaml:1: a text with the tag !!null");
}

TEST_CASE("a tag that may be an unquoted password is not shown") {
    for (const auto* const text : {"a: 1\nb: !hunter2 3\n", "a: 1\nb: !hunter2\n", "a: 1\nb: !!hunter2\n",
                                   "a: 1\nb: !h!unter2\n", "a: 1\nb: !<hunter2> x\n", "a: 1\nb: !hunter2 [x]\n"}) {
        INFO(text);
        CHECK(complaint(text) == "test.yaml:2: a text that begins with ! needs quotes");
    }
}

TEST_CASE("values know their lines, those in a block the line of their key") {
    const auto root = root_of("# first\na: 1\nb:\n  - x\n\n  - y\nc:\n  d:\n    e\n");
    REQUIRE(root.keys == std::vector<std::string>{"a", "b", "c"});
    CHECK(root.line == 2);
    CHECK(root.items[0].line == 2);
    CHECK(root.items[1].line == 3);
    CHECK(root.items[1].items[0].line == 4);
    CHECK(root.items[1].items[1].line == 6);
    CHECK(root.items[2].line == 7);
    CHECK(root.items[2].items[0].line == 8);
}

TEST_CASE("CRLF line ends and a byte order mark change nothing") {
    CHECK(read_as("a: 1\r\nb: |\r\n  x\r\n  y\r\nc: \"p\r\n  q\"\r\n") == "{a: 1, b: \"x\ny\n\", c: \"p q\"}");
    CHECK(read_as("\xEF\xBB\xBF"
                  "a: 1\n") == "{a: 1}");
    CHECK(complaint("a: 1\r\nb: 1\r\na: 2\r\n").starts_with("test.yaml:3: "));
}

TEST_CASE("a character that is not seen is refused by its name where structure is", "[R17]") {
    const auto refused = [](const std::string& text, const std::string& name) {
        INFO(text);
        CHECK(complaint(text) ==
              "test.yaml:2: " + name + " stands here, which is not seen; take it out or make it a plain space");
    };
    refused("a: 1\n\uFEFFb: 1\n", "U+FEFF (byte order mark)");
    refused("a: 1\n\u200Bb: 1\n", "U+200B (zero width space)");
    refused("l:\n  -\u00A0a: 1\n", "U+00A0 (no-break space)");
    refused("l:\n  - \u2028a: 1\n", "U+2028 (line separator)");
    refused("a: 1\n  \u2029b: 1\n", "U+2029 (paragraph separator)");
    refused("a: 1\n\u3000b: 1\n", "U+3000 (ideographic space)");
    refused("a: 1\n\u0085b: 1\n", "U+0085 (next line)");
    refused("a: 1\nb\u200D: 1\n", "U+200D (zero width joiner)");
    refused("a: 1\n\"b\u2060\": 1\n", "U+2060 (word joiner)");
    refused("a: 1\nb: \u00AD1\n", "U+00AD (soft hyphen)");
    refused("a: 1\nb: 1\u2003\n", "U+2003 (space of a fixed width)");
    refused("a:\n  b:\u202F1\n", "U+202F (narrow no-break space)");
    refused("a: 1\nb:\u00A01\n", "U+00A0 (no-break space)");
    refused("a: |\n  \U000E0041x\n", "U+E0041 (tag character)");
}

TEST_CASE("a character that is not seen is as good as any within a value and in a comment") {
    CHECK(read_as("a: 5\u00A0km\nb: \"\u200Bx: y\u00A0\"\n# \uFEFF\n") == "{a: 5\u00A0km, b: \"\u200Bx: y\u00A0\"}");
}

TEST_CASE("keys and values that go on in further lines are told by the lines where they begin", "[R17]") {
    const auto lines = [](std::string_view text) { return read_yaml_closely(text, "test.yaml").long_values; };
    const std::vector<int> none;
    CHECK(lines("a: 1 # x\nb: 'it''s'\nc: \"q\\\"\"\nd: !!str &x 1.0\ne:\n  f\ng: [1,\n 2]\nh: {i: j,\n k: l}\nm:\n") ==
          none);
    CHECK(lines("\xEF\xBB\xBF"
                "a: é\r\nb: 2\r\n") == none);
    CHECK(lines("a: 1\nb: one\n  two\n") == std::vector<int>{2});
    CHECK(lines("a: \"one\n  two\"\nb: 'one''\n  two'\n") == std::vector<int>{1, 3});
    CHECK(lines("a: |\n  x\nb: >-\n  x\nc: !!str |\n  x\n") == std::vector<int>{1, 3, 5});
    CHECK(lines("a: {b: \"c\n d\", e: f}\n") == std::vector<int>{1});
    CHECK(lines("? a\n  b\n: c\n") == std::vector<int>{1});
}

TEST_CASE("an alias stands for a copy of its anchor's value") {
    CHECK(read_as("a: &x {p: [1, 2]}\nb: *x\nc: [*x, *x]\n") ==
          "{a: {p: [1, 2]}, b: {p: [1, 2]}, c: [{p: [1, 2]}, {p: [1, 2]}]}");
    CHECK(read_as("a: &x 1\nb: &x 2\nc: *x\n") == "{a: 1, b: 2, c: 2}");
    const auto root = root_of("a: &x\n  p: 1\nb:\n\n  *x\n");
    CHECK(root.items[1].line == 3);
    CHECK(root.items[1].items[0].line == 2);
}

TEST_CASE("a cycle is refused, as is an alias without anchor") {
    CHECK(complaint("a: 1\nb: &x [1, *x]\n") == "test.yaml:2: an alias to a value that contains it (a cycle)");
    CHECK(complaint("a: &x\n  b:\n    c: *x\n") == "test.yaml:3: an alias to a value that contains it (a cycle)");
    CHECK(complaint("a: *x\nb: &x 1\n").starts_with("test.yaml:1: not valid YAML: no anchor"));
}

TEST_CASE("alias bombs end at the budget") {
    CHECK(complaint(alias_bomb(3)) == fine);
    CHECK(complaint(alias_bomb(9)).find("more than 500000 values, with aliases written out") != std::string::npos);

    SECTION("of few values with much text") {
        std::string text = "a: &x " + std::string(1U << 20U, 'y') + "\nb: [*x";
        for (int i = 0; i < 1000; ++i) text += ", *x";
        CHECK(complaint(text + "]\n").find("bytes, with aliases written out") != std::string::npos);
    }
    SECTION("of nested anchors") {
        std::string text = "a: ";
        for (int i = 0; i < 30; ++i) text += "&x" + std::to_string(i) + " [";
        for (int i = 0; i < 1000; ++i) text += "1, ";
        text += std::string(30, ']');
        CHECK(complaint(text, {.nodes = 20'000}).find("more than 20000 values") != std::string::npos);
    }
    SECTION("by depth") {
        std::string text = "a0: &a0 [x]\n";
        for (int i = 1; i < 60; ++i) {
            text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
        }
        CHECK(complaint(text) == "test.yaml:32: nested more than 32 levels deep");
    }
}

TEST_CASE("the budget bounds size, values and depth") {
    CHECK(complaint("a: 1\n", {.bytes = 5}) == fine);
    CHECK(complaint("a: 12\n", {.bytes = 5}) == "test.yaml: larger than 5 bytes");
    CHECK(complaint(std::string(100U << 20U, 'a')) == "test.yaml: larger than 16777216 bytes");
    CHECK(complaint("a: 1\nb: 2\n", {.nodes = 5}) == fine);
    CHECK(complaint("a: 1\nb: 2\n", {.nodes = 4}) == "test.yaml:2: more than 4 values, with aliases written out");
    CHECK(complaint("a: {b: {c: 1}}\n", {.depth = 3}) == fine);
    CHECK(complaint("a:\n  b:\n    c: 1\n", {.depth = 2}) == "test.yaml:3: nested more than 2 levels deep");
    CHECK(complaint("a: " + std::string(1U << 20U, '[')).find("commas and brackets") != std::string::npos);
    CHECK(complaint("a: " + std::string(10'000, '[')) != fine);
    std::string dashes = "a:\n";
    for (int i = 0; i < 100'000; ++i) dashes += "- ";
    CHECK(complaint(dashes) == "test.yaml:2: nested more than 32 levels deep");
}

TEST_CASE("a duplicate key is refused with both lines") {
    CHECK(complaint("a: 1\nb: 2\na: 3\n") ==
          "test.yaml:3: the key \"a\" stands here a second time; the first is on line 1");
    CHECK(complaint("a:\n  x: 1\n  'x': 1\n") ==
          "test.yaml:3: the key \"a.x\" stands here a second time; the first is on line 2");
    CHECK(complaint("reconcile:\n  rollout:\n    poll: 1s\n    poll: 2s\n") ==
          "test.yaml:4: the key \"reconcile.rollout.poll\" stands here a second time; the first is on line 3");
    CHECK(complaint("services:\n- {count: 1}\n- {}\n- count: 1\n  uri: x\n  count: 2\n") ==
          "test.yaml:6: the key \"services[2].count\" stands here a second time; the first is on line 4");
    CHECK(complaint("a: [[x, {b: [y], c: 1, b: 1}]]\n") ==
          "test.yaml:1: the key \"a[0][1].b\" stands here a second time; the first is on line 1");
    CHECK(complaint("\"a\\n\": 1\n\"a\\n\": 2\n") ==
          "test.yaml:2: the key \"a\\x0a\" stands here a second time; the first is on line 1");
    CHECK(complaint("a: {x: 1}\nb: {x: 1}\n") == fine);
}

TEST_CASE("only plain text can be a key") {
    CHECK(complaint("? [a]\n: 1\n") == "test.yaml:1: a key must be plain text, not a list or a block");
    CHECK(complaint("b: 1\n? {a: b}\n: 1\n") == "test.yaml:2: a key must be plain text, not a list or a block");
    CHECK(complaint("a: &x y\n*x : 1\n") == "test.yaml:2: a key must be plain text, not an alias");
    CHECK(complaint("a: 1\n: 2\n") == "test.yaml:2: a key is missing before the colon");
    CHECK(complaint("~: 2\n") == "test.yaml:1: a key is missing before the colon");
    CHECK(complaint("a:\n  <<: {b: 1}\n") == "test.yaml:2: merge keys (<<) are not supported; write the keys out");
    CHECK(read_as("? a\n: 1\n'<<': 2\n3: 4\n") == "{a: 1, <<: 2, 3: 4}");
}

TEST_CASE("exactly one document with a block in it is read") {
    CHECK(read_as("---\na: 1\n...\n") == "{a: 1}");
    CHECK(read_as("a: |\n  x\n\n  # y\n...\n# z\n") == "{a: \"x\n\n# y\n\"}");
    CHECK(read_as("a: |+\n  x\n\n") == "{a: \"x\n\n\"}");
    CHECK(read_as("%YAML 1.2\n---\na: 1\n") == "{a: 1}");
    CHECK(complaint("a: 1\n---\nb: 2\n") == "test.yaml:2: a second document starts here; only one is allowed");
    CHECK(complaint("---\na: 1\n---\n") == "test.yaml:3: a second document starts here; only one is allowed");
    for (const auto* const nothing : {"", "\n", "# only a comment\n", "---\n", "---\n...\n", "~\n", "null\n"}) {
        CHECK(complaint(nothing) == "test.yaml: there is nothing in it");
    }
    CHECK(complaint("\n- a\n") == "test.yaml:2: keys with values (\"key: value\") are expected here");
    CHECK(complaint("hello\n") == "test.yaml:1: keys with values (\"key: value\") are expected here");
}

TEST_CASE("YAML of bytes that are no text is refused with the line") {
    using namespace std::string_literals;
    CHECK(complaint("a: 1\nb: x\0y\n"s) == "test.yaml:2: a NUL byte");
    CHECK(complaint("a: 1\nb: \"x\\0y\"\n") == "test.yaml:2: a NUL byte in a text");
    CHECK(complaint("a: 1\n\nb: \xff\n") == "test.yaml:3: not UTF-8 text");
    CHECK(complaint("a: \xc0\xaf\n") == "test.yaml:1: not UTF-8 text");
    CHECK(complaint("a: \xed\xa0\x80\n") == "test.yaml:1: not UTF-8 text");
    CHECK(complaint("a: \xe2\x82") == "test.yaml:1: not UTF-8 text");
    CHECK(complaint("\xff\xfe\x61\0:\0"s) == "test.yaml:1: not UTF-8 text");
    CHECK(complaint("a\0:\0 \0b\0"s) == "test.yaml:1: a NUL byte");
    CHECK(complaint("a: 1\n\x04\nb: 2\n") == "test.yaml:2: the control character \"\\x04\"");
    CHECK(complaint("a: \x1b[31m\n") == "test.yaml:1: the control character \"\\x1b\"");
    CHECK(complaint("a: 1\nb: 2\rc: 3\n") == "test.yaml:2: a carriage return without a newline");
}

TEST_CASE("broken YAML is explained in words that lead to the mistake") {
    struct Case {
        const char* text;
        const char* problem;
    };
    const Case cases[] = {
        {"s:\n- name: x\n  version:v1\n  count: 1\n", "3: not valid YAML: is a space missing after \"version:\"?"},
        {"a: 1\nb:2\nc: 3\n", "2: not valid YAML: is a space missing after \"b:\"?"},
        {"a: 1\n b: 2\n", "2: not valid YAML: a key cannot stand here"},
        {"a: b: c\n", "1: not valid YAML: a key cannot stand here"},
        {"s:\n- name: x\n   count: 1\n", "3: not valid YAML: a key cannot stand here"},
        {"s:\n  - name: x\n count: 1\n", "3: not valid YAML: this fits no block"},
        {"s:\n- name: x\n count: 1\n", "3: not valid YAML: this fits no list"},
        {"a: 'it's'\n",
         "1: not valid YAML: this fits no block that is open here; check the indentation and the quotes"},
        {"a: [1, 2\nb: 3\n", "2: not valid YAML: a [ is not closed"},
        {"a: [1, 2\n\n", "1: not valid YAML: a [ is not closed"},
        {"a: {x: 1\nb: 3\n", "2: not valid YAML: a { is not closed"},
        {"a: 1\n]\n", "2: not valid YAML: nothing is open"},
        {"c: \"y\"\na: \"x\nb: 'z'\n", "2: not valid YAML: a quote is opened but never closed"},
        {"a: 'x\n\nb: 1\n\n", "1: not valid YAML: a quote is opened but never closed"},
        {"a:\n  - \"x", "2: not valid YAML: a quote is opened but never closed"},
        {"a: \"x\n---\nb: \"y\"\n", "1: not valid YAML: a quote is opened but never closed"},
        {"a: \"x\\", "1: not valid YAML: a quote is opened but never closed"},
        {"a: @x\n", "1: not valid YAML: a text cannot begin with this character; put it in quotes"},
        {"a: - b\n", "1: not valid YAML: a list item (\"- \") cannot stand here"},
        {"a: |x\n", "1: not valid YAML: nothing may follow a |"},
        {"a: *\n", "1: not valid YAML: a text that begins with * needs quotes"},
        {"a: \"\\q\"\n", "1: not valid YAML: an unknown escape sequence"},
        {"- a\nb: 1\n", "2: not valid YAML: this does not belong to what stands before it"},
        {"{a: 1} b\n", "1: not valid YAML: this does not belong to what stands before it"},
        {"a: 1\nb:2\n", "2: not valid YAML: is a space missing after \"b:\"?"},
        {"a: 1\nb:2", "2: not valid YAML: is a space missing after \"b:\"?"},
        {"a: 1\nb:2\n\n# c\n", "2: not valid YAML: is a space missing after \"b:\"?"},
        {"a: 1\nb:2\n...\n", "2: not valid YAML: is a space missing after \"b:\"?"},
        {"a: 1\nb:2\r\n...\r\n\r\n # c\r\n... ", "2: not valid YAML: is a space missing after \"b:\"?"},
        {"s:\n- name: x\n  garbage here\n", "3: not valid YAML: a key with a value (\"key: value\") is expected here"},
        {"s:\n- name: x\ngarbage", "3: not valid YAML: a key with a value (\"key: value\") is expected here"},
        {"a: 1\n...\nb: 2\n", "3: not valid YAML: this does not belong to what stands before it"},
        {"\ta: 1\n", "1: not valid YAML: indented with a tab; use spaces"},
        {"a:\n\tb: 1\n", "2: not valid YAML: indented with a tab; use spaces"},
    };
    for (const auto& [text, problem] : cases) {
        INFO(text);
        const auto got = complaint(text);
        INFO(got);
        CHECK(got.starts_with("test.yaml:"));
        CHECK(got.find(problem) != std::string::npos);
        CHECK(got.find('\n') == std::string::npos);
    }
}

TEST_CASE("a broken file of real life is refused at the line of the mistake") {
    const auto text = read_shared("services-yaml/broken-missing-space.yaml");
    if (text) CHECK(complaint(*text) == "test.yaml:296: not valid YAML: is a space missing after \"version:\"?");
}
