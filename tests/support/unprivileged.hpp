#pragma once

#include <unistd.h>

#include <stdexcept>

namespace deployer {

/// During its lifetime, file permissions apply to this process even when root runs it, whom they would not stop. The
/// effective user is `nobody` or an unused one. To be used only while no other thread works.
class Unprivileged {
public:
    static constexpr uid_t nobody = 65534;

    explicit Unprivileged(uid_t user = nobody) : was_(::geteuid()) {
        if (was_ == 0 && ::seteuid(user) != 0) throw std::runtime_error("cannot give up root");
    }
    ~Unprivileged() {
        if (was_ == 0 && ::seteuid(0) != 0) ::_exit(70);
    }
    Unprivileged(const Unprivileged&) = delete;
    Unprivileged& operator=(const Unprivileged&) = delete;
    Unprivileged(Unprivileged&&) = delete;
    Unprivileged& operator=(Unprivileged&&) = delete;

private:
    uid_t was_;
};

}  // namespace deployer
