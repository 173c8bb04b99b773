#include "support/catch.hpp"

#include <json_text.hpp>

#include <string>
#include <string_view>

using namespace deployer;
using json::Style;

namespace {

std::string text(std::string_view value, Style style) {
    std::string out;
    json::append_text(out, value, style);
    return out;
}

}  // namespace

TEST_CASE("json: quotes and backslashes are escaped, UTF-8 and slashes are not") {
    for (const auto style : {Style::compact, Style::readable}) {
        CHECK(text("", style) == R"("")");
        CHECK(text(R"(a/b "c" \d)", style) == R"("a/b \"c\" \\d")");
        CHECK(text("\u00e9\u2028\U0001F600\x7f", style) == "\"\u00e9\u2028\U0001F600\x7f\"");
    }
}

TEST_CASE("json: each style keeps its own escapes of control characters") {
    const std::string_view controls("\0\b\t\n\v\f\r\x1b", 8);
    CHECK(text(controls, Style::compact) == R"("\u0000\b\t\n\u000B\f\r\u001B")");
    CHECK(text(controls, Style::readable) == R"("\u0000\u0008\t\n\u000b\u000c\u000d\u001b")");
}

TEST_CASE("json: members and commas have spaces in the readable style only") {
    std::string compact = "{";
    json::append_member(compact, "a", "b");
    json::append_comma(compact);
    json::append_member(compact, "c", "\"");
    CHECK(compact == R"({"a":"b","c":"\"")");

    std::string readable = "{";
    json::append_member(readable, "a", "b", Style::readable);
    json::append_comma(readable, Style::readable);
    json::append_member(readable, "c", "\"", Style::readable);
    CHECK(readable == R"({"a": "b", "c": "\"")");
}
