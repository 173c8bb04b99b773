#include "support/catch.hpp"
#include "support/local_cluster.hpp"
#include "support/shared_data.hpp"

#include <Poco/JSON/Object.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

using namespace deployer;

namespace {

std::size_t occurrences(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

}  // namespace

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
    // The snapshot is in the cache now, so the deployer does not call the target, which could not answer.
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
        REQUIRE(warnings->size() == 3);
        const std::string where = "services.yaml:107: document-store-api@.service is listed already on line 27";
        const auto is_it = [&](const Poco::Dynamic::Var& warning) { return warning.toString().starts_with(where); };
        CHECK(std::count_if(warnings->begin(), warnings->end(), is_it) == 1);

        const std::string unit = "[Service]\nEnvironment=DOCKER_APP_VERSION=latest\nExecStart=/bin/true\n";
        cluster.put("document-store-api@.service", unit);
        cluster.put("document-store-api-sidekick@.service", unit);
        const auto applied = cluster.once();
        INFO(applied.err);
        CHECK(applied.status == 3);
        CHECK(result_of(applied) == "degraded");  // all other service files are missing
        CHECK(cluster.names() ==
              std::vector<std::string>{"document-store-api-sidekick@1.service", "document-store-api-sidekick@2.service",
                                       "document-store-api@1.service", "document-store-api@2.service", "old.service"});
        const auto state = cluster.dir().read("cluster.json");
        CHECK(occurrences(state, "DOCKER_APP_VERSION=v29") == 2);
        CHECK(occurrences(state, "DOCKER_APP_VERSION=v31") == 0);
    }
    SECTION("count 0 on a plain name is one unit") {
        use("count-zero-on-plain-names.yaml");
        cluster.put_unit("mongodb-configurator.service", "configure");
        const auto ended = cluster.once();
        INFO(ended.err);
        CHECK(ended.status == 3);
        CHECK(result_of(ended) == "degraded");  // all other service files are missing
        CHECK(changes_of(ended) ==
              std::vector<std::string>{"create mongodb-configurator.service done", "destroy old.service skipped"});
        CHECK(cluster.names() == std::vector<std::string>{"mongodb-configurator.service", "old.service"});
    }
}
