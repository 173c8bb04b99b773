#include "support/catch.hpp"
#include "support/error_catalogue.hpp"

#include <deployer/word_list.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fs = std::filesystem;

namespace deployer {
namespace {

constexpr std::string_view loader = "A plugin is refused";

std::string read_source(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The end of the text in double quotes that begins at `begin`.
std::size_t end_of_literal(std::string_view source, std::size_t begin) {
    for (auto at = begin + 1; at < source.size(); ++at) {
        if (source[at] == '\\') {
            ++at;
        } else if (source[at] == '"' || source[at] == '\n') {
            return at;
        }
    }
    return source.size();
}

std::string without_escapes(std::string_view literal) {
    std::string text;
    for (std::size_t at = 0; at < literal.size(); ++at) {
        if (literal[at] == '\\') ++at;
        if (at < literal.size()) text += literal[at];
    }
    return text;
}

/// The texts in double quotes in C++ source. Texts with only white space between them are joined.
std::vector<std::string> literals_of(std::string_view source) {
    std::vector<std::string> literals;
    std::size_t last_end = std::string_view::npos;
    for (auto begin = source.find('"'); begin != std::string_view::npos;) {
        const auto end = end_of_literal(source, begin);
        const auto text = without_escapes(source.substr(begin + 1, end - begin - 1));
        const bool goes_on =
            last_end != std::string_view::npos &&
            source.substr(last_end, begin - last_end).find_first_not_of(" \n") == std::string_view::npos;
        if (goes_on) {
            literals.back() += text;
        } else {
            literals.push_back(text);
        }
        last_end = end + 1;
        begin = source.find('"', std::min(last_end, source.size()));
    }
    return literals;
}

/// The arguments of each call of refuse().
std::vector<std::string> refusals_in(std::string_view source) {
    constexpr std::string_view call = " refuse(";
    std::vector<std::string> calls;
    for (auto at = source.find(call); at != std::string_view::npos; at = source.find(call, at + 1)) {
        const auto end = source.find(");\n", at);
        calls.emplace_back(source.substr(at + call.size(), end - at - call.size()));
    }
    return calls;
}

std::string all_patterns(const ErrorCatalogue& catalogue, std::string_view section) {
    std::string patterns;
    for (const auto& entry : catalogue.entries()) {
        if (entry.section == section) patterns += entry.pattern + "\n";
    }
    return patterns;
}

/// Every text in double quotes in the sources of program and plugins.
std::string all_literals() {
    std::string all;
    for (const std::string folder : {"engine", "plugins", "http"}) {
        for (const auto& entry : fs::recursive_directory_iterator(fs::path(DEPLOYER_SOURCE_DIR) / folder)) {
            const auto extension = entry.path().extension();
            if (extension != ".cpp" && extension != ".hpp") continue;
            for (const auto& literal : literals_of(read_source(entry.path()))) all += literal + "\n";
        }
    }
    return all;
}

/// Whether the sources have the text. The guard adds "cannot " to messages, so the text may also lack that word there.
bool is_said(const std::string& literals, const std::string& text) {
    constexpr std::string_view cannot = "cannot ";
    return literals.find(text) != std::string::npos ||
           (text.starts_with(cannot) && literals.find(text.substr(cannot.size())) != std::string::npos);
}

}  // namespace

TEST_CASE("whatever the loader can refuse a plugin for is in the error catalogue", "[R2]") {
    const ErrorCatalogue catalogue;
    const auto patterns = all_patterns(catalogue, loader);
    const auto engine = fs::path(DEPLOYER_SOURCE_DIR) / "engine/src/host";
    std::vector<std::string> calls;
    for (const auto& entry : fs::directory_iterator(engine)) {
        const auto name = entry.path().filename().string();
        if (!name.starts_with("plugin_") || !name.ends_with(".cpp")) continue;
        for (auto& call : refusals_in(read_source(entry.path()))) calls.push_back(std::move(call));
    }
    CHECK(calls.size() >= 25);
    for (const auto& call : calls) {
        for (const auto& literal : literals_of(call)) {
            INFO(call);
            CHECK(patterns.find(literal) != std::string::npos);
        }
    }
    for (const auto& literal : literals_of(read_source(engine / "elf_file.cpp"))) {
        if (literal.size() < 8 || literal.ends_with(".hpp")) continue;
        INFO(literal);
        CHECK(patterns.find(literal) != std::string::npos);
    }
}

TEST_CASE("the error catalogue has no message that the sources do not have", "[R2]") {
    const ErrorCatalogue catalogue;
    const auto literals = all_literals();
    for (const auto& entry : catalogue.entries()) {
        for (const auto& part : ErrorCatalogue::fixed_parts(entry.pattern)) {
            INFO(entry.pattern << "\n" << part);
            CHECK(is_said(literals, part));
        }
    }
}

TEST_CASE("the error catalogue says of each message once what it means", "[R2]") {
    const ErrorCatalogue catalogue;
    std::set<std::string> patterns;
    for (const auto& entry : catalogue.entries()) {
        INFO(entry.pattern);
        CHECK(patterns.insert(entry.pattern).second);
        CHECK_FALSE(entry.text.empty());
    }
}

TEST_CASE("the error catalogue knows a message by its end", "[R2]") {
    const ErrorCatalogue catalogue;
    CHECK(catalogue.knows("is cut short: it has 4 bytes of at least 64; copy it again"));
    CHECK(
        catalogue.knows("test.yaml:1: plugin: cannot load plugin /p/x.so: is cut short: it has 4 bytes of at least 64; "
                        "copy it again"));
    CHECK_FALSE(catalogue.knows("is cut short: it has few bytes of at least 64; copy it again"));
    CHECK_FALSE(catalogue.knows("is cut short: it has 4 bytes of at least 64; copy it again, or not"));
    CHECK_FALSE(catalogue.knows("nobody has ever said this"));
}

}  // namespace deployer
