#include "support/catch.hpp"
#include "support/etcd.hpp"
#include "support/http_server.hpp"
#include "support/local_cluster.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace deployer;

namespace {

std::vector<std::string> paths_of(const HttpServer& server) {
    std::vector<std::string> paths;
    for (const auto& request : server.requests()) paths.push_back(request.path());
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    return paths;
}

}  // namespace

TEST_CASE("what etcd says of health urls counts instead of the configuration, from the next cycle on") {
    const Etcd etcd;
    HttpServer service(
        [](const HttpRequest&) { return HttpReply{.body = R"({"checks": [{"name": "a", "ok": true}]})"}; });
    LocalCluster cluster;
    cluster.use_blocks("health: {plugin: health-http, prefix: '" + service.url("") +
                       "', service_prefix: 'mine-'}\nsettings_from: {etcd: '" + etcd.url() +
                       "', prefix: /ft/config/deployer}\n");
    cluster.declare("services:\n- {name: foo@.service, count: 2, sequentialDeployment: true}\n");
    const auto roll_out = [&](const std::string& version) {
        service.forget();
        cluster.put_unit("foo@.service", version);
        const auto ended = cluster.once();
        INFO(ended.err);
        CHECK(ended.status == 0);
    };
    roll_out("v1");
    roll_out("v2");
    CHECK(paths_of(service) == std::vector<std::string>{"/mine-foo/__health"});

    etcd.put("/ft/config/deployer/health-endpoint", "status");
    etcd.put("/ft/config/deployer/service-name-prefix", "svc-");
    roll_out("v3");
    CHECK(paths_of(service) == std::vector<std::string>{"/svc-foo/status"});
}
