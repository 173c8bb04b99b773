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

/// What people asked of the deployer beside the wanted state. A document of its own in the cache, which commands write
/// and the deployer only reads: neither can lose what the other wrote.
struct Orders {
    std::map<std::string, Pause, std::less<>> paused;  ///< by service; "" is all services
    std::map<std::string, std::string, std::less<>>
        retries;  ///< by service, the Quarantine::id that is to end: a later one is not meant

    bool operator==(const Orders&) const = default;
};

std::string write_orders(const Orders& orders);

/// Nullopt for anything but whole orders.
std::optional<Orders> read_orders(std::string_view document);

}  // namespace deployer
