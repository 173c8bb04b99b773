#pragma once

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/export.hpp>
#include <deployer/revision.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace deployer {

/// A file that the wanted state is made of. Either below the source's root ("services.yaml", "units/foo@.service") or
/// an absolute http(s) uri.
struct FileRequest {
    std::string location;
};

/// The answer to one request: the whole file, or why there is none. An `error` concerns this file alone, whatever its
/// kind. But `cancelled`, and `unavailable` of a file below the root, end the cycle, as if read() had thrown them.
struct File {
    std::string content;
    std::optional<Error> error;
};

/// The wanted state at one revision. Lives until the engine drops it, before its Source; used by one thread at a time.
class Checkout {
public:
    virtual ~Checkout() = default;

    /// The name of what read() has given so far, never empty, and good until the next call; it may change with each
    /// read() and is final after the last one. The engine asks for it after read(). No I/O.
    [[nodiscard]] virtual const Revision& revision() const = 0;

    /// One File a request, in their order, each exactly as it was at the final revision(). A file is complete or an
    /// error, never cut. Throws `unavailable` when it cannot tell (transport), which ends the cycle; what is wrong with
    /// one file is in its File. A location that leaves the root (`..`, absolute path, symbolic link out) is `rejected`.
    virtual std::vector<File> read(std::span<const FileRequest> requests, const Call& call) = 0;
};

/// Where the wanted state comes from. Construction does no I/O. Called from one thread at a time.
class Source {
public:
    virtual ~Source() = default;

    /// The wanted state as it is now; null when it is still at `known` (which may be empty: then never null).
    /// Asking costs little: it happens every cycle.
    virtual std::unique_ptr<Checkout> checkout(const Revision& known, const Call& call) = 0;

    /// Returns when the wanted state may have moved, at the call's deadline, or at stop, whichever is first; never
    /// throws for those. Too early is harmless. The default just waits.
    virtual void wait_for_change(const Call& call) {
        while (call.wait(call.remaining())) {
        }
    }
};

}  // namespace deployer
