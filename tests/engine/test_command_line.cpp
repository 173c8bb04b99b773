#include "command_line.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace deployer;

namespace {

std::string complaint(const std::vector<std::string>& arguments) {
    try {
        (void)parse_command_line(arguments);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("each command takes its options, with and without an equals sign, in any order") {
    const auto plan = parse_command_line({"plan", "--output", "json", "--detailed-exitcode", "--config=a.yaml"});
    CHECK(plan.command == Command::plan);
    CHECK(plan.config == "a.yaml");
    CHECK(plan.json);
    CHECK(plan.detailed_exitcode);
    CHECK(parse_command_line({"once", "--config", "b.yaml"}).config == "b.yaml");
    CHECK(parse_command_line({"run", "-c", "b.yaml"}).config == "b.yaml");
    CHECK(parse_command_line({"once", "-cb.yaml", "--output=text"}).json == false);
    CHECK(parse_command_line({"plugins"}).config.empty());
    CHECK(parse_command_line({"--version"}).command == Command::version);
}

TEST_CASE("a command line that makes no sense says what is wrong and what to try") {
    CHECK(complaint({}) == "no command; try 'coco-fleet-deployer --help'");
    CHECK(complaint({"pln"}).find("unknown command 'pln', did you mean 'plan'?") == 0);
    CHECK(complaint({"once"}).find("once needs --config FILE") != std::string::npos);
    CHECK(complaint({"once", "--config"}).find("onfig") != std::string::npos);
    CHECK(complaint({"once", "--config", "a", "--output", "xml"}).find("text or json, not 'xml'") != std::string::npos);
    CHECK(complaint({"once", "--confg", "a"}).find("confg") != std::string::npos);
    CHECK(complaint({"once", "a.yaml"}).find("unexpected 'a.yaml'") == 0);
    CHECK(complaint({"once", "--config", "a", "--detailed-exitcode"}).find("detailed-exitcode") != std::string::npos);
    CHECK(complaint({"--config", "a", "once"}).find("the command comes first") == 0);
    CHECK(complaint({"version", "--config", "a"}).find("config") != std::string::npos);
}

TEST_CASE("the help of each command fits a screen") {
    for (const auto* command : {"run", "once", "plan", "validate", "plugins", "version"}) {
        const auto help = parse_command_line({command, "--help"}).help;
        INFO(help);
        CHECK(help.find(std::string("usage: coco-fleet-deployer ") + command) == 0);
        CHECK(std::count(help.begin(), help.end(), '\n') <= 24);
    }
    const auto overview = parse_command_line({"--help"}).help;
    CHECK(std::count(overview.begin(), overview.end(), '\n') <= 24);
}
