#pragma once

#include "support/program.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer {

/// The socket of a service manager that receives a service's notifications (sd_notify(3)): a real datagram socket. To
/// be used by one thread.
class NotifySocket {
public:
    /// `address` is a path, or `@` and a name in the abstract namespace.
    explicit NotifySocket(std::string address) : address_(std::move(address)) {
        sockaddr_un socket{};
        socket.sun_family = AF_UNIX;
        std::memcpy(socket.sun_path, address_.data(), std::min(address_.size(), sizeof socket.sun_path - 1));
        const bool is_abstract = address_.front() == '@';
        if (is_abstract) socket.sun_path[0] = '\0';
        const auto size = offsetof(sockaddr_un, sun_path) + address_.size() + (is_abstract ? 0 : 1);
        descriptor_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&socket), static_cast<socklen_t>(size)) != 0) {
            throw std::runtime_error("cannot bind to " + address_);
        }
    }
    ~NotifySocket() { ::close(descriptor_); }
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;
    NotifySocket(NotifySocket&&) = delete;
    NotifySocket& operator=(NotifySocket&&) = delete;

    [[nodiscard]] const std::string& address() const { return address_; }

    /// All messages so far, in their order.
    [[nodiscard]] const std::vector<std::string>& messages() {
        while (take()) {
        }
        return messages_;
    }

    [[nodiscard]] std::ptrdiff_t count(std::string_view beginning) {
        const auto& all = messages();
        return std::count_if(all.begin(), all.end(), [&](const auto& one) { return one.starts_with(beginning); });
    }

    /// Waits until so many messages with this beginning have come.
    [[nodiscard]] bool hears(std::string_view beginning, std::ptrdiff_t times = 1) {
        return eventually([&] { return count(beginning) >= times; });
    }

private:
    bool take() {
        std::array<char, 4096> buffer{};
        const auto size = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size < 0) return false;
        messages_.emplace_back(buffer.data(), static_cast<std::size_t>(size));
        return true;
    }

    std::string address_;
    int descriptor_ = -1;
    std::vector<std::string> messages_;
};

}  // namespace deployer
