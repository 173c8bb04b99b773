#include "cli/go_flags.hpp"

#include "cli/command_line.hpp"
#include "config/config.hpp"
#include "support/catch.hpp"
#include "support/thrown_error.hpp"

#include <map>
#include <string>
#include <vector>

using namespace deployer;

namespace {

Environment environment_of(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
}

GoFlags flags_of(const std::vector<std::string>& arguments, const Environment& environment = environment_of({})) {
    return read_go_flags(split_go_flags(arguments).flags, environment);
}

std::string refusal_of(const std::vector<std::string>& arguments, const Environment& environment = environment_of({})) {
    try {
        (void)flags_of(arguments, environment);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("the Go deployer's flags come in each of Go's forms") {
    const auto* const destroy = GENERATE("-destroy", "--destroy", "-destroy=true", "--destroy=1", "-destroy=T");
    const auto flags = flags_of({"-fleetEndpoint=http://1.2.3.4:49153", "--rootURI", "https://example.test/files/",
                                 destroy, "-socksProxy", "127.0.0.1:2323", "-no-of-secs-to-sleep-before-restart=5"});
    CHECK(flags.fleet_endpoint == "http://1.2.3.4:49153");
    CHECK(flags.root_uri == "https://example.test/files/");
    CHECK(flags.destroy);
    CHECK(flags.socks_proxy == "127.0.0.1:2323");
    CHECK(flags.seconds_before_restart == 5);
    CHECK_FALSE(flags.is_debug);
    CHECK(flags.etcd_url == "http://localhost:2379");
}

TEST_CASE("the last of a repeated flag counts, and the other words stay in order") {
    const auto line =
        split_go_flags({"plan", "-fleetEndpoint=a", "--output", "json", "-rootURI=b", "-fleetEndpoint=c"});
    CHECK(read_go_flags(line.flags, environment_of({})).fleet_endpoint == "c");
    CHECK(line.others == std::vector<std::string>{"plan", "--output", "json"});
}

TEST_CASE("each flag can come from the environment, and the command line goes before it") {
    const auto environment = environment_of({{"FLEET_ENDPOINT", "http://env:49153"},
                                             {"ROOT_URI", "https://env/"},
                                             {"DESTROY", "true"},
                                             {"IS_DEBUG", "true"},
                                             {"ETCD_URL", "http://env:2379"},
                                             {"HEALTH_URL_PREFIX", "http://env:8080"},
                                             {"HEALTH_ENDPOINT", "health"},
                                             {"SERVICE_NAME_PREFIX", "_"},
                                             {"SOCKS_PROXY", "env:1080"},
                                             {"NO_OF_SECS_TO_SLEEP_BEFORE_RESTART", "7"}});
    auto flags = flags_of({}, environment);
    CHECK(flags.fleet_endpoint == "http://env:49153");
    CHECK(flags.root_uri == "https://env/");
    CHECK(flags.destroy);
    CHECK(flags.is_debug);
    CHECK(flags.etcd_url == "http://env:2379");
    CHECK(flags.health_url_prefix == "http://env:8080");
    CHECK(flags.health_endpoint == "health");
    CHECK(flags.service_name_prefix == "_");
    CHECK(flags.socks_proxy == "env:1080");
    CHECK(flags.seconds_before_restart == 7);
    flags = flags_of({"-destroy=false", "-fleetEndpoint=http://flag:49153"}, environment);
    CHECK_FALSE(flags.destroy);
    CHECK(flags.fleet_endpoint == "http://flag:49153");
    SECTION("an empty value is none, as when a container passes on what is not set") {
        CHECK(flags_of({"-isDebug=", "-etcd-url="}, environment).etcd_url == "http://env:2379");
    }
}

TEST_CASE("without flag and variable there is nothing of the Go deployer") {
    const auto line = split_go_flags({"plan", "--config", "x"});
    CHECK(line.flags.empty());
    CHECK(line.others == std::vector<std::string>{"plan", "--config", "x"});
    CHECK(split_go_flags({"-help"}).help);
    CHECK_FALSE(asks_for_go_flags(environment_of({{"ROOT_URI", ""}, {"DESTROY", "true"}})));
    CHECK(asks_for_go_flags(environment_of({{"ROOT_URI", "x"}})));
}

TEST_CASE("a flag that cannot be meant is refused in words") {
    CHECK(refusal_of({"-fleetEndpoint=x"}) == "-rootURI is missing (or ROOT_URI in the environment); try '-help'");
    CHECK(refusal_of({"-rootURI=x"}) ==
          "-fleetEndpoint is missing (or FLEET_ENDPOINT in the environment); try '-help'");
    CHECK(refusal_of({"-rootURI"}) == "-rootURI needs a value; try '-help'");
    CHECK(refusal_of({"-fleetEndpoint=x", "-rootURI=y", "-destroy=yes"}) ==
          "-destroy is true or false, not 'yes'; try '-help'");
    CHECK(refusal_of({"-fleetEndpoint=x", "-rootURI=y", "-no-of-secs-to-sleep-before-restart=1m"}) ==
          "-no-of-secs-to-sleep-before-restart is a number of seconds, not '1m'; try '-help'");
    CHECK(refusal_of({"-fleetEndpoint=x", "-destroy", "true", "-rootURI=y"}) ==
          "-destroy takes its value behind '=': -destroy=true; try '-help'");
    CHECK(refusal_of({"-fleetEndpoint=x", "-rootURI=y"}, environment_of({{"DESTROY", "yes"}})) ==
          "DESTROY is true or false, not 'yes'; try '-help'");
}

TEST_CASE("a value that swallowed the flags behind it is refused, and not shown") {
    CHECK(refusal_of({"-fleetEndpoint=http://bob:hunter2@h -rootURI=y -destroy=true"}) ==
          "-fleetEndpoint has a value with \" -\" in it: is a quote in the wrong place? try '-help'");
}

TEST_CASE("what is wrong with the configuration behind the flags is said of the flag") {
    GoFlags flags;
    flags.etcd_url = "etcd:2379";
    const auto error =
        thrown_by([&] { (void)read_config(write_config(flags, "/x"), std::string(go_flags_origin), "/"); });
    CHECK(in_terms_of_flags(error.what()) == "-etcd-url: has to begin with http:// or https://");
    CHECK(in_terms_of_flags("cannot set up plugin x: the flags:4: source.root_uri: is not a url") ==
          "-rootURI: is not a url");
    CHECK(in_terms_of_flags("the flags:9: target.socks_proxy: must be host:port: really") ==
          "-socksProxy: must be host:port: really");
    for (const std::string other :
         {"config.yaml:4: source.root_uri: is not a url", "the flags:4: cache.path: no", ""}) {
        CHECK(in_terms_of_flags(other) == other);
    }
}

TEST_CASE("the flags amount to a configuration that is read as any other") {
    GoFlags flags;
    flags.fleet_endpoint = "http://1.2.3.4:49153";
    flags.root_uri = "http://it's.example.test/files/";
    flags.destroy = true;
    flags.socks_proxy = "127.0.0.1:2323";
    flags.seconds_before_restart = 5;
    flags.is_debug = true;
    const auto text = write_config(flags, "/var/lib/x");
    INFO(text);
    const auto config = read_config(text, "flags", "/");
    CHECK(config.source.plugin == "source-github");
    CHECK(config.source.settings.text("root_uri") == flags.root_uri);
    CHECK(config.source.settings.boolean("allow_http"));
    CHECK(config.source.settings.text("socks_proxy") == "127.0.0.1:2323");
    CHECK(config.target.plugin == "target-fleet");
    CHECK(config.target.settings.text("endpoint") == flags.fleet_endpoint);
    CHECK(config.cache.settings.text("path") == "/var/lib/x");
    CHECK(config.plan.destroy);
    CHECK(config.on_failure == OnFailure::exit);
    CHECK(config.exit_pause == std::chrono::seconds(5));
    CHECK(config.log_level == LogLevel::debug);
    REQUIRE(config.settings_from);
    CHECK(config.settings_from->etcd == "http://localhost:2379");
    CHECK(config.settings_from->prefix == "/ft/config/deployer");
}

TEST_CASE("state is kept where the system has a place for it") {
    CHECK(default_state_directory(environment_of({{"STATE_DIRECTORY", "/var/lib/a:/var/lib/b"}}), false) ==
          "/var/lib/a");
    CHECK(default_state_directory(environment_of({{"HOME", "/root"}}), true) == "/var/lib/coco-fleet-deployer");
    CHECK(default_state_directory(environment_of({{"HOME", "/home/x"}}), false) ==
          "/home/x/.local/state/coco-fleet-deployer");
    CHECK(default_state_directory(environment_of({{"XDG_STATE_HOME", "/s"}, {"HOME", "/home/x"}}), false) ==
          "/s/coco-fleet-deployer");
}
