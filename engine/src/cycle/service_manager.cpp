#include "cycle/service_manager.hpp"

#include <deployer/foreign_text.hpp>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

namespace deployer {
namespace {

/// The longest wait for a service manager that does not read its messages: it must not hold up the deployer.
constexpr timeval longest_send{1, 0};

/// The most bytes of a status that are sent: more than a line of a terminal shows.
constexpr std::size_t longest_status = 500;

std::string take_variable(const char* name) {
    const char* const value = std::getenv(name);
    std::string text = value == nullptr ? "" : value;
    ::unsetenv(name);
    return text;
}

std::optional<long long> number_in(const std::string& text) {
    long long number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_whole = result.ec == std::errc() && result.ptr == text.data() + text.size();
    return is_whole && number > 0 ? std::optional(number) : std::nullopt;
}

struct Address {
    sockaddr_un socket{};
    socklen_t size = 0;
};

/// The address for a path, or for a name in the abstract namespace after an `@` (unix(7)). Nullopt for other kinds, and
/// for a text that is too long.
std::optional<Address> read_address(const std::string& text) {
    Address address;
    if (text.size() < 2 || text.size() >= sizeof address.socket.sun_path) return std::nullopt;
    if (text.front() != '/' && text.front() != '@') return std::nullopt;
    address.socket.sun_family = AF_UNIX;
    std::memcpy(address.socket.sun_path, text.data(), text.size());
    if (text.front() == '@') address.socket.sun_path[0] = '\0';
    const auto is_path = text.front() == '/' ? 1U : 0U;
    address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() + is_path);
    return address;
}

}  // namespace

ServiceManager::ServiceManager(Log& log) : log_(log), address_(take_variable("NOTIFY_SOCKET")) {
    const auto patience = number_in(take_variable("WATCHDOG_USEC"));
    const auto whose = take_variable("WATCHDOG_PID");
    if (address_.empty()) return;
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ >= 0) ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &longest_send, sizeof longest_send);
    if (patience && (whose.empty() || number_in(whose) == ::getpid())) patience_ = std::chrono::microseconds(*patience);
}

ServiceManager::~ServiceManager() {
    petting_ = {};
    if (socket_ >= 0) ::close(socket_);
}

void ServiceManager::ready() noexcept {
    tell("READY=1");
}

void ServiceManager::reloading() noexcept {
    // From the time, systemd knows which reload order the message answers (Type=notify-reload).
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds));
}

void ServiceManager::stopping() noexcept {
    std::call_once(told_stopping_, [this] { tell("STOPPING=1\nSTATUS=stopping"); });
}

void ServiceManager::status(std::string_view text) noexcept {
    auto line = printable(text.substr(0, longest_status));
    if (text.size() > longest_status) line += "…";
    tell("STATUS=" + line);
}

void ServiceManager::keep_awake(std::function<bool()> is_alive) {
    if (socket_ < 0 || !patience_) return;
    petting_ = std::jthread([this, pause = *patience_ / 2, is_alive = std::move(is_alive)](
                                const std::stop_token& stop) { pet(stop, pause, is_alive); });
}

void ServiceManager::pet(const std::stop_token& stop, std::chrono::microseconds pause,
                         const std::function<bool()>& is_alive) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    bool was_alive = true;
    while (!stop.stop_requested()) {
        const bool alive = is_alive();
        if (alive) tell("WATCHDOG=1");
        if (was_alive && !alive) {
            log_.error(
                "the deployer hangs: for longer than allowed, it has neither called a plugin nor paused. So it no "
                "longer "
                "tells the service manager that it is alive, and the service manager will restart it");
        }
        was_alive = alive;
        never.wait_for(lock, stop, pause, [] { return false; });
    }
}

void ServiceManager::tell(std::string_view message) noexcept {
    if (address_.empty()) return;
    const auto address = read_address(address_);
    const bool is_sent = address && ::sendto(socket_, message.data(), message.size(), MSG_NOSIGNAL,
                                             reinterpret_cast<const sockaddr*>(&address->socket), address->size) >= 0;
    if (is_sent) return;
    const auto reason = address ? std::generic_category().message(errno) : "it is no Unix socket";
    try {
        std::call_once(warned_, [&] {
            log_.warning("cannot send messages to the service manager at " + quote(address_) + ": " + reason);
        });
    } catch (const std::exception&) {
        return;
    }
}

}  // namespace deployer
