#pragma once

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/export.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace deployer {

/// Keeps small documents between cycles and restarts. Any document may vanish at any time: the deployer is then slower,
/// but never wrong. A wrong document would make the deployer wrong, so a cache returns only documents that it has
/// verified. Keys are `[a-z0-9-]`, at most 64 bytes; documents are opaque bytes. Construction does no I/O. The engine
/// calls a cache from one thread at a time.
///
/// Every function may throw `cancelled` at stop, `unavailable` for a failure that may pass (the deadline, a full disk:
/// the engine ends the cycle and tries again) and `misconfigured` for a failure that a person has to end (another
/// deployer uses the cache: the deployer ends).
class Cache {
public:
    virtual ~Cache() = default;

    /// The document as it was last stored. Nullopt when the document is absent, damaged or not readable (the cache logs
    /// the last two), or belongs to another deployer.
    virtual std::optional<std::string> load(std::string_view key, const Call& call) = 0;

    /// Atomic and durable: after the return, the document survives a power cut; until then, load() gives the former
    /// document or this one. Throws `rejected` for a document that is too large for this cache; the cache then keeps
    /// the former document.
    virtual void store(std::string_view key, std::string_view document, const Call& call) = 0;

    /// As durable as store(). Succeeds also when there is no such document.
    virtual void erase(std::string_view key, const Call& call) = 0;

    /// As store(), but called by a command that runs beside the deployer that owns the cache. The running deployer must
    /// find the document with load(). This call must not lock out the running deployer or another command: each of
    /// them can still store its own documents.
    virtual void leave(std::string_view key, std::string_view document, const Call& call) {
        store(key, document, call);
    }
};

}  // namespace deployer
