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

/// Asks for a file of the wanted state. The location is either below the source's root ("services.yaml",
/// "units/foo@.service") or an absolute http(s) uri.
struct FileRequest {
    std::string location;
};

/// The answer to one request: the whole file, or an error instead. The error concerns this file alone, with two
/// exceptions: `cancelled`, and `unavailable` for a file below the root, end the cycle as if read() had thrown them.
struct File {
    std::string content;
    std::optional<Error> error;
};

/// The wanted state at one revision. The engine owns the checkout, destroys it before its Source, and uses it from one
/// thread at a time.
class Checkout {
public:
    virtual ~Checkout() = default;

    /// Names the wanted state that read() has returned so far; never empty. It may change with each read() and is final
    /// after the last one, so the engine calls revision() after read(). The reference is valid until the next call to
    /// this checkout. No I/O.
    [[nodiscard]] virtual const Revision& revision() const = 0;

    /// One File for each request, in the order of the requests, each exactly as it was at the final revision(). A file
    /// is complete or an error, never cut. Throws `unavailable` when the source cannot be reached, which ends the
    /// cycle; the failure of a single file is in its File. A location that leaves the root (`..`, an absolute path, a
    /// symbolic link out) gives a File with the error `rejected`.
    virtual std::vector<File> read(std::span<const FileRequest> requests, const Call& call) = 0;
};

/// Reads the wanted state. Construction does no I/O. The engine calls a source from one thread at a time.
class Source {
public:
    virtual ~Source() = default;

    /// The wanted state as it is now; null when its revision is still `known`. An empty `known` matches no revision, so
    /// the result is then never null. The engine calls this every cycle, so the call should cost little.
    virtual std::unique_ptr<Checkout> checkout(const Revision& known, const Call& call) = 0;

    /// Returns when the wanted state may have changed, at the call's deadline or at a stop request, whichever comes
    /// first; none of these is an Error. A return too early is harmless. The default waits for the deadline or the
    /// stop.
    virtual void wait_for_change(const Call& call) {
        while (call.wait(call.remaining())) {
        }
    }
};

}  // namespace deployer
