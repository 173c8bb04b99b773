#pragma once

#include <deployer/cache.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// A cache in memory that records each call as "load KEY", "store KEY", "erase KEY", without the digest in the key. A
/// test can intercept any call through `before`. To be called from one thread at a time, as the contract says.
class FakeCache : public Cache {
public:
    std::function<void(const std::string& call)> before = [](const std::string&) {};
    std::map<std::string, std::string> documents;
    std::vector<std::string> calls;

    std::optional<std::string> load(std::string_view key, const Call& /*call*/) override {
        begin("load", key);
        const auto found = documents.find(std::string(key));
        return found == documents.end() ? std::nullopt : std::optional(found->second);
    }
    void store(std::string_view key, std::string_view document, const Call& /*call*/) override {
        begin("store", key);
        documents[std::string(key)] = document;
    }
    void erase(std::string_view key, const Call& /*call*/) override {
        begin("erase", key);
        documents.erase(std::string(key));
    }

    /// Whether the cache holds a document of that kind ("snapshot", "ledger").
    [[nodiscard]] bool has(const std::string& kind) const {
        const auto next = documents.lower_bound(kind);
        return next != documents.end() && next->first.rfind(kind, 0) == 0;
    }

private:
    void begin(const std::string& what, std::string_view key) {
        const auto call = what + ' ' + std::string(key.substr(0, key.find('-')));
        before(call);
        calls.push_back(call);
    }
};

}  // namespace deployer
