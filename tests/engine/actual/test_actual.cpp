#include "actual/actual.hpp"

#include "support/catch.hpp"

#include <string>

using namespace deployer;

namespace {

ActualUnit unit(const std::string& name, std::vector<UnitOption> options, DesiredState state = DesiredState::launched) {
    return {{name, std::move(options), state}, "launched"};
}

const std::vector<UnitOption> shared{{"Unit", "Description", "grüße \"x\" \\ \t /"}, {"Service", "ExecStart", ""}};

}  // namespace

TEST_CASE("a listing is put in numeric order, with one content for units that have the same", "[R21]") {
    const auto actual = actual_from({unit("foo@10.service", shared), unit("foo@2.service", shared)});
    REQUIRE(actual.units.size() == 2);
    CHECK(actual.units[0].name == "foo@2.service");
    CHECK(actual.units[0].content == actual.units[1].content);
}

TEST_CASE("a listing that names a unit twice is not believed", "[R7]") {
    try {
        (void)actual_from({unit("foo.service", shared), unit("bar.service", {}), unit("foo.service", {})});
        FAIL("it was believed");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(std::string(error.what()).find("foo.service twice") != std::string::npos);
    }
}

TEST_CASE("a snapshot comes back as it was", "[R30]") {
    const auto actual = actual_from({unit("a.service", shared, DesiredState::loaded), unit("b.service", shared),
                                     unit("c.timer", {}, DesiredState::inactive)});
    const auto back = read_snapshot(write_snapshot(actual, "fleet:prod"), "fleet:prod");
    REQUIRE(back);
    REQUIRE(back->units.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(back->units[i].name == actual.units[i].name);
        CHECK(back->units[i].desired_state == actual.units[i].desired_state);
        CHECK(back->units[i].content->options == actual.units[i].content->options);
        CHECK(back->units[i].content->digest == actual.units[i].content->digest);
    }
}

TEST_CASE("a snapshot of another target, or cut anywhere, is none", "[R30]") {
    const auto document = write_snapshot(actual_from({unit("a.service", shared)}), "fleet:prod");
    CHECK_FALSE(read_snapshot(document, "fleet:test"));
    for (std::size_t length = 0; length < document.size(); ++length) {
        CHECK_FALSE(read_snapshot(document.substr(0, length), "fleet:prod"));
    }
}
