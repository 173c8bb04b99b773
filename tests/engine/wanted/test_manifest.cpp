#include "wanted/manifest.hpp"

#include "support/case_file.hpp"
#include "support/catch.hpp"
#include "support/shared_data.hpp"

#include <deployer/error.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

using namespace deployer;

namespace {

std::string render(const ServiceDefinition& definition) {
    std::string text = definition.name + " line=" + std::to_string(definition.line);
    if (definition.version) text += " version=" + *definition.version;
    if (definition.count) text += " count=" + std::to_string(*definition.count);
    if (definition.location != definition.name) text += " location=" + definition.location;
    if (definition.desired_state != DesiredState::launched)
        text += " " + std::string(to_string(definition.desired_state));
    if (definition.rules.sequential) text += " sequential";
    return text + "\n";
}

std::string render(const Manifest& manifest) {
    std::string text;
    for (const auto& service : manifest.services) text += render(service);
    for (const auto& held : manifest.held) {
        text += "held " + (held.service.empty() ? "(any service)" : held.service) + ": " + held.error + "\n";
    }
    for (const auto& warning : manifest.warnings) text += "warning: " + warning + "\n";
    return text;
}

std::string render_reading(const std::string& text) try {
    return render(read_manifest(text));
} catch (const Error& error) {
    return "error (" + std::string(to_string(error.kind())) + "): " + error.what() + "\n";
}

/// The manifest of a cut file; nullopt if the whole file is refused.
std::optional<Manifest> read_cut(const std::string& text) try {
    return read_manifest(text);
} catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(std::string_view(error.what()).substr(0, 13) == "services.yaml");
    return std::nullopt;
}

/// Checks the last entry of a cut file that does not end within a key. The reader cannot notice a missing line, or the
/// missing rest of a free value such as a version. But each whole line has to be read as it is, and nothing else.
void check_last(const ServiceDefinition& last, const ServiceDefinition& whole, const std::string& part) {
    const auto entry = part.substr(part.rfind("\n  -"));
    const auto has_line = [&](const std::string& key) {
        const auto at = entry.find("\n    " + key + ":");
        return at != std::string::npos && entry.find('\n', at + 1) != std::string::npos;
    };
    const auto last_line = entry.substr(entry.rfind('\n') + 1);
    CHECK((last_line.empty() || last_line.starts_with("  -") || last_line.find(": ") != std::string::npos ||
           last_line.ends_with(':') || last_line.find_first_not_of(' ') == std::string::npos));
    CHECK(last.name == whole.name);
    const auto version = last.version.value_or("");
    CHECK((has_line("version") ? last.version == whole.version : whole.version.value_or("").starts_with(version)));
    const auto count = last.count ? std::to_string(*last.count) : "";
    const auto whole_count = whole.count ? std::to_string(*whole.count) : "";
    CHECK((has_line("count") ? count == whole_count : whole_count.starts_with(count)));
    CHECK((last.desired_state == whole.desired_state ||
           (last.desired_state == DesiredState::launched && !has_line("desiredState"))));
    CHECK((last.rules.sequential == whole.rules.sequential || !has_line("sequentialDeployment")));
    CHECK((last.location == whole.location || !has_line("uri")));
}

std::size_t count_of(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

}  // namespace

TEST_CASE("services.yaml is read as each case shows", "[R10][R11][R14][R15][R17]") {
    for (const auto& example : read_case_files(std::filesystem::path(DEPLOYER_TEST_DATA) / "manifest")) {
        const auto& expected = example.part("expected");
        const auto actual = render_reading(example.part("services.yaml"));
        INFO(example.name << ": " << example.about << "expected:\n" << expected << "actual:\n" << actual);
        CHECK(lines_match(expected, actual));
    }
}

TEST_CASE("whatever is held of services.yaml puts its list in doubt", "[R17]") {
    for (const auto& example : read_case_files(std::filesystem::path(DEPLOYER_TEST_DATA) / "manifest")) {
        INFO(example.name);
        try {
            for (const auto& held : read_manifest(example.part("services.yaml")).held) CHECK(held.list_in_doubt);
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::rejected);
        }
    }
}

