#pragma once

#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/http_server.hpp"
#include "support/loaded_plugin.hpp"
#include "support/local_cluster.hpp"
#include "support/local_fleet.hpp"
#include "support/test_call.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace deployer {

using namespace std::chrono_literals;

using Names = std::vector<std::string>;
using Ended = LocalCluster::Ended;

inline const std::string impatient = "  rollout: {timeout: 300ms, poll: 10ms}\n";
inline const std::string patient = "  interval: 100ms\n  rollout: {timeout: 10m, poll: 20ms}\n";

inline std::string with_on_timeout(const std::string& what) {
    return "  rollout: {timeout: 300ms, poll: 10ms, on_timeout: " + what + "}\n";
}

/// A services.yaml in which the nodes of foo change node by node.
inline const std::string sequential_foo = "services:\n- {name: foo@.service, count: 3, sequentialDeployment: true}\n";

inline Versions foo_with(const std::string& first, const std::string& second, const std::string& third) {
    return {{"foo@1.service", first}, {"foo@2.service", second}, {"foo@3.service", third}};
}

/// The outcome of a service in the report; empty when the report does not list the service.
inline std::string outcome_of(const Ended& ended, const std::string& service) {
    const auto groups = ended.json()->getArray("groups");
    for (unsigned i = 0; i < groups->size(); ++i) {
        const auto group = groups->getObject(i);
        if (group->getValue<std::string>("service") == service) return group->getValue<std::string>("outcome");
    }
    return {};
}

inline std::string detail_of(const Ended& ended, const std::string& service) {
    const auto groups = ended.json()->getArray("groups");
    for (unsigned i = 0; i < groups->size(); ++i) {
        const auto group = groups->getObject(i);
        if (group->getValue<std::string>("service") == service) return group->optValue<std::string>("detail", "");
    }
    return {};
}

inline Poco::JSON::Array::Ptr array_in(const Ended& ended) {
    return Poco::JSON::Parser().parse(ended.out).extract<Poco::JSON::Array::Ptr>();
}

inline Program start(const LocalCluster& cluster, const std::string& command) {
    return Program({command, "--config", cluster.config(), "--output", "json"});
}

inline bool says_in_time(const Program& program, const std::string& text) {
    return eventually([&] { return program.err().find(text) != std::string::npos; });
}

/// A server that answers health checks at every url.
class HealthDouble {
public:
    explicit HealthDouble(std::function<bool(const HttpRequest&)> is_healthy)
        : server_([is_healthy = std::move(is_healthy)](const HttpRequest& request) {
              return HttpReply{.status = is_healthy(request) ? 200 : 503};
          }) {}

    /// The `health` block for the configuration.
    [[nodiscard]] std::string block(const std::string& path) const {
        return "health: {plugin: health-http, url: \"" + server_.url(path) + "\", format: status}\n";
    }
    [[nodiscard]] const HttpServer& server() const { return server_; }

private:
    HttpServer server_;
};

/// Health of a service that a single node of a bad version makes unhealthy.
inline bool has_no_bad_node(const LocalCluster& cluster) {
    const auto versions = versions_of(cluster);
    return std::none_of(versions.begin(), versions.end(),
                        [](const auto& unit) { return unit.second.starts_with("bad"); });
}

/// A cluster of target-mock or of fleet, in which one node of one version never comes up.
class Site {
public:
    Site(bool is_fleet, const std::string& reconcile) : is_fleet_(is_fleet), reconcile_(reconcile), fleet_(reconcile) {
        if (!is_fleet_) fleet_.local.use_target("  plugin: target-mock\n  state_file: cluster.json\n");
    }

    LocalCluster& local() { return fleet_.local; }
    [[nodiscard]] Versions versions() const { return is_fleet_ ? fleet_.versions() : versions_of(fleet_.local); }

    void break_node(const std::string& unit, const std::string& version) {
        broken_ = unit;
        if (is_fleet_) {
            fleet_.fleet.behave(unit, FleetDouble::Behaviour::hang, version);
        } else {
            // target-mock knows the broken node only by its name, so mend() has to be called for other versions.
            fleet_.local.configure("  never_ready: [\"" + unit + "\"]\n", reconcile_);
        }
    }
    void mend() { fleet_.local.configure("", reconcile_); }

    /// Runs `once`. With target-mock, starts the broken node by hand when it has its former version again.
    Ended once_with_help(const std::string& former) {
        auto program = start(local(), "once");
        const TestCall call;
        const auto hand = load_target("target-mock", "state_file: \"" + local().state_file().string() + "\"\n");
        bool was_changed = false;
        while (!program.ended()) {
            const auto now = is_fleet_ ? Versions() : versions();
            const auto node = now.find(broken_);
            const auto is = node == now.end() ? std::string() : node->second;
            was_changed = was_changed || !is.starts_with(former);
            if (was_changed && is == former + " down") {
                hand->set_desired_state(broken_, DesiredState::inactive, call);
                hand->set_desired_state(broken_, DesiredState::launched, call);
            }
            std::this_thread::sleep_for(2ms);
        }
        return {program.wait(), program.out(), program.err()};
    }

    /// A text that differs after each write to the cluster.
    [[nodiscard]] std::string writes() const {
        return is_fleet_ ? std::to_string(fleet_.fleet.writes().size()) : fleet_.local.dir().read("cluster.json");
    }

private:
    bool is_fleet_;
    std::string reconcile_;
    LocalFleet fleet_;
    std::string broken_;
};

/// Declares foo, whose nodes change node by node, and two other services.
inline void declare_three(LocalCluster& cluster, const std::string& foo, const std::string& others) {
    cluster.put_unit("foo@.service", foo);
    cluster.put_unit("plain@.service", others);
    cluster.put_unit("other@.service", others);
    cluster.declare(sequential_foo +
                    "- {name: plain@.service, count: 2}\n"
                    "- {name: other@.service, count: 2, sequentialDeployment: true}\n");
}

inline Versions with_others(Versions versions, const std::string& others) {
    for (const auto* unit : {"plain@1.service", "plain@2.service", "other@1.service", "other@2.service"}) {
        versions[unit] = others;
    }
    return versions;
}

/// Deploys v1 of foo to target-mock, and then v2, whose first node fails, so that the rollout halts.
inline void halt(LocalCluster& cluster) {
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    cluster.configure("  fail: [\"foo@1.service\"]\n", impatient);
    cluster.put_unit("foo@.service", "v2");
    const auto ended = cluster.once();
    INFO(ended.out << ended.err);
    REQUIRE(ended.status == 4);
}

}  // namespace deployer
