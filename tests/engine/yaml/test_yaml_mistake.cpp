#include "support/catch.hpp"
#include "yaml/yaml_mistake.hpp"

#include <utility>

using namespace deployer;

namespace {

std::pair<int, std::string> explained(std::string_view text, const std::string& message, int line) {
    const auto mistake = explain_mistake(text, message, line);
    return {mistake.line, mistake.problem};
}

}  // namespace

TEST_CASE("the parser's messages are put into words that lead to the mistake") {
    CHECK(explained("a: 1\nb\n", "end of map not found", 2) ==
          std::pair(2, std::string(R"(not valid YAML: a key with a value ("key: value") is expected here)")));
    CHECK(explained("a: *x\n", "the referenced anchor is not defined: x", 1).second ==
          "not valid YAML: no anchor (&) of this name stands before; a text that begins with * needs quotes");
    CHECK(explained("a: 1\n", "something new", 1).second == "not valid YAML: something new");
}

TEST_CASE("a mistake is told of the line that it is on, not of the line where the parser noticed it") {
    CHECK(explained("a: 'x\nb: 1\n", "illegal EOF in scalar", 3) ==
          std::pair(1, std::string("not valid YAML: a quote is opened but never closed")));
    CHECK(explained("version:1\nb: 1\n", "illegal map value", 2) ==
          std::pair(1, std::string(R"(not valid YAML: is a space missing after "version:"?)")));
    CHECK(explained("a: 1\n\n\n", "end of map not found", 9).first == 1);
}
