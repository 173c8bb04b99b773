#include "support/wanted_readings.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace deployer;
using namespace deployer::wanted_readings;

TEST_CASE("a services.yaml and its files become the units that each case shows", "[R11][R12][R13][R14][R15][R17]") {
    for (const auto& example : read_case_files(std::filesystem::path(DEPLOYER_TEST_DATA) / "wanted")) {
        FakeSource source(FakeSource::Files{{"services.yaml", example.part("services.yaml")}});
        std::string actual;
        try {
            for (const auto& [location, content] : files_of(example)) source.put(location, content);
            actual = render_reading(source);
        } catch (const Error& error) {
            actual = render_error(error);
        }
        const auto& expected = example.part("expected");
        INFO(example.name << ": " << example.about << "expected:\n" << expected << "actual:\n" << actual);
        CHECK(lines_match(expected, actual));
    }
}

TEST_CASE("the nodes of a service share one content, which knows its digest", "[R14][R16]") {
    FakeSource source({{"services.yaml", "services: [{name: foo@.service, count: 3}]"}, {"foo@.service", small_unit}});
    const auto state = read_from(source);
    REQUIRE(state.units.size() == 3);
    CHECK(state.units[0].content == state.units[1].content);
    CHECK(state.units[0].content == state.units[2].content);
    CHECK(state.units[0].content->options == parse_unit_file(small_unit));
    CHECK(state.units[0].content->digest == content_digest(parse_unit_file(small_unit)));
}

TEST_CASE("the wanted state carries the revision that it was read at", "[R17]") {
    FakeSource source({{"services.yaml", "services: [{name: foo.service}]"}, {"foo.service", small_unit}});
    const TestCall call;
    const auto checkout = source.checkout({}, call);
    source.put("services.yaml", "services: [{name: bar.service}]");
    const auto state = read_wanted(*checkout, call);
    CHECK(state.revision.id == "r1");
    CHECK(names_of(state) == std::vector<std::string>{"foo.service"});
}

TEST_CASE("all service files are asked for at once, after services.yaml", "[R11]") {
    FakeSource source;
    source.put("services.yaml",
               "services:\n"
               "  - {name: b.service}\n"
               "  - {name: a@.service, count: 0, uri: units/a}\n"
               "  - {name: c.service, uri: 'https://example.com/c'}\n"
               "  - {name: b.service, uri: units/b}\n"
               "  - {name: d.service, count: 7}\n");
    (void)render_reading(source);
    CHECK(source.reads() == 2);
    CHECK(source.locations_read() ==
          std::vector<std::string>{"services.yaml", "units/a", "https://example.com/c", "units/b"});
}

TEST_CASE("services.yaml that cannot be read ends the reading with the source's error", "[R17]") {
    FakeSource source;
    SECTION("missing") {
        CHECK(render_reading(source) == "error (not_found): cannot read services.yaml: services.yaml does not exist\n");
    }
    SECTION("refused") {
        source.put_error("services.yaml", Error(ErrorKind::rejected, "it is a directory"));
        CHECK(render_reading(source) == "error (rejected): cannot read services.yaml: it is a directory\n");
    }
    SECTION("not reached") {
        source.put("services.yaml", "services: [{name: foo.service}]");
        source.fail_read(Error(ErrorKind::unavailable, "connection refused"));
        CHECK(render_reading(source) == "error (unavailable): connection refused\n");
    }
}

TEST_CASE("a service file that the source refuses holds its service", "[R17]") {
    FakeSource source(
        {{"services.yaml", "services:\n  - name: foo.service\n  - name: bar.service\n"}, {"bar.service", small_unit}});
    const auto kind =
        GENERATE(ErrorKind::rejected, ErrorKind::not_found, ErrorKind::misconfigured, ErrorKind::internal);
    source.put_error("foo.service", Error(kind, "a link out of the root"));
    CHECK(render_reading(source) ==
          "bar.service launched: [Service] ExecStart=/bin/x\n"
          "held foo: foo.service (services.yaml:2): a link out of the root\n");
}

