#include "support/case_file.hpp"
#include "support/catch.hpp"
#include "support/shared_data.hpp"

#include <deployer/error.hpp>
#include <deployer/unit_file.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using namespace deployer;
using namespace std::string_literals;
using Options = std::vector<UnitOption>;

namespace {

constexpr std::string_view fine;  ///< no complaint

std::string text_of(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    REQUIRE(stream.is_open());
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

std::string complaint(std::string_view text) {
    try {
        parse_unit_file(text);
        return "";
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::rejected);
        return error.what();
    }
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

std::string with_marks_replaced(const std::string& text) {
    return replaced(replaced(replaced(replaced(text, "␠", " "), "⇥", "\t"), "␍", "\r"), "⍽", "\u00A0");
}

std::string show(const Options& options) {
    std::string text;
    for (const auto& [section, name, value] : options) {
        text.append("[").append(section).append("] ").append(name).append("=").append(value).append("\n");
    }
    return text;
}

Options grouped(const Options& options) {
    std::vector<std::string> sections;
    std::map<std::string, Options> members;
    for (const auto& option : options) {
        if (!members.contains(option.section)) sections.push_back(option.section);
        members[option.section].push_back(option);
    }
    Options all;
    for (const auto& section : sections) all.insert(all.end(), members[section].begin(), members[section].end());
    return all;
}

/// Random options that a unit file can express. They are made of few different parts, so that many combinations occur.
class RandomOptions {
public:
    explicit RandomOptions(unsigned seed) : random_(seed) {}

    Options next() {
        Options options(1 + below(12));
        for (auto& option : options) option = {one_of({"Unit", "Service", "X-Fleet", "a[b"}), name(), value()};
        return options;
    }

    std::string one_of(const std::vector<std::string>& words) { return words[below(words.size())]; }

    std::size_t below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }

private:
    std::string name() { return one_of({"ExecStart", "ExecStart", "A", "B c", "x#;", "\\"}); }

    std::string value() {
        std::string value;
        const auto parts = below(8);
        for (std::size_t i = 0; i < parts; ++i) {
            value += one_of({"a", "=", " ", "\t", "\\", "\\\\", "#", ";", "[", "]", "\"", "€", "\\n", "\f", "--b"});
        }
        const auto first = value.find_first_not_of(" \t\f");
        if (first == std::string::npos) return "";
        value = value.substr(first, value.find_last_not_of(" \t\f") - first + 1);
        const auto backslashes = value.size() - (value.find_last_not_of('\\') + 1);
        return backslashes % 2 == 1 ? value + "\u00A0." : value;
    }

    std::mt19937 random_;
};

}  // namespace

TEST_CASE("unit files are read as the cases in tests/data/unit-file say", "[R13]") {
    for (const auto& unit_case : read_case_files(DEPLOYER_TEST_DATA "/unit-file")) {
        INFO(unit_case.name);
        const auto text = with_marks_replaced(unit_case.part("file"));
        if (unit_case.parts.contains("error")) {
            CHECK(complaint(text) + "\n" == unit_case.part("error"));
        } else {
            CHECK(complaint(text) == fine);
            CHECK(show(parse_unit_file(text)) == with_marks_replaced(unit_case.part("options")));
        }
    }
}

TEST_CASE("bytes that are no text are refused with their line", "[R13]") {
    CHECK(complaint("[Service]\nA=b\0c\n"s) == "line 2: a NUL byte");
    CHECK(complaint("\0"s) == "line 1: a NUL byte");
    CHECK(complaint("[Service]\n\nA=\xff\n") == "line 3: not UTF-8 text");
    CHECK(complaint("[Service]\nA=\xc3") == "line 2: not UTF-8 text");
}

TEST_CASE("comments may be in any encoding", "[R13]") {
    CHECK(parse_unit_file("# \xe9t\xe9\n[Service]\n; \xff\nA=b\\\n# \xc3\nc\n") == Options{{"Service", "A", "b c"}});
    CHECK(complaint("# a\0b\n[Service]\nA=b\n"s) == "line 1: a NUL byte");
}

