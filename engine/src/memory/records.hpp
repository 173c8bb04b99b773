#pragma once

#include "host/calls.hpp"
#include "memory/ledger.hpp"
#include "memory/orders.hpp"

#include <deployer/cache.hpp>
#include <deployer/target.hpp>

#include <functional>
#include <map>
#include <set>
#include <string>

namespace deployer {

/// The documents that the cache has for a target, as commands show them.
struct Records {
    Ledger ledger;
    Orders orders;
    std::set<std::string, std::less<>> services{};  ///< services of the cached snapshot; empty without one
};

/// Each reads one document, or all. A document that is missing or damaged counts as empty. Asks the cache, and of the
/// target nothing but its identity. Throws as the cache does.
Ledger load_ledger(Cache& cache, const std::string& identity, const Calls& calls);
Orders load_orders(Cache& cache, const std::string& identity, const Calls& calls);
Records load_records(Cache& cache, const Target& target, const Calls& calls);

/// Changes the orders for the deployer that uses the cache, and makes sure that no other command that writes orders at
/// the same moment undoes the change. `change` may be called several times; applied to its own result it must change
/// nothing. Throws as the cache does; Error `unavailable` when other commands never cease to write orders.
void change_orders(const std::function<void(Orders&)>& change, Cache& cache, const Target& target, const Calls& calls);

/// The entries for Orders::retries that have a quarantined service tried again, or with "" all quarantined services.
/// Throws Error `not_found` when the service is not quarantined, naming those that are, or when none is.
std::map<std::string, std::string, std::less<>> retries_for(const Records& records, const std::string& service);

/// The text of `status`: revisions, and services and units that are quarantined, paused or not ready.
std::string write_status(const Records& records, bool json);

/// The text of `history`: how past cycles ended, the latest first.
std::string write_history(const Ledger& ledger, bool json);

}  // namespace deployer
