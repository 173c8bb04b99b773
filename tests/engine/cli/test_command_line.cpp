#include "cli/command_line.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace deployer;

namespace {

Invocation parse(const std::vector<std::string>& arguments) {
    return parse_command_line(arguments, [](const std::string&) { return std::optional<std::string>(); });
}

std::string complaint(
    const std::vector<std::string>& arguments,
    const Environment& environment = [](const std::string&) { return std::nullopt; }) {
    try {
        (void)parse_command_line(arguments, environment);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("each command takes its options, with and without an equals sign, in any order") {
    const auto plan = parse({"plan", "--output", "json", "--detailed-exitcode", "--config=a.yaml"});
    CHECK(plan.command == Command::plan);
    CHECK(plan.config == "a.yaml");
    CHECK(plan.is_json());
    CHECK(plan.detailed_exitcode);
    CHECK(parse({"once", "--config", "b.yaml"}).config == "b.yaml");
    CHECK(parse({"run", "-c", "b.yaml"}).config == "b.yaml");
    CHECK(parse({"once", "-cb.yaml", "--output=text"}).is_json() == false);
    CHECK(parse({"plugins"}).config.empty());
    CHECK(parse({"--version"}).command == Command::version);
}

TEST_CASE("a command line that makes no sense says what is wrong and what to try") {
    CHECK(complaint({}) == "no command; try 'coco-fleet-deployer --help'");
    CHECK(complaint({"pln"}).find("unknown command 'pln', did you mean 'plan'?") == 0);
    CHECK(complaint({"once"}).find("once needs --config FILE") != std::string::npos);
    CHECK(complaint({"once", "--config"}).find("'--config' needs a value") == 0);
    CHECK(complaint({"once", "--config", "a", "-o"}).find("'-o' needs a value") == 0);
    CHECK(complaint({"once", "--config", "a", "--output", "xml"}).find("text or json, not 'xml'") != std::string::npos);
    CHECK(complaint({"once", "--confg", "a"}) ==
          "unknown option '--confg', did you mean '--config'?; try 'coco-fleet-deployer once --help'");
    CHECK(complaint({"once", "a.yaml"}).find("unexpected 'a.yaml'") == 0);
    CHECK(complaint({"once", "--config", "a", "--detailed-exitcode"}).find("detailed-exitcode") != std::string::npos);
    CHECK(complaint({"--config", "a", "once"}).find("the command comes first") == 0);
    CHECK(complaint({"version", "--config", "a"}).find("config") != std::string::npos);
    CHECK(complaint({"--version", "extra"}).find("unexpected 'extra'") == 0);
    CHECK(complaint({"help", "plan", "extra"}).find("unexpected 'extra'") == 0);
    CHECK(complaint({"help", "pln"}).find("unknown command 'pln', did you mean 'plan'?") == 0);
    CHECK(complaint({"once", "--config", "a", "--"}).find("unknown option '--'") == 0);
}

TEST_CASE("an option is only taken by its whole name") {
    for (const std::string option : {"--c", "--conf", "--Config"}) {
        CHECK(complaint({"once", option, "a"}).find("unknown option '" + option + "'") == 0);
        CHECK(complaint({"once", option + "=a"}).find("unknown option '" + option + "'") == 0);
    }
    CHECK(complaint({"plan", "--config", "a", "--d"}).find("unknown option '--d'") == 0);
    // The value of an option may look like an option.
    CHECK(parse({"once", "--config", "--conf"}).config == "--conf");
}

TEST_CASE("help COMMAND is that command's help") {
    CHECK(parse({"help", "plan"}).help == parse({"plan", "--help"}).help);
    CHECK(parse({"help"}).help == parse({"--help"}).help);
}

TEST_CASE("the help of each command fits a screen") {
    for (const auto* command : {"run", "once", "plan", "validate", "config", "plugins", "version"}) {
        const auto help = parse({command, "--help"}).help;
        INFO(help);
        CHECK(help.find(std::string("usage: coco-fleet-deployer ") + command) == 0);
        CHECK(std::count(help.begin(), help.end(), '\n') <= 24);
    }
    const auto overview = parse({"--help"}).help;
    CHECK(std::count(overview.begin(), overview.end(), '\n') <= 24);
}

TEST_CASE("the Go deployer's flags stand alone for run, or go with a command, and need no file") {
    const auto alone = parse({"-fleetEndpoint=http://h:49153", "-rootURI=https://example.test/"});
    CHECK(alone.command == Command::run);
    CHECK(alone.config_text.find("endpoint: 'http://h:49153'") != std::string::npos);
    const auto plan =
        parse({"plan", "--output=json", "-fleetEndpoint", "http://h:49153", "-rootURI=https://example.test/"});
    CHECK(plan.command == Command::plan);
    CHECK(plan.is_json());
    CHECK_FALSE(plan.config_text.empty());
    CHECK(parse({"-help"}).help.find("-no-of-secs-to-sleep-before-restart") != std::string::npos);
    const auto from_environment = parse_command_line({}, [](const std::string& name) {
        return name == "FLEET_ENDPOINT" || name == "ROOT_URI" ? std::optional<std::string>("http://h") : std::nullopt;
    });
    CHECK(from_environment.command == Command::run);
    CHECK_FALSE(from_environment.config_text.empty());
}

TEST_CASE("half of the Go deployer's flags, or both ways to configure at once, are refused") {
    CHECK(complaint({"-rootURI=x"}).find("-fleetEndpoint is missing") != std::string::npos);
    CHECK(complaint({"plan", "--config", "a.yaml", "-fleetEndpoint=x", "-rootURI=y"})
              .find("either --config or the Go deployer's flags") != std::string::npos);
}

TEST_CASE("a misspelt flag is named as it was typed, with the one that was meant and the help that tells of it") {
    CHECK(complaint({"-fleetEndpint=x"}) ==
          "unknown flag '-fleetEndpint', did you mean '-fleetEndpoint'?; try 'coco-fleet-deployer -help'");
    CHECK(complaint({"-xyzzy=x"}) == "unknown flag '-xyzzy'; try 'coco-fleet-deployer -help'");
    const std::vector<std::string> others{"-fleetEndpoint=x", "-rootURI=y"};
    for (const std::string word : {"-destory=true", "-helth-endpoint=x", "--root-url=x"}) {
        const auto said = complaint({"plan", others[0], word, others[1]});
        INFO(said);
        CHECK(said.find("unknown option '" + word.substr(0, word.find('=')) + "', did you mean '-") == 0);
        CHECK(said.find("; try 'coco-fleet-deployer -help'") != std::string::npos);
    }
    CHECK(complaint({"plan", "-xyzzy=x"}) == "unknown option '-xyzzy'; try 'coco-fleet-deployer plan --help'");
    CHECK(complaint({"plan", "-config=a.yaml"}) ==
          "unknown option '-config', did you mean '--config'?; try 'coco-fleet-deployer plan --help'");
    CHECK(complaint({"-destroy", "true", others[0], others[1]}).find("-destroy=true") != std::string::npos);
}

TEST_CASE("a strange variable of the environment disturbs only what would be configured by it") {
    const auto environment = [](const std::string& name) -> std::optional<std::string> {
        return name == "DESTROY" ? "yes" : name == "FLEET_ENDPOINT" || name == "ROOT_URI" ? "http://h" : "";
    };
    for (const auto& arguments : std::vector<std::vector<std::string>>{
             {"version"}, {"--help"}, {"plan", "--help"}, {"plugins"}, {"plan", "--config", "a.yaml"}}) {
        CHECK(complaint(arguments, environment).empty());
    }
    CHECK(complaint({"plan"}, environment).find("DESTROY is true or false, not 'yes'") == 0);
    // An empty --config is an error: the environment's flags must not be used in its place.
    CHECK(complaint({"plan", "--config", ""}, environment).find("names no file") != std::string::npos);
    CHECK(complaint({"plan", "--config="}, environment).find("config") != std::string::npos);
}

TEST_CASE("the help of a command that needs a configuration tells of the flags") {
    for (const auto* command : {"run", "plan", "config"}) {
        CHECK(parse({command, "--help"}).help.find("'coco-fleet-deployer -help' shows the flags") != std::string::npos);
    }
    CHECK(parse({"version", "--help"}).help.find("-help' shows") == std::string::npos);
}

TEST_CASE("commands on a service take its name anywhere among their options") {
    const auto retry = parse({"retry", "foo", "--config", "c.yaml"});
    CHECK(retry.command == Command::retry);
    CHECK(retry.operand == "foo");
    const auto pause = parse({"pause", "--config=c.yaml", "--reason", "moving house", "foo"});
    CHECK(pause.operand == "foo");
    CHECK(pause.reason == "moving house");
    CHECK(parse({"pause", "-c", "c.yaml", "--reason=x"}).operand.empty());
    CHECK(parse({"resume", "-c", "c.yaml"}).command == Command::resume);
    CHECK(parse({"history", "-c", "c.yaml", "-o", "json"}).is_json());
    CHECK(parse({"status", "-c", "c.yaml"}).command == Command::status);

    CHECK(parse({"retry", "--all", "-c", "c.yaml"}).all);
    CHECK_FALSE(retry.all);
    CHECK(complaint({"retry", "-c", "c.yaml"}) ==
          "retry needs the name of a service, or --all; 'coco-fleet-deployer status' names those quarantined; try "
          "'coco-fleet-deployer retry --help'");
    CHECK(complaint({"retry", "--all", "foo", "-c", "c.yaml"}) ==
          "either 'foo' or --all, not both; try 'coco-fleet-deployer retry --help'");
    CHECK(complaint({"pause", "foo", "-c", "c.yaml"}) ==
          "pause needs --reason TEXT, which reports and status show; try 'coco-fleet-deployer pause --help'");
    CHECK(complaint({"retry", "foo", "bar", "-c", "c.yaml"}).rfind("unexpected 'bar'", 0) == 0);
    CHECK(complaint({"status", "foo", "-c", "c.yaml"}).rfind("unexpected 'foo'", 0) == 0);
}
