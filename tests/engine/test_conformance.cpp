#include "conformance/check_report.hpp"
#include "conformance/isolated_run.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

#include <deployer/conformance.hpp>
#include <deployer/error.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace deployer;

namespace {

using Verdict = CheckResult::Verdict;

std::filesystem::path fixture(const std::string& name) {
    return std::filesystem::path(DEPLOYER_TEST_FIXTURES) / (name + ".so");
}

/// Settings for the plugins of tests/fixtures/unfaithful_*.cpp.
std::string settings_with(const std::string& kind, const std::string& fault) {
    const std::string path = kind == "source" ? ", path: \"{tmp}\"" : "";
    std::string text = "settings: {where: here, fault: " + fault + path + "}\n" +
                       "unreachable: {where: nowhere}\nnetwork: {where: \"{port}\"}\n" +
                       "another_cluster: {where: elsewhere}\n" +
                       "refused: [{where: [1, 2]}, {where: ''}]\ntimeout: 300ms\n";
    if (kind == "source") {
        text += "prepare: echo wanted >services.yaml\nchange: echo more >>services.yaml\n";
    }
    if (kind == "health") text += "services: {healthy: good, unhealthy: bad, unchecked: other}\n";
    return text;
}

std::vector<CheckResult> run(const std::filesystem::path& plugin, const std::filesystem::path& settings,
                             std::optional<std::chrono::milliseconds> limit = std::nullopt) {
    std::vector<CheckResult> results;
    conformance::run_isolated(
        {plugin, settings, limit, [&](const CheckResult& result) { results.push_back(result); }, [] { return false; }});
    return results;
}

std::vector<CheckResult> run_with_fault(const std::string& kind, const std::string& fault) {
    const TempDir dir;
    return run(fixture(kind + "-unfaithful"), dir.write("suite.yaml", settings_with(kind, fault)));
}

std::set<std::string> names_of(const std::vector<CheckResult>& results, Verdict verdict) {
    std::set<std::string> names;
    for (const auto& result : results) {
        if (result.verdict == verdict) names.insert(result.name);
    }
    return names;
}

std::string all_of(const std::vector<CheckResult>& results) {
    std::string text;
    for (const auto& result : results) text += conformance::write_line(result);
    return text;
}

using Faults = std::vector<std::pair<std::string, std::string>>;

/// Runs only the check of that name.
CheckResult result_of(ConformanceSuite& suite, const std::string& name) {
    for (std::size_t check = 0; check < suite.size(); ++check) {
        if (suite.name(check) == name) return suite.run(check);
    }
    return {name, Verdict::skipped, "there is no such check"};
}

/// Gives the plugin one fault at a time. The check named beside the fault has to fail.
void check_faults(const std::string& kind, const Faults& faults, std::set<std::string>& seen) {
    for (const auto& [fault, check] : faults) {
        const TempDir dir;
        ConformanceSuite suite(fixture(kind + "-unfaithful"), dir.write("suite.yaml", settings_with(kind, fault)));
        const auto result = result_of(suite, check);
        INFO(fault << ": " << check << ": " << result.detail);
        CHECK(result.verdict == Verdict::failed);
        seen.insert(check);
    }
}

/// Requires that every check of the kind was seen failing.
void check_all_seen(const std::string& kind, const std::set<std::string>& seen) {
    std::string unseen;
    // Other tests, of the loader and of settings, show that these checks can fail.
    const std::set<std::string> shown_elsewhere{"it is a plugin that this program loads",
                                                "it exports its description and nothing else",
                                                "the settings are accepted",
                                                "an unknown key is refused",
                                                "a value of a wrong type is refused",
                                                "instances can live side by side"};
    const TempDir dir;
    const ConformanceSuite suite(fixture(kind + "-unfaithful"), dir.write("suite.yaml", settings_with(kind, "none")));
    for (std::size_t check = 0; check < suite.size(); ++check) {
        const auto& name = suite.name(check);
        if (!seen.contains(name) && !shown_elsewhere.contains(name)) unseen += name + '\n';
    }
    INFO(unseen);
    CHECK(unseen.empty());
}

}  // namespace

TEST_CASE("a plugin that keeps its contract passes every check of the suite", "[R7]") {
    for (const std::string kind : {"source", "target", "cache", "health"}) {
        const auto results = run_with_fault(kind, "none");
        INFO(kind << "\n" << all_of(results));
        CHECK(names_of(results, Verdict::failed).empty());
        CHECK(names_of(results, Verdict::skipped).empty());
        CHECK(results.size() > 15);
    }
}

