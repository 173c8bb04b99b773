#pragma once

#include "support/program.hpp"
#include "support/reserved_port.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_files.hpp"

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// A real nginx with TLS and HTTP/2 on loopback, as a child process that the destructor ends.
///     const TlsFiles tls;
///     const Nginx nginx(tls, "root " + files.path().string() + ";");
///     client.send({.url = nginx.url("/services.yaml")}, call);
class Nginx {
public:
    /// `server` is the content of the configuration's server block, without port and certificate.
    Nginx(const TlsFiles& tls, const std::string& server)
        : program_({"-e", path("error.log"), "-c", write_configuration(tls, server)}, "/usr/sbin/nginx") {
        if (!eventually([&] { return program_.ended() || port_.is_served(); }) || program_.ended()) {
            throw std::runtime_error("nginx does not start: " + program_.err());
        }
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_.number(); }

    /// "https://localhost:PORT" and the path.
    [[nodiscard]] std::string url(std::string_view path = "/") const {
        return "https://localhost:" + port_.text() + std::string(path);
    }

    /// An entry of the access log: a finished request.
    struct Served {
        int connection = 0;    ///< number of the connection
        std::string protocol;  ///< "HTTP/1.1", "HTTP/2.0"
        std::string status;
        std::string method;
        std::string target;
    };

    /// All entries of the access log, which may lag behind the answer by a moment.
    [[nodiscard]] std::vector<Served> served() const {
        std::vector<Served> all;
        std::istringstream log(dir_.exists("access.log") ? dir_.read("access.log") : std::string());
        for (Served one; log >> one.connection >> one.protocol >> one.status >> one.method >> one.target;) {
            all.push_back(one);
        }
        return all;
    }
    [[nodiscard]] bool wait_until_served(std::size_t count) const {
        return eventually([&] { return served().size() >= count; });
    }

private:
    [[nodiscard]] std::string path(const std::string& name) const { return dir_.path(name).string(); }

    [[nodiscard]] std::string write_configuration(const TlsFiles& tls, const std::string& server) const {
        std::ostringstream text;
        // A single process, so that killing it leaves no other behind.
        text << "daemon off;\nmaster_process off;\npid " << path("pid") << ";\nerror_log " << path("error.log")
             << ";\nevents {}\nhttp {\n"
             << "log_format test '$connection $server_protocol $status $request_method $request_uri';\n"
             << "access_log " << path("access.log") << " test;\n";
        for (const auto* temporary : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
            text << temporary << "_temp_path " << path(temporary) << ";\n";
        }
        text << "server {\nlisten 127.0.0.1:" << port_.text() << " ssl http2;\nssl_certificate "
             << tls.server_certificate().string() << ";\nssl_certificate_key " << tls.server_key().string() << ";\n"
             << server << "\n}\n}\n";
        return dir_.write("nginx.conf", text.str()).string();
    }

    TempDir dir_;
    ReservedPort port_;
    Program program_;
};

}  // namespace deployer
