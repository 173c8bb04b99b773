#include "support/catch.hpp"
#include "support/local_cluster.hpp"
#include "support/shared_data.hpp"

#include <Poco/JSON/Object.h>

#include <filesystem>
#include <string>

using namespace deployer;

TEST_CASE("the service files of a production cluster deploy as its 373 units, then stay as they are", "[R14]") {
    const auto data = find_shared("up-service-files");
    if (!data) return;
    LocalCluster cluster;
    cluster.use_source(*data);
    const auto first = cluster.once();
    INFO(first.err);
    CHECK(first.status == 0);
    CHECK(changes_of(first).size() == 373);
    CHECK(cluster.units().size() == 373);
    const auto before = cluster.dir().read("cluster.json");
    CHECK(result_of(cluster.once()) == "in_sync");
    // Now the cache knows the cluster, so the cluster is not even asked: it could not answer.
    cluster.configure("  unavailable_every: 1\n", "  destroy: true\n");
    const auto third = cluster.once();
    INFO(third.err);
    CHECK(third.status == 0);
    CHECK(result_of(third) == "in_sync");
    CHECK(cluster.dir().read("cluster.json") == before);
}

TEST_CASE("real revisions of services.yaml that are broken, double or odd do what the rules say", "[R14][R15][R17]") {
    const auto data = find_shared("services-yaml");
    if (!data) return;
    LocalCluster cluster;
    cluster.put_unit("old.service", "stays");
    cluster.declare("services:\n- name: old.service\n");
    REQUIRE(cluster.once().status == 0);
    const auto use = [&](const std::string& name) {
        std::filesystem::copy_file(*data / name, cluster.dir().path() / "source/services.yaml",
                                   std::filesystem::copy_options::overwrite_existing);
    };
    SECTION("not valid YAML: the cycle ends with an error, nothing changes") {
        use("broken-missing-space.yaml");
        const auto ended = cluster.once();
        CHECK(ended.status == 1);
        CHECK(result_of(ended) == "failed");
        CHECK(ended.json()->getValue<std::string>("error").find("services.yaml:") != std::string::npos);
        CHECK(cluster.names() == std::vector<std::string>{"old.service"});
    }
    SECTION("an entry twice: a warning that names both lines, and the last one wins") {
        use("duplicate-entries.yaml");
        const auto ended = cluster.run("validate", {"--output", "json"});
        const auto warnings = ended.json()->getArray("warnings");
        REQUIRE(warnings->size() >= 1);
        CHECK(warnings->getElement<std::string>(0).find("line") != std::string::npos);
    }
    SECTION("count 0 on a plain name is one unit") {
        use("count-zero-on-plain-names.yaml");
        cluster.put_unit("mongodb-configurator.service", "configure");
        (void)cluster.once();
        CHECK(cluster.units().count("mongodb-configurator.service") == 1);
        CHECK(cluster.units().count("old.service") == 1);
    }
}