TEST_CASE("messages name the file as the caller does", "[R17]") {
    const auto manifest =
        read_manifest("services:\n  - {name: foo.service, count: x, colour: red}\n", "staging/list.yaml");
    REQUIRE(manifest.held.size() == 1);
    CHECK(manifest.held.front().error.substr(0, 20) == "staging/list.yaml:2:");
    CHECK_FALSE(manifest.held.front().passing);
    REQUIRE(manifest.warnings.size() == 1);
    CHECK(manifest.warnings.front().substr(0, 20) == "staging/list.yaml:2:");
    CHECK(manifest.file == "staging/list.yaml");
}

TEST_CASE("a services.yaml cut short anywhere gives its entries as they were, holds them or is refused", "[R17]") {
    const std::string whole =
        "services:\n"
        "  - name: plain.service\n"
        "  - name: foo@.service\n"
        "    version: v12\n"
        "    count: 12\n"
        "    desiredState: loaded\n"
        "  - name: foo-sidekick@.service\n"
        "    count: 12\n"
        "    version: \"v3\"\n"
        "    desiredState: \"inactive\"\n"
        "    sequentialDeployment: true\n"
        "  - name: bar.timer\n"
        "    uri: units/bar\n";
    const auto all = read_manifest(whole);
    REQUIRE(all.services.size() == 4);
    REQUIRE(all.held.empty());

    int refused = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto part = whole.substr(0, size);
        INFO("cut to:\n" << part);
        const auto manifest = read_cut(part);
        if (!manifest) {
            ++refused;
            continue;
        }
        // Each entry that has begun is read or held. Entries before the last one are as in the whole file.
        const auto begun = count_of(part, "\n  -");
        const bool last_is_held = !manifest->held.empty();
        REQUIRE(manifest->services.size() + (last_is_held ? 1 : 0) == begun);
        for (std::size_t index = 0; index + 1 < begun; ++index) {
            CHECK(render(manifest->services[index]) == render(all.services[index]));
        }
        if (!last_is_held) check_last(manifest->services.back(), all.services[begun - 1], part);
    }
    CHECK(refused > 80);
}

TEST_CASE("no byte put anywhere into services.yaml makes reading it fail in an unforeseen way", "[R17]") {
    const std::string whole =
        "services:\n  - name: foo@.service\n    version: v1\n    count: 2\n  - name: bar.service\n";
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (int byte = 0; byte < 256; ++byte) {
            auto text = whole;
            text[at] = static_cast<char>(byte);
            try {
                const auto manifest = read_manifest(text);
                CHECK(manifest.services.size() + manifest.held.size() > 0);
            } catch (const Error& error) {
                CHECK(error.kind() == ErrorKind::rejected);
            }
        }
    }
}

TEST_CASE("a real services.yaml that is not valid YAML is refused with its line", "[R17][real]") {
    const auto text = read_shared("services-yaml/broken-missing-space.yaml");
    if (!text) return;
    const auto result = render_reading(*text);
    INFO(result);
    CHECK((matches("error (rejected): services.yaml:296: …\n", result) ||
           matches("error (rejected): services.yaml:297: …\n", result)));
}

TEST_CASE("a real services.yaml with entries twice takes the last and warns", "[R15][real]") {
    const auto text = read_shared("services-yaml/duplicate-entries.yaml");
    if (!text) return;
    const auto manifest = read_manifest(*text);
    CHECK(manifest.held.empty());
    CHECK(manifest.services.size() + 3 == count_of(*text, "- name:"));
    REQUIRE(manifest.warnings.size() == 3);
    for (const auto& warning : manifest.warnings) {
        CHECK(matches("services.yaml:…: … is listed already on line …; the last entry counts", warning));
    }
}

TEST_CASE("a real services.yaml with count 0 on plain names takes each as one unit", "[R14][real]") {
    const auto text = read_shared("services-yaml/count-zero-on-plain-names.yaml");
    if (!text) return;
    const auto manifest = read_manifest(*text);
    CHECK(manifest.held.empty());
    CHECK(manifest.services.size() == count_of(*text, "- name:"));
    std::size_t plain = 0;
    for (const auto& service : manifest.services) plain += service.count ? 0 : 1;
    CHECK(plain >= 16);
}
