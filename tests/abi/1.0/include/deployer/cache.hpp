#pragma once

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/export.hpp>
#include <optional>
#include <string>
#include <string_view>
namespace deployer {
class Cache {
public:
    virtual ~Cache() = default;
    virtual std::optional<std::string> load(std::string_view key, const Call& call) = 0;
    virtual void store(std::string_view key, std::string_view document, const Call& call) = 0;
    virtual void erase(std::string_view key, const Call& call) = 0;
    virtual void leave(std::string_view key, std::string_view document, const Call& call) {
        store(key, document, call);
    }
};
}  // namespace deployer