TEST_CASE("a service file that could not be asked for ends the reading", "[R17]") {
    FakeSource source;
    source.put("services.yaml", "services:\n  - name: foo.service\n    uri: units/foo\n");
    source.put_error("units/foo", Error(ErrorKind::unavailable, "connection reset"));
    CHECK(render_reading(source) ==
          "error (unavailable): cannot read foo.service (units/foo, services.yaml:2): connection reset\n");
    source.put_error("units/foo", Error(ErrorKind::cancelled, "stopped"));
    CHECK(render_reading(source) ==
          "error (cancelled): cannot read foo.service (units/foo, services.yaml:2): stopped\n");
}

TEST_CASE("what an absolute uri does not give holds its service until it does", "[R11][R17]") {
    const std::string uri = "https://example.com/foo?token=secret";
    FakeSource source(
        {{"services.yaml", "services:\n  - name: bar.service\n  - name: foo.service\n    uri: " + uri + "\n"},
         {"bar.service", small_unit}});
    const std::string bar = "bar.service launched: [Service] ExecStart=/bin/x\n";
    SECTION("not found") {
        source.put_error(uri, Error(ErrorKind::not_found, "HTTP status 404"));
        CHECK(render_reading(source) == bar + "held foo: foo.service (services.yaml:3): HTTP status 404 [passing]\n");
    }
    SECTION("refused by the source itself, which does not pass") {
        const auto kind = GENERATE(ErrorKind::rejected, ErrorKind::misconfigured);
        source.put_error(uri, Error(kind, "this source fetches nothing"));
        CHECK(render_reading(source) == bar + "held foo: foo.service (services.yaml:3): this source fetches nothing\n");
    }
    SECTION("its host does not answer") {
        source.put_error(uri, Error(ErrorKind::unavailable, "connection refused"));
        CHECK(render_reading(source) ==
              bar + "held foo: foo.service (services.yaml:3): connection refused [passing]\n");
    }
    SECTION("it gives an error page") {
        source.put(uri, "<html>\n");
        const auto text = render_reading(source);
        INFO(text);
        CHECK(lines_match(bar + "held foo: foo.service (services.yaml:3): line 1: … [passing]\n", text));
    }
    SECTION("stopped meanwhile") {
        source.put_error(uri, Error(ErrorKind::cancelled, "stopped"));
        CHECK(render_reading(source) == "error (cancelled): cannot read foo.service (services.yaml:3): stopped\n");
    }
}

TEST_CASE("a failure while the service files are read ends the reading", "[R17]") {
    FakeSource source({{"services.yaml", "services: [{name: foo.service}]"}, {"foo.service", small_unit}});
    AlteredCheckout checkout(source,
                             [](std::vector<File>&) { throw Error(ErrorKind::unavailable, "connection reset"); });
    CHECK(render_reading(checkout) == "error (unavailable): connection reset\n");
}

TEST_CASE("a source that gives another number of files than asked for is a defect", "[R17]") {
    FakeSource source({{"services.yaml", "services: [{name: a.service}, {name: b.service}]"},
                       {"a.service", small_unit},
                       {"b.service", small_unit}});
    AlteredCheckout too_few(source, [](std::vector<File>& files) { files.pop_back(); });
    CHECK(render_reading(too_few) == "error (internal): the source gave 1 files for 2 requests\n");
    AlteredCheckout too_many(source, [](std::vector<File>& files) { files.emplace_back(); });
    CHECK(render_reading(too_many) == "error (internal): the source gave 3 files for 2 requests\n");
}

TEST_CASE("what git left in place of a file is named as that", "[R17]") {
    const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 123\n";
    const std::string conflict = "[Service]\n<<<<<<< HEAD\nA=b\n=======\nA=c\n>>>>>>> other\n";
    const std::string manifest = "services:\n  - name: a.service\n  - name: b.service\n  - name: c.service\n";

    SECTION("of a service file, whose service is held") {
        FakeSource source({{"services.yaml", manifest},
                           {"a.service", pointer},
                           {"b.service", conflict},
                           {"c.service", "[Unit]\nDescription=x \\\n  <<<<<<< not at the start\n"}});
        const auto state = read_from(source);
        CHECK(names_of(state) == std::vector<std::string>{"c.service"});
        REQUIRE(state.held.size() == 2);
        CHECK(state.held[0].error.find("line 1: this is a pointer of git-lfs") != std::string::npos);
        CHECK(state.held[1].error.ends_with(
            "line 2: \"<<<<<<< HEAD\" is a mark of git's: a merge was committed with its conflict"));
    }
    SECTION("in the middle of a value that goes on, where it would be part of it") {
        FakeSource source({{"services.yaml", "services: [{name: a.service}]"},
                           {"a.service", "[Service]\nExecStart=/bin/a \\\n>>>>>>> other\n"}});
        CHECK(read_from(source).held.at(0).error.find("line 3: \">>>>>>> other\"") != std::string::npos);
    }
    SECTION("of services.yaml, and nothing changes") {
        FakeSource lfs(FakeSource::Files{{"services.yaml", pointer}});
        CHECK(render_reading(lfs).starts_with("error (rejected): services.yaml:1: this is a pointer of git-lfs"));
        FakeSource merge(FakeSource::Files{
            {"services.yaml", "services:\n<<<<<<< HEAD\r\n  - name: a.service\n=======\n>>>>>>> x\n"}});
        CHECK(render_reading(merge).starts_with("error (rejected): services.yaml:2: \"<<<<<<< HEAD\" is a mark"));
    }
}

