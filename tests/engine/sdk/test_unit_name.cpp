#include "support/catch.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace deployer;

TEST_CASE("unit names are told from what is none") {
    for (const auto* const name :
         {"foo.service", "foo@.service", "foo@2.service", "foo-sidekick@2.service", "a.timer", "dev-disk\\x2d1.device",
          "a:b_c.d.socket", "x.mount", "x.automount", "x.swap", "x.target", "x.path", "x.slice", "x.scope",
          "x.snapshot", "x.busname", "foo@a@b.service", "foo@1.2.service"}) {
        INFO(name);
        CHECK(unit_name_problem(name) == std::nullopt);
    }
    CHECK(unit_name_problem("") == "is empty");
    CHECK(unit_name_problem("foo") == "does not end in a unit type such as .service or .timer");
    CHECK(unit_name_problem("foo.conf") == "does not end in a unit type such as .service or .timer");
    CHECK(unit_name_problem("foo.service.") == "does not end in a unit type such as .service or .timer");
    CHECK(unit_name_problem("foo.Service") == "does not end in a unit type such as .service or .timer");
    CHECK(unit_name_problem("service") == "does not end in a unit type such as .service or .timer");
    CHECK(unit_name_problem(".service") == "has nothing before its unit type");
    CHECK(unit_name_problem("@.service") == "starts with \"@\"");
    CHECK(unit_name_problem("@2.service") == "starts with \"@\"");
    CHECK(unit_name_problem("a/b.service") == "holds \"/\", which no unit name can");
    CHECK(unit_name_problem("../b.service") == "holds \"/\", which no unit name can");
    CHECK(unit_name_problem("a b.service") == "holds \" \", which no unit name can");
    CHECK(unit_name_problem("a%i.service") == "holds \"%\", which no unit name can");
    CHECK(unit_name_problem("a\n.service") == "holds \"\\x0a\", which no unit name can");
    CHECK(unit_name_problem(std::string("a\0.service", 10)) == "holds \"\\x00\", which no unit name can");
    CHECK(unit_name_problem("größe.service") == "holds \"öß\", which no unit name can");
    CHECK(unit_name_problem(std::string(248, 'a') + ".service") == std::nullopt);
    CHECK(unit_name_problem(std::string(249, 'a') + ".service") == "is longer than 256 characters");
}

TEST_CASE("the service of a unit is named by what stands before sidekick, instance and type") {
    CHECK(service_name("foo.service") == "foo");
    CHECK(service_name("foo@.service") == "foo");
    CHECK(service_name("foo@2.service") == "foo");
    CHECK(service_name("foo-sidekick@2.service") == "foo");
    CHECK(service_name("foo-sidekick.service") == "foo");
    CHECK(service_name("foo-sidekick-2@.service") == "foo");
    CHECK(service_name("foo-sidekick-sidekick@1.service") == "foo");
    CHECK(service_name("foo.bar.timer") == "foo.bar");
    CHECK(service_name("foo.timer") == "foo");
    CHECK(service_name("foo.bar") == "foo.bar");
    CHECK(service_name("").empty());
}

TEST_CASE("unit types are told when they are torn or mistyped") {
    for (const auto* const word : {"service", "s", "serv", "servcie", "Service", "service ", "timr", "services"}) {
        INFO(word);
        CHECK(resembles_unit_type(word));
    }
    for (const auto* const word : {"", "bak", "conf", "app", "2", "v1"}) {
        INFO(word);
        CHECK_FALSE(resembles_unit_type(word));
    }
}

TEST_CASE("sidekicks, templates and instances are told by their names") {
    CHECK(is_sidekick("foo-sidekick@2.service"));
    CHECK(is_sidekick("foo-sidekick.service"));
    CHECK_FALSE(is_sidekick("foo@2.service"));
    CHECK_FALSE(is_sidekick("sidekick@2.service"));

    CHECK(is_template("foo@.service"));
    CHECK(is_template("foo.bar@.timer"));
    CHECK_FALSE(is_template("foo@2.service"));
    CHECK_FALSE(is_template("foo.service"));
    CHECK_FALSE(is_template("foo@a@.service"));

    CHECK(instance_of("foo@2.service") == "2");
    CHECK(instance_of("foo-sidekick@10.service") == "10");
    CHECK(instance_of("foo@1.2.service") == "1.2");
    CHECK(instance_of("foo@a@b.service") == "a@b");
    CHECK(instance_of("foo@.service").empty());
    CHECK(instance_of("foo.service").empty());
}

TEST_CASE("an instance put into a template can be taken out again") {
    for (const auto* const instance : {"1", "10", "a-b", "1.2", "a@b"}) {
        const auto name = with_instance("foo-sidekick@.service", instance);
        CHECK(name == "foo-sidekick@" + std::string(instance) + ".service");
        CHECK(instance_of(name) == instance);
        CHECK(service_name(name) == "foo");
        CHECK(unit_name_problem(name) == std::nullopt);
        CHECK_FALSE(is_template(name));
    }
}

TEST_CASE("names sort by the value of their numbers", "[R21]") {
    const std::vector<std::string> sorted{"",
                                          "1.service",
                                          "a.service",
                                          "foo",
                                          "foo-sidekick@1.service",
                                          "foo-sidekick@2.service",
                                          "foo-sidekick@10.service",
                                          "foo.service",
                                          "foo2@1.service",
                                          "foo10@1.service",
                                          "foo@01.service",
                                          "foo@1.service",
                                          "foo@2.service",
                                          "foo@10.service",
                                          "foo@18446744073709551615.service",
                                          "foo@18446744073709551616.service",
                                          "foo@a.service",
                                          "foo\xc3\xa9.service"};
    auto shuffled = sorted;
    std::mt19937 random(3);
    for (int i = 0; i < 20; ++i) {
        std::shuffle(shuffled.begin(), shuffled.end(), random);
        std::sort(shuffled.begin(), shuffled.end(), numeric_less);
        CHECK(shuffled == sorted);
    }
}

TEST_CASE("numeric order is a strict total order") {
    std::mt19937 random(5);
    const std::string letters = "0012399a@-.:/\xff";
    std::vector<std::string> names(120);
    for (auto& name : names) {
        const auto length = std::uniform_int_distribution<std::size_t>(0, 6)(random);
        for (std::size_t i = 0; i < length; ++i) {
            name += letters[std::uniform_int_distribution<std::size_t>(0, letters.size() - 1)(random)];
        }
    }
    int wrong = 0;
    for (const auto& a : names) {
        for (const auto& b : names) {
            const int trues =
                static_cast<int>(numeric_less(a, b)) + static_cast<int>(numeric_less(b, a)) + static_cast<int>(a == b);
            if (trues != 1) ++wrong;
            if (!numeric_less(a, b)) continue;
            for (const auto& c : names) {
                if (numeric_less(b, c) && !numeric_less(a, c)) ++wrong;
            }
        }
    }
    CHECK(wrong == 0);
}