TEST_CASE("whatever a target does wrong, a check of the suite fails", "[R7]") {
    std::set<std::string> seen;
    const Faults faults{
        {"throws-anything-without-settings", "settings that are missing are told as such"},
        {"leaks-files", "a hundred instances leave nothing behind"},
        {"asks-when-created", "creating it asks nobody"},
        {"has-many-identities", "identity() is one line and always the same"},
        {"has-one-identity", "another cluster has another identity()"},
        {"lists-twice", "list() has valid names, each once"},
        {"lists-strange-names", "list() has valid names, each once"},
        {"lists-in-part", "list() is complete"},
        {"lists-the-first-page", "list() is complete"},
        {"applies-as-launched", "apply() creates a unit in each desired state"},
        {"knows-only-ascii", "content comes back as it went: characters of any language"},
        {"drops-empty-values", "content comes back as it went: empty values"},
        {"sorts-options", "content comes back as it went: options that repeat, in their order"},
        {"sorts-options", "content comes back as it went: two hundred options"},
        {"drops-backslashes", "content comes back as it went: quotes, backslashes and percent signs"},
        {"takes-values-for-comments", "content comes back as it went: values that look like something else"},
        {"knows-only-systemd", "content comes back as it went: sections and options that are not systemd's"},
        {"cuts-values", "content comes back as it went: an option line of 2047 bytes"},
        {"cuts-values", "a very long option line is taken whole or rejected"},
        {"adds-options", "applying again what is there changes nothing"},
        {"adds-options", "apply() replaces the content, also with fewer options"},
        {"keeps-the-state", "apply() sets the desired state of a unit that is there"},
        {"sets-nothing", "set_desired_state() sets each state, and again"},
        {"sets-what-is-absent", "set_desired_state() of an absent unit is not_found"},
        {"destroys-nothing", "destroy() destroys, and succeeds where there is nothing"},
        {"fails-to-destroy-nothing", "destroy() destroys, and succeeds where there is nothing"},
        {"throws-an-int", "destroy() destroys, and succeeds where there is nothing"},
        {"destroys-all", "other units are left as they are"},
        {"is-never-ready", "a launched unit becomes ready"},
        {"takes-any-version-for-ready", "status() is never ready for another version"},
        {"calls-other-versions-absent", "status() is never ready for another version"},
        {"takes-any-state-for-ready", "status() is never ready for another desired state"},
        {"waits-for-what-is-absent", "status() tells exactly what is absent"},
        {"keeps-to-itself", "instances see what other instances did"},
        {"cannot-do-two-at-once", "eight threads at once lose nothing"},
        {"ignores-stop", "a call that was stopped before ends at once"},
        {"ignores-the-deadline", "a call past its deadline ends at once"},
        {"rejects-when-out-of-reach", "out of reach, every call is an error"},
        {"believes-anything", "out of reach, every call is an error"},
        {"believes-anything", "where nobody listens, every call is unavailable"},
        {"believes-anything", "an answer that makes no sense is unavailable"},
        {"believes-anything", "a listing that is cut short is unavailable"},
        {"hangs", "where nobody answers, every call ends at its deadline"},
        {"hangs", "where nobody answers, every call ends when it is stopped"},
    };
    check_faults("target", faults, seen);
    seen.insert("nothing of the suite is left behind");  // shown below
    seen.insert("settings that make no sense are refused");
    check_all_seen("target", seen);
}

TEST_CASE("units that a target does not destroy are named", "[R7]") {
    const TempDir dir;
    ConformanceSuite suite(fixture("target-unfaithful"),
                           dir.write("suite.yaml", settings_with("target", "destroys-nothing")));
    CHECK(result_of(suite, "a launched unit becomes ready").verdict == Verdict::passed);
    const auto result = result_of(suite, "nothing of the suite is left behind");
    CHECK(result.verdict == Verdict::failed);
    CHECK(result.detail.find("to be destroyed by hand: conformance-") != std::string::npos);
}

