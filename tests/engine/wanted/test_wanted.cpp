#include "wanted/wanted.hpp"

#include "support/case_file.hpp"
#include "support/catch.hpp"
#include "support/fake_source.hpp"
#include "support/shared_data.hpp"
#include "support/test_call.hpp"

#include <deployer/unit_file.hpp>
#include <deployer/unit_name.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace deployer;

namespace {

const std::string small_unit = "[Service]\nExecStart=/bin/x\n";

WantedState read_from(FakeSource& source) {
    const TestCall call;
    return read_wanted(*source.checkout({}, call), call);
}

std::string render(const WantedUnit& unit) {
    std::string text = unit.name + " " + std::string(to_string(unit.desired_state)) + ":";
    std::string separator = " ";
    for (const auto& option : unit.content->options) {
        text += separator + "[" + option.section + "] " + option.name + "=" + option.value;
        separator = " | ";
    }
    return text + "\n";
}

std::string render(const WantedState& state) {
    std::string text;
    for (const auto& unit : state.units) text += render(unit);
    for (const auto& [service, rules] : state.rules) {
        if (rules.sequential) text += "sequential " + service + "\n";
    }
    for (const auto& held : state.held) {
        text += "held " + (held.service.empty() ? "(any service)" : held.service) + ": " + held.error +
                (held.passing ? " [passing]" : "") + "\n";
    }
    for (const auto& warning : state.warnings) text += "warning: " + warning + "\n";
    return text;
}

std::string render_error(const Error& error) {
    return "error (" + std::string(to_string(error.kind())) + "): " + error.what() + "\n";
}

std::string render_reading(FakeSource& source) try { return render(read_from(source)); } catch (const Error& error) {
    return render_error(error);
}

/// The files of a case: those it gives, and "every other file" for what services.yaml names besides.
FakeSource::Files files_of(const CaseFile& example) {
    constexpr std::string_view prefix = "file ";
    FakeSource::Files files{{"services.yaml", example.part("services.yaml")}};
    if (const auto other = example.parts.find("every other file"); other != example.parts.end()) {
        for (const auto& request : file_requests(read_manifest(files["services.yaml"]))) {
            files[request.location] = other->second;
        }
    }
    for (const auto& [title, text] : example.parts) {
        if (title.substr(0, prefix.size()) == prefix) files[title.substr(prefix.size())] = text;
    }
    return files;
}

std::vector<std::string> names_of(const WantedState& state) {
    std::vector<std::string> names;
    for (const auto& unit : state.units) names.push_back(unit.name);
    return names;
}

/// A checkout whose answer to the service files, though not to services.yaml, a test puts its hand in.
class AlteredCheckout : public Checkout {
public:
    using Alter = std::function<void(std::vector<File>&)>;

    AlteredCheckout(FakeSource& source, Alter alter)
        : whole_(source.checkout({}, TestCall())), alter_(std::move(alter)) {}
    [[nodiscard]] const Revision& revision() const override { return whole_->revision(); }
    std::vector<File> read(std::span<const FileRequest> requests, const Call& call) override {
        auto files = whole_->read(requests, call);
        if (requests.front().location != "services.yaml") alter_(files);
        return files;
    }

private:
    std::unique_ptr<Checkout> whole_;
    Alter alter_;
};

std::string render_reading(Checkout& checkout) try {
    const TestCall call;
    return render(read_wanted(checkout, call));
} catch (const Error& error) {
    return render_error(error);
}

/// A services.yaml with its files, made at random out of few names so that they meet often, and what it should give by
/// the rules, worked out entry by entry.
struct RandomCase {
    FakeSource::Files files;
    std::map<std::string, std::string> units;  ///< name to the one option's value
    std::set<std::string> held;
};

class RandomCases {
public:
    explicit RandomCases(unsigned seed) : random_(seed) {}

    RandomCase next() {
        entries_.clear();
        const int count = 1 + below(9);
        for (int i = 0; i < count; ++i) entries_.push_back(next_entry());
        RandomCase result;
        write_files(result);
        work_out(result);
        return result;
    }

private:
    struct Entry {
        std::string service;
        std::string name;
        int count = 0;  ///< -1: not written
        std::string version;
        enum { fine, bad_count, bad_version, bad_state } flaw = fine;
    };

    int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

    Entry next_entry() {
        Entry entry;
        entry.service = std::string(1, static_cast<char>('a' + below(5)));
        const bool is_template = below(3) > 0;
        entry.name = entry.service + (below(3) == 0 ? "-sidekick" : "") + (is_template ? "@.service" : ".service");
        entry.count = is_template ? below(13) : below(2) - 1;
        if (below(2) == 0) entry.version = "v" + std::to_string(below(100));
        const int flaw = below(30);
        if (flaw == 0) entry.flaw = Entry::bad_count;
        if (flaw == 1) entry.flaw = Entry::bad_version;
        if (flaw == 2) entry.flaw = Entry::bad_state;
        return entry;
    }

    void write_files(RandomCase& result) {
        std::string text = "services:\n";
        for (const auto& entry : entries_) {
            text += "  - name: " + entry.name + "\n";
            if (entry.flaw == Entry::bad_count)
                text += "    count: many\n";
            else if (entry.count >= 0)
                text += "    count: " + std::to_string(entry.count) + "\n";
            if (entry.flaw == Entry::bad_version)
                text += "    version: \"a b\"\n";
            else if (!entry.version.empty())
                text += "    version: " + entry.version + "\n";
            if (entry.flaw == Entry::bad_state) text += "    desiredState: up\n";
        }
        broken_.clear();
        for (const auto& entry : entries_) {
            switch (below(30)) {
                case 0:
                    broken_.insert(entry.name);
                    result.files.erase(entry.name);
                    break;
                case 1:
                    broken_.insert(entry.name);
                    result.files[entry.name] = "[Service]\nnonsense\n";
                    break;
                default:
                    broken_.erase(entry.name);
                    result.files[entry.name] = "[Service]\nEnvironment=DOCKER_APP_VERSION=latest\n";
            }
        }
        result.files["services.yaml"] = text;
    }

    void work_out(RandomCase& result) const {
        std::map<std::string, Entry> last;
        std::map<std::string, int> counts;
        for (const auto& entry : entries_) {
            if (last.contains(entry.name) && last.at(entry.name).flaw != Entry::fine) result.held.insert("");
            if (is_template(entry.name) && entry.flaw != Entry::bad_count) {
                const auto former = counts.emplace(entry.name, entry.count).first;
                if (former->second != entry.count) result.held.insert("");
                former->second = entry.count;
            }
            last[entry.name] = entry;
        }
        for (const auto& [name, entry] : last) {
            if (entry.flaw != Entry::fine || broken_.contains(name)) result.held.insert(entry.service);
        }
        for (const auto& [name, entry] : last) {
            if (result.held.contains(entry.service)) continue;
            const auto value = "DOCKER_APP_VERSION=" + (entry.version.empty() ? "latest" : entry.version);
            if (!is_template(name)) result.units[name] = value;
            for (int node = 1; is_template(name) && node <= entry.count; ++node) {
                result.units[with_instance(name, std::to_string(node))] = value;
            }
        }
    }

    std::mt19937 random_;
    std::vector<Entry> entries_;
    std::set<std::string> broken_;  ///< files that are missing or do not parse
};

}  // namespace

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
