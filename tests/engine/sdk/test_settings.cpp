#include "support/catch.hpp"
#include "support/temp_dir.hpp"
#include "yaml/yaml_document.hpp"

#include <deployer/error.hpp>
#include <deployer/settings.hpp>

#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

namespace {

constexpr std::string_view fine;  ///< no complaint

Settings settings(std::string_view text, std::filesystem::path directory = "/etc/deployer") {
    return Settings(read_yaml(text, "local.yaml", std::move(directory)));
}

std::string complaint(const std::function<void()>& ask) {
    try {
        ask();
        return "";
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::misconfigured);
        return error.what();
    }
}

/// Sets an environment variable until the end of the scope.
class Variable {
public:
    Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
    ~Variable() { ::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    Variable(Variable&&) = delete;
    Variable& operator=(Variable&&) = delete;

private:
    const char* name_;
};

}  // namespace

TEST_CASE("settings are read by type", "[R6]") {
    const auto view = settings(
        "text: 1.10\nquoted: '3'\nnumber: -12\nflag: yes\nwait: 5m\nfile: a/../b\nabsolute: /x/y\nlist: [a, 'b', 3]\n"
        "word: json\nnothing:\n");
    CHECK(view.text("text") == "1.10");
    CHECK(view.text("quoted") == "3");
    CHECK(view.text("number") == "-12");
    CHECK(view.integer("number", -20, 20) == -12);
    CHECK(view.boolean("flag"));
    CHECK(view.duration("wait") == 5min);
    CHECK(view.path("file") == "/etc/deployer/b");
    CHECK(view.path("absolute") == "/x/y");
    CHECK(view.texts("list") == Strings{"a", "b", "3"});
    CHECK(view.find_choice("word", {"text", "json"}) == "json");
    CHECK(view.has("word"));
    CHECK(view.keys().size() == 10);
    CHECK(view.keys().front() == "text");
}

TEST_CASE("what is absent or null is found by none and missing to all others", "[R6]") {
    const auto view = settings("a: 1\nnothing:\n");
    for (const auto* const key : {"absent", "nothing"}) {
        INFO(key);
        CHECK_FALSE(view.has(key));
        CHECK(view.find_text(key) == std::nullopt);
        CHECK(view.find_integer(key, 0, 1) == std::nullopt);
        CHECK(view.find_boolean(key) == std::nullopt);
        CHECK(view.find_duration(key) == std::nullopt);
        CHECK(view.find_path(key) == std::nullopt);
        CHECK(view.find_choice(key, {"x"}) == std::nullopt);
        CHECK(view.find_secret(key) == std::nullopt);
        CHECK_FALSE(view.find_block(key).has_value());
        CHECK(view.texts(key).empty());
        CHECK(view.blocks(key).empty());
        CHECK(view.block(key).keys().empty());
    }
    CHECK(complaint([&] { (void)view.text("absent"); }) == "local.yaml:1: absent: is missing");
    CHECK(complaint([&] { (void)view.text("nothing"); }) == "local.yaml:2: nothing: is missing");
    CHECK(complaint([&] { (void)view.integer("absent", 0, 1); }) == "local.yaml:1: absent: is missing");
    CHECK(complaint([&] { (void)view.boolean("absent"); }) == "local.yaml:1: absent: is missing");
    CHECK(complaint([&] { (void)view.duration("absent"); }) == "local.yaml:1: absent: is missing");
    CHECK(complaint([&] { (void)view.path("absent"); }) == "local.yaml:1: absent: is missing");
    CHECK(complaint([&] { (void)view.block("absent").block("more").text("x"); }) ==
          "local.yaml:1: absent.more.x: is missing");
}

TEST_CASE("a required key that is misspelt is not called missing", "[R6]") {
    const auto view = settings("pth: x\nother: y\n");
    CHECK(complaint([&] { (void)view.path("path"); }) == "local.yaml:1: pth: unknown key; did you mean \"path\"?");
    CHECK(complaint([&] { (void)view.duration("interval"); }) == "local.yaml:1: interval: is missing");
    // A key that was asked for is known, so it is not taken for a misspelt one.
    (void)view.has("pth");
    CHECK(complaint([&] { (void)view.path("path"); }) == "local.yaml:1: path: is missing");
    // The key itself is present, if empty, so no other key is taken for it.
    CHECK(complaint([] { (void)settings("path:\npth: x\n").path("path"); }) == "local.yaml:1: path: is missing");
}

