#include "support/catch.hpp"
#include "support/loaded_plugin.hpp"
#include "support/temp_dir.hpp"

#include <memory>
#include <string>

// Tests of the whole program rely on this fixture.

namespace deployer {
namespace {

std::shared_ptr<Target> recording(const std::string& yaml, const TempDir& dir) {
    return PluginHost({DEPLOYER_TEST_FIXTURES}).create_target("target-recording", settings_from(yaml, dir.path()));
}

const Unit foo{"foo@1.service", {{"Service", "ExecStart", "/bin/echo a\tb"}, {"X-Fleet", "Global", "true"}}, {}};

}  // namespace

TEST_CASE("the recording target writes down every call") {
    const TempDir dir;
    TestCall call;
    const auto target = recording("calls: calls.txt\n", dir);
    target->list(call);
    target->apply(foo, call);
    target->status(foo, call);
    target->set_desired_state(foo.name, DesiredState::loaded, call);
    target->destroy(foo.name, call);
    CHECK(dir.read("calls.txt") ==
          "list\napply foo@1.service\nstatus foo@1.service\nset_state foo@1.service loaded\ndestroy foo@1.service\n");
}

TEST_CASE("the recording target keeps its units from one process to the next") {
    const TempDir dir;
    TestCall call;
    recording("file: units.txt\n", dir)->apply(foo, call);
    const auto target = recording("file: units.txt\n", dir);
    const auto listed = target->list(call);
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].unit == foo);
    CHECK(target->status(foo, call).readiness == Readiness::ready);
    target->destroy(foo.name, call);
    CHECK(target->list(call).empty());
}

TEST_CASE("the recording target throws what a test wants, after writing down the call") {
    const TempDir dir;
    TestCall call;
    const auto rejecting = recording("calls: calls.txt\nthrow_on: apply\nthrow_kind: rejected\n", dir);
    CHECK_NOTHROW(rejecting->list(call));
    try {
        rejecting->apply(foo, call);
        FAIL("nothing was thrown");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::rejected);
    }
    CHECK(dir.read("calls.txt") == "list\napply foo@1.service\n");
    CHECK_THROWS_AS(recording("throw_on: list\n", dir)->list(call), Error);
    CHECK_THROWS_AS(recording("throw_on: list\nthrow_kind: int\n", dir)->list(call), int);
    CHECK_THROWS_AS(recording("throw_on: lists\n", dir), Error);
}

}  // namespace deployer
