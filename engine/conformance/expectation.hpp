#pragma once

#include <deployer/error.hpp>

#include <functional>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>

namespace deployer::conformance {

/// Ends a check that failed: the plugin does not do what it has to.
class CheckFailed : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Ends a check that cannot be made, since a setting for it is missing.
class CheckSkipped : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

void expect(bool holds, const std::string& otherwise);

/// The error that `call` throws, as the engine would see it: an exception that is no Error counts as `internal`.
std::optional<Error> error_of(const std::function<void()>& call);

/// `doing` names the call in the failure: "list()".
void expect_success(const std::string& doing, const std::function<void()>& call);

void expect_error(const std::string& doing, std::initializer_list<ErrorKind> kinds, const std::function<void()>& call);

/// As it is, or success.
void expect_success_or(const std::string& doing, std::initializer_list<ErrorKind> kinds,
                       const std::function<void()>& call);

}  // namespace deployer::conformance