TEST_CASE("whole numbers are plain, decimal and within their range", "[R6]") {
    const auto number = [](const std::string& text) {
        return settings("a: 1\nn: " + text + "\n").integer("n", -5, 9000);
    };
    CHECK(number("0") == 0);
    CHECK(number("-5") == -5);
    CHECK(number("9000") == 9000);
    for (const auto* const bad : {"x", "1.0", "1e3", "0x10", "010", "+1", "1_000", "--1", "1 2", "9,000"}) {
        CHECK(complaint([&] { (void)number(bad); }) ==
              "local.yaml:2: n: \"" + std::string(bad) + "\" is not a whole number");
    }
    for (const auto* const out : {"9001", "-6", "99999999999999999999", "-99999999999999999999"}) {
        CHECK(complaint([&] { (void)number(out); }) ==
              "local.yaml:2: n: \"" + std::string(out) + "\" is not within -5 and 9000");
    }
    CHECK(complaint([&] { (void)number("'3'"); }) ==
          "local.yaml:2: n: \"3\" is in quotes, which makes it text; a whole number is wanted");
    CHECK(complaint([&] { (void)number("[3]"); }) == "local.yaml:2: n: must be a whole number, not a list");
    CHECK(settings("n: 9223372036854775807").integer("n", 0, 9223372036854775807LL) == 9223372036854775807LL);
}

