#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace deployer {

// What the deployer keeps in the cache for each target.

inline constexpr std::string_view snapshot_document = "snapshot";  ///< the actual state as it was listed
inline constexpr std::string_view ledger_document = "ledger";      ///< what was attempted, and how that ended
inline constexpr std::string_view orders_document = "orders";      ///< what people asked for

/// The cache's key of a document. `identity` is the target's.
std::string document_key(std::string_view document, const std::string& identity);

/// Now, as documents have it for people: UTC, ISO 8601, with fractions of a second. Clocks are set, so nothing is
/// ordered by it.
std::string timestamp();

/// Whether a timestamp() is of the last `age`. One that is of the future or unreadable is not.
bool is_of_last(std::chrono::milliseconds age, const std::string& stamp);

/// A name that nothing else has, by which a document can mean a thing in another one.
std::string make_identity();

}  // namespace deployer
