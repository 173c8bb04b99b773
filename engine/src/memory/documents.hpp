#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace deployer {

// The documents that the deployer keeps in the cache for each target.

inline constexpr std::string_view snapshot_document = "snapshot";  ///< the actual state as it was listed
inline constexpr std::string_view ledger_document =
    "ledger";  ///< the revisions attempted and applied, rollouts, history
inline constexpr std::string_view orders_document = "orders";  ///< retries and pauses that people asked for

/// The cache key of a document. `identity` is the target's.
std::string document_key(std::string_view document, const std::string& identity);

/// The present time as documents show it to people: UTC, ISO 8601, with fractions of a second. Clocks are set back and
/// forth, so nothing may be ordered by a timestamp.
std::string timestamp();

/// Whether `stamp`, made by timestamp(), is younger than `age`. False for a time in the future and for unreadable text.
bool is_of_last(std::chrono::milliseconds age, const std::string& stamp);

/// A random, unique name. One document can use it to refer to a thing in another document.
std::string make_identity();

}  // namespace deployer
