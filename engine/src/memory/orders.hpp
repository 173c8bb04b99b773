#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace deployer {

struct Pause {
    std::string since;  ///< UTC, ISO 8601
    std::string reason;

    bool operator==(const Pause&) const = default;
};

/// Pauses and retries that people asked for. Orders are a document of their own in the cache. Commands write it and the
/// running deployer only reads it, so neither can lose what the other wrote.
struct Orders {
    std::map<std::string, Pause, std::less<>> paused;  ///< by service; "" is all services
    std::map<std::string, std::string, std::less<>>
        retries;  ///< by service: the Quarantine::id to end; a later quarantine stays

    bool operator==(const Orders&) const = default;
};

std::string write_orders(const Orders& orders);

/// Nullopt for a document that is not whole orders.
std::optional<Orders> read_orders(std::string_view document);

}  // namespace deployer