TEST_CASE("whatever a source does wrong, a check of the suite fails", "[R7]") {
    std::set<std::string> seen;
    const Faults faults{
        {"has-no-revision", "a revision is one line of printable text"},
        {"has-a-long-revision", "a revision is one line of printable text"},
        {"always-gives", "what has not moved is not read again"},
        {"never-gives", "what has not moved is not read again"},
        {"takes-any-revision-for-known", "what has not moved is not read again"},
        {"has-many-revisions", "another instance knows the same revision"},
        {"reads-differently", "the same files, read again, are the same"},
        {"turns-the-answers-round", "files stand in the order in which they were asked for"},
        {"gives-a-file-too-few", "files stand in the order in which they were asked for"},
        {"reads-what-is-missing", "a file that is missing is not_found"},
        {"rejects-what-is-missing", "a file that is missing is not_found"},
        {"gives-something-for-nothing", "no files are an answer, too"},
        {"reads-outside", "nothing outside of the root is read"},
        {"is-unavailable-outside", "nothing outside of the root is read"},
        {"never-moves", "a change is seen, with another revision"},
        {"waits-too-long", "waiting for a change ends at the deadline, and when it is stopped"},
        {"throws-while-waiting", "waiting for a change ends at the deadline, and when it is stopped"},
        {"ignores-stop", "a call that was stopped before ends at once"},
        {"ignores-the-deadline", "a call past its deadline ends at once"},
        {"believes-anything", "out of reach, there is an error and no wanted state"},
        {"believes-anything", "where nobody listens, reading is unavailable"},
        {"believes-anything", "where nobody answers, reading ends at its deadline"},
        {"hangs", "where nobody answers, reading ends when it is stopped"},
        {"believes-anything", "an answer that makes no sense is unavailable"},
        {"believes-anything", "an answer that is cut short is unavailable"},
    };
    check_faults("source", faults, seen);
    for (const auto* of_all : {"settings that make no sense are refused", "settings that are missing are told as such",
                               "creating it asks nobody", "a hundred instances leave nothing behind"}) {
        seen.insert(of_all);
    }
    check_all_seen("source", seen);
}

TEST_CASE("whatever a cache does wrong, a check of the suite fails", "[R7]") {
    std::set<std::string> seen;
    const Faults faults{
        {"invents", "a document that was never stored is none"},
        {"fails-to-erase-nothing", "a document that was never stored is none"},
        {"stops-at-zeros", "a document comes back as it went, byte for byte"},
        {"keeps-the-end", "the document that was stored last is the one"},
        {"shortens-keys", "each key has a document of its own"},
        {"erases-all", "each key has a document of its own"},
        {"forgets", "documents outlive the instance"},
        {"leaves-nothing", "a document that is left beside is found, and is in nobody's way"},
        {"loses-the-former", "a document that is too large leaves the former one"},
        {"blames-people", "a document that is too large leaves the former one"},
        {"ignores-stop", "a call that was stopped before ends at once"},
        {"ignores-the-deadline", "a call past its deadline ends at once"},
        {"believes-anything", "out of reach, nothing is stored or loaded"},
        {"believes-anything", "where nobody listens, nothing is stored, loaded or erased"},
        {"erases-nothing", "where nobody listens, nothing is stored, loaded or erased"},
        {"hangs", "where nobody answers, calls end when they are stopped"},
        {"believes-anything", "where nobody answers, calls end at their deadline"},
    };
    check_faults("cache", faults, seen);
    for (const auto* of_all : {"settings that make no sense are refused", "settings that are missing are told as such",
                               "creating it asks nobody", "a hundred instances leave nothing behind"}) {
        seen.insert(of_all);
    }
    check_all_seen("cache", seen);
}

TEST_CASE("whatever a health plugin does wrong, a check of the suite fails", "[R7]") {
    std::set<std::string> seen;
    const Faults faults{
        {"rejects-when-out-of-reach", "out of reach, a service is unhealthy"},
        {"knows-no-check-when-out-of-reach", "out of reach, a service is unhealthy"},
        {"hangs", "where nobody answers, a check ends when it is stopped"},
        {"calls-all-healthy", "out of reach, a service is unhealthy"},
        {"calls-all-healthy", "an unhealthy service is unhealthy, with a reason"},
        {"calls-all-healthy", "a service that nobody runs is not healthy"},
        {"calls-all-healthy", "where nobody listens, a service is unhealthy"},
        {"calls-all-healthy", "where nobody answers, a service is unhealthy"},
        {"calls-all-healthy", "a service whose answer makes no sense is unhealthy"},
        {"says-nothing", "an unhealthy service is unhealthy, with a reason"},
        {"calls-others-ill", "a service without a check is not_checked"},
        {"cannot-do-two-at-once", "eight threads at once get their answers"},
        {"ignores-stop", "a call that was stopped before ends at once"},
        {"ignores-the-deadline", "a call past its deadline ends at once"},
    };
    check_faults("health", faults, seen);
    for (const auto* of_all : {"settings that make no sense are refused", "settings that are missing are told as such",
                               "creating it asks nobody", "a hundred instances leave nothing behind",
                               "a healthy service is healthy, each time"}) {
        seen.insert(of_all);
    }
    check_all_seen("health", seen);
}

