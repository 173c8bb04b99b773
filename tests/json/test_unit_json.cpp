#include "support/catch.hpp"

#include <Poco/JSON/Parser.h>

#include <json_object.hpp>
#include <json_text.hpp>
#include <unit_json.hpp>

#include <sstream>
#include <string>
#include <vector>

using namespace deployer;
using json::Fields;
using json::Style;
using json::UnitLeniency;

namespace {

const UnitLeniency strict{};
const UnitLeniency as_fleet{DesiredState::loaded, true};

Unit read(const std::string& text, const UnitLeniency& leniency = strict) {
    return json::read_unit(Fields(Poco::JSON::Parser().parse(text)), leniency);
}

std::string mistake_in(const std::string& text, const UnitLeniency& leniency = strict) {
    try {
        read(text, leniency);
    } catch (const json::Mistake& mistake) {
        return mistake.place() + ' ' + mistake.problem();
    }
    return "none";
}

std::string text_of(const Unit& unit) {
    std::string text;
    json::append_unit(text, unit);
    return text;
}

}  // namespace

TEST_CASE("a unit comes back as it was written, whatever bytes its options hold") {
    std::string bytes;
    for (int byte = 1; byte < 0x80; ++byte) bytes += static_cast<char>(byte);
    const Unit unit{"größe@1.service",
                    {{"Service", "ExecStart", R"(/bin/sh -c "echo \"hi\"")"},
                     {"Service", "Environment", bytes},
                     {"Unit", "After", ""}},
                    DesiredState::inactive};
    const auto again = read(text_of(unit));
    CHECK(again.name == unit.name);
    CHECK(again.options == unit.options);
    CHECK(again.desired_state == unit.desired_state);
}

TEST_CASE("an option is written for programs or for people") {
    const UnitOption option{"Service", "ExecStart", "/bin/a\t\"b\"\r"};
    std::string narrow;
    json::append_option(narrow, option);
    CHECK(narrow == R"({"section":"Service","name":"ExecStart","value":"/bin/a\t\"b\"\r"})");
    std::string wide;
    json::append_option(wide, option, Style::readable);
    CHECK(wide == R"({"section": "Service", "name": "ExecStart", "value": "/bin/a\t\"b\"\u000d"})");
}

TEST_CASE("a unit without its parts is a mistake, unless its writer leaves them out") {
    const std::string bare = R"({"name":"a.service","options":[]})";
    CHECK(mistake_in(bare) == "desiredState is missing");
    CHECK(read(bare, as_fleet).desired_state == DesiredState::loaded);
    CHECK(mistake_in(R"({"options":[]})") == "name is missing");
    CHECK(mistake_in(R"({"name":"","options":[]})", as_fleet) == "name is missing");
    CHECK(mistake_in(R"({"name":"a.service"})", as_fleet) == "options is missing");
    CHECK(mistake_in(R"({"name":"a.service","options":[],"desiredState":"running"})") ==
          R"(desiredState is "running", none of inactive, loaded and launched)");
    CHECK(mistake_in(R"({"name":"a.service","options":[],"desiredState":""})", as_fleet) == "desiredState is missing");

    const std::string option = R"({"name":"a.service","desiredState":"loaded","options":[{"name":"After"}]})";
    CHECK(mistake_in(option) == "options[0].section is missing");
    CHECK(read(option, as_fleet).options == std::vector<UnitOption>{{"", "After", ""}});
}

TEST_CASE("options come back from triples, and nothing else does") {
    const std::vector<UnitOption> options{{"Unit", "After", "b.service"}, {"Service", "ExecStart", ""}};
    std::ostringstream written;
    json::option_triples(options).stringify(written);
    CHECK(written.str() == R"([["Unit","After","b.service"],["Service","ExecStart",""]])");
    CHECK(json::read_option_triples(Poco::JSON::Parser().parse(written.str()), "x") == options);
    for (const auto* text : {R"([["Unit","After"]])", R"([["Unit","After",7]])", "[7]", "{}"}) {
        INFO(text);
        CHECK_THROWS_AS(json::read_option_triples(Poco::JSON::Parser().parse(text), "x"), json::Mistake);
    }
}
