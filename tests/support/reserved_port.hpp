#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

namespace deployer {

/// Reserves a port of loopback, for a program that gets its port as an argument. During the object's lifetime the
/// system gives the port to nobody else, but the program can listen there, because like any server it sets
/// SO_REUSEADDR.
class ReservedPort {
public:
    ReservedPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const int yes = 1;
        ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        auto address = address_of(0);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(socket_, generic, size) != 0 || ::getsockname(socket_, generic, &size) != 0) {
            throw std::system_error(errno, std::generic_category(), "cannot reserve a port");
        }
        number_ = ntohs(address.sin_port);
    }
    ~ReservedPort() { ::close(socket_); }
    ReservedPort(const ReservedPort&) = delete;
    ReservedPort& operator=(const ReservedPort&) = delete;
    ReservedPort(ReservedPort&&) = delete;
    ReservedPort& operator=(ReservedPort&&) = delete;

    [[nodiscard]] std::uint16_t number() const noexcept { return number_; }
    [[nodiscard]] std::string text() const { return std::to_string(number_); }

    /// Whether somebody listens there.
    [[nodiscard]] bool is_served() const {
        const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const auto address = address_of(number_);
        const bool served = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        ::close(probe);
        return served;
    }

private:
    static sockaddr_in address_of(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address;
    }

    int socket_;
    std::uint16_t number_ = 0;
};

}  // namespace deployer