TEST_CASE("a plugin that crashes fails the check in which it does, and the others go on", "[R7]") {
    const auto results = run_with_fault("target", "crashes");
    INFO(all_of(results));
    const auto ready = std::find_if(results.begin(), results.end(),
                                    [](const auto& result) { return result.name == "a launched unit becomes ready"; });
    REQUIRE(ready != results.end());
    CHECK(ready->verdict == Verdict::failed);
    CHECK(ready->detail.find("ended by signal 6") != std::string::npos);
    CHECK(names_of(results, Verdict::passed).contains("list() is complete"));
    CHECK(names_of(results, Verdict::passed).contains("destroy() destroys, and succeeds where there is nothing"));
}

TEST_CASE("a plugin that does not return fails the check in which it hangs", "[R7]") {
    const TempDir dir;
    const auto settings = dir.write("suite.yaml", settings_with("target", "ignores-stop"));
    const auto results = run(fixture("target-unfaithful"), settings, std::chrono::milliseconds(2'000));
    INFO(all_of(results));
    CHECK(names_of(results, Verdict::failed).contains("a call that was stopped before ends at once"));
    CHECK(results.back().name == "nothing of the suite is left behind");
}

TEST_CASE("a file that is no plugin fails the first check, which says why", "[R2]") {
    const TempDir dir;
    const auto settings = dir.write("suite.yaml", "settings: {}\n");
    for (const auto& file : {fixture("target-newer-major"), fixture("target-not-there")}) {
        const auto results = run(file, settings);
        REQUIRE(results.size() == 1);
        CHECK(results[0].verdict == Verdict::failed);
        CHECK(results[0].detail.find(file.string()) != std::string::npos);
    }
}

TEST_CASE("where no instance can be made, one check says why and the others are skipped", "[R7]") {
    const TempDir dir;
    const auto results = run(fixture("target-unfaithful"), dir.write("suite.yaml", "settings: {wher: here}\n"));
    INFO(all_of(results));
    CHECK(names_of(results, Verdict::failed) == std::set<std::string>{"the settings are accepted"});
}

TEST_CASE("a file of settings that makes no sense is refused with file, line and key", "[R6]") {
    const TempDir dir;
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"settigns: {}\n", "suite.yaml:1: settigns: unknown key; did you mean \"settings\"?"},
        {"prepare: 'true'\n", "suite.yaml:1: settings: is missing"},
        {"settings: 3\n", "suite.yaml:1: settings: "},
        {"settings: {}\ntimeout: soon\n", "suite.yaml:2: timeout: "},
        {"settings: {}\nprepar: x\n", "suite.yaml:2: prepar: unknown key; did you mean \"prepare\"?"},
        {"settings: {}\nprepare: exit 3\n", "the commands of prepare ended with status 3"},
        {"settings: {}\nservices: {good: x}\n", "suite.yaml:2: services.good: unknown key"},
    };
    for (const auto& [text, message] : wrong) {
        const auto file = dir.write("suite.yaml", text);
        try {
            (void)run(fixture("target-unfaithful"), file);
            FAIL_CHECK("accepted: " << text);
        } catch (const Error& error) {
            INFO(text << error.what());
            CHECK(std::string(error.what()).find(message) != std::string::npos);
            CHECK(error.kind() == ErrorKind::misconfigured);
        }
    }
}

TEST_CASE("results are written as TAP and as JUnit's XML", "[R7]") {
    const std::vector<CheckResult> results{{"one & \"two\"", Verdict::passed, ""},
                                           {"three #4", Verdict::failed, "a < b"},
                                           {"five", Verdict::skipped, "no settings"}};
    CHECK(
        conformance::write_tap(results) ==
        "TAP version 13\n1..3\nok 1 - one & \"two\"\nnot ok 2 - three \\#4\n# a < b\nok 3 - five # SKIP no settings\n");
    CHECK(conformance::write_junit(results, "target-foo") ==
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          "<testsuite name=\"target-foo\" tests=\"3\" failures=\"1\" skipped=\"1\">\n"
          "  <testcase classname=\"target-foo\" name=\"one &amp; &quot;two&quot;\"/>\n"
          "  <testcase classname=\"target-foo\" name=\"three #4\"><failure message=\"a &lt; b\"/></testcase>\n"
          "  <testcase classname=\"target-foo\" name=\"five\"><skipped message=\"no settings\"/></testcase>\n"
          "</testsuite>\n");
    CHECK(conformance::write_summary(results) == "1 passed, 1 failed, 1 skipped\n");
    CHECK_FALSE(conformance::all_passed(results));
}
