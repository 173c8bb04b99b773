#include "support/catch.hpp"
#include "support/thrown_error.hpp"
#include "yaml/yaml_text.hpp"

using namespace deployer;

TEST_CASE("the parser gets plain newlines and an end that it takes seriously") {
    CHECK(prepare_yaml_text("a: 1\r\nb: 2") == "a: 1\nb: 2\n#\n...\n");
    CHECK(prepare_yaml_text("a: 1\n... \n# the end\n\n") == "a: 1\n#\n...\n");
    CHECK(prepare_yaml_text("a: 1\n...\nb: 2\n") == "a: 1\n...\nb: 2\n#\n...\n");
}

TEST_CASE("a text that a parser would misread is refused before") {
    const auto refusal = [](std::string_view text) {
        return std::string(thrown_by([&] { check_yaml_text("f", text, {16, 3}); }).what());
    };
    CHECK_NOTHROW(check_yaml_text("f", "a: [1, 2]\r\n", {16, 3}));
    CHECK(refusal("a: 1\nb: \xFF\n") == "f:2: not UTF-8 text");
    CHECK(refusal("a: \rb") == "f:1: a carriage return without a newline");
    CHECK(refusal("a:\n- \u200B1\n").starts_with("f:2: U+200B"));
    CHECK(refusal("[1,2,3,4]") == "f: more than 3 commas and brackets");
}
