#include "host/redaction.hpp"

#include "events/report.hpp"
#include "host/guard.hpp"
#include "plan/planner.hpp"
#include "support/catch.hpp"
#include "support/fake_target.hpp"
#include "support/holds.hpp"
#include "support/recording_log.hpp"
#include "support/thrown_error.hpp"
#include "support/world.hpp"

#include <deployer/unit_file.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace deployer;

namespace {

std::string shown(const std::string& option, const std::string& value) {
    return Redaction().shown(option, value);
}

}  // namespace

TEST_CASE("names are judged by the patterns, whatever their case, and as variables and as flags", "[R59]") {
    const Redaction redaction;
    for (const auto* name :
         {"DB_PASSWORD", "db_password", "PASSWORD", "CLIENT_SECRET_ID", "GITHUB_TOKEN", "API_KEY", "--password",
          "--db-password", "--api-key", "-eAPI_KEY", "-Ddb.api.key", "SetCredential"}) {
        INFO(name);
        CHECK(redaction.hides(name));
    }
    for (const auto* name : {"ExecStart", "Environment", "KEY_FILE", "MONKEY", "KEYS", "--env", "X-Fleet", ""}) {
        INFO(name);
        CHECK_FALSE(redaction.hides(name));
    }
    CHECK(Redaction({"PIN"}).hides("pin"));
    CHECK_FALSE(Redaction({"PIN"}).hides("DB_PASSWORD"));
    CHECK_FALSE(Redaction(std::vector<std::string>{}).hides("DB_PASSWORD"));
}

