#include "support/catch.hpp"

#include <deployer/foreign_text.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

using namespace deployer;

namespace {

std::string encode(std::uint32_t point) {
    const auto tail = [&](unsigned shift) { return static_cast<char>(0x80U | ((point >> shift) & 0x3FU)); };
    if (point < 0x80U) return {static_cast<char>(point)};
    if (point < 0x800U) return {static_cast<char>(0xC0U | (point >> 6U)), tail(0)};
    if (point < 0x10000U) return {static_cast<char>(0xE0U | (point >> 12U)), tail(6), tail(0)};
    return {static_cast<char>(0xF0U | (point >> 18U)), tail(12), tail(6), tail(0)};
}

}  // namespace

TEST_CASE("every character is UTF-8, and nothing that is cut or is a surrogate") {
    int wrong = 0;
    for (std::uint32_t point = 0; point < 0x110000U; ++point) {
        const auto text = encode(point);
        const bool is_character = point < 0xD800U || point > 0xDFFFU;
        if ((find_invalid_utf8("a" + text + "b") == std::nullopt) != is_character) ++wrong;
        if (text.size() > 1 && find_invalid_utf8("a" + text.substr(0, text.size() - 1)) != 1U) ++wrong;
    }
    CHECK(wrong == 0);
}

TEST_CASE("bytes that begin no character are found where they stand") {
    for (const auto* const bad :
         {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80",
          "\xf5\x80\x80\x80", "\xfe", "\xff", "\xc3(", "\xe2\x82(", "\xc3\xc3"}) {
        CHECK(find_invalid_utf8(std::string("né") + bad) == 3U);
    }
    CHECK(find_invalid_utf8("") == std::nullopt);
}

TEST_CASE("lines are counted from 1") {
    CHECK(line_at("a\nb\n", 0) == 1);
    CHECK(line_at("a\nb\n", 1) == 1);
    CHECK(line_at("a\nb\n", 2) == 2);
    CHECK(line_at("a\nb\n", 99) == 3);
}

TEST_CASE("quoted text stays on one line and keeps terminals quiet") {
    using namespace std::string_literals;
    CHECK(quote("plain größe €") == "\"plain größe €\"");
    CHECK(quote("a\nb\t\x1b[31m\x7f") == "\"a\\x0ab\\x09\\x1b[31m\\x7f\"");
    CHECK(quote("a\0b"s) == "\"a\\x00b\"");
    CHECK(quote("\xc2\x9b"
                "31m") == "\"\\xc2\\x9b31m\"");
    CHECK(quote("a\xff"
                "b\xe2\x82") == "\"a\\xffb\\xe2\\x82\"");
    CHECK(quote("") == "\"\"");
    CHECK(quote(std::string(80, 'x')) == '"' + std::string(80, 'x') + '"');
    CHECK(quote(std::string(81, 'x')) == '"' + std::string(80, 'x') + "…\"");
    CHECK(find_invalid_utf8(quote(std::string(79, 'x') + "€€")) == std::nullopt);
}

TEST_CASE("text with quotes in it is told from text without", "[R26]") {
    CHECK(quote("A=1") == "\"A=1\"");
    CHECK(quote("\"A=1\"") == "'\"A=1\"'");
    CHECK(quote("it's") == "\"it's\"");
    CHECK(quote("say \"it's\"") == R"("say \"it's\"")");
    CHECK(quote('"' + std::string(81, 'x')) == "'\"" + std::string(79, 'x') + "…'");
}

TEST_CASE("what is not seen, or turns the text around it, is shown in messages") {
    CHECK(quote("a\u00ADb") == "\"a\\xc2\\xadb\"");
    CHECK(quote("a" + encode(0x202E) + "b") == "\"a\\xe2\\x80\\xaeb\"");
    for (const std::uint32_t point : {0xADU, 0x200BU, 0x200FU, 0x2028U, 0x202EU, 0x2060U, 0x206FU, 0xFEFFU}) {
        INFO(point);
        CHECK(printable(encode(point)).starts_with("\\x"));
        CHECK(quote(encode(point)).starts_with("\"\\x"));
    }
    for (const std::uint32_t point : {0xAEU, 0x2010U, 0x2027U, 0x2030U, 0x2070U, 0xFEFEU, 0x1F600U}) {
        INFO(point);
        CHECK(printable(encode(point)) == encode(point));
        CHECK(quote(encode(point)) == '"' + encode(point) + '"');
    }
    for (const std::uint32_t point : {0xA0U, 0x1680U, 0x2000U, 0x200AU, 0x202FU, 0x205FU, 0x3000U}) {
        INFO(point);
        CHECK(printable(encode(point)) == encode(point));
        CHECK(quote(encode(point)).starts_with("\"\\x"));
    }
}

TEST_CASE("a uri is shown without what may be secret") {
    CHECK(presentable_uri("https://example.com:8443/units/foo@.service") ==
          "https://example.com:8443/units/foo@.service");
    CHECK(presentable_uri("https://joe@example.com/a@b") == "https://example.com/a@b");
    CHECK(presentable_uri("https://joe:secret@example.com/?token=secret") == "https://example.com/");
    CHECK(presentable_uri("https://joe:sec@ret@[::1]:80/#secret") == "https://[::1]:80/");
    CHECK(presentable_uri("https://[::1]/a") == "https://[::1]/a");
    CHECK(presentable_uri("units/foo@.service") == "units/foo@.service");
    CHECK(presentable_uri("units/x:foo@.service?secret") == "units/x:foo@.service");
    CHECK(presentable_uri("foo@1:2.service") == "foo@1:2.service");
    CHECK(presentable_uri("a\nb" + encode(0x202E)) == "a\\x0ab\\xe2\\x80\\xae");
    CHECK(presentable_uri("").empty());

    SECTION("also of what is not quite a uri") {
        CHECK(presentable_uri("https:joe:secret@example.com/a") == "https:example.com/a");
        CHECK(presentable_uri("https:///joe:secret@example.com/a") == "https:///example.com/a");
        CHECK(presentable_uri("//joe:secret@example.com/a") == "//example.com/a");
        CHECK(presentable_uri("joe:secret@example.com/a") == "joe:example.com/a");
        CHECK(presentable_uri("https://joe:sec/ret@example.com/a") == "https://…@example.com/a");
        CHECK(presentable_uri("https://joe:sec?ret@example.com/a") == "https://…");
        CHECK(presentable_uri("https://joe:sec#ret@example.com/a") == "https://…");
        CHECK(presentable_uri("https://") == "https://");
        CHECK(presentable_uri("https:") == "https:");
    }
}
