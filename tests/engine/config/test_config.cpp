#include "config/config.hpp"

#include "support/catch.hpp"
#include "support/temp_dir.hpp"

#include <string>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

const std::string plugins_text =
    "source: {plugin: source-file, path: x}\ntarget: {plugin: target-mock}\ncache: {plugin: cache-file}\n";

Config read(const std::string& text) {
    return read_config(text, "test.yaml", "/etc/deployer");
}

std::string complaint(const std::string& text) {
    try {
        (void)read(text);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::misconfigured);
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a configuration that names three plugins gets the documented defaults", "[R6]") {
    const auto config = read(plugins_text);
    CHECK(config.source.plugin == "source-file");
    CHECK(config.interval == 60s);
    CHECK_FALSE(config.plan.destroy);
    CHECK(config.plan.max_destroy.amount == 50);
    CHECK(config.plan.max_destroy.percentage);
    CHECK(config.plan.max_destroy.least == 5);
    CHECK(config.rollout.parallelism == 8);
    CHECK(config.rollout.timeout == 5min);
    CHECK(config.rollout.poll == 5s);
    CHECK(config.rollout.on_timeout == OnTimeout::halt);
    CHECK(config.on_failure == OnFailure::retry);
    CHECK(config.drift == Drift::ignore);
    CHECK_FALSE(config.on_start);
    CHECK_FALSE(config.health);
}

TEST_CASE("every key of a configuration is taken over", "[R6]") {
    const auto config = read(
        "source: {plugin: a}\ntarget: {plugin: b}\ncache: {plugin: c, on_start: reuse}\nhealth: {plugin: d}\n"
        "reconcile: {interval: 5s, destroy: true, parallelism: 2, max_destroy: 7, max_destroy_least: 2, protected: "
        "[\"x*\"],\n"
        "  rollout: {timeout: 1m, poll: 100ms, on_timeout: continue}, on_failure: exit, exit_pause: 1s, drift: heal,\n"
        "  resync_interval: 2h, call_timeout: 3s, call_grace: 4s}\n"
        "plugins: {path: [more, /abs]}\nlog: {level: debug, format: json}\n");
    CHECK(config.health->plugin == "d");
    CHECK(config.on_start == OnStart::reuse);
    CHECK(config.interval == 5s);
    CHECK(config.plan.destroy);
    CHECK(config.plan.max_destroy.amount == 7);
    CHECK(config.plan.max_destroy.least == 2);
    CHECK_FALSE(config.plan.max_destroy.percentage);
    CHECK(config.plan.protected_globs == std::vector<std::string>{"x*"});
    CHECK(config.rollout.parallelism == 2);
    CHECK(config.rollout.timeout == 1min);
    CHECK(config.rollout.poll == 100ms);
    CHECK(config.rollout.on_timeout == OnTimeout::go_on);
    CHECK(config.on_failure == OnFailure::exit);
    CHECK(config.exit_pause == 1s);
    CHECK(config.drift == Drift::heal);
    CHECK(config.resync_interval == 2h);
    CHECK(config.call_timeout == 3s);
    CHECK(config.call_grace == 4s);
    CHECK(config.plugin_path == std::vector<std::filesystem::path>{"/etc/deployer/more", "/abs"});
    CHECK(config.log_level == LogLevel::debug);
    CHECK(config.log_json);
}

