#include "conformance/fault_port.hpp"

#include <deployer/error.hpp>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

namespace deployer::conformance {
namespace {

constexpr std::string_view nonsense = "\x15\x03\x01 this is no protocol\r\n\r\n";
constexpr std::string_view cut = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";

void require(bool done) {
    if (!done) {
        throw Error(ErrorKind::unavailable,
                    "cannot open a port of 127.0.0.1: " + std::generic_category().message(errno));
    }
}

/// Answers a client after its request has arrived. A client whose server hangs up before the request could take the
/// server for absent.
void answer(int client, std::string_view text) {
    pollfd asked{client, POLLIN, 0};
    char question[4096];
    if (::poll(&asked, 1, 1'000) > 0) (void)::recv(client, question, sizeof question, 0);
    (void)::send(client, text.data(), text.size(), MSG_NOSIGNAL);
    ::shutdown(client, SHUT_WR);
    ::close(client);
}

}  // namespace

FaultPort::FaultPort(Fault fault) : fault_(fault), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    require(socket_ >= 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    require(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    require(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    number_ = ntohs(address.sin_port);
    if (fault == Fault::refuses) return;
    require(::listen(socket_, 64) == 0);
    if (fault != Fault::silent) server_ = std::thread([this] { serve(); });
}

FaultPort::~FaultPort() {
    is_over_ = true;
    if (server_.joinable()) server_.join();
    if (socket_ >= 0) ::close(socket_);
}

void FaultPort::serve() const {
    while (!is_over_) {
        pollfd waiting{socket_, POLLIN, 0};
        if (::poll(&waiting, 1, 20) <= 0) continue;
        const int client = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client >= 0) answer(client, fault_ == Fault::cut ? cut : nonsense);
    }
}

}  // namespace deployer::conformance
