#pragma once

#include <deployer/error.hpp>

#include <functional>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>

namespace deployer::conformance {

/// What ends a check: the plugin does not do what it has to.
class CheckFailed : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What ends a check: there is nothing to check it with.
class CheckSkipped : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

void expect(bool holds, const std::string& otherwise);

/// What `call` throws, as the engine would see it: what is no Error counts as `internal`.
std::optional<Error> error_of(const std::function<void()>& call);

/// `doing` names the call in the failure: "list()".
void expect_success(const std::string& doing, const std::function<void()>& call);

void expect_error(const std::string& doing, std::initializer_list<ErrorKind> kinds, const std::function<void()>& call);

/// As it is, or success.
void expect_success_or(const std::string& doing, std::initializer_list<ErrorKind> kinds,
                       const std::function<void()>& call);

}  // namespace deployer::conformance