TEST_CASE("random wanted states give exactly the units that the rules say", "[R12][R14][R15][R17]") {
    RandomCases cases(20170301);
    int with_held = 0;
    int with_units = 0;
    for (int round = 0; round < 2000; ++round) {
        const auto example = cases.next();
        FakeSource source(example.files);
        const auto state = read_from(source);
        INFO(example.files.at("services.yaml") << render(state));

        std::map<std::string, std::string> units;
        for (const auto& unit : state.units) units[unit.name] = unit.content->options.at(0).value;
        REQUIRE(units == example.units);
        REQUIRE(state.units.size() == example.units.size());
        REQUIRE(std::is_sorted(
            state.units.begin(), state.units.end(),
            [](const WantedUnit& left, const WantedUnit& right) { return numeric_less(left.name, right.name); }));
        std::set<std::string> held;
        for (const auto& one : state.held) held.insert(one.service);
        REQUIRE(held == example.held);
        with_held += held.empty() ? 0 : 1;
        with_units += units.empty() ? 0 : 1;
    }
    CHECK(with_held > 200);
    CHECK(with_units > 200);
}

TEST_CASE("a service file cut short anywhere gives its beginning's options or holds the service", "[R13][R17]") {
    const std::string whole = "[Service]\nEnvironment=DOCKER_APP_VERSION=latest\nExecStart=/bin/a \\\n  b\n";
    for (std::size_t size = 0; size < whole.size(); ++size) {
        FakeSource source(
            {{"services.yaml", "services: [{name: foo@.service, count: 2}, {name: foo-sidekick@.service, count: 2}]"},
             {"foo@.service", whole.substr(0, size)},
             {"foo-sidekick@.service", whole}});
        const auto state = read_from(source);
        INFO(whole.substr(0, size));
        REQUIRE(state.units.size() == (state.held.empty() ? 4 : 0));
        if (size < std::string("[Service]\nEnvironment").size() || whole[size - 1] == '\\')
            CHECK(state.held.size() == 1);
    }
}

TEST_CASE("the real service files of a newspaper give 373 units", "[R10][R13][R14][real]") {
    const auto text = read_shared("up-service-files/services.yaml");
    if (!text) return;
    FakeSource::Files files;
    for (const auto& entry : std::filesystem::directory_iterator(shared_data() / "up-service-files")) {
        std::ifstream stream(entry.path(), std::ios::binary);
        files[entry.path().filename().string()] = std::string(std::istreambuf_iterator<char>(stream), {});
    }
    FakeSource source(std::move(files));
    const auto manifest = read_manifest(*text);
    CHECK(manifest.services.size() == 209);
    const auto state = read_from(source);
    CHECK(state.units.size() == 373);
    CHECK(state.held.empty());
    CHECK(state.warnings.empty());
}

TEST_CASE("the revision is the one that the source tells after reading, not before") {
    class LateCheckout : public Checkout {
    public:
        const Revision& revision() const override { return revision_; }
        std::vector<File> read(std::span<const FileRequest> requests, const Call& /*call*/) override {
            revision_.id += "+";
            const bool is_manifest = requests.front().location == "services.yaml";
            return {{is_manifest ? "services:\n- name: a.service\n" : "[Service]\nExecStart=/bin/a\n", {}}};
        }

    private:
        Revision revision_{"r"};
    };
    LateCheckout checkout;
    const TestCall call;
    CHECK(read_wanted(checkout, call).revision.id == "r++");
}
