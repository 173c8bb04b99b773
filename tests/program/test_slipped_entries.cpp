#include "support/catch.hpp"
#include "support/local_cluster.hpp"

#include <Poco/JSON/Object.h>

#include <string>
#include <vector>

using namespace deployer;

namespace {

using Names = std::vector<std::string>;

/// Deploys a and b; unlisted units may be destroyed.
void run_two_services(LocalCluster& cluster) {
    cluster.configure("", "  destroy: true\n");
    for (const auto* const name : {"a.service", "b.service"}) cluster.put_unit(name, "v1");
    cluster.declare("services:\n  - name: a.service\n  - name: b.service\n");
    REQUIRE(cluster.once().status == 0);
    REQUIRE(cluster.names() == Names{"a.service", "b.service"});
}

}  // namespace

TEST_CASE("an entry that slips out of the list is held, and validate says so", "[R17]") {
    LocalCluster cluster;
    run_two_services(cluster);
    const std::string lists[] = {
        "services:\n  - name: a.service\nold-services:\n  - name: b.service\n",
        "services:\n  - name: a.service\nname: b.service\n",
        "services:\n  - name: a.service\n    note: \"1.0\n  - name: b.service\n    note: 2.0\"\n",
        "services:\n  - name: a.service\n    note: |\n      - name: b.service\n",
        "services:\n  - name: a.service # first  - name: b.service\n",
        "services:\n  - name: a.service\n  - naem: b.service\n",
    };
    for (const auto& list : lists) {
        INFO(list);
        cluster.declare(list);
        CHECK(cluster.run("validate").status == 1);
        const auto ended = cluster.once();
        CHECK(ended.status == 7);
        CHECK(result_of(ended) == "held");
        CHECK(cluster.names() == Names{"a.service", "b.service"});
    }
    cluster.declare("services:\n  - name: a.service\n\uFEFF  - name: b.service\n");
    CHECK(cluster.run("validate").status == 1);
    CHECK(cluster.once().status == 1);
    CHECK(cluster.names() == Names{"a.service", "b.service"});
    // The comment sign removes the entry on purpose.
    cluster.declare("services:\n  - name: a.service\n#  - name: b.service\n");
    CHECK(cluster.run("validate").status == 0);
    CHECK(cluster.once().status == 0);
    CHECK(cluster.names() == Names{"a.service"});
}

TEST_CASE("plan, once and validate tell that a version has no effect", "[R12]") {
    LocalCluster cluster;
    cluster.put_unit("a.service", "v1");
    cluster.declare("services:\n  - name: a.service\n    version: v2\n");
    for (const auto* const command : {"validate", "plan", "once"}) {
        INFO(command);
        const auto ended = cluster.run(command, {"--output", "json"});
        CHECK(ended.status == 0);
        const auto warnings = ended.json()->getArray("warnings");
        REQUIRE(warnings->size() == 1);
        CHECK(warnings->getElement<std::string>(0).find("version \"v2\" of a.service has no effect") !=
              std::string::npos);
    }
    CHECK(cluster.run("validate").out.find("has no effect") != std::string::npos);
}
