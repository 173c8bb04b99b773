#pragma once

#include "support/catch.hpp"
#include "support/fleet_double.hpp"
#include "support/fleet_target.hpp"
#include "support/test_call.hpp"

#include <deployer/unit_file.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace deployer::fleet_double_calls {

using Behaviour = FleetDouble::Behaviour;

/// Sends bytes to a server, closes the sending direction, and returns all that the server answers.
inline std::string exchange(std::uint16_t port, std::string_view bytes) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string answer;
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size())) {
        ::shutdown(socket, SHUT_WR);
        std::array<char, 4096> piece{};
        for (ssize_t count = 0; (count = ::recv(socket, piece.data(), piece.size(), 0)) > 0;) {
            answer.append(piece.data(), static_cast<std::size_t>(count));
        }
    }
    ::close(socket);
    return answer;
}

inline std::string put_raw(FleetDouble& fleet, const std::string& unit, const std::string& body,
                           const std::string& type = "application/json") {
    const auto answer = exchange(fleet.server().port(),
                                 "PUT /fleet/v1/units/" + unit + " HTTP/1.1\r\nHost: x\r\nContent-Type: " + type +
                                     "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    const auto head_end = answer.find("\r\n\r\n");
    REQUIRE(head_end != std::string::npos);
    return answer.substr(9, 3) + ' ' + answer.substr(head_end + 4);
}

/// Puts a unit into fleet by its API, without the plugin.
inline void put_unit(FleetDouble& fleet, const Unit& unit) {
    std::string options;
    for (const auto& option : unit.options) {
        options += options.empty() ? "" : ",";
        options += R"({"section":")" + option.section + R"(","name":")" + option.name + R"(","value":")" +
                   option.value + R"("})";
    }
    const auto state = std::string(to_string(unit.desired_state));
    const auto answer = put_raw(fleet, unit.name, R"({"desiredState":")" + state + R"(","options":[)" + options + "]}");
    REQUIRE(answer == "201 ");
}

inline void put_state(FleetDouble& fleet, const std::string& unit, const std::string& state) {
    REQUIRE(put_raw(fleet, unit, R"({"desiredState":")" + state + R"("})") == "204 ");
}

/// A sidekick of foo that follows the conventions of docs/SERVICES.md.
inline Unit sidekick_of_foo(int node, const std::string& command, const std::string& exec_stop) {
    auto unit = unit_running("foo-sidekick@" + std::to_string(node) + ".service", command);
    unit.options.push_back({"Service", "ExecStop", exec_stop});
    unit.options.push_back({"Unit", "BindsTo", "foo@%i.service"});
    unit.options.push_back({"Unit", "After", "foo@%i.service"});
    unit.options.push_back({"X-Fleet", "MachineOf", "foo@%i.service"});
    return unit;
}

}  // namespace deployer::fleet_double_calls
