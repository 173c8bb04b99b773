#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace deployer::conformance {

/// The ways in which the server of a plugin fails.
enum class Fault {
    refuses,   ///< no process listens
    silent,    ///< accepts connections and never answers
    nonsense,  ///< answers with bytes of no protocol, and hangs up
    cut,       ///< answers by HTTP with fewer bytes than announced, and hangs up
};

/// A port of 127.0.0.1 with such a server, which ends with the object.
class FaultPort {
public:
    explicit FaultPort(Fault fault);
    ~FaultPort();
    FaultPort(const FaultPort&) = delete;
    FaultPort& operator=(const FaultPort&) = delete;
    FaultPort(FaultPort&&) = delete;
    FaultPort& operator=(FaultPort&&) = delete;

    [[nodiscard]] std::uint16_t number() const noexcept { return number_; }

private:
    void serve() const;

    Fault fault_;
    int socket_ = -1;
    std::uint16_t number_ = 0;
    std::atomic<bool> is_over_{false};
    std::thread server_;
};

}  // namespace deployer::conformance