TEST_CASE("a byte order mark and a missing last newline change nothing", "[R13]") {
    const Options expected{{"Service", "A", "b"}};
    CHECK(parse_unit_file("\xEF\xBB\xBF[Service]\nA=b") == expected);
    CHECK(parse_unit_file("[Service]\nA=b") == expected);
    CHECK(complaint("[Service]\nA=b\\") == "line 2: the file ends after a backslash that promises another line");
}

TEST_CASE("lines end below systemd's own limit", "[R13]") {
    const auto longest = std::string(unit_line_limit - 3, 'x');
    const std::string too_long = "takes 1048576 bytes, but must take less than 1048576";
    CHECK(parse_unit_file("[S]\nA=" + longest + "\n").front().value == longest);
    CHECK(complaint("[S]\n\nA=" + longest + "x\n") == "line 3: option \"A\" " + too_long);

    SECTION("white space that is dropped does not count") {
        CHECK(complaint("[S]\n  A = " + longest + "   \n") == fine);
    }
    SECTION("the joined line counts") {
        const std::string half(unit_line_limit / 2 - 1, 'x');
        CHECK(complaint("[S]\nA=" + half.substr(2) + "\\\n" + half + "\n") == fine);
        CHECK(complaint("[S]\nA=" + half + "\\\n" + half.substr(1) + "\n") == "line 2: option \"A\" " + too_long);
    }
    SECTION("section headers count") {
        CHECK(complaint("[" + longest + "]\nA=b\n") == fine);
        CHECK(complaint("[" + longest + "x]\nA=b\n").ends_with(too_long));
    }
    SECTION("comments are free") {
        CHECK(complaint("#" + longest + longest + "\n[S]\nA=b\n") == fine);
    }
}

