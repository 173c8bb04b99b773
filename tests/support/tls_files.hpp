#pragma once

#include "support/program.hpp"
#include "support/temp_dir.hpp"

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace deployer {

/// A certificate authority for tests and its certificates, made by the openssl program: a server's certificate for
/// `localhost` only, and a client's.
class TlsFiles {
public:
    TlsFiles() {
        dir_.write("openssl.cnf",
                   "[req]\ndistinguished_name = name\n[name]\n"
                   "[ca]\nbasicConstraints = critical, CA:TRUE\n"
                   "[server]\nsubjectAltName = DNS:localhost\n"
                   "[client]\nextendedKeyUsage = clientAuth\n");
        make("ca", {});
        make("server", {"-CA", ca().string(), "-CAkey", path("ca.key").string()});
        make("client", {"-CA", ca().string(), "-CAkey", path("ca.key").string()});
    }

    [[nodiscard]] std::filesystem::path ca() const { return path("ca.crt"); }
    [[nodiscard]] std::filesystem::path server_certificate() const { return path("server.crt"); }
    [[nodiscard]] std::filesystem::path server_key() const { return path("server.key"); }
    [[nodiscard]] std::filesystem::path client_certificate() const { return path("client.crt"); }
    [[nodiscard]] std::filesystem::path client_key() const { return path("client.key"); }

private:
    [[nodiscard]] std::filesystem::path path(const std::string& name) const { return dir_.path(name); }

    void make(const std::string& name, const std::vector<std::string>& more) const {
        std::vector<std::string> arguments{"req",
                                           "-x509",
                                           "-config",
                                           path("openssl.cnf").string(),
                                           "-days",
                                           "2",
                                           "-nodes",
                                           "-newkey",
                                           "ec",
                                           "-pkeyopt",
                                           "ec_paramgen_curve:P-256",
                                           "-subj",
                                           "/CN=deployer test " + name,
                                           "-extensions",
                                           name,
                                           "-keyout",
                                           path(name + ".key").string(),
                                           "-out",
                                           path(name + ".crt").string()};
        arguments.insert(arguments.end(), more.begin(), more.end());
        Program openssl(arguments, "/usr/bin/openssl");
        if (openssl.wait() != 0) throw std::runtime_error("openssl cannot make " + name + ".crt: " + openssl.err());
    }

    TempDir dir_;
};

}  // namespace deployer
