#include "support/catch.hpp"

#include <Poco/JSON/Parser.h>

#include <json_object.hpp>

#include <string>
#include <vector>

using namespace deployer;
using json::Fields;

namespace {

Poco::Dynamic::Var parse(const std::string& text) {
    return Poco::JSON::Parser().parse(text);
}

/// "PLACE PROBLEM" of the mistake that reading the document comes to.
template <class Read>
std::string mistake_in(const std::string& text, const Read& read) {
    try {
        read(Fields(parse(text)));
    } catch (const json::Mistake& mistake) {
        return mistake.place() + ' ' + mistake.problem();
    }
    return "none";
}

}  // namespace

TEST_CASE("an object gives each value as the type that it has") {
    const Fields fields(parse(R"({"name":"a","count":3,"flag":true,"none":null,"inner":{"x":"y"},"texts":["b","c"]})"));
    CHECK(fields.text("name") == "a");
    CHECK(fields.count("count") == 3);
    CHECK(fields.flag("flag"));
    CHECK(fields.object("inner").text("x") == "y");
    CHECK(fields.texts("texts") == std::vector<std::string>{"b", "c"});
    CHECK(fields.has("none"));
    CHECK_FALSE(fields.has_more_than_null("none"));
    CHECK(fields.size() == 6);
    CHECK_FALSE(fields.find_text("missing"));
    CHECK_FALSE(fields.find_count("missing"));
}

TEST_CASE("a value that is missing or of another type is a mistake with its place") {
    const auto name = [](const Fields& fields) { (void)fields.text("name"); };
    CHECK(mistake_in("{}", name) == "name is missing");
    CHECK(mistake_in(R"({"name":7})", name) == "name is no text");
    CHECK(mistake_in(R"({"name":null})", name) == "name is no text");
    CHECK(mistake_in("[]", name) == "the whole is no object");

    const auto count = [](const Fields& fields) { (void)fields.count("count"); };
    CHECK(mistake_in("{}", count) == "count is missing");
    CHECK(mistake_in(R"({"count":true})", count) == "count is no whole number");
    CHECK(mistake_in(R"({"count":1.5})", count) == "count is no whole number");
    CHECK(mistake_in(R"({"count":-1})", count) == "count is no whole number from 0");

    const auto flag = [](const Fields& fields) { (void)fields.flag("flag"); };
    CHECK(mistake_in("{}", flag) == "flag is missing");
    CHECK(mistake_in(R"({"flag":1})", flag) == "flag is neither true nor false");
}

TEST_CASE("a place names lists by number and objects by key") {
    const auto read = [](const Fields& fields) {
        fields.each("units", [](const Fields& unit) { (void)unit.object("state").texts("words"); });
    };
    CHECK(mistake_in(R"({"units":{}})", read) == "units is no array");
    CHECK(mistake_in(R"({"units":[{"state":{"words":[]}},7]})", read) == "units[1] is no object");
    CHECK(mistake_in(R"({"units":[{"state":"x"}]})", read) == "units[0].state is no object");
    CHECK(mistake_in(R"({"units":[{"state":{}}]})", read) == "units[0].state.words is missing");
    CHECK(mistake_in(R"({"units":[{"state":{"words":["a",1]}}]})", read) == "units[0].state.words[1] is no text");
}
