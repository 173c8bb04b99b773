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

/// What the deployer has written down of a target, and people asked for.
struct Records {
    Ledger ledger;
    Orders orders;
    std::set<std::string, std::less<>> services{};  ///< of the last listing; empty when there is none at hand
};

/// What is not there, or not whole, counts as empty. Asks the cache alone. `identity` is the target's. Throws as the
/// cache.
Ledger load_ledger(Cache& cache, const std::string& identity, const Calls& calls);
Orders load_orders(Cache& cache, const std::string& identity, const Calls& calls);
Records load_records(Cache& cache, const Target& target, const Calls& calls);

/// Changes the orders that are left for the deployer that uses the cache, and makes sure that no other order given at
/// the same moment undoes that. `change` may be called several times, and the second time has to change nothing. Throws
/// as the cache; Error `unavailable` when others never cease to give orders.
void change_orders(const std::function<void(Orders&)>& change, Cache& cache, const Target& target, const Calls& calls);

/// What Orders::retries needs for a quarantined service to be tried again, or with "" for all of them. Throws Error
/// `not_found` when it is not quarantined, naming those that are, or when none is.
std::map<std::string, std::string, std::less<>> retries_for(const Records& records, const std::string& service);

/// How things stand: revisions, and what is quarantined, paused or not ready.
std::string write_status(const Records& records, bool json);

/// How cycles ended that did something, the latest first.
std::string write_history(const Ledger& ledger, bool json);

}  // namespace deployer
