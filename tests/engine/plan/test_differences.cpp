#include "plan/differences.hpp"
#include "support/catch.hpp"
#include "wanted/content.hpp"

using namespace deployer;

TEST_CASE("white space alone is no difference, and each option that differs is one", "[R16][R26]") {
    const auto before = make_content({{"Service", "ExecStart", "/bin/run  a"}, {"Service", "ExecStart", "/bin/run b"}});
    const auto after = make_content({{"Service", "ExecStart", "/bin/run a"}, {"Service", "ExecStart", "/bin/run c"}});
    const auto differences = differences_between(before->options, after->options);
    REQUIRE(differences.size() == 1);
    CHECK(differences[0] == OptionDifference{"Service", "ExecStart", "/bin/run b", "/bin/run c"});
    CHECK(make_content({{"A", "b", "x  y"}})->digest == make_content({{"A", "b", "x y"}})->digest);
}

TEST_CASE("the reason for an update names a few options, and the state where that changes", "[R26]") {
    Change update;
    update.desired_state = DesiredState::loaded;
    CHECK(describe_update(update) == "the order of options differs, desired state launched -> loaded");
    update.desired_state = DesiredState::launched;
    update.differences = {{"A", "b", {}, "1"}, {"A", "c", "1", {}}, {"A", "d", "1", "2"}, {"A", "e", "1", "2"}};
    CHECK(describe_update(update) == R"([A] b added, [A] c removed, [A] d "1" -> "2" and 1 more option)");
}
