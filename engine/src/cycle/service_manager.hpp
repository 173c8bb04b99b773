#pragma once

#include <deployer/log.hpp>

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

namespace deployer {

/// Tells the service manager that started this program how the program is: systemd, for a unit of Type=notify, or
/// another manager with the same protocol (sd_notify(3), sd_watchdog_enabled(3)). Without a service manager, does
/// nothing. Any thread. Never throws: the first message that cannot be sent is logged as a warning, later ones are
/// dropped.
class ServiceManager {
public:
    /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no child process speaks in
    /// this program's name. No other thread may use the environment meanwhile. `log` must outlive the ServiceManager.
    explicit ServiceManager(Log& log);
    ~ServiceManager();
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;
    ServiceManager(ServiceManager&&) = delete;
    ServiceManager& operator=(ServiceManager&&) = delete;

    void ready() noexcept;
    /// A reload has begun. Lasts until ready() is called again.
    void reloading() noexcept;
    /// The program is stopping. Only the first call is passed on.
    void stopping() noexcept;
    /// The line that `systemctl status` shows to people.
    void status(std::string_view text) noexcept;

    /// With WatchdogSec=, the service manager ends a program that it has not heard of for that time. This starts a
    /// thread that tells it twice in that time that the program is alive, while `is_alive` returns true. The thread
    /// ends with this object.
    void keep_awake(std::function<bool()> is_alive);

private:
    void tell(std::string_view message) noexcept;
    void pet(const std::stop_token& stop, std::chrono::microseconds pause, const std::function<bool()>& is_alive);

    Log& log_;
    int socket_ = -1;      ///< -1: there is no service manager
    std::string address_;  ///< the value of NOTIFY_SOCKET
    std::optional<std::chrono::microseconds> patience_;
    std::once_flag told_stopping_;
    std::once_flag warned_;
    std::jthread petting_;
};

}  // namespace deployer
