#include "wanted/slipped_entries.hpp"

#include "support/catch.hpp"
#include "yaml/yaml_document.hpp"

#include <string>
#include <vector>

using namespace deployer;

namespace {

using Names = std::vector<NameInText>;
using Place = NameInText::Place;

}  // namespace

TEST_CASE("units are found in the text by the key before them, however it is written", "[R17]") {
    CHECK(names_in_text("- name: a.service\n  count: 1\n- {\"name\" : 'b@.service', x: y}\n") ==
          Names{{"a.service", 1}, {"b@.service", 3}});
    CHECK(names_in_text("name:a.service\r\n-name: b.timer\r\nname:\r\n  &x !!str c.socket") ==
          Names{{"a.service", 1}, {"b.timer", 2}, {"c.socket", 3}});
    CHECK(names_in_text("x: \"- name: a.service\"") == Names{{"a.service", 1}});
}

TEST_CASE("what is no unit, and what is no such key, is not found in the text", "[R17]") {
    CHECK(names_in_text("name: lamp\nname:\nname").empty());
    CHECK(names_in_text("hostname: a.service\nhost-name: a.service\nmy.name: a.service\nnames: a.service\n").empty());
    CHECK(names_in_text("name: " + std::string(300, 'a') + ".service").empty());
}

TEST_CASE("an entry that was commented out is not found, one that a comment ran into is", "[R17]") {
    CHECK(names_in_text("# - name: a.service\n\t##- {name: b.service}\n#- {count: 1, name: c.service}").empty());
    CHECK(names_in_text("# the edge - name: a.service") == Names{{"a.service", 1, Place::comment}});
    CHECK(names_in_text("x: y # - name: a.service") == Names{{"a.service", 1, Place::comment}});
    CHECK(names_in_text("# - name: a.service - name: b.service") == Names{{"b.service", 1, Place::comment}});
}

TEST_CASE("an entry of which only some lines were commented out, with its name, is found", "[R17]") {
    const Names found{{"b.service", 2, Place::above_its_rest}};
    CHECK(names_in_text("- name: a.service\n#- name: b.service\n  version: 1\n").at(1) == found.front());
    CHECK(names_in_text("\n  # - name: b.service\n\n # more\n    version: 1\n") == found);
    CHECK(names_in_text("# - version: 1\r\n#   name: b.service\r\n    count: 1\r\n") == found);
    CHECK(names_in_text("# - version: 1\n  count: 1\n#   name: b.service\n") ==
          Names{{"b.service", 3, Place::above_its_rest}});
    CHECK(names_in_text("# - name: b.service\n- name: c.service\n") == Names{{"c.service", 2}});
    CHECK(names_in_text("# - name: b.service\n#   version: 1\n\nother: x\n").empty());
    // The comment begins no item, so the name in it is no entry of its own.
    CHECK(names_in_text("-\n  # name: b.service\n  version: 1\n").empty());
}

TEST_CASE("units are found below entries by what YAML reads", "[R17]") {
    const auto found = [](const std::string& entry) {
        const auto document = read_yaml("services:\n- a: 1\n" + entry, "services.yaml");
        return names_below_entries(document->root.items.front());
    };
    CHECK(found("  x:\n  - name: # note\n      b.service\n") == Names{{"b.service", 4}});
    CHECK(found("  x: {? name : b.service}\n") == Names{{"b.service", 3}});
    CHECK(found("  x: {y: [{\"na\\x6de\": b.service}]}\n") == Names{{"b.service", 3}});
    CHECK(found("  x: {name: \"b\\x2eservice\"}\n") == Names{{"b.service", 3}});
    CHECK(found("  x: {name: lamp, names: b.service}\n- name: c.service\n").empty());
}

TEST_CASE("a long line of names is searched in no time that grows with its square", "[R17]") {
    constexpr std::size_t count = 100'000;
    std::string line = "# x";
    for (std::size_t index = 0; index < count; ++index) line += " - name: a.service";
    CHECK(names_in_text(line).size() == count);
    CHECK(names_in_text(std::string(1'000'000, '#') + line).size() == count);
    std::string tags = "# ";
    for (std::size_t index = 0; index < count; ++index) tags += "name:!";
    CHECK(names_in_text(tags).empty());
}