TEST_CASE("large input ends in an error or in time", "[R13]") {
    CHECK(complaint("[S]\nA=" + std::string(100U << 20U, 'x')).find("takes 104857602 bytes") != std::string::npos);
    std::string many = "[S]\n";
    for (int i = 0; i < 1'000'000; ++i) many += "\\\n";
    CHECK(complaint(many) == "line 2: the file ends after a backslash that promises another line");
    std::string sections;
    for (int i = 0; i < 100'000; ++i) sections += "[" + std::to_string(i) + "]\nA=b\n";
    CHECK(parse_unit_file(write_unit_file(parse_unit_file(sections))).size() == 100'000);
}

TEST_CASE("options are written by section in order of first appearance", "[R16]") {
    const Options options{{"Unit", "A", "1"}, {"Service", "B", "2"}, {"Unit", "C", ""}};
    CHECK(write_unit_file(options) == "[Unit]\nA=1\nC=\n\n[Service]\nB=2\n");
    CHECK(write_unit_file({}).empty());
}

TEST_CASE("what is written reads back as it was", "[R13]") {
    RandomOptions random(GENERATE(range(1U, 5U)));
    for (int i = 0; i < 2'000; ++i) {
        const auto options = random.next();
        INFO(write_unit_file(options));
        REQUIRE(parse_unit_file(write_unit_file(options)) == grouped(options));
    }
}

TEST_CASE("the hash is the one that fleet shows", "[R16]") {
    const Options options{{"Service", "ExecStart", "/bin/sleep 2002"}};
    CHECK(unit_file_hash(options) == "67ac92988113d4ec387d1ccc0faf4e5be7ebb5df");
    CHECK(content_digest(options) == "67ac92988113d4ec387d1ccc0faf4e5be7ebb5df");
    CHECK(unit_file_hash({}) == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    const Options backslash{{"Service", "ExecStart", "/bin/sleep 2002\\"}};
    CHECK(unit_file_hash(backslash) == "ed308aa5454f3aee58a75cefb472f65ccac5930f");
}

TEST_CASE("white space in values does not make contents differ", "[R16]") {
    const auto digest = [](std::string value) { return content_digest(Options{{"S", "A", std::move(value)}}); };
    for (const auto* const same : {"/bin/a  b", "/bin/a\tb", "/bin/a \t b", " /bin/a b", "/bin/a b ", "/bin/a \\\n  b",
                                   "/bin/a\\\nb", "/bin/a \\\r\n b", "/bin/a\nb", "/bin/a\\\n\\\n b\\\n"}) {
        INFO(same);
        CHECK(digest(same) == digest("/bin/a b"));
    }
    for (const auto* const other : {"/bin/ab", "/bin/a B", "/bin/a\\ b", "/bin/a\\\\\nb", "/bin/a b\\"}) {
        INFO(other);
        CHECK(digest(other) != digest("/bin/a b"));
    }
    CHECK(digest("a\\\\\nb") == digest("a\\\\ b"));
    CHECK(digest("") == digest(" \\\n "));
    CHECK(digest("a b\\\n") == digest("a b"));
    CHECK(digest("a  b\\") == "c9f90170325f2951c06928623976f681b9fe3680");

    SECTION("Unicode's counts at the ends, as fleet drops it there") {
        for (const auto* const space : {"\v", "\f", "\u0085", "\u00A0", "\u1680", "\u2000", "\u200A", "\u2028",
                                        "\u2029", "\u202F", "\u205F", "\u3000"}) {
            INFO(show({{"S", "A", space}}));
            CHECK(digest(space + "/bin/a b"s + space + " ") == digest("/bin/a b"));
            CHECK(digest(" "s + space + space) == digest(""));
        }
        CHECK(digest("a\u00A0b") != digest("a b"));
        CHECK(digest("\u200Ba") != digest("a"));
    }
}

TEST_CASE("sections, names, order and repetition make contents differ", "[R16]") {
    const Options options{{"S", "A", "1"}, {"S", "B", "2"}};
    const std::vector<Options> others{{{"S", "B", "2"}, {"S", "A", "1"}},
                                      {{"S", "A", "1"}},
                                      {{"S", "A", "1"}, {"S", "A", "1"}, {"S", "B", "2"}},
                                      {{"T", "A", "1"}, {"S", "B", "2"}},
                                      {{"S", "a", "1"}, {"S", "B", "2"}},
                                      {{"S", "A", "1"}, {"S", "B", "2"}, {"S", "B", ""}}};
    for (const auto& other : others) CHECK(content_digest(other) != content_digest(options));
    CHECK(content_digest(Options{{"S", "A", "1"}, {"T", "B", "2"}, {"S", "C", "3"}}) ==
          content_digest(Options{{"S", "A", "1"}, {"S", "C", "3"}, {"T", "B", "2"}}));
}

TEST_CASE("the digest sees through white space, continuations and comments of random files", "[R16]") {
    RandomOptions random(7);
    for (int i = 0; i < 1'000; ++i) {
        const auto options = random.next();
        auto spaced = options;
        for (auto& option : spaced) {
            option.value = replaced(option.value, " ", random.one_of({"  ", "\t", " \n", " \\\n  "}));
        }
        INFO(write_unit_file(options));
        REQUIRE(content_digest(grouped(options)) == content_digest(options));
        REQUIRE(content_digest(parse_unit_file("# comment\r\n" + write_unit_file(options))) == content_digest(options));
        REQUIRE(content_digest(spaced) == content_digest(options));
    }
}

TEST_CASE("unit files of real life are read whole", "[R13]") {
    const auto directory = find_shared("up-service-files");
    if (!directory) return;
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*directory)) {
        if (entry.path().extension() == ".yaml") continue;
        INFO(entry.path().filename().string());
        const auto text = text_of(entry.path());
        CHECK(complaint(text) == fine);
        const auto options = parse_unit_file(text);
        CHECK(parse_unit_file(write_unit_file(options)) == grouped(options));
        ++files;
    }
    CHECK(files > 200);
}