TEST_CASE("true and false have the words of YAML 1.1", "[R6]") {
    const auto flag = [](const std::string& text) { return settings("f: " + text + "\n").boolean("f"); };
    for (const auto* const yes : {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}) CHECK(flag(yes));
    for (const auto* const no : {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
        CHECK_FALSE(flag(no));
    for (const auto* const bad : {"y", "n", "1", "0", "tRUE", "enabled"}) {
        CHECK(complaint([&] { (void)flag(bad); }) ==
              "local.yaml:1: f: \"" + std::string(bad) + "\" is neither true nor false");
    }
    CHECK(complaint([&] { (void)flag("'true'"); }) ==
          "local.yaml:1: f: \"true\" is in quotes, which makes it text; true or false is wanted");
}

TEST_CASE("durations have a unit and a bound", "[R6]") {
    const auto wait = [](const std::string& text) { return settings("a: 1\nw: " + text + "\n").duration("w"); };
    CHECK(wait("0") == 0ms);
    CHECK(wait("0s") == 0ms);
    CHECK(wait("500ms") == 500ms);
    CHECK(wait("30s") == 30s);
    CHECK(wait("5m") == 5min);
    CHECK(wait("2h") == 2h);
    CHECK(wait("'30s'") == 30s);
    CHECK(wait("1d") == 24h);
    CHECK(wait("1m30s") == 90s);
    CHECK(wait("1d2h3m4s5ms") == 24h + 2h + 3min + 4s + 5ms);
    CHECK(wait("10000h") == 10'000h);
    CHECK(complaint([&] { (void)wait("30"); }) == "local.yaml:2: w: \"30\" lacks a unit (such as 500ms, 30s, 5m)");
    CHECK(complaint([&] { (void)wait("1h30"); }) == "local.yaml:2: w: \"1h30\" lacks a unit (such as 500ms, 30s, 5m)");
    for (const auto* const bad :
         {"soon", "-5s", "1.5s", "5 m", "5M", "1w", "s", "5min", "30s1m", "1m1m", "1m 30s", "1h-5m"}) {
        CHECK(complaint([&] { (void)wait(bad); }) ==
              "local.yaml:2: w: \"" + std::string(bad) + "\" is not a duration (such as 500ms, 30s, 5m)");
    }
    CHECK(complaint([&] { (void)wait("''"); }) == "local.yaml:2: w: \"\" is not a duration (such as 500ms, 30s, 5m)");
    for (const auto* const longer : {"10001h", "36000000001ms", "99999999999999999999h", "9223372036854775807h",
                                     "416d16h1ms", "1d9223372036854775807ms"}) {
        CHECK(complaint([&] { (void)wait(longer); }) ==
              "local.yaml:2: w: \"" + std::string(longer) + "\" is longer than 10000h");
    }
}

TEST_CASE("paths are relative to the directory of the file", "[R6]") {
    CHECK(settings("p: ../x", "/etc/deployer").path("p") == "/etc/x");
    CHECK(settings("p: x", "").path("p") == "x");
    CHECK(complaint([] { (void)settings("p: ''").path("p"); }) == "local.yaml:1: p: is empty, but must be a path");
}

TEST_CASE("a path that only a shell would understand is refused, wherever a path stands", "[R6]") {
    const auto text_with = [](const std::string& path) { return "p: '" + path + "'\ns_file: '" + path + "'\n"; };
    for (const std::string bad : {"~", "~/x", "~root/x", "$HOME/x", "${HOME}/x", "/home/${USER}/x"}) {
        INFO(bad);
        const auto view = settings(text_with(bad), "/etc/deployer");
        const auto is_refused = [](const std::string& message) {
            return message.ends_with("which only a shell replaces; write the whole path, or one relative to this file");
        };
        CHECK(is_refused(complaint([&] { (void)view.path("p"); })));
        CHECK(is_refused(complaint([&] { (void)view.written_path("p"); })));
        CHECK(is_refused(complaint([&] { (void)view.as_path("p", bad); })));
        CHECK(is_refused(complaint([&] { (void)view.find_secret("s"); })));
    }
    CHECK(settings("p: ./~", "/etc").path("p") == "/etc/~");
    CHECK(settings("p: /srv/a$b~", "/etc").path("p") == "/srv/a$b~");
}

TEST_CASE("the engine is told which paths are written", "[R6]") {
    const auto view = settings("cache: {path: x, token_file: y, more: {log: ../z}}\n", "/etc/deployer");
    const auto cache = view.block("cache");
    CHECK(cache.written_path("path") == "/etc/deployer/x");
    CHECK(cache.path("token_file") == "/etc/deployer/y");
    CHECK(cache.block("more").written_path("log") == "/etc/z");
    CHECK(view.written_paths() == std::map<std::string, std::filesystem::path>{{"cache.more.log", "/etc/z"},
                                                                               {"cache.path", "/etc/deployer/x"}});
}

TEST_CASE("a plugin sees what paths are relative to", "[R6]") {
    CHECK(settings("p: x", "/etc/deployer").directory() == "/etc/deployer");
    CHECK(settings("p: x", "").directory().empty());
}

TEST_CASE("what a plugin passes on is asked for as a whole", "[R6]") {
    const auto view = settings("b: {one: 1.10, more: [x, {y: z}]}\nnothing:\n");
    const auto tree = view.find_tree("b");
    REQUIRE(tree);
    CHECK(tree->keys == std::vector<std::string>{"one", "more"});
    CHECK(tree->items.at(0).text == "1.10");
    CHECK(tree->items.at(1).items.at(1).items.at(0).text == "z");
    CHECK_FALSE(view.find_tree("nothing"));
    CHECK_FALSE(view.find_tree("absent"));
    CHECK(view.unknown_keys().empty());
}

TEST_CASE("lists hold what they should", "[R6]") {
    CHECK(complaint([] { (void)settings("l: x").texts("l"); }) ==
          "local.yaml:1: l: must be a list of texts, not a single value");
    CHECK(complaint([] { (void)settings("l:\n- a\n- [b]\n").texts("l"); }) ==
          "local.yaml:3: l[1]: must be a text, not a list");
    CHECK(complaint([] { (void)settings("l: [a, ~]").texts("l"); }) ==
          "local.yaml:1: l[1]: must be a text, not nothing");
    CHECK(complaint([] { (void)settings("l: {a: b}").blocks("l"); }) ==
          "local.yaml:1: l: must be a list of blocks, not a block of keys");
    CHECK(complaint([] { (void)settings("l:\n- a: 1\n- b\n").blocks("l"); }) ==
          "local.yaml:3: l[1]: must be a block of keys, not a single value");

    const auto blocks = settings("l:\n- a: 1\n- a: x\n").blocks("l");
    REQUIRE(blocks.size() == 2);
    CHECK(blocks[0].integer("a", 0, 9) == 1);
    CHECK(blocks[1].line() == 3);
    CHECK(complaint([&] { (void)blocks[1].integer("a", 0, 9); }) ==
          "local.yaml:3: l[1].a: \"x\" is not a whole number");
}

TEST_CASE("a choice is one of its words, with a suggestion for slips", "[R6]") {
    const auto choose = [](const std::string& text) {
        return settings("f: " + text + "\n").find_choice("f", {"text", "json"});
    };
    CHECK(choose("json") == "json");
    CHECK(complaint([&] { (void)choose("JSON"); }) ==
          "local.yaml:1: f: \"JSON\" is none of text, json; did you mean \"json\"?");
    CHECK(complaint([&] { (void)choose("tetx"); }) ==
          "local.yaml:1: f: \"tetx\" is none of text, json; did you mean \"text\"?");
    CHECK(complaint([&] { (void)choose("protobuf"); }) == "local.yaml:1: f: \"protobuf\" is none of text, json");
    CHECK(complaint([&] { (void)choose("{a: b}"); }) ==
          "local.yaml:1: f: must be one of text, json, not a block of keys");
}

TEST_CASE("keys that nobody asks for are refused, with a suggestion", "[R6]") {
    const auto unknown = [](const std::string& key) {
        const auto view = settings("a: 1\n" + key + ": 1\n");
        for (const auto* const known : {"a", "state_file", "desiredState", "interval"}) (void)view.has(known);
        return view.unknown_keys();
    };
    CHECK(unknown("interval").empty());
    CHECK(unknown("intervall") == Strings{"local.yaml:2: intervall: unknown key; did you mean \"interval\"?"});
    CHECK(unknown("intreval") == Strings{"local.yaml:2: intreval: unknown key; did you mean \"interval\"?"});
    CHECK(unknown("Interval") == Strings{"local.yaml:2: Interval: unknown key; did you mean \"interval\"?"});
    CHECK(unknown("state-file") == Strings{"local.yaml:2: state-file: unknown key; did you mean \"state_file\"?"});
    CHECK(unknown("stateFile") == Strings{"local.yaml:2: stateFile: unknown key; did you mean \"state_file\"?"});
    CHECK(unknown("desiredstate") ==
          Strings{"local.yaml:2: desiredstate: unknown key; did you mean \"desiredState\"?"});
    CHECK(unknown("colour") ==
          Strings{"local.yaml:2: colour: unknown key; known here: a, desiredState, interval, state_file"});
    CHECK(unknown("'x\\ny z'").front().starts_with("local.yaml:2: \"x\\ny z\": unknown key"));
    CHECK(unknown(std::string(1000, 'x')).front().find('\n') == std::string::npos);
    CHECK(settings("x: 1\n").unknown_keys() == Strings{"local.yaml:1: x: unknown key"});
}

TEST_CASE("unknown keys are found in all blocks that were opened", "[R6]") {
    const auto view = settings("a:\n  b:\n    known: 1\n    knwon: 2\nl:\n- x: 1\n- y: 2\n");
    const auto inner = view.block("a").block("b");
    (void)inner.has("known");
    CHECK(complaint([&] { view.refuse_unknown_keys(); }) == "local.yaml:5: l: unknown key; known here: a");
    for (const auto& block : view.blocks("l")) (void)block.has("x");
    CHECK(complaint([&] { view.refuse_unknown_keys(); }) ==
          "local.yaml:4: a.b.knwon: unknown key; did you mean \"known\"?");
    (void)inner.has("knwon");
    CHECK(complaint([&] { view.refuse_unknown_keys(); }) == "local.yaml:7: l[1].y: unknown key; known here: x");
    (void)view.blocks("l")[1].has("y");
    CHECK(complaint([&] { view.refuse_unknown_keys(); }) == fine);
}

TEST_CASE("copies of a view, and a block opened twice, share what was asked", "[R6]") {
    const auto view = settings("a:\n  x: 1\n  y: 2\n");
    const auto copy = view;  // NOLINT(performance-unnecessary-copy-initialization): the copy is what is tested
    (void)copy.block("a").has("x");
    (void)view.find_block("a")->has("y");
    CHECK(complaint([&] { view.refuse_unknown_keys(); }) == fine);
    CHECK(complaint([&] { copy.refuse_unknown_keys(); }) == fine);
}

TEST_CASE("a view keeps its document alive", "[R6]") {
    const auto inner = [] { return settings("a:\n  x: 1\n").block("a"); }();
    CHECK(inner.text("x") == "1");
}

TEST_CASE("own complaints name file, line and dotted path", "[R6]") {
    const auto view = settings("\nreconcile:\n  rollout:\n    poll: 0s\n");
    const auto rollout = view.block("reconcile").block("rollout");
    CHECK(rollout.line() == 3);
    CHECK(rollout.line_of("poll") == 4);
    CHECK(rollout.line_of("absent") == 3);
    CHECK(rollout.path_of("poll") == "reconcile.rollout.poll");
    CHECK(complaint([&] { rollout.fail("poll", "must be longer"); }) ==
          "local.yaml:4: reconcile.rollout.poll: must be longer");
    CHECK(complaint([&] { rollout.fail("", "is odd"); }) == "local.yaml:3: reconcile.rollout: is odd");
    CHECK(complaint([&] { view.fail("", "is odd"); }) == "local.yaml:2: is odd");
    CHECK(complaint([&] { (void)view.block("reconcile").text("rollout"); }) ==
          "local.yaml:3: reconcile.rollout: must be a text, not a block of keys");
    CHECK(complaint([&] { (void)rollout.block("poll"); }) ==
          "local.yaml:4: reconcile.rollout.poll: must be a block of keys, not a single value");
}

TEST_CASE("a secret is text, an environment variable or a file", "[R6]") {
    const Variable variable("DEPLOYER_TEST_SECRET", "from-environment");
    const TempDir directory;
    directory.write("token", "from-file\n");
    directory.write("crlf", "from-file\r\n");
    directory.write("lines", "two\nlines\n\n");
    const auto secret = [&](const std::string& text) { return settings(text, directory.path()).find_secret("token"); };

    CHECK(secret("token: plain") == "plain");
    CHECK(secret("token: 12345") == "12345");
    CHECK(secret("token: pa$$word") == "pa$$word");
    CHECK(secret("token: ${DEPLOYER_TEST_SECRET}") == "from-environment");
    CHECK(secret("token: '${DEPLOYER_TEST_SECRET}'") == "from-environment");
    CHECK(secret("token_file: token") == "from-file");
    CHECK(secret("token_file: crlf") == "from-file");
    CHECK(secret("token_file: lines") == "two\nlines\n");
    CHECK(secret("token_file: " + directory.path("token").string()) == "from-file");
    CHECK(secret("other: x") == std::nullopt);

    const auto view = settings("token_file: token\ntoken:\n", directory.path());
    CHECK(view.find_secret("token") == "from-file");
    CHECK(view.unknown_keys().empty());
}

TEST_CASE("a secret that cannot be had is an error that does not tell it", "[R6]") {
    const Variable empty("DEPLOYER_TEST_EMPTY", "");
    const TempDir directory;
    directory.write("token", "hunter2");
    directory.write("empty", "\n");
    directory.write("large", std::string(70'000, 'x'));
    REQUIRE(::mkfifo(directory.path("fifo").c_str(), 0600) == 0);
    const auto problem = [&](const std::string& text) {
        auto message = complaint([&] { (void)settings(text, directory.path()).find_secret("token"); });
        INFO(message);
        CHECK(message.find("hunter2") == std::string::npos);
        return message;
    };
    const auto path = [&](const char* name) { return directory.path(name).string(); };

    CHECK(problem("token: hunter2\ntoken_file: token\n") ==
          "local.yaml:2: token_file: cannot stand beside token; keep one of them");
    CHECK(problem("token: ${DEPLOYER_TEST_ABSENT}") ==
          "local.yaml:1: token: the environment variable DEPLOYER_TEST_ABSENT is not set");
    CHECK(problem("token: ${DEPLOYER_TEST_EMPTY}") ==
          "local.yaml:1: token: the environment variable DEPLOYER_TEST_EMPTY is empty");
    for (const auto* const odd : {"'hunter2${HOME}'", "'${hunter2'", "'${}'", "'${hunter2-x}'", "'${2}'"}) {
        CHECK(problem("token: " + std::string(odd)) ==
              "local.yaml:1: token: an environment variable must be the whole value: ${NAME}");
    }
    CHECK(problem("token: [hunter2]") == "local.yaml:1: token: must be a text, not a list");
    CHECK(problem("token: {hunter2: x}") == "local.yaml:1: token: must be a text, not a block of keys");
    CHECK(problem("token_file: absent") ==
          "local.yaml:1: token_file: cannot read " + path("absent") + ": No such file or directory");
    CHECK(problem("token_file: .").find("is not a regular file") != std::string::npos);
    CHECK(problem("token_file: fifo") == "local.yaml:1: token_file: " + path("fifo") + " is not a regular file");
    CHECK(problem("token_file: empty") == "local.yaml:1: token_file: " + path("empty") + " is empty");
    CHECK(problem("token_file: large") ==
          "local.yaml:1: token_file: " + path("large") + " is larger than 65536 bytes, too large for a secret");
}

TEST_CASE("a document without keys is an empty view", "[R6]") {
    const Settings view(std::make_shared<const SettingsDocument>());
    CHECK(view.keys().empty());
    CHECK(view.find_text("x") == std::nullopt);
    SettingsDocument list{"local.yaml", "", {}};
    list.root.kind = SettingsNode::Kind::list;
    list.root.line = 1;
    CHECK(complaint([&] { (void)Settings(std::make_shared<const SettingsDocument>(list)); }) ==
          "local.yaml:1: must be a block of keys");
}
