#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace deployer::conformance {

/// How a server can be of no use.
enum class Fault {
    refuses,   ///< nobody listens
    silent,    ///< takes the connection and never answers
    nonsense,  ///< answers something that is no protocol, and hangs up
    cut,       ///< answers, by HTTP, less than it says it would, and hangs up
};

/// A port of 127.0.0.1 at which there is such a server, for as long as this lives.
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
