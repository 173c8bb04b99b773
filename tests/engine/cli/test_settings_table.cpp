#include "cli/settings_table.hpp"
#include "support/catch.hpp"
#include "support/loaded_plugin.hpp"

#include <deployer/settings.hpp>

#include <climits>
#include <string>
#include <vector>

namespace deployer {
namespace {

using Kind = SettingType::Kind;

std::vector<std::string> paths_of(const std::vector<SettingDescription>& settings) {
    std::vector<std::string> paths;
    paths.reserve(settings.size());
    for (const auto& setting : settings) paths.push_back(setting.path);
    return paths;
}

}  // namespace

TEST_CASE("settings tell what was asked for, in order, with types", "[R6]") {
    const auto settings = settings_from("name: foo\n");
    (void)settings.text("name");
    (void)settings.find_integer("size", 1, 5);
    (void)settings.find_choice("mode", {"fast", "safe"});
    (void)settings.find_duration("wait");
    (void)settings.has("wait");
    (void)settings.texts("globs");
    const auto known = settings.described();
    REQUIRE(paths_of(known) == std::vector<std::string>{"name", "size", "mode", "wait", "globs"});
    CHECK(known[0] == SettingDescription{"name", {{Kind::text, 0, 0, {}}}, true, "", ""});
    CHECK(known[1] == SettingDescription{"size", {{Kind::integer, 1, 5, {}}}, false, "", ""});
    CHECK(known[2] == SettingDescription{"mode", {{Kind::choice, 0, 0, {"fast", "safe"}}}, false, "", ""});
    CHECK(known[3].types == std::vector<SettingType>{{Kind::duration, 0, 0, {}}});
    CHECK(known[4].types == std::vector<SettingType>{{Kind::texts, 0, 0, {}}});
}

TEST_CASE("a key that is described is not asked for by that", "[R6]") {
    const auto settings = settings_from("wait: 5s\n");
    settings.describe("wait", "`1s`", "How long.");
    CHECK(settings.described().empty());
    CHECK_THROWS_AS(settings.refuse_unknown_keys(), Error);
    (void)settings.find_duration("wait");
    CHECK_NOTHROW(settings.refuse_unknown_keys());
    CHECK(settings.described() ==
          std::vector<SettingDescription>{{"wait", {{Kind::duration, 0, 0, {}}}, false, "`1s`", "How long."}});
}

TEST_CASE("what is described first comes first, whatever is asked for first", "[R6]") {
    const auto settings = no_settings();
    settings.describe("second", "", "");
    (void)settings.find_text("first");
    (void)settings.find_text("second");
    CHECK(paths_of(settings.described()) == std::vector<std::string>{"second", "first"});
}

TEST_CASE("a key that takes several types has all of them", "[R6]") {
    const auto settings = no_settings();
    (void)settings.find_text("when");
    (void)settings.texts("when");
    (void)settings.find_text("when");
    CHECK(settings.described().front().types ==
          std::vector<SettingType>{{Kind::text, 0, 0, {}}, {Kind::texts, 0, 0, {}}});
}

TEST_CASE("the file of a secret is no setting beside it", "[R6]") {
    const auto settings = no_settings();
    (void)settings.has("token_file");
    (void)settings.find_secret("token");
    (void)settings.find_path("other_file");
    CHECK(paths_of(settings.described()) == std::vector<std::string>{"token", "other_file"});
    CHECK(settings.described().front().types.front().kind == Kind::secret);
}

TEST_CASE("keys of blocks follow their block, those of a list of blocks once", "[R6]") {
    const auto settings = settings_from("hosts:\n- {name: a}\n- {name: b, port: 1}\n");
    const auto retry = settings.block("retry");
    for (const auto& host : settings.blocks("hosts")) {
        (void)host.text("name");
        (void)host.find_integer("port", 1, 65'535);
    }
    (void)retry.find_duration("pause");
    retry.describe("pause", "none", "Between two.");
    const auto known = settings.described();
    REQUIRE(paths_of(known) ==
            std::vector<std::string>{"retry", "retry.pause", "hosts", "hosts[].name", "hosts[].port"});
    CHECK(known[1].meaning == "Between two.");
    CHECK(known[3].required);
    CHECK(paths_of(retry.described()) == std::vector<std::string>{"pause"});
}

TEST_CASE("a settings table shows what was asked for", "[R6]") {
    const auto settings = settings_from("plugin: target-mine\npath: units\n");
    (void)settings.text("plugin");
    settings.describe("path", "", "Where the units are.");
    (void)settings.path("path");
    settings.describe("mode", "`fast`", "How: `fast|safe`.");
    (void)settings.find_choice("mode", {"fast", "safe"});
    (void)settings.find_integer("every", 0, INT_MAX);
    (void)settings.find_integer("digit", 0, 9);
    settings.describe("token", "", "What opens the door.");
    (void)settings.find_secret("token");
    (void)settings.block("retry").find_duration("pause");
    CHECK(settings_as_markdown(settings) ==
          "| key | type | default | meaning |\n"
          "| --- | --- | --- | --- |\n"
          "| `path` | path | required | Where the units are. |\n"
          "| `mode` | `fast` or `safe` | `fast` | How: `fast\\|safe`. |\n"
          "| `every` | whole number, at least 0 | none | |\n"
          "| `digit` | whole number, 0 to 9 | none | |\n"
          "| `token`, `token_file` | secret | none | What opens the door. |\n"
          "| `retry` | block | | |\n"
          "| `retry.pause` | duration | none | |\n");
    CHECK(settings_as_text(settings, 20) ==
          "path               path; required\n"
          "    Where the units\n"
          "    are.\n"
          "mode               fast or safe; default: fast\n"
          "    How:\n"
          "    `fast|safe`.\n"
          "every              whole number, at least 0; default: none\n"
          "digit              whole number, 0 to 9; default: none\n"
          "token, token_file  secret; default: none\n"
          "    What opens the\n"
          "    door.\n"
          "retry              block\n"
          "retry.pause        duration; default: none\n");
}

}  // namespace deployer
