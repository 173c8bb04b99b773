#include "slipped_entries.hpp"

#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace deployer;

namespace {

using Names = std::vector<NameInText>;

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
    CHECK(names_in_text("# the edge - name: a.service") == Names{{"a.service", 1}});
    CHECK(names_in_text("x: y # - name: a.service") == Names{{"a.service", 1}});
    CHECK(names_in_text("# - name: a.service - name: b.service") == Names{{"b.service", 1}});
}
