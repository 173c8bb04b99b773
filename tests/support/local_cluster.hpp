#pragma once

#include "support/program.hpp"
#include "support/temp_dir.hpp"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace deployer {

/// The files of a user of the local plugins: service files, a configuration, a simulated cluster, a cache.
class LocalCluster {
public:
    /// `more_target` and `reconcile` are lines of their blocks, each indented by two spaces and with its newline.
    explicit LocalCluster(std::string more_target = "",
                          std::string reconcile = "  destroy: true\n  rollout: {poll: 5ms}\n")
        : more_target_(std::move(more_target)), reconcile_(std::move(reconcile)) {
        configure();
    }

    void configure(const std::string& more_target, const std::string& reconcile) {
        more_target_ = more_target;
        reconcile_ = reconcile;
        configure();
    }
    /// Uses another target than the simulated cluster; `lines` are those of its block, as above.
    void use_target(std::string lines) {
        target_ = std::move(lines);
        configure();
    }
    /// Adds more blocks to the configuration, as whole lines.
    void use_blocks(std::string blocks) {
        blocks_ = std::move(blocks);
        configure();
    }

    void declare(const std::string& services) { dir_.write("source/services.yaml", services); }
    void put(const std::string& file, const std::string& content) { dir_.write("source/" + file, content); }
    void put_unit(const std::string& file, const std::string& command) {
        put(file, "[Unit]\nDescription=A test\n\n[Service]\nExecStart=/bin/sh -c '" + command + "'\n");
    }
    void remove(const std::string& file) { std::filesystem::remove(dir_.path() / "source" / file); }
    [[nodiscard]] std::filesystem::path source() const { return source_; }
    void use_source(std::filesystem::path path) {
        source_ = std::move(path);
        configure();
    }

    [[nodiscard]] std::string config() const { return (dir_.path() / "config.yaml").string(); }
    [[nodiscard]] const TempDir& dir() const { return dir_; }
    [[nodiscard]] std::filesystem::path state_file() const { return dir_.path() / "cluster.json"; }

    /// Runs a command with the configuration to its end.
    struct Ended {
        int status;
        std::string out;
        std::string err;
        [[nodiscard]] Poco::JSON::Object::Ptr json() const {
            return Poco::JSON::Parser().parse(out).extract<Poco::JSON::Object::Ptr>();
        }
    };
    [[nodiscard]] Ended run(const std::string& command, const std::vector<std::string>& more = {}) const {
        std::vector<std::string> arguments{command, "--config", config()};
        arguments.insert(arguments.end(), more.begin(), more.end());
        Program program(arguments);
        const auto status = program.wait();
        return {status, program.out(), program.err()};
    }
    [[nodiscard]] Ended once() const { return run("once", {"--output", "json"}); }

    /// The units of the state file by name, each as "HASH STATE".
    [[nodiscard]] std::map<std::string, std::string> units() const {
        std::map<std::string, std::string> units;
        if (!std::filesystem::exists(state_file())) return units;
        const auto root = Poco::JSON::Parser().parse(dir_.read("cluster.json")).extract<Poco::JSON::Object::Ptr>();
        const auto array = root->getArray("units");
        for (unsigned i = 0; i < array->size(); ++i) {
            const auto unit = array->getObject(i);
            units[unit->getValue<std::string>("name")] =
                unit->getValue<std::string>("hash") + ' ' + unit->getValue<std::string>("desiredState");
        }
        return units;
    }
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const auto& [name, unit] : units()) names.push_back(name);
        return names;
    }

private:
    void configure() {
        dir_.write("config.yaml", "source: {plugin: source-file, path: " + source_.string() +
                                      ", settle: 20ms}\n"
                                      "target:\n" +
                                      target_ + more_target_ +
                                      "cache: {plugin: cache-file, path: cache}\nreconcile:\n" + reconcile_ +
                                      quick_polls() + blocks_);
    }

    /// Short pauses, because the simulated cluster is faster than a real one.
    [[nodiscard]] std::string quick_polls() const {
        return reconcile_.find("rollout:") == std::string::npos ? "  rollout: {poll: 5ms}\n" : "";
    }

    TempDir dir_;
    std::filesystem::path source_ = "source";
    std::string target_ = "  plugin: target-mock\n  state_file: cluster.json\n";
    std::string more_target_;
    std::string reconcile_;
    std::string blocks_;
};

/// The units that a JSON report of `once` changed, as "ACTION UNIT STATUS".
inline std::vector<std::string> changes_of(const LocalCluster::Ended& ended) {
    std::vector<std::string> changes;
    const auto array = ended.json()->getArray("changes");
    for (unsigned i = 0; i < array->size(); ++i) {
        const auto change = array->getObject(i);
        changes.push_back(change->getValue<std::string>("action") + ' ' + change->getValue<std::string>("unit") + ' ' +
                          change->getValue<std::string>("status"));
    }
    return changes;
}

inline std::string result_of(const LocalCluster::Ended& ended) {
    return ended.json()->getValue<std::string>("result");
}

}  // namespace deployer