TEST_CASE("a mistake in a configuration is named with file, line and dotted path", "[R6]") {
    CHECK(complaint("").find("test.yaml") == 0);
    CHECK(complaint("source: {plugin: a}\ntarget: {plugin: b}\n").find("cache: is missing") != std::string::npos);
    CHECK(complaint("sorce: {plugin: a}\ntarget: {plugin: b}\ncache: {plugin: c}\n").find("test.yaml:1: sorce: ") == 0);
    CHECK(complaint("sorce: {plugin: a}\n").find("source") != std::string::npos);
    CHECK(complaint("source: {plgin: a}\ntarget: {plugin: b}\ncache: {plugin: c}\n") ==
          "test.yaml:1: source.plgin: unknown key; did you mean \"plugin\"?");
    CHECK(complaint("source: {path: a}\ntarget: {plugin: b}\ncache: {plugin: c}\n").find("source.plugin: is missing") !=
          std::string::npos);
    const auto reconcile = [](const std::string& text) {
        return complaint(plugins_text + "reconcile:\n  " + text + "\n");
    };
    CHECK(reconcile("destory: true").find("test.yaml:5: reconcile.destory: ") == 0);
    CHECK(reconcile("destory: true").find("destroy") != std::string::npos);
    CHECK(reconcile("interval: soon").find("test.yaml:5: reconcile.interval: ") == 0);
    CHECK(reconcile("interval: 0").find("reconcile.interval: ") != std::string::npos);
    CHECK(reconcile("destroy: maybe").find("reconcile.destroy: ") != std::string::npos);
    CHECK(reconcile("max_destroy: half").find("reconcile.max_destroy: \"half\" is neither") != std::string::npos);
    CHECK(reconcile("max_destroy: 101%").find("at most 100%") != std::string::npos);
    CHECK(reconcile("max_destroy_least: -1").find("reconcile.max_destroy_least") != std::string::npos);
    CHECK(reconcile("max_destroy: -1").find("reconcile.max_destroy: ") != std::string::npos);
    for (const std::string many : {"1234567890", "99999999999999999999"}) {
        CHECK(reconcile("max_destroy: " + many).find("\"" + many + "\" is more than 999999999") != std::string::npos);
        CHECK(reconcile("max_destroy: " + many + "%").find("at most 100%") != std::string::npos);
    }
    CHECK(reconcile("max_destroy: [1]").find("must be a count or a percentage, not a list") != std::string::npos);
    CHECK(reconcile("max_destroy: \"\\e[31m5\"").find("\"\\x1b[31m5\" is neither") != std::string::npos);
    CHECK(reconcile("parallelism: 0").find("reconcile.parallelism: ") != std::string::npos);
    CHECK(reconcile("rollout: {on_timeout: rollbak}").find("reconcile.rollout.on_timeout: ") != std::string::npos);
    CHECK(reconcile("rollout: {pol: 1s}").find("reconcile.rollout.pol: ") != std::string::npos);
    CHECK(reconcile("destroy: true\n  destroy: false").find("destroy") != std::string::npos);
    CHECK(complaint(plugins_text + "log: {level: loud}\n").find("test.yaml:4: log.level: ") == 0);
}

TEST_CASE("a configuration that cannot be read says why", "[R6]") {
    const TempDir dir;
    const auto complain = [](const std::filesystem::path& file) {
        try {
            (void)read_config_file(file);
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(complain(dir.path() / "none.yaml").find("No such file or directory") != std::string::npos);
    CHECK(complain(dir.path()).find("it is not a file") != std::string::npos);
    dir.write("large.yaml", std::string(2U << 20U, '#'));
    CHECK(complain(dir.path() / "large.yaml").find("larger than 1 MiB") != std::string::npos);
    // A file whose size is 0 by the file system, and whose first byte cannot be read.
    CHECK(complain("/proc/self/mem") == "cannot read the configuration /proc/self/mem: Input/output error");
}

TEST_CASE("the fingerprint moves with the source and the policy, and with nothing else", "[R31]") {
    const auto fingerprint = read(plugins_text).fingerprint;
    CHECK(read(plugins_text + "log: {level: debug}\n").fingerprint == fingerprint);
    CHECK(read(plugins_text + "reconcile: {destroy: true}\n").fingerprint != fingerprint);
    CHECK(read("source: {plugin: source-file, path: y}\ntarget: {plugin: target-mock}\ncache: {plugin: cache-file}\n")
              .fingerprint != fingerprint);
}
