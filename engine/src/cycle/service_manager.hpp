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

/// The service manager that started this program and wants to be told how it is: systemd, for a unit of Type=notify, or
/// whoever speaks its protocol (sd_notify(3), sd_watchdog_enabled(3)). Without one, telling does nothing.
/// Any thread may tell. Nothing of it throws: a message that cannot be sent costs a warning, once.
class ServiceManager {
public:
    /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no program that this one
    /// starts speaks in its name: no other thread may use the environment meanwhile. `log` must outlive it.
    explicit ServiceManager(Log& log);
    ~ServiceManager();
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;
    ServiceManager(ServiceManager&&) = delete;
    ServiceManager& operator=(ServiceManager&&) = delete;

    void ready() noexcept;
    /// Until ready() is told again.
    void reloading() noexcept;
    /// Told once, however often it is called.
    void stopping() noexcept;
    /// For people, one line, which `systemctl status` shows.
    void status(std::string_view text) noexcept;

    /// Where the manager ends what it has not heard of for a time (WatchdogSec=), tells it twice in that time that the
    /// program is alive, on a thread of its own: as long as `is_alive` says so. Until this object ends.
    void keep_awake(std::function<bool()> is_alive);

private:
    void tell(std::string_view message) noexcept;
    void pet(const std::stop_token& stop, std::chrono::microseconds pause, const std::function<bool()>& is_alive);

    Log& log_;
    int socket_ = -1;      ///< -1: nobody wants to be told
    std::string address_;  ///< as NOTIFY_SOCKET has it
    std::optional<std::chrono::microseconds> patience_;
    std::once_flag told_stopping_;
    std::once_flag warned_;
    std::jthread petting_;
};

}  // namespace deployer
