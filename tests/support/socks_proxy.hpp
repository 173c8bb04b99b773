#pragma once

#include "support/program.hpp"
#include "support/reserved_port.hpp"

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer {

/// A real SOCKS5 proxy (microsocks) on loopback, as a child process that the destructor ends.
class SocksProxy {
public:
    SocksProxy() : SocksProxy(std::vector<std::string>()) {}
    /// A proxy that requires user and password.
    SocksProxy(const std::string& user, const std::string& password)
        : SocksProxy(std::vector<std::string>{"-u", user, "-P", password}) {}

    [[nodiscard]] std::string address() const { return "127.0.0.1:" + port_.text(); }
    /// "socks5h://127.0.0.1:PORT": names are resolved by the proxy.
    [[nodiscard]] std::string url() const { return "socks5h://" + address(); }

    /// Whether the proxy has made a connection to "HOST:PORT", as the client wrote it.
    [[nodiscard]] bool has_connected_to(std::string_view where) const {
        return program_.err().find("connected to " + std::string(where) + "\n") != std::string::npos;
    }
    [[nodiscard]] std::string log() const { return program_.err(); }

private:
    explicit SocksProxy(std::vector<std::string> arguments)
        : program_(with_address(std::move(arguments)), "/usr/bin/microsocks") {
        if (!eventually([&] { return program_.ended() || port_.is_served(); }) || program_.ended()) {
            throw std::runtime_error("microsocks does not start: " + program_.err());
        }
    }
    [[nodiscard]] std::vector<std::string> with_address(std::vector<std::string> arguments) const {
        arguments.insert(arguments.end(), {"-i", "127.0.0.1", "-p", port_.text()});
        return arguments;
    }

    ReservedPort port_;
    Program program_;
};

}  // namespace deployer