TEST_CASE("what is secret of a value is not shown, however it is written, and the rest is", "[R59]") {
    const std::vector<std::pair<std::string, std::string>> environments{
        {"DB_PASSWORD=hunter2", "DB_PASSWORD=***"},
        {"A=1 DB_PASSWORD=hunter2 B=2", "A=1 DB_PASSWORD=*** B=2"},
        {R"("A=1" "DB_PASSWORD=hun ter2" 'API_KEY=x"y' B=2)", R"("A=1" "DB_PASSWORD=***" 'API_KEY=***' B=2)"},
        {R"(DB_PASSWORD="hun ter2" B=2)", "DB_PASSWORD=*** B=2"},
        {R"("DB_PASSWORD=hun\"ter2" B=2)", R"("DB_PASSWORD=***" B=2)"},
        {R"(DB_PASSWORD=hun\ ter2 B=2)", "DB_PASSWORD=*** B=2"},
        {"DB_PASSWORD=hun  ter2 B=2", "DB_PASSWORD=*** B=2"},
        {R"(DB_PASSWORD=hun "ter 2" "B=2")", R"(DB_PASSWORD=*** "B=2")"},
        {R"("A=1 DB_PASSWORD=hun ter2" B=2)", R"("A=1 DB_PASSWORD=***" B=2)"},
        {"\"DB_PASSWORD=hun\nter2\" B=2", "\"DB_PASSWORD=***\" B=2"},
        {"DB_PASSWORD=it's hunter2 B=2", "DB_PASSWORD=***"},
        {R"("DB_PASSWORD=hunter2)", R"("DB_PASSWORD=***)"},
        {"export DB_PASSWORD=hunter2", "export DB_PASSWORD=***"},
        {"DB_PASSWORD=", "DB_PASSWORD=***"},
        {"A=1 \"B=it's fine\"", "A=1 \"B=it's fine\""},
    };
    for (const auto& [value, expected] : environments) {
        INFO(value);
        CHECK(shown("Environment", value) == expected);
    }
    const std::vector<std::pair<std::string, std::string>> commands{
        {"/bin/docker run -e DB_PASSWORD=hunter2 --env API_KEY='a b' coco/x:1",
         "/bin/docker run -e DB_PASSWORD=*** --env API_KEY=*** coco/x:1"},
        {R"(/bin/x --env="DB_PASSWORD=a b" --password=hunter2 --name=x)",
         R"(/bin/x --env="DB_PASSWORD=***" --password=*** --name=x)"},
        {"/bin/x -eDB_PASSWORD=hunter2 -Dapi.key=hunter2 -v", "/bin/x -eDB_PASSWORD=*** -Dapi.key=*** -v"},
        {"/bin/x --password hunter2 --token --verbose", "/bin/x --password *** --token --verbose"},
        {R"(/bin/sh -c 'export DB_PASSWORD=hunter2; exec run --name x')",
         "/bin/sh -c 'export DB_PASSWORD=*** exec run --name x'"},
        {R"-(/bin/sh -c "docker run -e \"API_KEY=$(etcdctl get /k)\" -p 80 coco/x")-",
         R"-(/bin/sh -c "docker run -e \"API_KEY=*** -p 80 coco/x")-"},
        {R"-(/bin/sh -c 'docker run -e "API_KEY=$(etcdctl get /k)" -p 80 coco/x')-",
         R"-(/bin/sh -c 'docker run -e "API_KEY=***" -p 80 coco/x')-"},
        {"/bin/sh -c 'API_KEY=$(etcdctl get /k) run -p 80'", "/bin/sh -c 'API_KEY=***'"},
        {"/bin/etcdctl get /password", "/bin/etcdctl get /password"},
        {R"(/bin/x "--password" "a b" --name y)", R"(/bin/x "--password" ***)"},
        {"/bin/x --password -hunter2 y", "/bin/x --password *** y"},
        {"/bin/docker run -e 'DB_PASSWORD'=hunter2 x", "/bin/docker run -e 'DB_PASSWORD'=***"},
        {"/bin/sh -c 'run DB_PASSWORD+=hunter2; API_KEY:=hunter2'", "/bin/sh -c 'run DB_PASSWORD+=*** API_KEY:=***'"},
        {"/bin/curl -H 'X-Token: hunter 2' -v http://h/", "/bin/curl -H 'X-Token: ***' -v http://h/"},
        {"/bin/curl -H X-Token:\\ hunter2 -v", "/bin/curl -H X-Token:*** -v"},
        {"/bin/curl -H X-Token:hunter2 -v", "/bin/curl -H X-Token:*** -v"},
        {"/bin/curl --header=X-Token:hunter2 -v", "/bin/curl --header=X-Token:*** -v"},
        {"/bin/curl -H 'X-Token:hunter 2' -v", "/bin/curl -H 'X-Token:***' -v"},
        {R"(/bin/curl -d '{"user": "x", "password" : "hunter2"}' http://h/)",
         R"(/bin/curl -d '{"user": "x", "password" : ***)"},
        {R"(/bin/curl -d "{\"password\":\"hunter2\"}")", R"(/bin/curl -d "{\"password\":***)"},
        {"/bin/docker run coco/token-service:v1 -p 80", "/bin/docker run coco/token-service:v1 -p 80"},
    };
    for (const auto& [value, expected] : commands) {
        INFO(value);
        CHECK(shown("ExecStart", value) == expected);
    }
    CHECK(shown("SetCredential", "db:hunter2") == "***");
}

TEST_CASE("no part of a secret is shown of any way to write it into a unit file", "[R59]") {
    const std::string secret = "Xq7";
    for (const auto* form :
         {"Environment=DB_PASSWORD=@", "Environment=\"DB_PASSWORD=@ @\"", "Environment='A=1' 'DB_PASSWORD=@'",
          "Environment=A=1 \\\n  DB_PASSWORD=@", "Environment=\"DB_PASSWORD=@ \\\n@\"",
          "Environment=DB_PASSWORD=@ \\\n  @", "ExecStart=/bin/x -e DB_PASSWORD=@",
          "ExecStart=/bin/x --env DB_PASSWORD=@ y", "ExecStart=/bin/x \\\n  --env \"DB_PASSWORD=@ @\"",
          "ExecStart=/bin/x --password=@", "ExecStart=/bin/x --password @",
          "ExecStart=/bin/sh -c \"export DB_PASSWORD='@ @'; run\"", "ExecStart=/bin/sh -c 'DB_PASSWORD=\"@ @\" run'",
          "ExecStartPre=-/bin/x -e DB_PASSWORD=@", "SetCredential=db:@"}) {
        std::string text = "[Service]\n" + std::string(form) + "\n";
        for (auto at = text.find('@'); at != std::string::npos; at = text.find('@')) text.replace(at, 1, secret);
        auto other = text;
        for (auto at = other.find(secret); at != std::string::npos; at = other.find(secret))
            other.replace(at, 3, "Zw9k");
        INFO(text);
        const WantedState wanted{{"r"}, {{"foo.service", make_content(parse_unit_file(text))}}, {}, {}, {}};
        const ActualState actual{{{"foo.service", make_content(parse_unit_file(other))}}};
        const auto report = report_of(make_plan(wanted, actual, {}), wanted);
        const auto all = write_json(report) + write_table(report, "", false);
        CHECK_FALSE(holds(all, secret));
        CHECK_FALSE(holds(all, "Zw9k"));
        CHECK(
            (holds(all, "PASSWORD changed") || holds(all, "password changed") || holds(all, "SetCredential changed")));
    }
}

TEST_CASE("a plan says that a variable changed, beside what it shows", "[R26][R59]") {
    const auto plan_of = [](const std::string& from, const std::string& to) {
        const WantedState wanted{{"r"}, {{"foo.service", make_content({{"Service", "Environment", to}})}}, {}, {}, {}};
        const ActualState actual{{{"foo.service", make_content({{"Service", "Environment", from}})}}};
        const auto plan = make_plan(wanted, actual, {});
        REQUIRE(plan.changes.size() == 1);
        return plan.changes.front();
    };
    CHECK(plan_of("DB_PASSWORD=a", "DB_PASSWORD=b").reason == "[Service] Environment: DB_PASSWORD changed");
    CHECK(plan_of("A=1 DB_PASSWORD=a", "A=2 DB_PASSWORD=b").reason ==
          "[Service] Environment \"A=1 DB_PASSWORD=***\" -> \"A=2 DB_PASSWORD=***\", DB_PASSWORD changed");
    CHECK(plan_of("A=1 DB_PASSWORD=a", "A=2 DB_PASSWORD=a").reason ==
          "[Service] Environment \"A=1 DB_PASSWORD=***\" -> \"A=2 DB_PASSWORD=***\"");
    CHECK(plan_of("DB_PASSWORD=a", "\"DB_PASSWORD=a\"").reason ==
          "[Service] Environment \"DB_PASSWORD=***\" -> '\"DB_PASSWORD=***\"'");
    const auto both = plan_of("DB_PASSWORD=a API_KEY=a", "DB_PASSWORD=b API_KEY=b");
    CHECK(both.differences.front().hidden == std::vector<std::string>{"API_KEY", "DB_PASSWORD"});
    CHECK(both.differences.front().from == "DB_PASSWORD=*** API_KEY=***");
}

TEST_CASE("what a plugin says has no secrets in it, neither by name nor by value", "[R59]") {
    std::stop_source shutdown;
    Watchdog watchdog{{}, shutdown.get_token(), [](const std::string&) {}};
    const auto fake = std::make_shared<FakeTarget>();
    const auto target = guard(fake, "target-fake", watchdog);
    RecordingLog log;
    const Unit unit{"foo.service", {{"Service", "Environment", "\"DB_PASSWORD=hunter2 and more\""}}};
    const auto says_all = [](const Unit&, const UnitStatus&) {
        return UnitStatus{Readiness::waiting, "exited: --password=hunter2, \"hunter2 and more\" is no password"};
    };
    fake->judge = says_all;
    const Call call{std::chrono::steady_clock::now() + std::chrono::seconds(5), {}, log};
    CHECK(target->status(unit, call).detail == "exited: --password=*** \"***\" is no password");
    fake->before = [](const std::string&) {
        throw Error(ErrorKind::rejected, "bad line Environment=\"DB_PASSWORD=hunter2 and more\"")
            .with_retry_after(std::chrono::seconds(7));
    };
    const auto error = thrown_by([&] { target->apply(unit, call); });
    CHECK(std::string(error.what()) == "cannot apply foo.service: bad line Environment=\"DB_PASSWORD=***\"");
    CHECK(error.retry_after() == std::chrono::seconds(7));
}

TEST_CASE("what a plugin says has no secret in it that it writes otherwise than the unit file", "[R59]") {
    const Redaction redaction;
    const auto said = [&](const std::string& option, const std::string& value, const std::string& text) {
        const std::vector<UnitOption> options{{"Service", option, value}};
        return redaction.message(text, redaction.secrets_in(options));
    };
    CHECK(said("Environment", R"("DB_PASSWORD=hun\"ter2%%")", R"(bad value hun"ter2%)") == "bad value ***");
    CHECK(said("Environment", "DB_PASSWORD='hunter2 Xq7Zw9k'", "no user Xq7Zw9k, no host hunter2") ==
          "no user ***, no host ***");
    CHECK(said("SetCredential", "db:hunter2", "refused: hunter2") == "refused: ***");
    CHECK(said("ExecStart", "/bin/x --password 'hunter 2'", "x says: hunter 2 is short") == "x says: *** is short");
    CHECK(said("Environment", R"(DB_PASSWORD=hun\x74er\0622)", "bad value hunter22") == "bad value ***");
    CHECK(said("Environment", R"("DB_PASSWORD=hun\tter2")", "bad value hun\tter2") == "bad value ***");
    CHECK(said("Environment", R"('DB_PASSWORD=hun"ter2%%x')", R"(bad value hun"ter2%x)") == "bad value ***");
    CHECK(said("Environment", R"("DB_PASSWORD=hun\"ter2%%x")", R"(bad value hun"ter2%%x)") == "bad value ***");
    CHECK(said("ExecStart", R"(/bin/curl -d '{"password":"hunter2","a":1}' h)", "hunter2 is short") == "*** is short");
    CHECK(said("ExecStart", "/bin/curl -H X-Token:hunter2 h", "hunter2 is short") == "*** is short");
    CHECK(said("Environment", "DB_PASSWORD=abc", "abc of abcdef") == "abc of abcdef");
    CHECK(said("ExecStart", "/bin/x", "target.token: is missing") == "target.token: is missing");
    CHECK(said("ExecStart", "/bin/x", R"(answered {"password":"hunter2"})") == R"(answered {"password":***)");
}

TEST_CASE("a target's word on a unit has no secret of the unit in it, whatever the call", "[R59]") {
    std::stop_source shutdown;
    Watchdog watchdog{{}, shutdown.get_token(), [](const std::string&) {}};
    const auto fake = std::make_shared<FakeTarget>();
    const auto target = guard(fake, "target-fake", watchdog);
    RecordingLog log;
    const Call call{std::chrono::steady_clock::now() + std::chrono::seconds(5), {}, log};
    const auto unit = [](const std::string& secret) {
        return Unit{"foo.service", {{"Service", "Environment", "DB_PASSWORD=" + secret}}};
    };
    fake->put(unit("hunter2"));
    (void)target->list(call);
    fake->before = [](const std::string&) { throw Error(ErrorKind::rejected, "had hunter2, gets Xq7Zw9k"); };
    const auto said = [](auto&& make) { return std::string(thrown_by(make).what()); };
    CHECK(said([&] { target->destroy("foo.service", call); }) == "cannot destroy foo.service: had ***, gets Xq7Zw9k");
    CHECK(said([&] { target->apply(unit("Xq7Zw9k"), call); }) == "cannot apply foo.service: had ***, gets ***");
    CHECK(said([&] { target->set_desired_state("foo.service", DesiredState::loaded, call); }) ==
          "cannot set foo.service to loaded: had ***, gets ***");
    CHECK(said([&] { (void)target->status(unit("Xq7Zw9k"), call); }) ==
          "cannot tell the status of foo.service: had ***, gets ***");
    CHECK(said([&] { (void)target->list(call); }) == "cannot list the units: had ***, gets ***");
}

TEST_CASE("an error in a unit file quotes nothing that may be the rest of a secret", "[R17][R59]") {
    World world;
    world.settle();
    for (const auto* const text :
         {"[Service]\nEnvironment=\"DB_PASSWORD=Xq7\nXq7 Xq7\"\n", "[Service]\nEnvironment=DB_PASSWORD=Xq7 \\\n",
          "[Service]\nEnvironment=\"DB_PASSWORD=Xq7\n[Xq7\"\n", "[Service]\nDB_PASSWORD Xq7\n",
          "[Service]\nEnvironment=\"DB_PASSWORD=Xq7 \\\n#Xq7\"\n"}) {
        world.source->put("bar.service", text);
        const auto report = world.cycle();
        INFO(text);
        REQUIRE(report.held.size() == 1);
        CHECK_FALSE(holds(write_json(report), "Xq7"));
    }
}
