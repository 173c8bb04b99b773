#pragma once

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/export.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace deployer {

/// Keeps small documents between cycles and restarts. Any document may vanish at any time: the deployer is then slower,
/// never wrong; so a cache never returns a document it is not sure of. Keys are `[a-z0-9-]`, at most 64 bytes;
/// documents are opaque bytes. Construction does no I/O. Called from one thread at a time.
///
/// Every function may throw `cancelled` at stop, `unavailable` for what may pass (the deadline, a full disk: the cycle
/// ends and is tried again) and `misconfigured` for what a person has to change (another deployer uses the cache: the
/// deployer ends).
class Cache {
public:
    virtual ~Cache() = default;

    /// The document as it was last stored, or nullopt: absent, damaged or not readable (both said in the log), or
    /// someone else's.
    virtual std::optional<std::string> load(std::string_view key, const Call& call) = 0;

    /// Atomic and durable: after return it survives a power cut; before, load() gives the former document or this one.
    /// Throws `rejected` for a document that is too large for this cache; it then keeps the former one.
    virtual void store(std::string_view key, std::string_view document, const Call& call) = 0;

    /// Durable as store(). Success also when there was none.
    virtual void erase(std::string_view key, const Call& call) = 0;

    /// As store(), from beside the deployer that uses the cache, which has to find the document with load(). Whoever
    /// leaves a document keeps no other process from storing its own.
    virtual void leave(std::string_view key, std::string_view document, const Call& call) {
        store(key, document, call);
    }
};

}  // namespace deployer
