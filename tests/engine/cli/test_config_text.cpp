#include "cli/config_text.hpp"

#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/thrown_error.hpp"
#include "yaml/yaml_document.hpp"

#include <memory>
#include <string>

using namespace deployer;

TEST_CASE("a configuration that was printed reads back as the same, and prints the same") {
    const auto* const text = GENERATE(
        "a: 1\nb: '1'\nc: [x, \"y: z\", '# no comment']\nd: {e: {f: true}, g: []}\nh: 'it''s'\ni:\n- j: 1\n  k: [2]\n- "
        "j: 2\n",
        "a: \"line\\nbreak \\\\ and \\\" quote\"\nb: ''\nc: '- dash'\nd: -5\ne: 50%\nf: 'a #b'\ng: ~\n",
        "a: |\n  several\n  lines\nb: >-\n  folded\n  text\nc: 'null'\nd: http://host:1/x?y=z\n");
    const auto once = write_config_text(*read_yaml(text, "a"), {});
    INFO(once);
    const auto twice = write_config_text(*read_yaml(once, "b"), {});
    CHECK(once == twice);
    const Settings before(read_yaml(text, "a"));
    const Settings after(read_yaml(once, "b"));
    for (const auto& key : before.keys()) CHECK(before.has(key) == after.has(key));
}

TEST_CASE("secrets are not printed, wherever they stand", "[R6]") {
    const auto document = read_yaml(
        "source:\n  token: hunter2\n  nested: {list: [{password: hunter3}]}\n  other: ${VARIABLE}\n"
        "target:\n  endpoint: http://bob:hunter4@host:1/x@y\n",
        "a");
    const Settings root(document);
    const auto source = root.block("source");
    CHECK(source.find_secret("token") == "hunter2");
    CHECK(source.block("nested").blocks("list").front().find_secret("password") == "hunter3");
    const auto text = write_config_text(*document, root.secret_paths());
    INFO(text);
    CHECK(text.find("hunter") == std::string::npos);
    CHECK(text.find("token: ${NOT_PRINTED}  # a secret: put it in again\n") != std::string::npos);
    CHECK(text.find("http://***@host:1/x@y") != std::string::npos);
    CHECK(text.find("${VARIABLE}") != std::string::npos);
    // Used as it is, the printed configuration is refused before any secret is sent.
    const Settings again(read_yaml(text, "b"));
    CHECK(says(thrown_by([&] { (void)again.block("source").find_secret("token"); }), "NOT_PRINTED is not set"));
    CHECK(says(thrown_by([&] { (void)again.block("target").text("endpoint"); }), "target.endpoint: is missing"));
}

TEST_CASE("a url with a password stays a comment, whatever is in it", "[R6]") {
    const auto text = write_config_text(*read_yaml("a: \"http://u:p@h/\\nb: 1\"\nc: [http://u:p@h/]\n", "a"), {});
    INFO(text);
    CHECK(text.find("u:p") == std::string::npos);
    const Settings again(read_yaml(text, "b"));
    CHECK_FALSE(again.has("a"));
    CHECK_FALSE(again.has("b"));
    CHECK_THROWS_AS(again.texts("c"), Error);
}
