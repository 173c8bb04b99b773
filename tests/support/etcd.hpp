#pragma once

#include "support/program.hpp"
#include "support/reserved_port.hpp"
#include "support/temp_dir.hpp"
#include "support/test_call.hpp"

#include <http_client.hpp>

#include <stdexcept>
#include <string>

namespace deployer {

/// A real etcd with its v2 keys API on loopback, as a child process that the destructor ends.
class Etcd {
public:
    Etcd()
        : program_({"--enable-v2", "--data-dir", dir_.path("data").string(), "--listen-client-urls", url(),
                    "--advertise-client-urls", url(), "--listen-peer-urls", peer_url(), "--initial-advertise-peer-urls",
                    peer_url(), "--initial-cluster", "default=" + peer_url()},
                   "/usr/bin/etcd") {
        if (!eventually([&] { return program_.ended() || answers(); }) || program_.ended()) {
            throw std::runtime_error("etcd does not start: " + program_.err());
        }
    }

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + port_.text(); }

    /// `key` begins with "/".
    void put(const std::string& key, const std::string& value) const {
        ask({.method = "PUT",
             .url = url() + "/v2/keys" + key,
             .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
             .body = "value=" + value});
    }
    void erase(const std::string& key) const { ask({.method = "DELETE", .url = url() + "/v2/keys" + key}); }

private:
    [[nodiscard]] std::string peer_url() const { return "http://127.0.0.1:" + peer_port_.text(); }

    [[nodiscard]] bool answers() const {
        if (!port_.is_served()) return false;
        try {
            return client().send({.url = url() + "/health"}, TestCall()).status == 200;
        } catch (const Error&) {
            return false;
        }
    }

    void ask(const http::Request& request) const {
        const auto answer = client().send(request, TestCall());
        if (answer.status / 100 != 2) throw std::runtime_error("etcd: " + answer.body);
    }

    static http::Client client() {
        http::ClientOptions options;
        options.allow_http = true;
        return http::Client(options);
    }

    TempDir dir_;
    ReservedPort port_;
    ReservedPort peer_port_;
    Program program_;
};

}  // namespace deployer
